// The line below a field: its offer, what is wrong with it, or nothing.

import { make } from '../shared/dom.js';
import { has, t } from '../shared/i18n.js';
import { fieldInSentence, fieldLabel, listed, translate, valueLabel } from '../shared/labels.js';
import { updateForm } from './price.js';

/** @import { AnsweredForm, FieldState, Params } from '../shared/types.d.ts' */

/**
 * @param {AnsweredForm} one
 * @param {HTMLElement} node
 */
export function drawNote(one, node) {
  const { answer } = one;
  const name = node.dataset.note ?? '';
  const state = answer.field_states[name];
  const lines = [];
  if (state?.how === 'offer') lines.push(...offer(one, name, state));
  else if (state && state.refused !== null) lines.push(...refused(one, name, state));
  const own = state && state.refused !== null ? null : answer.errors[name];
  const wrong = one.wrong[name] ?? own;
  // A finding says it with its fix, below the form.
  const told = answer.warnings?.some(
    ({ severity, field }) => severity === 'error' && field === name,
  );
  if (wrong && !told) lines.push(make('p.ks-wrong', { text: translate(wrong), role: 'alert' }));
  else if (/^https:\/\//.test(String(answer.params[name]))) {
    lines.push(make('p', { text: t('form.unchecked') }));
  }
  node.closest('.ks-fld')?.toggleAttribute('data-wrong', Boolean(wrong));
  node.replaceChildren(...lines);
}

/** @param {AnsweredForm} one @param {string} name @param {FieldState} state */
function offer(one, name, state) {
  const [{ fix, delta }] = state.offers;
  const [other, value] = Object.entries(fix)[0];
  const figures = {
    model: state.model,
    object: fieldInSentence(one.id, name),
    other: fieldLabel(one.id, other).toLowerCase(),
    value: valueLabel(other, value).toLowerCase(),
  };
  const key = has(`offer.${other}`) ? `offer.${other}` : 'offer.any';
  const act = has(`offer.switch_${other}`) ? `offer.switch_${other}` : 'offer.switch';
  const held = one.answer.params[name];
  const kept = held !== undefined && held !== state.neutral;
  return [
    make('span.ks-offer-label', { text: fieldLabel(one.id, name) }),
    make(
      'div.ks-offer',
      {},
      make('p', { text: t(key, figures) }),
      kept && make('p', { text: t('offer.kept') }),
      fixButton(one.id, fix, priced(t(act, figures), delta)),
    ),
  ];
}

/** @param {AnsweredForm} one @param {string} name @param {FieldState} state */
function refused({ id }, name, state) {
  const values = listed(state.values.map(value => valueLabel(name, value)));
  const buttons = state.offers.map(({ fix, delta }) =>
    fixButton(id, fix, priced(valueLabel(name, fix[name]), delta)),
  );
  const figures = { model: state.model, values, value: valueLabel(name, state.refused) };
  const sentence = t('offer.refused', figures);
  return [
    make('p.ks-wrong', { text: sentence, role: 'alert' }),
    make('div.ks-swaps', {}, ...buttons),
  ];
}

/** @param {string} text @param {number | null | undefined} delta */
function priced(text, delta) {
  if (delta === null || delta === undefined) return text;
  if (!delta) return t('offer.same', { text });
  return t(delta > 0 ? 'offer.more' : 'offer.less', { text, n: Math.abs(delta) });
}

/**
 * One click that changes settings and keeps everything else.
 *
 * @param {string} id of the form
 * @param {Params} fix
 * @param {string} text
 */
export const fixButton = (id, fix, text) =>
  make('button.ks-fix', { text, on: { click: () => updateForm(id, { params: fix }) } });
