// The forms in the browser: listens to what a person does, and is the door for Gradio's handlers (window.studioForm).

import { pressKeyFor } from '../shared/gradio.js';
import { t } from '../shared/i18n.js';
import { receive, showFile } from './answers.js';
import { readSliders } from './draw.js';
import { fillFromJob } from './fill.js';
import { currentForm, form, formOf, redraw } from './form-store.js';
import * as navigation from './navigation.js';
import { priceChanged, updateForm } from './price.js';
import { clickOf, press } from './purchase.js';
import * as unsentInput from './unsent-input.js';
import { fail, numberQuestion } from './updates.js';
import * as uploads from './uploads.js';

/** @typedef {typeof door} StudioForm */

/**
 * Gradio may draw a part of a form before or after this file has loaded; both ways end here.
 *
 * @param {Element | null} element
 */
function mount(element) {
  const id = formOf(element);
  if (!id) return;
  requestAnimationFrame(() => {
    redraw(form(id));
    navigation.drawn(id);
  });
}

/** The page has loaded: every form is as it was left. */
function begin() {
  navigation.begin();
  for (const [id, params] of unsentInput.left()) updateForm(id, { params });
}

/**
 * Nothing is bought without a file that is under way.
 *
 * @param {HTMLElement} field
 */
function upload(field) {
  const id = formOf(field);
  const slot = field.id.slice(`f-${id}-`.length);
  if (!id) return;
  uploads.follow(id, field, (came, sent) => {
    if (came) return redraw(form(id));
    if (sent) form(id).wrong[slot.split('__')[0]] = t('form.file_lost');
    return showFile(id, slot);
  });
  redraw(form(id));
}

/**
 * Called by Gradio when a field is emptied.
 *
 * @param {string} id
 * @param {string} slot
 */
function emptied(id, slot) {
  uploads.forget(id, slot);
  delete form(id).wrong[slot.split('__')[0]];
  priceChanged(form(id));
  redraw(form(id));
}

/** @param {Event} event */
function input({ target }) {
  const id = formOf(target);
  queueMicrotask(() => pressKeyFor(target));
  if (!id) return;
  delete form(id).wish; // it was for what stood there before
  priceChanged(form(id));
  unsentInput.keep(id, target);
  readSliders(id);
}

/** @param {KeyboardEvent} event */
function keydown(event) {
  const id = currentForm();
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && id) {
    event.preventDefault();
    press(form(id));
  } else if (event.target instanceof Element && event.target.matches('[role=tab]')) {
    navigation.moveAlongTabs(event);
  }
}

/** Words that a style sheet shows: what an empty drop says. */
function setStyleWords() {
  const { style } = document.documentElement;
  /** @param {string} text */
  const css = text => JSON.stringify(text).replaceAll('\\n', '\\a ');
  for (const kind of ['image', 'video', 'audio']) {
    style.setProperty(`--ks-drop-${kind}`, css(t(`drop.${kind}`)));
  }
}

const door = {
  receive,
  mount,
  begin,
  fail,
  emptied,
  lose: uploads.lose,
  opened: navigation.opened,
  switched: navigation.switched,
  last: navigation.last,
  openSection: navigation.openSection,
  openCapability: navigation.openCapability,
  update: updateForm,
  fill: fillFromJob,
  /** @param {string} id */
  click: id => JSON.stringify(clickOf(form(id))),
  /** @param {string} id */
  question: id => JSON.stringify({ asked: numberQuestion(id) }),
  /**
   * What a form's widgets hold, by name.
   *
   * @param {string[]} names
   * @param {unknown[]} values
   */
  draft: (names, values) => Object.fromEntries(names.map((name, at) => [name, values[at]])),
};
window.studioForm = door;
uploads.listen(upload);
document.addEventListener('input', input, true);
document.addEventListener('keydown', keydown);
setStyleWords();
for (const node of document.querySelectorAll('.ks-form')) mount(node.firstElementChild);
