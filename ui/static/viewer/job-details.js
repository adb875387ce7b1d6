// What stands under the picture: the state in words, the prompt, the settings.

import { fix, reason, sentence } from '../jobs/job-errors.js';
import { promptOf } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { attr, make, part, put } from '../shared/dom.js';
import { span } from '../shared/format.js';
import { firstOf, has, t, title } from '../shared/i18n.js';

/** @import { Job, JobStatus } from '../shared/types.d.ts' */

/** @type {Record<string, string>} */
const HEADS = { unknown: 'viewer.unknown_head', undecided: 'viewer.undecided_head' };

/**
 * A running or ended job without a picture: the state takes the controls' place.
 *
 * @param {HTMLElement} box
 * @param {Job} job
 * @param {JobStatus} status
 */
export function drawState(box, job, status) {
  if (!box.querySelector('.ks-state')) box.replaceChildren(buildState());
  attr(part(box, '.ks-state'), 'data-tone', status.tone);
  const bar = part(box, '.ks-bar');
  const known = status.bar && status.code !== 'checking';
  attr(bar, 'data-bar', status.bar ?? 'none');
  attr(bar, 'aria-label', status.head);
  attr(bar, 'aria-valuenow', known ? status.percent : null);
  attr(bar, 'aria-hidden', status.bar ? null : 'true');
  part(bar, 'i').style.transform = `scaleX(${status.bar ? status.percent / 100 : 0})`;
  bar.style.setProperty('--at', `${status.percent}%`);
  const [why, next = ''] = lines(job, status);
  put(part(box, 'b'), status.code in HEADS ? t(HEADS[status.code]) : status.head);
  put(part(box, '.ks-num'), status.number);
  put(part(box, '.ks-l2'), why);
  put(part(box, '.ks-next'), next);
  part(box, '.ks-next').hidden = !next;
}

function buildState() {
  const bar = { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 };
  return make(
    'div.ks-state',
    {},
    make('div.ks-bar', bar, make('i')),
    make('p.ks-l1', {}, make('b'), make('span.ks-num')),
    make('p.ks-l2'),
    make('p.ks-next'),
  );
}

/** @param {Job} job @param {JobStatus} status */
function lines(job, { code, why }) {
  if (code === 'unknown') return [t('viewer.unknown_why', { n: job.price })];
  if (!['failed', 'undecided', 'set_aside'].includes(code)) return [why];
  const said = job.error?.message;
  // Only a refusal is Kling's own sentence; the studio says the others itself.
  const quoted = code === 'failed' ? t('board.kling_says', { message: said }) : said;
  const next = firstOf([`next.${reason(job)}`], t(`viewer.next_${fix(job)}`));
  return [`${sentence(job)} ${next}`, said && said !== sentence(job) ? quoted : ''];
}

/**
 * One value of a setting in words; the form's words serve here too.
 *
 * @param {string} field
 * @param {unknown} name
 */
const value = (field, name) =>
  has(`value.${field}.${name}`) ? t(`value.${field}.${name}`) : String(name);

/**
 * Texts, and which of them are set in mono.
 *
 * @param {Job} job
 * @returns {[string, string?][]}
 */
function facts(job) {
  const unsent = new Set(job.unsent);
  const p = Object.fromEntries(
    Object.entries(job.params ?? {}).filter(([name]) => !unsent.has(name)),
  );
  const images = store.media(job).length;
  /** @type {([string, string?] | false | '' | null | undefined | 0)[]} */
  const all = [
    [title(job.capability)],
    [String(job.model ?? p.model_name ?? ''), 'mono'],
    Boolean(p.mode) && [value('mode', p.mode)],
    Boolean(p.duration) && [t('fact.seconds', { n: String(p.duration) })],
    Boolean(p.aspect_ratio) && [value('aspect_ratio', p.aspect_ratio)],
    Boolean(p.resolution) && [value('resolution', p.resolution)],
    p.sound === 'on' && [t('fact.sound_on')],
    Boolean(p.image_tail) && [t('fact.end_frame')],
    images > 1 && [t('fact.images', { n: images })],
    [t('viewer.credits', { n: job.price })],
    job.took && [t('viewer.took', { time: span(job.took) })],
  ];
  return /** @type {[string, string?][]} */ (all.filter(fact => fact && fact[0] !== ''));
}

/** @param {HTMLElement} box @param {Job} job */
export function drawDetails(box, job) {
  const prompt = promptOf(job);
  const known = facts(job);
  const key = JSON.stringify([job.id, prompt, known]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const text = make('p.ks-words', { 'data-none': prompt ? null : '' });
  put(text, prompt || t('viewer.no_prompt'));
  const more = make('button.ks-link', {
    text: t('viewer.prompt_more'),
    'aria-expanded': 'false',
    hidden: true,
  });
  more.addEventListener('click', () => {
    const whole = text.toggleAttribute('data-whole');
    put(more, whole ? t('viewer.prompt_less') : t('viewer.prompt_more'));
    attr(more, 'aria-expanded', String(whole));
  });
  const spans = known.map(([words, kind]) =>
    make(kind ? `span.ks-${kind}` : 'span', { text: words }),
  );
  box.replaceChildren(
    make('h2.ks-take', { text: job.take }),
    make('div.ks-told', {}, text, more, make('p.ks-facts', {}, ...spans)),
  );
  requestAnimationFrame(() => {
    more.hidden = text.scrollHeight <= text.clientHeight + 2;
  });
}
