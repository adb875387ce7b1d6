// Files under way: from when they are dropped until the studio has looked at them, or did not get them.

const LOOK = 100; // ms between looks at a field that gets a file
const BEGIN = 1000; // ms in which Gradio has begun to send, or has refused the file by itself
const CHECK = 15_000; // ms in which the studio has looked at what it got
const fields = new Map(); // capability → its fields that get a file, with what is known of that

const fieldsOf = id => fields.get(id) ?? fields.set(id, new Map()).get(id);
const at = (id, slot) => document.getElementById(`f-${id}-${slot}`);
const isRefused = field => Boolean(field.querySelector('[data-testid=status-tracker] .error'));

export const isUploading = id => fieldsOf(id).size > 0;

/** Follows a field that was given a file; `done` is told whether the studio has looked at it, and whether it was sent. */
export function follow(id, field, done) {
  const under = fieldsOf(id), known = under.get(field);
  if (known) {
    known.again = true;
    return;
  }
  const one = { again: false, sent: false, last: Date.now() + BEGIN - CHECK, old: isRefused(field) };
  under.set(field, one);
  const look = () => { if (field.querySelector('.uploading')) Object.assign(one, { sent: true, last: Date.now() }); };
  const changes = new MutationObserver(look); // a small file is sent between two looks
  changes.observe(field, { childList: true, subtree: true });
  const timer = setInterval(() => {
    look();
    one.old &&= isRefused(field); // a refusal of the file before it
    const waits = under.get(field) === one;
    if (waits && Date.now() - one.last < CHECK && (one.old || !isRefused(field))) return;
    clearInterval(timer);
    changes.disconnect();
    if (waits) under.delete(field);
    done(!waits, one.sent);
  }, LOOK);
}

/** The studio has looked at a file of a field; false if none was awaited. */
export function arrived(id, slot) {
  const field = at(id, slot), one = fieldsOf(id).get(field);
  if (!one) return false;
  if (one.again) Object.assign(one, { again: false, last: Date.now() });
  else fieldsOf(id).delete(field);
  return true;
}

/** Gradio could not ask the studio to look. */
export const lose = (id, slot) => Object.assign(fieldsOf(id).get(at(id, slot)) ?? {}, { last: 0 });

/** A field was emptied: nothing is awaited for it. */
export const forget = (id, slot) => fieldsOf(id).delete(at(id, slot));

/** Calls `fn` with each field that is given a file, by hand or by a drop. */
export function listen(fn) {
  const given = (event, files) => {
    const field = event.target.closest?.('.ks-drop');
    if (field && files?.length) fn(field);
  };
  document.addEventListener('input', event => event.target.type === 'file' && given(event, event.target.files), true);
  document.addEventListener('drop', event => given(event, event.dataTransfer?.files), true);
}
