// What is hidden and which values show is a style sheet: it holds whenever Gradio draws a field anew.

import { put } from '../shared/dom.js';
import { choice, choices } from '../shared/gradio.js';
import { answeredForms } from './form-store.js';

/** @import { AnsweredForm, FieldState, Quote } from '../shared/types.d.ts' */

const HALF = 5; // values that fit into half a row
const ROW = 9; // values that fit into a whole one
const HIDE = '{display:none!important}';

/** @type {HTMLStyleElement | null} */
let sheet = null;

/** Writes the rules of every form anew. */
export function styleFields() {
  if (!sheet) {
    sheet = document.createElement('style');
    document.head.append(sheet);
  }
  put(sheet, answeredForms().flatMap(rules).join('\n'));
}

/** @param {AnsweredForm} one */
function rules({ id, answer }) {
  const made = Object.entries(answer.field_states).flatMap(([name, state]) =>
    ofField(id, name, state, answer),
  );
  const spare = answer.unused_slots.map(slot => `:is(#s-${id}-${slot},#f-${id}-${slot})${HIDE}`);
  const folded = foldedFields(answer).length ? [] : [`#adv-${id}${HIDE}`];
  return [...made, ...spare, ...folded];
}

/**
 * The fields of the folded part that the model takes.
 *
 * @param {Quote} answer
 */
export const foldedFields = answer =>
  answer.advanced.filter(name => answer.field_states[name]?.how !== 'hidden');

/** @param {string} id @param {string} name @param {FieldState} state @param {Quote} answer */
function ofField(id, name, state, answer) {
  const group = `#g-${id}-${name}`;
  const made = [];
  if (state.how === 'hidden') made.push(`${group}${HIDE}`);
  if (state.how === 'offer') made.push(`${group}>:not(:has(.ks-note))${HIDE}`);
  if (state.values.length) made.push(...narrowed(id, name, state, answer));
  else made.push(...spread(id, name, answer.choices[name] ?? 0));
  return made;
}

/**
 * A value the model does not take leaves the row, unless it is the one that is held: that one is struck.
 *
 * @param {string} id
 * @param {string} name
 * @param {FieldState} state
 * @param {Quote} answer
 */
function narrowed(id, name, state, answer) {
  const inputs = choice(`f-${id}-${name}`);
  const held = state.refused === null ? [] : [String(state.refused)];
  const kept = [...state.values, ...held];
  /** @param {string[]} values */
  const named = values =>
    values.map(value => `:has(input[value=${JSON.stringify(value)}])`).join(',');
  const optional = answer.optional.includes(name) ? ':not(:has(input[value=""]))' : '';
  const made = [`${inputs}:not(${named(kept)})${optional}${HIDE}`];
  if (held.length) made.push(`${inputs}:is(${named(held)}){text-decoration:line-through}`);
  return [...made, ...spread(id, name, kept.length)];
}

/**
 * Many values take a whole row, in lines of equal length.
 *
 * @param {string} id
 * @param {string} name
 * @param {number} n
 */
function spread(id, name, n) {
  if (n <= HALF) return [];
  const columns = Math.ceil(n / Math.ceil(n / ROW));
  const box = choices(`f-${id}-${name}`);
  return [
    `#g-${id}-${name}{grid-column:1/-1}`,
    `${box}{display:grid!important;grid-template-columns:repeat(${columns},1fr)}`,
  ];
}
