// Which capability's form is shown, and the ways to another one.

import { moveFocus } from '../shared/dom.js';
import { emit } from '../shared/events.js';
import { tabsBeside } from '../shared/gradio.js';
import { readKey, writeKey } from '../shared/storage.js';
import { currentForm, form, redraw } from './form-store.js';
import { type } from './updates.js';

const LAST = 'studio.capability';
let begun = false; // Gradio also tells of the tab it opens by itself, before ours is restored
let shown = '';

/** The capability that was opened last on this page; empty before the first. */
export const shownCapability = () => shown;

/**
 * Opens a section of the page.
 *
 * @param {string} name
 */
export const openSection = name => type('go', JSON.stringify({ section: name, at: Date.now() }));

/**
 * Opens a capability, and with it its section.
 *
 * @param {string} id
 */
export const openCapability = id => type('go', JSON.stringify({ capability: id, at: Date.now() }));

/**
 * Called by Gradio when a capability is chosen.
 *
 * @param {string} id
 */
export function opened(id) {
  if (!begun) return;
  writeKey(LAST, id);
  shown = id;
  emit('capability', id);
  requestAnimationFrame(() => redraw(form(id)));
}

/** A group was opened: its own last capability is now the one. */
export const switched = () =>
  requestAnimationFrame(() => {
    const id = currentForm();
    if (id) opened(id);
  });

/** The capability of the last visit. */
export const last = () => readKey(LAST) ?? '';

/** The page has loaded, and every form is as it was left. */
export function begin() {
  begun = true;
  switched();
}

/**
 * A form was drawn; a group's form is drawn after its tab was pressed.
 *
 * @param {string} id
 */
export function drawn(id) {
  if (begun && id === currentForm() && id !== last()) opened(id);
}

/**
 * Gradio's tabs have no arrow keys.
 *
 * @param {KeyboardEvent} event
 */
export function moveAlongTabs(event) {
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  const tab = /** @type {HTMLElement} */ (event.target);
  moveFocus(event, tabsBeside(tab), steps, tab)?.click();
}
