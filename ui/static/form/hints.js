// Below the prompt: what the checks found, what the form could not hold, each with its fix.

import { make } from '../shared/dom.js';
import { has, t } from '../shared/i18n.js';
import { svg } from '../shared/icons.js';
import { fieldInSentence, fieldLabel, translate, valueLabel } from '../shared/labels.js';
import { fixButton } from './field-notes.js';

/** @import { AnsweredForm, Finding, Lost } from '../shared/types.d.ts' */

const MOST = 2; // before the rest is unfolded
const LONGEST = 40; // letters of a value on a button

/**
 * @param {AnsweredForm} one
 * @param {HTMLElement} node
 */
export function drawHints(one, node) {
  const { answer } = one;
  const lost = (one.lost ?? []).map(gone => lostSetting(one.id, gone));
  const found = [...lost, ...(answer.warnings ?? [])].filter(
    ({ field }) => answer.field_states[field ?? '']?.how !== 'offer',
  );
  if (answer.other) {
    found.unshift({ id: '', severity: 'error', message: answer.other, figures: {}, fix: {} });
  }
  const open = node.dataset.open === 'true';
  const rows = found.slice(0, open ? found.length : MOST).map(each => hint(one.id, each));
  const rest = found.length - rows.length;
  const all = () => {
    node.dataset.open = 'true';
    drawHints(one, node);
  };
  const more = make('button.ks-fix', { text: t('finding.more', { n: rest }), on: { click: all } });
  node.replaceChildren(...rows, ...(rest > 0 ? [more] : []));
}

/**
 * @param {string} id of the form
 * @param {Lost} lost
 * @returns {Finding}
 */
const lostSetting = (id, { field, value }) => ({
  id: 'lost',
  severity: 'warning',
  figures: { what: `${fieldLabel(id, field)} ${valueLabel(field, value)}`.trim() },
  fix: {},
});

/** @param {string} id of the form @param {Finding} found */
function hint(id, found) {
  const { figures } = found;
  const other = figures.other || figures.field || '';
  const words = {
    ...figures,
    label: fieldLabel(id, found.field ?? ''),
    field_lower: fieldLabel(id, figures.field ?? '').toLowerCase(),
    other_label: fieldLabel(id, other).toLowerCase(),
    other_object: fieldInSentence(id, other),
    value_label: valueLabel(other, figures.value ?? ''),
  };
  const key = `finding.${found.id}`;
  const text = make('p', {});
  if (has(`${key}.head`)) {
    text.append(make('b', { text: t(`${key}.head`, words) }), ` ${t(`${key}.why`, words)}`);
  } else text.append(translate(found.message ?? key));
  const row = make(`div.ks-hint.ks-is-${found.severity}`, {});
  row.append(svg('hint'), make('div', {}, text, fixOf(id, found, key, words)));
  return row;
}

/** @param {string} id @param {Finding} found @param {string} key @param {Record<string, unknown>} words */
function fixOf(id, found, key, words) {
  const [field, value] = Object.entries(found.fix ?? {})[0] ?? [];
  if (!field) return null;
  const figures = {
    field: fieldLabel(id, field).toLowerCase(),
    value: brief(field, value, LONGEST),
  };
  const text = has(`${key}.fix`) ? t(`${key}.fix`, words) : t('finding.fix', figures);
  return fixButton(id, found.fix ?? {}, text);
}

/**
 * A value in a few letters.
 *
 * @param {string} name
 * @param {unknown} value
 * @param {number} [most]
 */
export function brief(name, value, most = 18) {
  const text = typeof value === 'object' ? '' : valueLabel(name, value);
  return text.length > most ? `“${text.slice(0, most - 2)}…”` : text;
}
