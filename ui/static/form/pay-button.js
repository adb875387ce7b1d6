// The pay button: what it says, and what stands below it.

import { feed } from '../jobs/job-feed.js';
import { part, put } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { has, t } from '../shared/i18n.js';
import { fieldInSentence, fieldLabel, translate } from '../shared/labels.js';
import { redraw } from './form-store.js';
import { isAway } from './price.js';
import { press } from './purchase.js';
import { isUploading } from './uploads.js';

/** @import { AnsweredForm } from '../shared/types.d.ts' */

const DASH = '–';
const LONGEST = 44; // letters of a cause that the button can hold

/** @param {AnsweredForm} one */
function text(one) {
  const { answer, phase, sent } = one;
  if (isAway() && phase !== 'sending') return t('pay.offline');
  if (isUploading(one.id) && phase !== 'sending') return t('pay.uploading');
  if (phase === 'sending' || phase === 'unsure') return t(`pay.${phase}`);
  if (phase === 'sent' || phase === 'twice') return t(`pay.${phase}`, { take: sent?.take });
  if (phase === 'ask') return t('pay.ask', { n: answer.price });
  if (answer.state === 'blocked') return blocked(one);
  if (answer.state === 'short') {
    const key = answer.afford && answer.afford >= 1 ? 'pay.short_lower' : 'pay.short';
    return t(key, { n: answer.short, v: answer.afford });
  }
  const n = one.dash ? DASH : answer.price;
  return t(answer.variants > 1 ? 'pay.many' : 'pay.one', { n, v: answer.variants });
}

/** @param {AnsweredForm} one */
function blocked({ id, answer }) {
  const [name] = answer.missing;
  if (name && has(`pay.missing_field.${name}`)) return t(`pay.missing_field.${name}`);
  if (name) return t('pay.missing', { object: fieldInSentence(id, name) });
  const [wrong] = Object.keys(answer.errors);
  const told = answer.warnings?.find(
    one => one.severity === 'error' && one.field === wrong && has(`finding.${one.id}.head`),
  );
  const cause = told && t(`finding.${told.id}.head`, told.figures).replace(/[.。]$/, '');
  if (cause && cause.length <= LONGEST) return cause;
  return wrong ? t('pay.wrong', { field: fieldLabel(id, wrong) }) : translate(answer.other ?? '');
}

/**
 * Digits line up in mono; the words around them do not.
 *
 * @param {HTMLElement} node
 * @param {string} words
 */
function putFigures(node, words) {
  if (node.dataset.text === words) return;
  node.dataset.text = words;
  const pieces = words.split(/(\d[\d,.]*)/).filter(Boolean);
  node.replaceChildren(
    ...pieces.map(piece => {
      if (!/^\d/.test(piece)) return piece;
      const span = document.createElement('span');
      return Object.assign(span, { className: 'ks-num', textContent: piece });
    }),
  );
}

/** @param {AnsweredForm} one */
function below({ answer }) {
  if (answer.state === 'blocked') {
    return answer.price ? t('form.when_ready', { n: answer.price }) : '';
  }
  return answer.state === 'ready' ? t('form.balance_after', { n: answer.left }) : '';
}

/** @type {Set<AnsweredForm>} */
const drawn = new Set();

/**
 * @param {AnsweredForm} one
 * @param {HTMLElement} node the pay bar
 */
export function drawPayBar(one, node) {
  drawn.add(one);
  const { answer, phase } = one;
  const button = part(node, 'button');
  const working = part(node, '.ks-working');
  const uploading = isUploading(one.id);
  const usual = phase === 'ready' && answer.state !== 'ready' ? answer.state : phase;
  put(button.firstElementChild, text(one));
  button.dataset.phase = isAway() ? 'away' : uploading ? 'blocked' : usual;
  const busy = phase === 'sending' || uploading || Boolean(one.dash);
  button.setAttribute('aria-busy', String(busy));
  putFigures(part(node, '.ks-left'), below(one) || ' ');
  working.hidden = !answer.working;
  put(working.querySelector('p'), answer.working);
  button.onclick = () => press(one);
}

let online = true;
on('feed', () => {
  if (feed.online === online) return;
  online = feed.online;
  document.documentElement.toggleAttribute('data-away', !online);
  for (const one of drawn) redraw(one);
});
