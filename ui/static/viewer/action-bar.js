// The buttons under the picture. Only what works: a button that could do nothing is not drawn.

import { fillFromJob } from '../form/fill.js';
import * as jobActions from '../jobs/job-actions.js';
import { fix, refusal } from '../jobs/job-errors.js';
import { promptOf, statusCode } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { announce } from '../shared/announce.js';
import { attr, make, own, put } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { svg } from '../shared/icons.js';
import { useAsButton } from './use-as.js';

/** @import { Answer, Asset, Job } from '../shared/types.d.ts' */

/**
 * @param {HTMLElement} box
 * @param {Job} job
 * @param {Asset | undefined} asset
 * @param {() => void} full
 */
export function drawActions(box, job, asset, full) {
  const { id, state, error, cancel_asked: asked } = job;
  const code = statusCode(job);
  const key = JSON.stringify([id, state, error?.code, asset?.url, asked, code]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  attr(box, 'aria-label', t('viewer.actions', { take: job.take }));
  const ended = ['failed', 'canceled'].includes(state);
  const edit = state === 'failed' && fix(job) === 'edit';
  const left = [
    edit && action('edit', 'edit', t('board.edit_prompt'), () => fillFromJob(job, 'prompt')),
    ended && !edit && againButton(job),
    ...decisions(box, job),
    action('use', 'use', t('viewer.use'), () => fillFromJob(job)),
    asset && useAsButton(asset),
    promptOf(job) && copyButton(job),
  ];
  const cancelable = store.isActive(job) && !asked && code !== 'set_aside';
  const right = [
    cancelable && cancelButton(box, job),
    asset && downloadButton(asset),
    asset && fullButton(full),
  ];
  const nodes = [...left, make('span.ks-gap'), ...right].filter(Boolean);
  box.replaceChildren(.../** @type {HTMLElement[]} */ (nodes));
}

/** @param {string} name @param {string} icon @param {string} text @param {() => unknown} click */
const action = (name, icon, text, click) =>
  make('button.ks-do', { 'data-do': name, icon, text, on: { click } });

/** @param {Asset} asset */
const downloadButton = asset =>
  make('a.ks-do', {
    href: own(jobActions.downloadUrl(asset)),
    download: '',
    'data-do': 'download',
    icon: 'download',
    text: t('viewer.download'),
  });

/** @param {() => void} click */
function fullButton(click) {
  const words = t('viewer.full');
  return make('button.ks-tool', {
    icon: 'full',
    'data-do': 'full',
    'aria-label': words,
    title: words,
    on: { click },
  });
}

/** @type {Record<string, string>} What cannot be billed twice needs no question. */
const SAFE_RETRIES = {
  answer_unreadable: 'viewer.ask_again',
  step_failed: 'viewer.ask_again',
  send_refused: 'viewer.resend',
};

/**
 * What only the owner can decide; sending again may be billed twice, so that is said first.
 *
 * @param {HTMLElement} box
 * @param {Job} job
 */
function decisions(box, job) {
  const aside = statusCode(job) === 'set_aside';
  if (job.state !== 'unknown' && !aside) return [];
  const release = t('viewer.release', { n: job.price });
  const resend = t('viewer.resend');
  const cancel = () => answered(jobActions.cancel(job.id));
  const retry = () => answered(jobActions.retry(job.id));
  const back = action('release', 'cross', release, () =>
    ask(box, t('viewer.release_sure'), release, cancel),
  );
  const safe = aside ? 'viewer.store_again' : SAFE_RETRIES[job.error?.code ?? ''];
  if (safe) return [action('retry', 'again', t(safe), retry), back];
  return [
    back,
    action('resend', 'again', resend, () => ask(box, t('viewer.resend_sure'), resend, retry)),
  ];
}

/** @param {Promise<Answer>} going */
async function answered(going) {
  const answer = await going;
  if (!answer.ok) announce(refusal(answer));
}

/**
 * A question in the place of the buttons; the safe answer has the focus.
 *
 * @param {HTMLElement} box
 * @param {string} question
 * @param {string} words
 * @param {() => unknown} click
 * @param {string} [back]
 */
function ask(box, question, words, click, back = t('viewer.back')) {
  const before = [...box.childNodes];
  const no = make('button.ks-do', {
    text: back,
    on: { click: () => box.replaceChildren(...before) },
  });
  const yes = make('button.ks-do', { text: words, on: { click } });
  box.replaceChildren(make('p.ks-sure', { text: question }), make('span.ks-gap'), yes, no);
  no.focus();
}

/**
 * While queued it is taken back at once; later the truth is said first.
 *
 * @param {HTMLElement} box
 * @param {Job} job
 */
function cancelButton(box, job) {
  const go = () => answered(jobActions.cancel(job.id));
  const sure = () =>
    ask(box, t('viewer.cancel_sure'), t('viewer.cancel_yes'), go, t('viewer.cancel_no'));
  return action('cancel', 'cross', t('viewer.cancel'), job.state === 'queued' ? go : sure);
}

/** @param {Job} job */
function againButton(job) {
  const words = t('viewer.again', { n: job.price });
  const button = action('again', 'again', words, async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    attr(button, 'aria-disabled', 'true');
    const answer = await jobActions.again(job.id);
    const failed = t('viewer.again_failed', { message: refusal(answer) });
    await note(button, answer.ok ? t('viewer.again_sent') : failed, words, answer.ok ? 1200 : 4000);
    attr(button, 'aria-disabled', null);
  });
  return button;
}

/** @param {Job} job */
function copyButton(job) {
  const words = t('viewer.copy');
  const button = action('copy', 'copy', words, async () => {
    const done = await jobActions.copyPrompt(job.id);
    if (done) button.firstChild?.replaceWith(svg('check'));
    await note(button, done ? t('viewer.copied') : t('viewer.copy_failed'), words, 1200);
    button.firstChild?.replaceWith(svg('copy'));
  });
  return button;
}

/**
 * The answer stands on the button that was pressed, then the button is itself again.
 *
 * @param {HTMLElement} button
 * @param {string} words
 * @param {string} before
 * @param {number} ms
 */
async function note(button, words, before, ms) {
  const text = button.querySelector('span');
  put(text, words);
  announce(words);
  await new Promise(done => setTimeout(done, ms));
  put(text, before);
}
