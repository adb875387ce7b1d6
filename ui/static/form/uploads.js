// Files under way: from when they are dropped until the studio has looked at them, or did not get them.

import { closest } from '../shared/dom.js';
import { hasError, isSending } from '../shared/gradio.js';

const LOOK = 100; // ms between looks at a field that gets a file
const BEGIN = 1000; // ms in which Gradio has begun to send, or has refused the file by itself
const CHECK = 15_000; // ms in which the studio has looked at what it got

/** `old`: the error in the field is of the file before it.
 * @typedef {{again: boolean, sent: boolean, last: number, old: boolean}} Upload */

/** @type {Map<string, Map<Element, Upload>>} capability → its fields that get a file */
const fields = new Map();

/** @param {string} id */
function uploadsOf(id) {
  const known = fields.get(id) ?? new Map();
  fields.set(id, known);
  return known;
}

/** @param {string} id @param {string} slot */
const fieldOf = (id, slot) => /** @type {Element} */ (document.getElementById(`f-${id}-${slot}`));

/** @param {string} id */
export const isUploading = id => uploadsOf(id).size > 0;

/**
 * Follows a field that was given a file; `done` is told whether the studio has looked at it, and whether it was sent.
 *
 * @param {string} id
 * @param {Element} field
 * @param {(came: boolean, sent: boolean) => void} done
 */
export function follow(id, field, done) {
  const under = uploadsOf(id);
  const known = under.get(field);
  if (known) {
    known.again = true;
    return;
  }
  const old = hasError(field);
  const one = { again: false, sent: false, last: Date.now() + BEGIN - CHECK, old };
  under.set(field, one);
  const look = () => {
    if (isSending(field)) Object.assign(one, { sent: true, last: Date.now() });
  };
  const changes = new MutationObserver(look); // a small file is sent between two looks
  changes.observe(field, { childList: true, subtree: true });
  const timer = setInterval(() => {
    look();
    one.old &&= hasError(field);
    const waits = under.get(field) === one;
    if (waits && Date.now() - one.last < CHECK && (one.old || !hasError(field))) return;
    clearInterval(timer);
    changes.disconnect();
    if (waits) under.delete(field);
    done(!waits, one.sent);
  }, LOOK);
}

/**
 * The studio has looked at a file of a field; false if none was awaited.
 *
 * @param {string} id
 * @param {string} slot
 */
export function arrived(id, slot) {
  const field = fieldOf(id, slot);
  const one = uploadsOf(id).get(field);
  if (!one) return false;
  if (one.again) Object.assign(one, { again: false, last: Date.now() });
  else uploadsOf(id).delete(field);
  return true;
}

/**
 * Gradio could not ask the studio to look.
 *
 * @param {string} id
 * @param {string} slot
 */
export function lose(id, slot) {
  const one = uploadsOf(id).get(fieldOf(id, slot));
  if (one) one.last = 0;
}

/**
 * A field was emptied: nothing is awaited for it.
 *
 * @param {string} id
 * @param {string} slot
 */
export const forget = (id, slot) => uploadsOf(id).delete(fieldOf(id, slot));

/**
 * Calls `fn` with each field that is given a file, by hand or by a drop.
 *
 * @param {(field: HTMLElement) => void} fn
 */
export function listen(fn) {
  /** @param {Event} event @param {FileList | null | undefined} files */
  const given = (event, files) => {
    const field = closest(event.target, '.ks-drop');
    if (field && files?.length) fn(field);
  };
  /** @param {Event} event */
  const chosen = ({ target }) => (target instanceof HTMLInputElement ? target.files : null);
  document.addEventListener('input', event => given(event, chosen(event)), true);
  document.addEventListener('drop', event => given(event, event.dataTransfer?.files), true);
}
