// What the scripts know of Gradio's own DOM; nothing else may name its classes and test ids. The styles' side of it
// is gradio.css. After a new release of Gradio this file and that one are to be read again.

import { closest } from './dom.js';

/** @import { Slot } from './types.d.ts' */

/**
 * Types into one of Gradio's boxes, by hand as it were: Gradio puts its own setter on the element and listens to
 * the event, so the setter of the class has to be used.
 *
 * @param {HTMLTextAreaElement | HTMLInputElement} box
 * @param {string} text
 */
export function typeInto(box, text) {
  const proto = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(proto.prototype, 'value')?.set?.call(box, text);
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

/**
 * The box of a hidden input; null while the page has none.
 *
 * @param {string} id
 * @returns {HTMLTextAreaElement | HTMLInputElement | null}
 */
export const inputBox = id => document.querySelector(`#${id} textarea, #${id} input`);

/**
 * Gradio's text box hears of its input on `keypress` only: not when a word is pasted, deleted, or comes from an
 * input method. This makes one for those too.
 *
 * @param {EventTarget | null} box
 */
export function pressKeyFor(box) {
  if (box instanceof Element && box.matches('[data-testid=textbox]')) {
    box.dispatchEvent(new KeyboardEvent('keypress', { key: 'Unidentified', bubbles: true }));
  }
}

/**
 * The text box of the field that an element stands in; a field of ours holds one at most.
 *
 * @param {Element} element
 * @returns {HTMLTextAreaElement | null}
 */
export const textBoxBeside = element =>
  element.closest('.ks-fld')?.querySelector('textarea') ?? null;

/**
 * Whether Gradio refused the last file of a field by itself.
 *
 * @param {Element} field
 */
export const hasError = field =>
  Boolean(field.querySelector('[data-testid=status-tracker] .error'));

/** @param {Element} field */
export const isSending = field => Boolean(field.querySelector('.uploading'));

/**
 * The file input that is seen in one of some places, if one is still empty.
 *
 * @param {Slot[]} slots
 * @returns {HTMLInputElement | null}
 */
export function emptyFileInput(slots) {
  const selector = slots.flatMap(({ id, name }) => [
    `#s-${id}-${name}`,
    `[id^="s-${id}-${name}__"]`,
    `#g-${id}-${name}`,
  ]);
  const places = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll(selector.join(','))
  );
  for (const place of places) {
    // With a file in it, a place has a picture and no input.
    const input = place.offsetParent && place.querySelector('input[type=file]');
    if (input) return /** @type {HTMLInputElement} */ (input);
  }
  return null;
}

/**
 * The text node of a folded part's title: Gradio draws it from the label, and a new label would draw it anew.
 *
 * @param {string} id of the part
 * @returns {Text | null}
 */
export function accordionTitle(id) {
  const title = document.querySelector(`#${id} .label-wrap > span`)?.firstChild;
  return title instanceof Text ? title : null;
}

/**
 * The tabs that stand beside one, those behind Gradio's overflow menu left out.
 *
 * @param {EventTarget | null} tab
 * @returns {HTMLElement[]}
 */
export function tabsBeside(tab) {
  const all = closest(tab, '[role=tablist]')?.querySelectorAll('[role=tab]') ?? [];
  return /** @type {HTMLElement[]} */ ([...all]).filter(one => one.offsetParent);
}

/**
 * A selector of style for each choice of a radio.
 *
 * @param {string} id of the component
 */
export const choice = id => `#${id} label:has(input)`;

/**
 * A selector of style for the box around a radio's choices; the status tracker has the same class, and a test id.
 *
 * @param {string} id of the component
 */
export const choices = id => `#${id} .wrap:not([data-testid])`;
