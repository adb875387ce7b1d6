// The price of a form: whether the one that is shown is still right, and that it is asked for again when lost.

import { feed } from '../jobs/job-feed.js';
import { form, redraw } from './form-store.js';
import { hand, isUpdating } from './updates.js';
import { isUploading } from './uploads.js';

/** @import { AnsweredForm, Change, FormRecord, Phase } from '../shared/types.d.ts' */

const SLOW = 140; // ms before a price that is asked for gives way to a dash
const MOST_WAIT = 5; // how often the time until the price is asked for again doubles
export const TIMEOUT = 8000; // ms without an answer until the button says so, or the price is asked once more

/** Nothing can be bought while the studio does not answer. */
export const isAway = () => !feed.online;

/**
 * Sets what a form's button stands for, and for how long.
 *
 * @param {FormRecord} one
 * @param {Phase} phase
 * @param {number} [ms]
 * @param {Phase} [next]
 */
export function setPhase(one, phase, ms, next = 'ready') {
  clearTimeout(one.timer);
  one.phase = phase;
  if (!ms) return;
  one.timer = setTimeout(() => {
    setPhase(one, next);
    redraw(one);
  }, ms);
}

/**
 * A field changed: the price shown is not the price any more.
 *
 * @param {FormRecord} one
 */
export function priceChanged(one) {
  if (one.phase !== 'sending') setPhase(one, 'ready');
  one.pending = true;
  one.lost = [];
  clearTimeout(one.slow);
  one.slow = setTimeout(() => {
    if (!one.pending) return;
    one.dash = true;
    redraw(one);
  }, SLOW);
  clearTimeout(one.late);
  if (one.answer) one.late = setTimeout(() => askAgain(one), TIMEOUT * 2 ** (one.asked ?? 0));
}

/**
 * The price was lost on its way.
 *
 * @param {FormRecord} one
 */
function askAgain(one) {
  if (!one.pending || isUploading(one.id)) return;
  one.asked = Math.min((one.asked ?? 0) + 1, MOST_WAIT);
  if (isAway()) priceChanged(one);
  else updateForm(one.id, { params: {} });
}

/**
 * Changes the form, as if by hand; tells whether the form has answered.
 *
 * @param {string} id
 * @param {Change} change
 */
export function updateForm(id, change) {
  priceChanged(form(id));
  return hand(id, change);
}

/**
 * Remembers a click that came before the price.
 *
 * @param {FormRecord} one
 * @param {number | null | undefined} price that the click saw
 */
export function wishFor(one, price) {
  one.wish = { price, at: Date.now() };
}

/**
 * The price came. Tells whether a click that waited for it is to be honoured: if the price it saw was right, and
 * only at once.
 *
 * @param {AnsweredForm} one
 */
export function priceCame(one) {
  clearTimeout(one.slow);
  clearTimeout(one.late);
  one.pending = false;
  one.dash = false;
  one.price = one.answer.price;
  one.asked = 0;
  if (!one.wish || isUpdating(one.id)) return false;
  const { price, at } = one.wish;
  delete one.wish;
  return price === one.price && Date.now() - at < TIMEOUT;
}
