// One row of the board. Built once, then patched: what did not change is not touched.

import * as acts from './acts.js';
import * as takes from './takes.js';
import { attr, make, own, put } from './dom.js';
import { fix, priced, says } from './says.js';
import { t } from './words.js';

const FIXES = { edit: 'board.edit_prompt', use: 'board.use', again: 'board.again' };

export function build(job) {
  const row = make('li.ks-job', { 'data-id': job.id });
  const open = make('button.ks-open', { 'data-do': 'open' });
  row.append(
    make('div.ks-th', {}, make('img', { alt: '', decoding: 'async', loading: 'lazy', hidden: true }),
      make('span.ks-tag', { 'aria-hidden': 'true' })),
    make('div.ks-what', {},
      make('p.ks-l1', {}, open, make('span.ks-num')),
      make('p.ks-l2', {}, make('span.ks-why'), make('span.ks-price')),
      make('p.ks-l3', { hidden: true }),
      make('div.ks-more', { hidden: true, id: `ks-more-${job.id}` })),
    make('div.ks-bar', { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, make('i')),
  );
  return row;
}

export function patch(row, job, opened) {
  const part = name => row.querySelector(`.ks-${name}`);
  const is = says(job);
  attr(row, 'data-state', job.state);
  attr(row, 'data-says', is.code);
  attr(row, 'data-tone', is.tone);
  attr(row, 'data-take', job.take);
  attr(row, 'aria-current', opened ? 'true' : null);
  thumb(part('th'), job);
  put(part('tag'), job.take);
  put(part('open'), is.head);
  attr(part('open'), 'aria-label', t('board.open', { take: job.take, state: is.head }));
  put(part('num'), is.number);
  put(part('why'), is.why);
  const price = priced(job, is.code);
  put(part('price'), price);
  attr(part('price'), 'title', price ? t('board.price', { n: job.price }) : null);
  bar(part('bar'), is);
  offer(row, part('l3'), job, is);
}

/** The second line alone, once a second, for what counts time. */
export function tick(row, job) {
  const is = says(job);
  if (row.dataset.says !== is.code) return patch(row, job, row.hasAttribute('aria-current'));
  put(row.querySelector('.ks-why'), is.why);
  put(row.querySelector('.ks-num'), is.number);
}

function thumb(box, job) {
  const img = box.querySelector('img');
  const src = own(takes.poster(job));
  if (img.dataset.src === (src ?? '')) return;
  img.dataset.src = src ?? '';
  img.hidden = !src;
  attr(box, 'data-bare', src ? null : '');
  if (src) img.src = src;
  else img.removeAttribute('src');
}

function bar(node, is) {
  node.hidden = !is.bar;
  attr(node, 'data-bar', is.bar);
  if (!is.bar) return;
  attr(node, 'aria-valuenow', is.code === 'checking' ? null : is.percent);
  attr(node, 'aria-label', is.head);
  node.firstChild.style.transform = `scaleX(${is.percent / 100})`;
  node.style.setProperty('--at', `${is.percent}%`);
}

/** At most two actions. They are rebuilt only when they are others, so that a press is never lost. */
function offer(row, line, job, is) {
  const list = actions(job, is);
  const key = list.map(([name, words]) => `${name}:${words}`).join('|');
  if (line.dataset.key !== key) {
    line.dataset.key = key;
    line.replaceChildren(...list.map(([name, words]) => make('button', { 'data-do': name, text: words })));
    line.hidden = !list.length;
  }
  const why = line.querySelector('[data-do=why]');
  const more = row.querySelector('.ks-more');
  if (!why) more.hidden = true;
  if (!why) return;
  attr(why, 'aria-controls', more.id);
  attr(why, 'aria-expanded', String(!more.hidden));
  attr(why, 'aria-label', t('board.why_label', { take: job.take }));
}

function actions(job, is) {
  if (job.state === 'queued' && !job.cancel_asked) return [['cancel', t('board.cancel')]];
  if (job.state === 'failed') {
    const named = fix(job);
    return [[named, t(FIXES[named])], ['why', t('board.why')]];
  }
  if (job.state === 'unknown') return [['open', t('board.decide')]];
  if (job.state === 'canceled') return [['use', t('board.use')]];
  return is.code === 'set_aside' ? [['open', t('board.decide')]] : [];
}

/** What Kling itself said, and what may be done. */
export function fold(row, job) {
  const more = row.querySelector('.ks-more');
  const why = row.querySelector('[data-do=why]');
  const shut = more.hidden;
  if (shut) {
    const said = job.error?.message && make('p', { text: t('board.kling_says', { message: job.error.message }) });
    more.replaceChildren(...[said, make('p', { text: t(`stage.next_${fix(job)}`) })].filter(Boolean));
  }
  more.hidden = !shut;
  attr(why, 'aria-expanded', String(shut));
}

export async function act(row, name, button) {
  const id = row.dataset.id;
  const job = takes.all.get(id);
  if (!job) return;
  if (name === 'open') window.studio.open(id);
  else if (name === 'edit') window.studio.usePrompt(id);
  else if (name === 'use') window.studio.use(id);
  else if (name === 'why') fold(row, job);
  else await pressed(button, name, () => (name === 'cancel' ? acts.cancel(id) : acts.again(id)));
}

/** A press answers at once, in words, and cannot be pressed twice. */
async function pressed(button, name, go) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  const before = button.textContent;
  attr(button, 'aria-disabled', 'true');
  if (name === 'cancel') put(button, t('board.canceling'));
  const answer = await go();
  if (!answer.ok) {
    window.studio.announce(acts.refusal(answer));
    button.title = acts.refusal(answer);
  }
  put(button, answer.ok && name === 'again' ? t('board.again_sent') : before);
  setTimeout(() => {
    put(button, before);
    attr(button, 'aria-disabled', null);
  }, answer.ok ? 1600 : 0);
}
