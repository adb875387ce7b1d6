// Files under way: from when they are dropped until the studio has looked at them, or did not get them.

const LOOK = 100; // ms between looks at a field that gets a file
const BEGIN = 1000; // ms in which Gradio has begun to send, or has refused the file by itself
const CHECK = 15_000; // ms in which the studio has looked at what it got
const fields = new Map(); // capability → fields that get a file

const fieldsOf = id => fields.get(id) ?? fields.set(id, new Set()).get(id);

export const isUploading = id => fieldsOf(id).size > 0;

const isRefused = field => Boolean(field.querySelector('[data-testid=status-tracker] .error'));

/** Follows a field that was given a file; `done` is told whether the studio has looked at it. */
export function follow(id, field, done) {
  const under = fieldsOf(id);
  if (under.has(field)) return;
  under.add(field);
  let last = Date.now() + BEGIN - CHECK, old = isRefused(field);
  const look = () => { if (field.querySelector('.uploading')) last = Date.now(); };
  const changes = new MutationObserver(look); // a small file is sent between two looks
  changes.observe(field, { childList: true, subtree: true });
  const timer = setInterval(() => {
    look();
    old &&= isRefused(field); // a refusal of the file before it
    if (under.has(field) && Date.now() - last < CHECK && (old || !isRefused(field))) return;
    clearInterval(timer);
    changes.disconnect();
    done(!under.delete(field));
  }, LOOK);
}

/** The studio has looked at the file of a field. */
export const arrived = (id, slot) => fieldsOf(id).delete(document.getElementById(`f-${id}-${slot}`));

/** Calls `fn` with each field that is given a file, by hand or by a drop. */
export function listen(fn) {
  const given = (event, files) => {
    const field = event.target.closest?.('.ks-drop');
    if (field && files?.length) fn(field);
  };
  document.addEventListener('input', event => event.target.type === 'file' && given(event, event.target.files), true);
  document.addEventListener('drop', event => given(event, event.dataTransfer?.files), true);
}
