// A click on the pay button: what it asks before money is spent, and that one click is one purchase.

import { poll } from '../jobs/job-feed.js';
import { redraw } from './form-store.js';
import {
  isAway,
  priceCame,
  priceChanged,
  setPhase,
  TIMEOUT,
  updateForm,
  wishFor,
} from './price.js';
import { isUpdating } from './updates.js';
import { isUploading } from './uploads.js';

/** @import { AnsweredForm, FormRecord, Quote, SendAnswer } from '../shared/types.d.ts' */

const SENT = 1200; // ms the button says that a take is queued
const TWICE = 10_000; // ms in which an equal form asks again

/**
 * @param {FormRecord} one
 * @returns {one is AnsweredForm}
 */
const hasAnswer = one => one.answer !== null;

/**
 * The price came: a click that waited for it goes.
 *
 * @param {AnsweredForm} one
 */
export function quoted(one) {
  if (priceCame(one)) queueMicrotask(() => press(one));
}

/** @param {FormRecord} one */
export function press(one) {
  if (!hasAnswer(one) || isAway() || one.phase === 'sending' || isUploading(one.id)) return;
  if (one.pending || isUpdating(one.id)) waitForPrice(one);
  // Nobody knows whether it was bought: sent again it is the same purchase, so there is nothing to ask about.
  else if (doubts(one).has(one.answer.key)) send(one);
  else if (one.answer.state === 'blocked') showObstacle(one);
  else if (one.answer.state === 'short') buyFewer(one);
  else if (asksFirst(one)) redraw(one);
  else send(one);
}

/** @param {AnsweredForm} one */
function waitForPrice(one) {
  priceChanged(one); // if the answer it waits for is lost, the price is asked for again
  wishFor(one, one.price);
  one.dash = true;
  redraw(one);
}

/**
 * Whether this press only asks: an equal purchase within seconds, or a large one.
 *
 * @param {AnsweredForm} one
 */
function asksFirst(one) {
  const { sent, answer } = one;
  const equal = sent && sent.key === answer.key && Date.now() - sent.at < TWICE;
  if (one.phase === 'sent' || (equal && one.phase !== 'twice')) setPhase(one, 'twice', TWICE);
  else if (answer.ask && !['ask', 'twice'].includes(one.phase)) setPhase(one, 'ask', TWICE);
  else return false;
  return true;
}

/** @param {AnsweredForm} one */
function buyFewer({ id, answer: { afford } }) {
  if (afford && afford >= 1) updateForm(id, { params: { variant_count: afford } });
}

/**
 * A blocked button leads to what blocks it.
 *
 * @param {AnsweredForm} one
 */
function showObstacle({ id, answer }) {
  const name = answer.missing[0] ?? Object.keys(answer.errors)[0];
  const group = document.getElementById(`g-${id}-${name}`);
  const focusable = 'textarea:not([disabled]), input:not([type=file]), button';
  group?.scrollIntoView({ block: 'nearest' });
  /** @type {HTMLElement | null | undefined} */ (group?.querySelector(focusable))?.focus();
}

/**
 * Clicks that were sent and not answered yet, by what they would buy; each keeps its id until it is.
 * `times`: how often one was sent.
 *
 * @param {FormRecord} one
 */
function doubts(one) {
  one.doubts ??= new Map();
  return one.doubts;
}

const fresh = () => crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();

/** @param {AnsweredForm} one */
function send(one) {
  const { key, price } = one.answer;
  const doubt = doubts(one).get(key) ?? { id: fresh(), times: 0 };
  doubt.times += 1;
  doubts(one).set(key, doubt);
  one.click = doubt.id;
  one.seen = { key, price };
  delete one.wish;
  setPhase(one, 'sending', TIMEOUT, 'unsure');
  redraw(one);
  document.getElementById(`send-${one.id}`)?.click();
}

/**
 * What goes with a purchase: its id, and what the button stood for when it was pressed.
 *
 * @param {FormRecord} one
 */
export const clickOf = one => ({ id: one.click, key: one.seen?.key });

/**
 * @param {FormRecord} one
 * @param {SendAnswer} answer
 */
export function answered(one, answer) {
  const moved = answer.state === 'moved'; // not what the button stood for, so nothing was bought by this
  const [key, doubt] = [...doubts(one)].find(([, each]) => each.id === answer.click) ?? [];
  const open = moved && doubt !== undefined && doubt.times > 1; // but perhaps by the one before it
  if (key !== undefined && !open) doubts(one).delete(key);
  if (answer.click !== one.click) {
    poll(); // of a click before this one, whose answer was given up
    return;
  }
  if (moved) {
    setPhase(one, 'ready');
    updateForm(one.id, { params: {} });
    if (!open) wishFor(one, one.seen?.price);
    return;
  }
  if (answer.state === 'sent') {
    one.sent = { key: answer.key, take: answer.take ?? '', at: Date.now() };
    setPhase(one, 'sent', SENT);
    poll();
  } else {
    setPhase(one, 'ready');
    one.answer = /** @type {Quote} */ ({ ...one.answer, ...answer, kind: 'quote' });
  }
  redraw(one);
}
