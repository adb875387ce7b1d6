// Words that were typed and that the studio has not answered to yet. Gradio keeps a draft only while its server is
// there, and reloads the page when the server comes back.

const KEY = 'studio.typed';

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}');
  } catch {
    return {};
  }
}

function write(all) {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch { /* a private window forgets */ }
}

/** Keeps what a text box of a form holds now. */
export function keep(id, box) {
  const name = box.closest?.('.ks-fld')?.querySelector('textarea') === box && box.closest('[id^="f-"]')?.id.slice(`f-${id}-`.length);
  if (!name) return;
  const all = read();
  (all[id] ??= {})[name] = box.value;
  write(all);
}

/** The studio has answered: what it was told of is in its draft. */
export function heard(id, params) {
  const all = read(), mine = all[id];
  if (!mine) return;
  for (const [name, words] of Object.entries(mine)) if ((params[name] ?? '') === words) delete mine[name];
  if (!Object.keys(mine).length) delete all[id];
  write(all);
}

/** What was left unheard when the page went, by form; told once. */
export function left() {
  const all = read();
  write({});
  return Object.entries(all);
}
