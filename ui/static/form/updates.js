// Changes of a form that are handed to the server, which knows the widgets. One after another, because
// Gradio keeps only the newest of the events that wait.

import { inputBox, typeInto } from '../shared/gradio.js';

/** @import { Change } from '../shared/types.d.ts' */

/** @typedef {{change: Change, number: number, told: ((answered: boolean) => void)[], timer?: ReturnType<typeof setTimeout>}} Update */

const TIMEOUT = 20_000; // ms without an answer until the next one goes; a failure ends it at once
/** @type {Map<string, Update[]>} capability → its updates, the first of them under way */
const queues = new Map();
let count = 0;
/** @type {Map<string, number>} capability → the number of its latest question */
const questions = new Map();

/** @param {string} id */
export const latestQuestion = id => questions.get(id) ?? 0;

/**
 * Numbers a question about a form, also the one that an update is: an answer to an older one is not shown.
 *
 * @param {string} id
 */
export function numberQuestion(id) {
  questions.set(id, latestQuestion(id) + 1);
  return latestQuestion(id);
}

/** @param {string} id */
function queueOf(id) {
  const queue = queues.get(id) ?? [];
  queues.set(id, queue);
  return queue;
}

/** @param {Change} change */
const onlyParams = change =>
  typeof change !== 'function' && !change.what && !change.show ? change.params : undefined;

/** @param {Change} a @param {Change} b */
function sameFields(a, b) {
  const [one, other] = [onlyParams(a), onlyParams(b)];
  return one && other && String(Object.keys(one)) === String(Object.keys(other));
}

/**
 * Types into an unseen box of Gradio's; false while the page has none.
 *
 * @param {string} id of the component
 * @param {string} text
 */
export function type(id, text) {
  const box = inputBox(id);
  if (box) typeInto(box, text);
  return Boolean(box);
}

/** @param {string} id */
export const isUpdating = id => queueOf(id).length > 0;

/**
 * Hands over a change, or a function that makes it of what the form holds by then; tells whether it was answered.
 *
 * @param {string} id
 * @param {Change} change
 * @returns {Promise<boolean>}
 */
export function hand(id, change) {
  return new Promise(resolve => {
    const queue = queueOf(id);
    const last = queue.at(-1);
    // It waits, and a newer value takes its place.
    if (last && queue.length > 1 && sameFields(last.change, change)) {
      last.change = change;
      last.told.push(resolve);
      return;
    }
    count += 1;
    queue.push({ change, number: count, told: [resolve] });
    if (queue.length === 1) next(id);
  });
}

/** @param {string} id */
function next(id) {
  const [one] = queueOf(id);
  if (!one) return;
  one.timer = setTimeout(() => end(id, one.number, false), TIMEOUT);
  const change = typeof one.change === 'function' ? one.change() : one.change;
  const numbers = { number: one.number, asked: numberQuestion(id) };
  const sent = type(`update-${id}`, JSON.stringify({ ...change, ...numbers }));
  if (!sent) end(id, one.number, false);
}

/**
 * Gradio could not run the update under way.
 *
 * @param {string} id
 */
export function fail(id) {
  const [one] = queueOf(id);
  if (one) end(id, one.number, false);
}

/**
 * The form has answered an update, or will not.
 *
 * @param {string} id
 * @param {number} number
 * @param {boolean} [answered]
 */
export function end(id, number, answered = true) {
  const queue = queueOf(id);
  if (queue[0]?.number !== number) return;
  const [one] = queue.splice(0, 1);
  clearTimeout(one.timer);
  for (const tell of one.told) tell(answered);
  next(id);
}
