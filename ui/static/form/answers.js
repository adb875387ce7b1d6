// What the server answers about a form: a quote, the end of a purchase, or that it has looked at a file.

import { form, redraw } from './form-store.js';
import { priceChanged, updateForm } from './price.js';
import * as purchase from './purchase.js';
import * as unsentInput from './unsent-input.js';
import { end, isUpdating, latestQuestion } from './updates.js';
import * as uploads from './uploads.js';

/** @import { AnsweredForm, FileAnswer, FormAnswer, FormRecord, Quote } from '../shared/types.d.ts' */

/**
 * Takes an answer of the server and shows it; an older one than shown is not shown.
 *
 * @param {FormAnswer | null} answer
 */
export function receive(answer) {
  if (!answer?.capability) return;
  const one = form(answer.capability);
  for (const name of answer.cleared ?? []) delete one.wrong[name];
  Object.assign(one.wrong, answer.wrong);
  if (answer.kind === 'file') fileLookedAt(one, answer);
  else if (answer.kind === 'sent') purchase.answered(one, answer);
  else quoted(one, answer);
}

/** @param {FormRecord} one @param {FileAnswer} answer */
function fileLookedAt(one, { slot }) {
  priceChanged(one); // its price follows
  if (slot && !uploads.arrived(one.id, slot)) showFile(one.id, slot); // given up or emptied meanwhile
  redraw(one);
}

/** @param {FormRecord} one @param {Quote} answer */
function quoted(one, answer) {
  const asked = answer.asked ?? 0;
  const newer = !one.answer || asked >= (one.answer.asked ?? 0);
  if (newer) one.answer = answer;
  if (answer.update) {
    end(one.id, answer.update); // the next one may be made of this answer
    // A change by hand came in between: what it asked knew nothing of the update, nor the update of it.
    if (latestQuestion(one.id) > asked && !isUpdating(one.id)) updateForm(one.id, { params: {} });
  }
  if (!newer) return;
  unsentInput.answered(one.id, answer.params);
  if (answer.lost) one.lost = answer.lost;
  purchase.quoted(/** @type {AnsweredForm} */ (one));
  redraw(one);
}

/**
 * A field shows the file that the form holds, and no other.
 *
 * @param {string} id
 * @param {string} slot
 */
export const showFile = (id, slot) => updateForm(id, { params: {}, show: slot });
