// What is seen of the point editor: a frame of the video with its points, and the mask over it.

import { attr, make, own, put } from '../shared/dom.js';
import { timecode } from '../shared/format.js';
import { t } from '../shared/i18n.js';
import { drawMasks } from './mask.js';

/** @import { Point } from '../shared/types.d.ts' */
/** @import { Marking } from './points.js' */

/**
 * What a person's clicks lead to.
 *
 * @typedef {object} PointActions
 * @property {(point: Point, frame: number) => void} add
 * @property {(at: number) => void} remove
 * @property {() => unknown} clear
 * @property {() => unknown} preview
 * @property {() => void} done
 */

/**
 * `at`: the frame that is seen; `cross`: where the keys mark; `playing`: the preview.
 *
 * @typedef {object} PointView
 * @property {Marking} marking
 * @property {PointActions} actions
 * @property {ReturnType<typeof buildParts>} part
 * @property {Point} cross
 * @property {number} at
 * @property {HTMLVideoElement | null} playing
 */

/**
 * @param {Marking} marking
 * @param {PointActions} actions
 * @returns {PointView}
 */
export function buildView(marking, actions) {
  /** @type {PointView} */
  const view = {
    marking,
    actions,
    part: buildParts(marking, {
      step: by => seek(view, view.at + by),
      clear: actions.clear,
      preview: () => (view.playing ? endPreview(view) : actions.preview()),
      done: actions.done,
    }),
    cross: { x: 0.5, y: 0.5 },
    at: 0,
    playing: null,
  };
  return view;
}

/**
 * @param {Marking} it
 * @param {{step(by: number): void, clear(): unknown, preview(): unknown, done(): void}} on
 */
function buildParts(it, on) {
  /** @param {string} key @param {() => unknown} click */
  const tool = (key, click) => make('button.ks-do', { text: t(key), on: { click } });
  const video = make('video', {
    src: own(it.src),
    playsinline: '',
    preload: 'auto',
    tabindex: -1,
    'aria-hidden': 'true',
  });
  video.muted = true;
  const rail = make(
    'div.ks-rail',
    {
      role: 'slider',
      tabindex: 0,
      'aria-label': t('prepare.frame_scrub'),
      'aria-valuemin': 0,
      'aria-valuemax': it.total - 1,
    },
    make('i.ks-rail-done'),
    make('i.ks-rail-at'),
  );
  const part = {
    video,
    rail,
    mask: make('canvas.ks-mask'),
    points: make('div.ks-points'),
    cross: make('i.ks-cross'),
    hint: make('p.ks-point-hint', { role: 'status', text: '' }),
    time: make('span.ks-time'),
    count: make('span.ks-num'),
    clear: tool('prepare.clear', on.clear),
    preview: tool('prepare.preview', on.preview),
    done: tool('prepare.done', on.done),
  };
  part.done.classList.add('ks-solid');
  const frame = make(
    'div.ks-frame.ks-spot',
    { tabindex: 0, role: 'application', 'aria-label': t('prepare.frame_label') },
    video,
    part.mask,
    part.cross,
    part.points,
  );
  const marks = t('prepare.marks');
  const bar = make('div.ks-actions', { role: 'toolbar', 'aria-label': marks });
  bar.append(part.clear, part.preview, make('span.ks-gap'), part.done);
  const [back, forward] = [stepButton(-1, on.step), stepButton(1, on.step)];
  const root = make(
    'section.ks.ks-viewer.ks-point-editor',
    { 'aria-label': marks },
    make('h2', { text: t('prepare.mark_heading') }),
    frame,
    make('div.ks-transport', {}, back, part.time, rail, forward, part.count),
    part.hint,
    bar,
  );
  root.style.setProperty('--ar', String(it.ratio));
  return { ...part, frame, root };
}

/** @param {-1 | 1} by @param {(by: number) => void} step */
const stepButton = (by, step) =>
  make('button.ks-tool', {
    icon: by < 0 ? 'back' : 'on',
    'aria-label': t(by < 0 ? 'prepare.frame_back' : 'prepare.frame_on'),
    on: { click: () => step(by) },
  });

/** @param {PointView} view @param {number} frame */
export function seek(view, frame) {
  const { marking, part } = view;
  endPreview(view);
  view.at = Math.max(0, Math.min(marking.total - 1, Math.round(frame)));
  part.video.currentTime = (view.at + 0.5) / marking.fps; // the middle of a frame: its edge may show the one before
  paint(view);
}

/** @param {PointView} view */
export function paint(view) {
  const { part, marking, at, cross } = view;
  const n = marking.points.length;
  const here = (!n || at === marking.frame) && !view.playing;
  part.cross.style.left = `${cross.x * 100}%`;
  part.cross.style.top = `${cross.y * 100}%`;
  part.rail.style.setProperty('--at', String(marking.total > 1 ? at / (marking.total - 1) : 0));
  attr(part.rail, 'aria-valuenow', at);
  attr(part.rail, 'aria-valuetext', t('prepare.frame_n', { n: at + 1 }));
  put(part.time, timecode(at / marking.fps + 1e-6, marking.fps));
  put(part.count, t('prepare.points', { n }));
  put(part.hint.firstChild, marking.error || hint(view));
  attr(part.hint, 'data-wrong', marking.error ? '' : null);
  attr(part.root, 'data-busy', marking.underWay ? '' : null);
  attr(part.root, 'data-playing', view.playing ? '' : null);
  attr(part.clear, 'aria-disabled', String(!n));
  part.preview.hidden = !n;
  put(part.preview.firstChild, t(view.playing ? 'prepare.preview_end' : 'prepare.preview'));
  drawPoints(view, here);
  drawMasks(part.mask, here && n ? marking.masks : []);
}

/** @param {PointView} view */
function hint({ marking, at }) {
  if (marking.underWay) return t('prepare.asking');
  if (!marking.points.length) return t('prepare.mark_how');
  if (at === marking.frame) return t('prepare.mark_more');
  return t('prepare.other_frame', { n: marking.frame + 1 });
}

/** @param {PointView} view @param {boolean} here */
function drawPoints({ part, marking, actions }, here) {
  const key = JSON.stringify([here, marking.points]);
  if (part.points.dataset.key === key) return;
  part.points.dataset.key = key;
  const nodes = (here ? marking.points : []).map((point, at) => {
    const words = t('prepare.point_out', { n: at + 1 });
    const node = make('button.ks-point', {
      text: String(at + 1),
      'data-at': at,
      'data-waits': point.waits ? '' : null,
      'aria-label': words,
      title: words,
      on: { click: () => actions.remove(at) },
    });
    node.style.left = `${point.x * 100}%`;
    node.style.top = `${point.y * 100}%`;
    return node;
  });
  part.points.replaceChildren(...nodes);
}

/**
 * Plays what Kling made of the points, in the frame's place.
 *
 * @param {PointView} view
 * @param {string | undefined} url
 */
export function showPreview(view, url) {
  const src = own(url);
  if (!src) return;
  const label = t('prepare.preview');
  const video = make('video.ks-preview', { src, playsinline: '', loop: '', 'aria-label': label });
  video.muted = true;
  view.playing = video;
  view.part.frame.append(video);
  video.play().catch(() => {});
  paint(view);
}

/** @param {PointView} view */
export function endPreview(view) {
  view.playing?.remove();
  view.playing = null;
  if (view.part.preview.isConnected) paint(view);
}
