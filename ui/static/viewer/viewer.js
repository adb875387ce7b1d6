// The viewer: the open job large. The picture is rebuilt only when it is another one, so that a
// clip plays on while the board moves.

import { shownCapability } from '../form/navigation.js';
import { feed } from '../jobs/job-feed.js';
import { statusOf } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { mountQueueButton } from '../jobs/queue-button.js';
import { openedJob, openJob } from '../jobs/selection.js';
import { attr, make, own, part } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { t } from '../shared/i18n.js';
import { drawActions } from './action-bar.js';
import { drawEmpty } from './empty-viewer.js';
import { followFullScreen, toggleFullScreen } from './full-screen.js';
import { imageView } from './image-view.js';
import { drawDetails, drawState } from './job-details.js';
import { drawVariants, tilesOf } from './variants.js';
import { videoPlayer } from './video-player.js';

/** @import { Asset, Command, Job, Screen } from '../shared/types.d.ts' */

/** @typedef {ReturnType<typeof build>} Viewer */
/** @typedef {Viewer & {job: Job}} OpenViewer */

/** @param {HTMLElement} root */
function build(root) {
  return {
    /** @type {Job | null} */
    job: null,
    index: 0,
    /** What the screen shows: it is built anew only for something else. */
    key: '',
    /** @type {Screen | null} */
    shown: null,
    /** It was drawn with what the server knows. */
    fresh: false,
    now: part(root, '.ks-now'),
    empty: part(root, '.ks-empty'),
    frame: part(root, '.ks-view'),
    screen: part(root, '.ks-screen'),
    under: part(root, '.ks-under'),
    details: part(root, '.ks-details'),
    actions: part(root, '.ks-actions'),
    variants: part(root, '.ks-variants'),
  };
}

/** @param {HTMLElement} root */
export function mount(root) {
  const view = build(root);
  on('open', job => open(view, job, 0));
  on('jobs', () => refresh(view));
  on('feed', () => {
    if (!feed.first && !view.fresh) refresh(view);
  });
  on('capability', () => {
    if (!store.all.size) drawEmpty(view.empty, shownCapability);
  });
  on('command', command => obey(view, command));
  // On another section the viewer is out of sight: a clip that nobody sees does not play on.
  const watch = new IntersectionObserver(([seen]) => view.shown?.setVisible?.(seen.isIntersecting));
  watch.observe(view.frame);
  setInterval(() => {
    if (isOpen(view) && store.isActive(view.job) && !document.hidden) drawUnder(view);
  }, 1000);
  mountQueueButton(part(root, '.ks-counts'));
  followFullScreen(view.frame, view.actions);
  const job = openedJob();
  if (job) open(view, job, 0);
  else if (!feed.first) refresh(view);
}

/**
 * @param {Viewer} view
 * @returns {view is OpenViewer}
 */
const isOpen = view => view.job !== null;

/** @param {Viewer} view @param {Job} job @param {number} index */
function open(view, job, index) {
  view.job = job;
  view.index = index;
  draw(/** @type {OpenViewer} */ (view));
}

/** @param {Viewer} view */
function refresh(view) {
  view.fresh = true;
  if (view.job) view.job = store.all.get(view.job.id) ?? null;
  if (isOpen(view)) {
    draw(view);
    return;
  }
  view.now.hidden = true;
  if (store.all.size) return;
  view.empty.hidden = false;
  drawEmpty(view.empty, shownCapability);
}

/** @param {OpenViewer} view */
function draw(view) {
  const { job, index } = view;
  view.empty.hidden = true;
  view.empty.replaceChildren(); // its clip must not play on unseen
  view.now.hidden = false;
  attr(view.now, 'data-state', job.state);
  attr(view.now, 'data-take', job.take);
  drawScreen(view);
  drawUnder(view);
  drawDetails(view.details, job);
  drawActions(view.actions, job, store.media(job)[index], () => toggleFullScreen(view.frame));
  drawVariants(view.variants, job, index, (other, at) => show(view, other, at));
}

/**
 * Opens a job for everybody, at one of its pictures.
 *
 * @param {Viewer} view
 * @param {Job} job
 * @param {number} index
 */
function show(view, job, index) {
  openJob(job.id);
  if (index) open(view, store.all.get(job.id) ?? job, index);
}

/**
 * Width by height; null for anything but "16:9".
 *
 * @param {unknown} text
 */
const ratio = text => {
  const [w, h] = String(text ?? '')
    .split(':')
    .map(Number);
  return w > 0 && h > 0 ? w / h : null;
};

/** @param {OpenViewer} view */
function drawScreen(view) {
  const { job, index } = view;
  const asset = store.media(job)[index];
  const file = asset?.url ?? `${job.state === 'unknown'} ${store.inputPicture(job)}`;
  const key = `${job.id} ${index} ${file}`;
  if (view.key === key) return;
  view.key = key;
  view.shown?.stop();
  view.shown = null;
  const frame = make('div.ks-frame');
  const asked = ratio(job.params?.aspect_ratio);
  const known = asset?.width && asset.height ? asset.width / asset.height : asked;
  setShape(view, known);
  frame.append(asset ? result(view, asset, frame) : waiting(view, frame));
  view.screen.replaceChildren(frame);
}

/**
 * A tall picture stands beside its details; --ar keeps the frame's own ratio from the first paint.
 *
 * @param {Viewer} view
 * @param {number | null} ratio
 */
function setShape(view, ratio) {
  view.now.style.setProperty('--ar', String(ratio ?? 16 / 9));
  attr(view.now, 'data-shape', ratio && ratio < 0.95 ? 'tall' : 'wide');
}

/** @param {OpenViewer} view @param {Asset} asset @param {HTMLElement} frame */
function result(view, asset, frame) {
  const { job, index } = view;
  const src = own(asset.url) ?? '';
  const poster = own(asset.poster_url) ?? '';
  const seconds = asset.duration ?? 0;
  const label = t('viewer.image', { take: job.take, n: index + 1, all: store.media(job).length });
  const shown =
    asset.kind === 'video'
      ? videoPlayer({ src, poster, take: job.take, seconds, sound: job.params?.sound === 'on' })
      : imageView({ src, label });
  view.shown = shown;
  shown.file.addEventListener('error', () => gone(view, frame));
  return shown.screen;
}

/**
 * The file did not come: says so where the picture would be, with the way to try again.
 *
 * @param {OpenViewer} view
 * @param {HTMLElement} frame
 */
function gone(view, frame) {
  if (!view.shown) return;
  const reload = () => {
    view.key = '';
    drawScreen(view);
    drawUnder(view);
  };
  const words = t('viewer.media_gone', { take: view.job.take });
  const again = make('button.ks-do', { text: t('viewer.reload'), on: { click: reload } });
  frame.replaceChildren(make('div.ks-gone', {}, make('p', { text: words }), again));
}

/** @param {OpenViewer} view @param {HTMLElement} frame */
function waiting(view, frame) {
  const { job } = view;
  const src = own(store.inputPicture(job));
  attr(frame, 'data-wait', job.state);
  if (!src || job.state === 'unknown') {
    return make('div.ks-bare', {}, make('b', { text: job.take }));
  }
  const img = make('img.ks-still', { src, alt: '', decoding: 'async' });
  img.addEventListener('load', () => {
    const known = ratio(job.params?.aspect_ratio);
    if (!known) setShape(view, img.naturalWidth / img.naturalHeight);
  });
  return img;
}

/**
 * The controls of a clip, or the state in words in their place.
 *
 * @param {OpenViewer} view
 */
function drawUnder({ shown, under, job }) {
  const bar = shown?.bar ?? null;
  const plain = Boolean(shown) && !bar;
  under.hidden = plain;
  if (plain) return;
  if (!bar) drawState(under, job, statusOf(job));
  else if (under.firstChild !== bar) under.replaceChildren(bar);
}

/** @param {Viewer} view @param {Command} command */
function obey(view, { name, by = 0 }) {
  if (name === 'play') view.shown?.play();
  else if (name === 'frame') view.shown?.frame(by);
  else if (name === 'full' && view.shown) toggleFullScreen(view.frame);
  else if (name === 'variant' && isOpen(view)) {
    const { job, index } = view;
    const tiles = tilesOf(job);
    const here = tiles.findIndex(([one, at]) => one.id === job.id && at === index);
    const next = tiles[here + by];
    if (next) show(view, ...next);
  }
}
