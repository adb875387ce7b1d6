// What is known of each capability's form. Gradio holds the values; the last answer is all that is drawn.

import { emit } from '../shared/events.js';

/** @import { AnsweredForm, FormRecord, Params } from '../shared/types.d.ts' */

/** @type {Map<string, FormRecord>} */
const forms = new Map();

/**
 * @param {string} id of the capability
 * @returns {FormRecord}
 */
export function form(id) {
  const known = forms.get(id) ?? { id, answer: null, phase: 'ready', wrong: {} };
  forms.set(id, known);
  return known;
}

export const answeredForms = () =>
  /** @type {AnsweredForm[]} */ ([...forms.values()].filter(one => one.answer));

/**
 * The values of the last answer.
 *
 * @param {string} id
 * @returns {Params}
 */
export const params = id => form(id).answer?.params ?? {};

/**
 * The capability of the form that an element stands in; empty outside of one.
 *
 * @param {EventTarget | null} element
 */
export const formOf = element =>
  element instanceof Element ? (element.closest('.ks-form')?.id.replace('form-', '') ?? '') : '';

/** The capability whose form is seen; empty where none is. */
export const currentForm = () => {
  const all = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.ks-form'));
  return formOf([...all].find(node => node.offsetParent) ?? null);
};

/** @param {FormRecord} one */
export const redraw = one => emit('form', one);
