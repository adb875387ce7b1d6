// What is prepared before a request: islands inside the forms. Each is drawn from the form's last
// answer, so that a draft, a used setting and a click all lead to the same picture.

import { form, formOf } from '../form/form-store.js';
import { on } from '../shared/events.js';
import { drawFaces } from './face-picker.js';
import { drawPoints } from './points.js';
import { drawReferences } from './prompt-references.js';
import { follow, manifestOf } from './session.js';
import { drawVideoPicker } from './video-picker.js';
import { drawLength, drawVoice } from './voice-picker.js';

/** @import { AnsweredForm, FormRecord, Island } from '../shared/types.d.ts' */

/** @type {Record<string, Island['draw']>} by data-island: ui/form/widgets.py */
const KINDS = {
  references: drawReferences,
  length: drawLength,
  voice: drawVoice,
  'video-picker': drawVideoPicker,
  session: drawSession,
};
/** @type {Set<Island>} */
const mounted = new Set();

/**
 * What is chosen between calls has the shape of the fields that hold it.
 *
 * @param {Island} island
 * @param {AnsweredForm} one
 */
function drawSession(island, one) {
  follow(island.id);
  const { widgets } = manifestOf(island.id);
  if ('points' in widgets) drawPoints(island, one);
  else if ('face_id' in widgets) drawFaces(island, one);
}

/**
 * @param {FormRecord} one
 * @returns {one is AnsweredForm}
 */
const hasAnswer = one => one.answer !== null;

/**
 * Gradio may draw an island before or after this file has loaded; both ways end here, once.
 *
 * @param {Element | null} element
 */
function mount(element) {
  const root = element?.matches('[data-island]')
    ? element
    : element?.querySelector('[data-island]');
  const id = formOf(root ?? null);
  if (!(root instanceof HTMLElement) || !id || root.dataset.mounted) return;
  root.dataset.mounted = 'true';
  const { island: kind = '', field = '' } = root.dataset;
  const island = { root, id, field, draw: KINDS[kind] };
  mounted.add(island);
  const one = form(id);
  if (hasAnswer(one)) island.draw(island, one);
}

on('form', one => {
  for (const island of mounted) {
    if (!island.root.isConnected) mounted.delete(island);
    else if (island.id === one.id && hasAnswer(one)) island.draw(island, one);
  }
});

window.studioPrepare = { mount };
for (const node of document.querySelectorAll('[data-island]')) mount(node);
