// Draws a form from the server's last answer.

import { closest, parts, put } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { accordionTitle } from '../shared/gradio.js';
import { t } from '../shared/i18n.js';
import { fieldLabel, listed } from '../shared/labels.js';
import { drawNote } from './field-notes.js';
import { foldedFields, styleFields } from './field-styles.js';
import { form } from './form-store.js';
import { brief, drawHints } from './hints.js';
import { drawPayBar } from './pay-button.js';

/** @import { AnsweredForm, FormRecord } from '../shared/types.d.ts' */

/** @param {FormRecord} record */
function drawForm(record) {
  if (!record.answer) return;
  const one = /** @type {AnsweredForm} */ (record);
  styleFields();
  const root = document.getElementById(`form-${one.id}`);
  if (!root) return;
  for (const node of parts(root, '[data-note]')) drawNote(one, node);
  for (const node of parts(root, '[data-hints]')) drawHints(one, node);
  for (const node of parts(root, '[data-pay]')) drawPayBar(one, node);
  nameFoldedPart(one);
  readSliders(one.id);
  root.dataset.ready = 'true';
}

on('form', drawForm);

/**
 * The folded part names what is inside, or what was changed in it.
 *
 * @param {AnsweredForm} one
 */
function nameFoldedPart({ id, answer }) {
  const changed = Object.entries(answer.changed);
  const names = changed.length
    ? changed.map(([name, value]) => `${fieldLabel(id, name).toLowerCase()} ${brief(name, value)}`)
    : foldedFields(answer).map(name => fieldLabel(id, name).toLowerCase());
  put(accordionTitle(`adv-${id}`), t('form.advanced', { inside: listed(names) }));
}

/**
 * The place left of an optional slider's lowest value reads "auto".
 *
 * @param {string} id of the form
 */
export function readSliders(id) {
  const autos = form(id).answer?.autos ?? {};
  const root = document.getElementById(`form-${id}`);
  for (const range of parts(root, '.ks-slide input[type=range]')) {
    const { value } = /** @type {HTMLInputElement} */ (range);
    const name = closest(range, '.ks-fld')?.id.split('-').slice(2).join('-') ?? '';
    const auto = name in autos && Number(value) <= autos[name];
    const text = auto ? t('form.automatic') : value;
    range.setAttribute('aria-valuetext', text);
    const block = closest(range, '.ks-slide');
    if (block && block.dataset.reads !== text) block.dataset.reads = text;
  }
}
