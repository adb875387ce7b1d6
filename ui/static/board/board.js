// The board: every job, newest click first, patched by key. A row never changes place while the
// pointer is on the board; what is new then waits until it leaves.

import { openSection } from '../form/navigation.js';
import * as jobActions from '../jobs/job-actions.js';
import { refusal } from '../jobs/job-errors.js';
import { feed } from '../jobs/job-feed.js';
import * as store from '../jobs/job-store.js';
import { openedJob, openJob } from '../jobs/selection.js';
import { attr, closest, order, part, parts, put } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { t } from '../shared/i18n.js';
import { build, patch, perform, tick } from './job-row.js';

/** @import { Job } from '../shared/types.d.ts' */

/** @typedef {keyof typeof FILTERS} Filter */
/** @typedef {ReturnType<typeof buildView>} Board */

const PAGE = 50;
const FILTERS = { all: () => true, active: store.isActive, needs: store.needsOwner };
/** @type {Record<Filter, [string, string]>} what an empty list says */
const EMPTY = {
  all: ['board.empty', 'board.empty_why'],
  active: ['board.none_active', 'board.none_active_why'],
  needs: ['board.none_needs', 'board.none_needs_why'],
};

/** @param {HTMLElement} root */
function buildView(root) {
  return {
    root,
    /** @type {Map<string, HTMLElement>} by job */
    rows: new Map(),
    filter: /** @type {Filter} */ ('all'),
    most: PAGE,
    /** The server has older ones. */
    more: store.all.size >= PAGE,
    /** The pointer is on it. */
    over: false,
    stale: false,
    list: part(root, '.ks-rows'),
    none: part(root, '.ks-none'),
    older: part(root, '.ks-older'),
    notice: part(root, '.ks-notice'),
    filters: part(root, '.ks-filters'),
  };
}

/** @param {HTMLElement} root */
export function mount(root) {
  const view = buildView(root);
  listen(view);
  on('jobs', ({ whole }) => {
    if (whole) view.more = store.all.size >= PAGE;
    draw(view);
  });
  on('open', () => draw(view));
  on('feed', () => drawNotice(view));
  on('queue', () => showQueue(view));
  on('command', ({ name, by = 0 }) => {
    if (name === 'row') step(view, by);
  });
  setInterval(() => beat(view), 1000);
  draw(view);
  drawNotice(view);
}

/** @param {Board} view */
function listen(view) {
  const { root, list, filters, older } = view;
  root.addEventListener('pointerenter', event => {
    view.over = event.pointerType === 'mouse';
  });
  root.addEventListener('pointerleave', () => {
    view.over = false;
    if (view.stale) draw(view);
  });
  filters.addEventListener('click', event => {
    const filter = closest(event.target, '[data-filter]')?.dataset.filter;
    if (filter) choose(view, /** @type {Filter} */ (filter));
  });
  list.addEventListener('click', event => {
    const row = closest(event.target, '.ks-job');
    const button = closest(event.target, '[data-do]');
    if (row && button) perform(row, button.dataset.do ?? '', button);
  });
  list.addEventListener('keydown', event => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = closest(event.target, '.ks-open');
    if (!by || !here) return;
    event.preventDefault();
    const opens = parts(list, '.ks-open');
    opens[opens.indexOf(here) + by]?.focus();
  });
  older.addEventListener('click', () => showOlder(view));
}

/** @param {Board} view @param {Filter} filter */
function choose(view, filter) {
  view.filter = filter;
  view.most = PAGE;
  for (const button of parts(view.filters, '[data-filter]')) {
    attr(button, 'aria-pressed', String(button.dataset.filter === filter));
  }
  draw(view, { move: true });
}

/** @param {Board} view */
const filtered = view => store.sorted().filter(FILTERS[view.filter]);

/**
 * Which rows are shown, and in which order; held still under the pointer.
 *
 * @param {Board} view
 * @param {boolean} move
 */
function shown(view, move) {
  const wanted = filtered(view).slice(0, view.most);
  if (!view.over || move) return wanted;
  const known = [...view.rows.keys()].map(id => store.all.get(id));
  const still = /** @type {Job[]} */ (known.filter(Boolean));
  const have = new Set(still.map(job => job.id));
  view.stale = wanted.some(job => !have.has(job.id)) || still.length !== wanted.length;
  // What lies below the last row moves nothing and may come at once.
  const below = wanted.slice(wanted.findLastIndex(job => have.has(job.id)) + 1);
  return have.size ? [...still, ...below] : wanted;
}

/** @param {Board} view @param {{move?: boolean}} [how] */
function draw(view, { move = false } = {}) {
  const list = shown(view, move);
  if (!view.over || move) view.stale = false;
  const opened = openedJob()?.id;
  const rows = new Map();
  for (const job of list) {
    const row = view.rows.get(job.id) ?? build(job);
    patch(row, job, job.id === opened);
    rows.set(job.id, row);
  }
  view.rows = rows;
  order(view.list, [...rows.values()]);
  drawFrame(view, list.length);
}

/** @param {Board} view @param {number} n rows */
function drawFrame(view, n) {
  const jobs = [...store.all.values()];
  view.filters.hidden = !jobs.length;
  const needs = jobs.filter(store.needsOwner).length;
  put(part(view.filters, '.ks-n'), needs ? ` ${needs}` : '');
  view.none.hidden = n > 0 || feed.first;
  const [head, why] = EMPTY[view.filter];
  put(part(view.none, 'b'), t(head));
  put(part(view.none, 'p'), t(why));
  const known = filtered(view).length > view.most;
  view.older.hidden = !jobs.length || !(known || view.more);
}

/** @param {Board} view */
async function showOlder(view) {
  view.most += PAGE;
  if (filtered(view).length < view.most && view.more) {
    attr(view.older, 'aria-disabled', 'true');
    const answer = await jobActions.older();
    view.more = answer.more;
    put(view.older, answer.ok ? t('board.older') : t('board.older_failed'));
    attr(view.older, 'aria-disabled', null);
  }
  draw(view, { move: true });
}

/** @param {Board} view */
function beat(view) {
  if (document.hidden || !view.root.isConnected) return;
  for (const [id, row] of view.rows) {
    const job = store.all.get(id);
    if (job && store.isActive(job)) tick(row, job);
  }
}

/**
 * One sentence where all submits wait: keys refused, the account empty.
 *
 * @param {Board} view
 */
function drawNotice({ notice: box }) {
  const { notice } = feed;
  box.hidden = !notice;
  if (!notice) return;
  const key = JSON.stringify(notice);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const { code, message, clock } = notice;
  // Without a code of Kling's own, what was answered is all that is known.
  const bare = code === 'kling_account' ? ` ${t('board.kling_says', { message })}` : '';
  const head = document.createElement('b');
  head.textContent = `${refusal(notice)}${bare}`;
  const next = clock ? t('notice.clock_by', { n: clock }) : t(`notice.${family(code)}`);
  box.replaceChildren(head, ` ${next}`);
}

/**
 * What the owner can do about it, by what Kling refuses.
 *
 * @param {string} code
 */
function family(code) {
  if (/^kling_100[0-2]$/.test(code)) return 'keys';
  if (/^kling_100[34]$/.test(code)) return 'clock';
  if (/^kling_110[12]$/.test(code)) return 'balance';
  return code === 'kling_1304' ? 'address' : 'account';
}

/**
 * J and L: the next and the previous row, opened in the viewer.
 *
 * @param {Board} view
 * @param {number} by
 */
function step({ rows }, by) {
  const ids = [...rows.keys()];
  const here = ids.indexOf(openedJob()?.id ?? '');
  const id = ids[Math.min(ids.length - 1, Math.max(0, here + by))];
  if (!id) return;
  openJob(id);
  rows.get(id)?.scrollIntoView({ block: 'nearest' });
}

/**
 * The board, filtered to what is active.
 *
 * @param {Board} view
 */
function showQueue(view) {
  openSection('create');
  choose(view, 'active');
  view.root.scrollIntoView({ block: 'nearest' });
  part(view.filters, 'button[aria-pressed=true]').focus({ preventScroll: true });
}
