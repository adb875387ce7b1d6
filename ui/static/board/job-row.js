// One row of the board. Built once, then patched: what did not change is not touched.

import { fillFromJob } from '../form/fill.js';
import * as jobActions from '../jobs/job-actions.js';
import { fix, refusal } from '../jobs/job-errors.js';
import { priceBeside, statusOf } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { openJob } from '../jobs/selection.js';
import { announce } from '../shared/announce.js';
import { attr, make, own, part, put } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

/** @import { Answer, Job, JobStatus } from '../shared/types.d.ts' */

const FIXES = { edit: 'board.edit_prompt', use: 'board.use', again: 'board.again' };

/** @param {Job} job */
export function build(job) {
  const bar = { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 };
  const img = { alt: '', decoding: 'async', loading: 'lazy', hidden: true };
  const open = make('button.ks-open', { 'data-do': 'open' });
  return make(
    'li.ks-job',
    { 'data-id': job.id },
    make('div.ks-th', {}, make('img', img), make('span.ks-tag', { 'aria-hidden': 'true' })),
    make(
      'div.ks-what',
      {},
      make('p.ks-l1', {}, open, make('span.ks-num')),
      make('p.ks-l2', {}, make('span.ks-why'), make('span.ks-price')),
      make('p.ks-l3', { hidden: true }),
      make('div.ks-more', { hidden: true, id: `ks-more-${job.id}` }),
    ),
    make('div.ks-bar', bar, make('i')),
  );
}

/** @param {HTMLElement} row @param {Job} job @param {boolean} opened */
export function patch(row, job, opened) {
  const status = statusOf(job);
  attr(row, 'data-state', job.state);
  attr(row, 'data-status', status.code);
  attr(row, 'data-tone', status.tone);
  attr(row, 'data-take', job.take);
  attr(row, 'aria-current', opened ? 'true' : null);
  drawThumbnail(part(row, '.ks-th'), job);
  put(part(row, '.ks-tag'), job.take);
  const open = part(row, '.ks-open');
  put(open, status.head);
  attr(open, 'aria-label', t('board.open', { take: job.take, state: status.head }));
  put(part(row, '.ks-num'), status.number);
  put(part(row, '.ks-why'), status.why);
  const price = priceBeside(job, status.code);
  put(part(row, '.ks-price'), price);
  attr(part(row, '.ks-price'), 'title', price ? t('board.price', { n: job.price }) : null);
  drawBar(part(row, '.ks-bar'), status);
  drawActions(row, part(row, '.ks-l3'), job, status);
}

/**
 * The second line alone, once a second, for what counts time.
 *
 * @param {HTMLElement} row
 * @param {Job} job
 */
export function tick(row, job) {
  const status = statusOf(job);
  if (row.dataset.status !== status.code) {
    patch(row, job, row.hasAttribute('aria-current'));
    return;
  }
  put(part(row, '.ks-why'), status.why);
  put(part(row, '.ks-num'), status.number);
}

/** @param {HTMLElement} box @param {Job} job */
function drawThumbnail(box, job) {
  const img = /** @type {HTMLImageElement} */ (part(box, 'img'));
  const src = own(store.poster(job));
  if (img.dataset.src === (src ?? '')) return;
  img.dataset.src = src ?? '';
  img.hidden = !src;
  attr(box, 'data-bare', src ? null : '');
  if (src) img.src = src;
  else img.removeAttribute('src');
}

/** @param {HTMLElement} node @param {JobStatus} status */
function drawBar(node, { bar, code, percent, head }) {
  node.hidden = !bar;
  attr(node, 'data-bar', bar);
  if (!bar) return;
  attr(node, 'aria-valuenow', code === 'checking' ? null : percent);
  attr(node, 'aria-label', head);
  part(node, 'i').style.transform = `scaleX(${percent / 100})`;
  node.style.setProperty('--at', `${percent}%`);
}

/**
 * At most two actions. They are rebuilt only when they are others, so that a press is never lost.
 *
 * @param {HTMLElement} row
 * @param {HTMLElement} line
 * @param {Job} job
 * @param {JobStatus} status
 */
function drawActions(row, line, job, status) {
  const list = actionsOf(job, status.code);
  const key = list.map(([name, words]) => `${name}:${words}`).join('|');
  if (line.dataset.key !== key) {
    line.dataset.key = key;
    const buttons = list.map(([name, text]) => make('button', { 'data-do': name, text }));
    line.replaceChildren(...buttons);
    line.hidden = !list.length;
  }
  const why = line.querySelector('[data-do=why]');
  const more = part(row, '.ks-more');
  if (!why) {
    more.hidden = true;
    return;
  }
  attr(why, 'aria-controls', more.id);
  attr(why, 'aria-expanded', String(!more.hidden));
  attr(why, 'aria-label', t('board.why_label', { take: job.take }));
}

/**
 * @param {Job} job
 * @param {string} code of its status
 * @returns {[string, string][]} name and words
 */
function actionsOf(job, code) {
  if (job.state === 'queued' && !job.cancel_asked) return [['cancel', t('board.cancel')]];
  if (job.state === 'failed') {
    const named = fix(job);
    return [
      [named, t(FIXES[named])],
      ['why', t('board.why')],
    ];
  }
  if (job.state === 'canceled') return [['use', t('board.use')]];
  const decide = job.state === 'unknown' || code === 'set_aside';
  return decide ? [['open', t('board.decide')]] : [];
}

/**
 * What Kling itself said, and what may be done.
 *
 * @param {HTMLElement} row
 * @param {Job} job
 */
function fold(row, job) {
  const more = part(row, '.ks-more');
  const shut = more.hidden;
  if (shut) {
    const said = job.error?.message;
    const quote = said && make('p', { text: t('board.kling_says', { message: said }) });
    const next = make('p', { text: t(`viewer.next_${fix(job)}`) });
    more.replaceChildren(...(quote ? [quote, next] : [next]));
  }
  more.hidden = !shut;
  attr(part(row, '[data-do=why]'), 'aria-expanded', String(shut));
}

/** @param {HTMLElement} row @param {string} name @param {HTMLElement} button */
export async function perform(row, name, button) {
  const id = row.dataset.id ?? '';
  const job = store.all.get(id);
  if (!job) return;
  if (name === 'open') openJob(id);
  else if (name === 'edit') fillFromJob(job, 'prompt');
  else if (name === 'use') fillFromJob(job);
  else if (name === 'why') fold(row, job);
  else if (name === 'cancel')
    await press(button, () => jobActions.cancel(id), t('board.canceling'));
  else await press(button, () => jobActions.again(id), null, t('board.again_sent'));
}

/**
 * A press answers at once, in words, and cannot be pressed twice.
 *
 * @param {HTMLElement} button
 * @param {() => Promise<Answer>} go
 * @param {string | null} meanwhile
 * @param {string} [after]
 */
async function press(button, go, meanwhile, after) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  const before = button.textContent;
  attr(button, 'aria-disabled', 'true');
  if (meanwhile) put(button, meanwhile);
  const answer = await go();
  if (!answer.ok) {
    announce(refusal(answer));
    button.title = refusal(answer);
  }
  put(button, (answer.ok && after) || before);
  setTimeout(
    () => {
      put(button, before);
      attr(button, 'aria-disabled', null);
    },
    answer.ok ? 1600 : 0,
  );
}
