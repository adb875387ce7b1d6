// The core: mounts the islands, starts the feed, tells a screen reader and the tab's title what happens.
// It is the door for Gradio's handlers and for tests (window.studio).

import * as board from '../board/board.js';
import { poll, start as startFeed } from '../jobs/job-feed.js';
import { statusCode } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { follow, openJob } from '../jobs/selection.js';
import { announce } from '../shared/announce.js';
import * as scheme from '../shared/color-scheme.js';
import { on } from '../shared/events.js';
import { fillWords, t } from '../shared/i18n.js';
import * as viewer from '../viewer/viewer.js';
import * as header from './header.js';
import * as keyboard from './keyboard.js';

/** @import { Events, Job } from '../shared/types.d.ts' */

/** @typedef {typeof door} Studio */

/** @type {Record<string, (root: HTMLElement) => void>} by data-ks: ui/islands.py */
const ISLANDS = { header: header.mount, board: board.mount, viewer: viewer.mount };
let unseen = 0;

/**
 * Gradio may draw an island before or after this file has loaded; both ways end here, once.
 *
 * @param {Element | null} element
 */
function mount(element) {
  const root = element?.matches('[data-ks]') ? element : element?.querySelector('[data-ks]');
  if (!(root instanceof HTMLElement) || root.dataset.mounted) return;
  root.dataset.mounted = 'true';
  fillWords(root);
  ISLANDS[root.dataset.ks ?? '']?.(root);
}

/**
 * Speaks only where it matters: 20, 80, done, failed, unknown.
 *
 * @param {Events['jobs']} change
 */
function tell({ moved, first }) {
  if (first) return;
  const words = moved.map(({ job, before }) => before && spoken(job, before)).filter(Boolean);
  if (words.length) announce(words.join('. '));
  const done = moved.filter(
    ({ job, before }) => before && before.state !== 'done' && job.state === 'done',
  );
  if (document.hidden) unseen += done.length;
  retitle();
}

/** @param {Job} job @param {Job} before */
function spoken(job, before) {
  const figures = { take: job.take, n: job.price };
  if (before.state !== job.state && ['done', 'failed', 'unknown'].includes(job.state)) {
    return t(`state.spoken_${job.state}`, figures);
  }
  /** @param {number} mark */
  const passed = mark => before.progress < mark && job.progress >= mark && job.progress < 100;
  if (passed(80)) return t('state.spoken_80', figures);
  const generating = passed(20) && statusCode(job) === 'generating';
  return generating ? t('state.spoken_20', figures) : null;
}

function retitle() {
  const next = unseen ? t('header.title_done', { n: unseen }) : t('header.title');
  if (document.title !== next) document.title = next;
}

const door = {
  mount,
  jobs: store.all,
  refresh: poll,
  /** @param {string} id */
  open: id => openJob(id),
};
window.studio = door;

function boot() {
  document.documentElement.lang = window.STUDIO?.lang === 'zh' ? 'zh-CN' : 'en';
  scheme.start();
  on('jobs', follow);
  on('jobs', tell);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) unseen = 0;
    retitle();
  });
  for (const root of document.querySelectorAll('[data-ks]')) mount(root);
  keyboard.start();
  retitle();
  startFeed();
}

if (document.body) boot();
else addEventListener('DOMContentLoaded', boot);
