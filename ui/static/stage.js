// The stage: the open take large. The picture is rebuilt only when it is another one, so that a
// clip plays on while the board moves.

import * as takes from './takes.js';
import { on } from './live.js';
import { attr, make, own } from './dom.js';
import { draw as drawEmpty } from './empty.js';
import { counting } from './header.js';
import { player } from './player.js';
import { picture } from './picture.js';
import { says } from './says.js';
import { actions, slate, state, strip } from './slate.js';
import { t } from './words.js';

export function mount(root) {
  const part = name => root.querySelector(`.ks-${name}`);
  const view = {
    root, job: null, index: 0, key: '', shown: null, seen: false,
    now: part('now'), empty: part('empty'), frame: part('view'), screen: part('screen'), under: part('under'),
    slate: part('slate'), acts: part('acts'), takes: part('takes'),
  };
  on('open', job => open(view, job, 0));
  on('jobs', () => refresh(view));
  on('state', line => !line.first && !view.seen && refresh(view));
  on('capability', () => !takes.all.size && drawEmpty(view.empty));
  // On another section the stage is out of sight: a clip that nobody sees does not play on.
  new IntersectionObserver(([seen]) => view.shown?.seen?.(seen.isIntersecting)).observe(view.frame);
  setInterval(() => view.job && takes.active(view.job) && !document.hidden && below(view), 1000);
  counting(part('counts'));
  keys(view);
  if (window.studio?.opened) open(view, window.studio.opened, 0);
  else if (!window.studio?.line.first) refresh(view);
}

function open(view, job, index) {
  view.job = job;
  view.index = index;
  draw(view);
}

function refresh(view) {
  view.seen = true;
  if (view.job) view.job = takes.all.get(view.job.id) ?? null;
  if (view.job) return draw(view);
  view.now.hidden = true;
  if (takes.all.size) return;
  view.empty.hidden = false;
  drawEmpty(view.empty);
}

function draw(view) {
  const { job } = view;
  view.empty.hidden = true;
  view.empty.replaceChildren(); // its clip must not play on unseen
  view.now.hidden = false;
  attr(view.now, 'data-state', job.state);
  attr(view.now, 'data-take', job.take);
  screen(view);
  below(view);
  slate(view.slate, job);
  actions(view.acts, job, takes.media(job)[view.index], () => fullScreen(view));
  strip(view.takes, job, view.index, (other, index) => {
    window.studio.open(other.id);
    if (index) open(view, takes.all.get(other.id), index);
  });
}

const ratio = text => {
  const [w, h] = String(text ?? '').split(':').map(Number);
  return w > 0 && h > 0 ? w / h : null;
};

function screen(view) {
  const { job, index } = view;
  const asset = takes.media(job)[index];
  const key = `${job.id} ${index} ${asset?.url ?? `${job.state === 'unknown'} ${takes.input(job)}`}`;
  if (view.key === key) return;
  view.key = key;
  view.shown?.stop();
  view.shown = null;
  const frame = make('div.ks-frame');
  shape(view, frame, asset?.width && asset?.height ? asset.width / asset.height : ratio(job.params?.aspect_ratio));
  frame.append(asset ? result(view, asset, frame) : waiting(view, frame));
  view.screen.replaceChildren(frame);
}

/** A tall picture stands beside its slate; --ar keeps the frame's own ratio from the first paint. */
function shape(view, frame, ar) {
  view.now.style.setProperty('--ar', ar ?? 16 / 9);
  attr(view.now, 'data-shape', ar && ar < 0.95 ? 'tall' : 'wide');
}

function result(view, asset, frame) {
  const { job, index } = view;
  const all = takes.media(job).length;
  const src = own(asset.url);
  view.shown = asset.kind === 'video'
    ? player({ src, poster: own(asset.poster_url) ?? '', take: job.take, seconds: asset.duration, sound: job.params?.sound === 'on' })
    : picture({ src, label: t('stage.image', { take: job.take, n: index + 1, all }) });
  const node = view.shown.screen;
  (asset.kind === 'video' ? node : node.firstChild).addEventListener('error', () => gone(view, frame));
  return node;
}

/** The file did not come: say so where the picture would be, with the way to try again. */
function gone(view, frame) {
  if (!view.shown) return;
  const again = make('button.ks-do', { text: t('stage.reload'), on: { click: () => { view.key = ''; screen(view); below(view); } } });
  frame.replaceChildren(make('div.ks-gone', {}, make('p', { text: t('stage.media_gone', { take: view.job.take }) }), again));
}

function waiting(view, frame) {
  const { job } = view;
  const src = own(takes.input(job));
  attr(frame, 'data-wait', job.state);
  if (!src || job.state === 'unknown') return make('div.ks-bare', {}, make('b', { text: job.take }));
  const img = make('img.ks-still', { src, alt: '', decoding: 'async' });
  img.addEventListener('load', () => {
    if (!ratio(job.params?.aspect_ratio)) shape(view, frame, img.naturalWidth / img.naturalHeight);
  });
  return img;
}

/** Transport, or the state in words in its place. */
function below(view) {
  const bar = view.shown?.bar ?? null;
  const plain = view.shown && !bar;
  view.under.hidden = Boolean(plain);
  if (plain) return;
  if (bar) {
    if (view.under.firstChild !== bar) view.under.replaceChildren(bar);
    return;
  }
  state(view.under, view.job, says(view.job));
}

function fullScreen(view) {
  if (document.fullscreenElement) document.exitFullscreen();
  else view.frame.requestFullscreen?.().catch(() => {});
}

function keys(view) {
  const { root } = view;
  root.addEventListener('ks-play', () => view.shown?.play());
  root.addEventListener('ks-frame', event => view.shown?.frame(event.detail));
  root.addEventListener('ks-full', () => view.shown && fullScreen(view));
  root.addEventListener('ks-variant', event => {
    if (!view.job) return;
    const tiles = takes.variants(view.job).flatMap(job => takes.media(job).map((_, i) => [job, i]).concat(takes.media(job).length ? [] : [[job, 0]]));
    const here = tiles.findIndex(([job, i]) => job.id === view.job.id && i === view.index);
    const [job, index] = tiles[here + event.detail] ?? [];
    if (!job) return;
    window.studio.open(job.id);
    if (index) open(view, job, index);
  });
  document.addEventListener('fullscreenchange', () => {
    attr(view.frame, 'data-full', document.fullscreenElement === view.frame ? '' : null);
    const button = view.acts.querySelector('[data-do=full]');
    if (button) button.setAttribute('aria-label', document.fullscreenElement ? t('stage.full_leave') : t('stage.full'));
  });
}
