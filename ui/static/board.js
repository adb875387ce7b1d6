// The board: every take, newest click first, patched by key. A row never changes place while the
// pointer is on the board; what is new then waits above as "2 new takes".

import * as acts from './acts.js';
import * as takes from './takes.js';
import { line, on } from './live.js';
import { attr, order, put } from './dom.js';
import { act, build, patch, tick } from './row.js';
import { t } from './words.js';

const PAGE = 50;
const FILTERS = { all: () => true, active: takes.active, needs: takes.needs };

export function mount(root) {
  const view = {
    root, rows: new Map(), filter: 'all', most: PAGE, more: takes.all.size >= PAGE, over: false, stale: false,
    list: root.querySelector('.ks-rows'), none: root.querySelector('.ks-none'),
    older: root.querySelector('.ks-older'), notice: root.querySelector('.ks-notice'),
    filters: root.querySelector('.ks-filters'),
  };
  listen(view);
  on('jobs', detail => {
    if (detail.whole) view.more = takes.all.size >= PAGE;
    draw(view);
  });
  on('open', () => draw(view));
  on('state', () => notice(view));
  setInterval(() => beat(view), 1000);
  draw(view);
  notice(view);
}

function listen(view) {
  const { root } = view;
  root.addEventListener('pointerenter', event => { view.over = event.pointerType === 'mouse'; });
  root.addEventListener('pointerleave', () => {
    view.over = false;
    if (view.stale) draw(view);
  });
  view.filters.addEventListener('click', event => {
    const button = event.target.closest('[data-filter]');
    if (button) choose(view, button.dataset.filter);
  });
  root.addEventListener('ks-filter', event => choose(view, event.detail));
  root.addEventListener('ks-step', event => step(view, event.detail));
  view.list.addEventListener('click', event => {
    const row = event.target.closest('.ks-job');
    const button = event.target.closest('[data-do]');
    if (row && button) act(row, button.dataset.do, button);
  });
  view.list.addEventListener('keydown', event => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !event.target.matches('.ks-open')) return;
    event.preventDefault();
    const opens = [...view.list.querySelectorAll('.ks-open')];
    opens[opens.indexOf(event.target) + by]?.focus();
  });
  view.older.addEventListener('click', () => reach(view));
}

function choose(view, filter) {
  view.filter = filter;
  view.most = PAGE;
  for (const button of view.filters.children) {
    attr(button, 'aria-pressed', String(button.dataset.filter === filter));
  }
  draw(view, { move: true });
}

/** Which rows are shown, and in which order; held still under the pointer. */
function shown(view, move) {
  const wanted = takes.sorted().filter(FILTERS[view.filter]).slice(0, view.most);
  if (!view.over || move) return wanted;
  const still = [...view.rows.keys()].map(id => takes.all.get(id)).filter(Boolean);
  const have = new Set(still.map(job => job.id));
  view.stale = wanted.some(job => !have.has(job.id)) || still.length !== wanted.length;
  // What lies below the last row moves nothing and may come at once.
  const below = wanted.slice(wanted.findLastIndex(job => have.has(job.id)) + 1);
  return have.size ? [...still, ...below] : wanted;
}

function draw(view, { move = false } = {}) {
  const list = shown(view, move);
  if (!view.over || move) view.stale = false;
  const opened = window.studio?.opened?.id;
  const rows = new Map();
  for (const job of list) {
    const row = view.rows.get(job.id) ?? build(job);
    patch(row, job, job.id === opened);
    rows.set(job.id, row);
  }
  view.rows = rows;
  order(view.list, [...rows.values()]);
  frame(view, list);
}

function frame(view, list) {
  const jobs = [...takes.all.values()];
  view.filters.hidden = !jobs.length;
  const needs = jobs.filter(takes.needs).length;
  put(view.filters.querySelector('.ks-n'), needs ? ` ${needs}` : '');
  view.none.hidden = Boolean(list.length) || line.first;
  const [head, why] = { all: ['empty', 'empty_why'], active: ['none_active', 'none_active_why'], needs: ['none_needs', 'none_needs_why'] }[view.filter];
  put(view.none.querySelector('b'), t(`board.${head}`));
  put(view.none.querySelector('p'), t(`board.${why}`));
  const held = takes.sorted().filter(FILTERS[view.filter]).length > view.most;
  view.older.hidden = !jobs.length || !(held || view.more);
}

async function reach(view) {
  view.most += PAGE;
  const held = takes.sorted().filter(FILTERS[view.filter]).length;
  if (held < view.most && view.more) {
    attr(view.older, 'aria-disabled', 'true');
    const answer = await acts.older();
    view.more = answer.more;
    put(view.older, answer.ok ? t('board.older') : t('board.older_failed'));
    attr(view.older, 'aria-disabled', null);
  }
  draw(view, { move: true });
}

function beat(view) {
  if (document.hidden || !view.root.isConnected) return;
  for (const [id, row] of view.rows) {
    const job = takes.all.get(id);
    if (job && takes.active(job)) tick(row, job);
  }
}

/** One sentence where all orders wait: keys refused, the account empty. */
function notice(view) {
  const { notice: said } = line;
  view.notice.hidden = !said;
  if (!said) return;
  const key = JSON.stringify(said);
  if (view.notice.dataset.key === key) return;
  view.notice.dataset.key = key;
  const head = document.createElement('b');
  // Without a code of Kling's own, what was answered is all that is known.
  const bare = said.code === 'kling_account' ? ` ${t('board.kling_says', { message: said.message })}` : '';
  head.textContent = `${acts.refusal(said)}${bare}`;
  view.notice.replaceChildren(head, ` ${said.clock ? t('notice.clock_by', { n: said.clock }) : t(`notice.${family(said.code)}`)}`);
}

/** What the owner can do about it, by what Kling refuses. */
const family = code =>
  (/^kling_100[0-2]$/.test(code) ? 'keys' : /^kling_100[34]$/.test(code) ? 'clock'
    : /^kling_110[12]$/.test(code) ? 'balance' : code === 'kling_1304' ? 'address' : 'account');

/** J and L: the next and the previous row, opened on the stage. */
function step(view, by) {
  const ids = [...view.rows.keys()];
  const here = ids.indexOf(window.studio.opened?.id);
  const id = ids[Math.min(ids.length - 1, Math.max(0, here + by))];
  if (!id) return;
  window.studio.open(id);
  view.rows.get(id)?.scrollIntoView({ block: 'nearest' });
}
