// Words that were typed and that the studio has not answered to yet. Gradio keeps a draft only while its server is
// there, and reloads the page when the server comes back.

import { closest } from '../shared/dom.js';
import { textBoxBeside } from '../shared/gradio.js';
import { readKey, writeKey } from '../shared/storage.js';

/** @import { Params } from '../shared/types.d.ts' */

const KEY = 'studio.typed'; // the name that a page of an older studio wrote under, just before it was replaced

/** @returns {Record<string, Record<string, string>>} by form and field */
function read() {
  try {
    return JSON.parse(readKey(KEY) ?? '{}');
  } catch {
    return {};
  }
}

/** @param {Record<string, Record<string, string>>} all */
const write = all => writeKey(KEY, JSON.stringify(all));

/**
 * Keeps what a text box of a form holds now.
 *
 * @param {string} id
 * @param {EventTarget | null} box
 */
export function keep(id, box) {
  if (!(box instanceof HTMLTextAreaElement) || textBoxBeside(box) !== box) return;
  const name = closest(box, '[id^="f-"]')?.id.slice(`f-${id}-`.length);
  if (!name) return;
  const all = read();
  all[id] ??= {};
  all[id][name] = box.value;
  write(all);
}

/**
 * The studio has answered: what it was told of is in its draft.
 *
 * @param {string} id
 * @param {Params} params
 */
export function answered(id, params) {
  const all = read();
  const mine = all[id];
  if (!mine) return;
  for (const [name, words] of Object.entries(mine)) {
    if ((params[name] ?? '') === words) delete mine[name];
  }
  if (!Object.keys(mine).length) delete all[id];
  write(all);
}

/** What was left unsent when the page went, by form; told once. */
export function left() {
  const all = read();
  write({});
  return Object.entries(all);
}
