// A clip with its controls: play, scrub, time in seconds and frames, loop, sound.

import { attr, calm, make, put } from '../shared/dom.js';
import { timecode } from '../shared/format.js';
import { t } from '../shared/i18n.js';
import { swap } from '../shared/icons.js';
import { measureFrameRate } from './frame-rate.js';

/** @import { Screen } from '../shared/types.d.ts' */

/**
 * `resume`: it played when the controls took hold of it; `hidden`: it played when it went out of sight.
 *
 * @typedef {object} Player
 * @property {HTMLVideoElement} video
 * @property {ReturnType<typeof buildControls>} part
 * @property {number} fps
 * @property {boolean} resume
 * @property {boolean} hidden
 * @property {number} seconds until the file tells its own
 * @property {number} frameRequest
 * @property {boolean} live
 */

const EVENTS = ['play', 'pause', 'loadedmetadata', 'seeked', 'ended', 'timeupdate', 'volumechange'];
const kept = { loop: true, muted: true }; // from one clip to the next

/**
 * @param {{src: string, poster: string, take: string, seconds: number, sound: boolean}} clip
 * @returns {Screen}
 */
export function videoPlayer({ src, poster, take, seconds, sound }) {
  const video = make('video', {
    src,
    poster,
    playsinline: '',
    preload: 'auto',
    'aria-label': t('viewer.video', { take }),
    tabindex: -1,
  });
  video.loop = kept.loop;
  video.muted = kept.muted;
  const part = buildControls(take, sound);
  const state = { fps: 24, resume: false, hidden: false, frameRequest: 0, live: true };
  /** @type {Player} */
  const it = { video, part, seconds, ...state };
  listen(it);
  scrub(it);
  measureFrameRate(
    video,
    fps => {
      it.fps = fps;
      paint(it);
    },
    () => it.live,
  );
  if (!calm()) start(it);
  paint(it);
  return {
    screen: video,
    file: video,
    bar: part.bar,
    play: () => playOrPause(it),
    frame: by => step(it, by),
    setVisible: visible => setVisible(it, visible),
    stop: () => stop(it),
  };
}

/** @param {string} take @param {boolean} sound */
function buildControls(take, sound) {
  const loop = t('viewer.loop');
  const play = make('button.ks-tool', {
    icon: 'play',
    'data-icon': 'play',
    'aria-label': t('viewer.play'),
  });
  const rail = make(
    'div.ks-rail',
    { role: 'slider', tabindex: 0, 'aria-label': t('viewer.scrub', { take }), 'aria-valuemin': 0 },
    make('i.ks-rail-done'),
    make('i.ks-rail-at'),
  );
  const part = {
    play,
    at: make('span.ks-time', { 'aria-hidden': 'true' }),
    rail,
    all: make('span.ks-time', { 'aria-hidden': 'true' }),
    loop: make('button.ks-tool', { icon: 'loop', 'aria-label': loop, title: loop }),
    sound: make('button.ks-tool', { icon: 'mute', 'data-icon': 'mute', hidden: !sound }),
  };
  return { ...part, bar: make('div.ks-transport', {}, ...Object.values(part)) };
}

/** @param {Player} it */
function listen(it) {
  const { video, part } = it;
  part.play.addEventListener('click', () => playOrPause(it));
  video.addEventListener('click', () => playOrPause(it));
  part.loop.addEventListener('click', () => {
    kept.loop = !video.loop;
    video.loop = kept.loop;
    paint(it);
  });
  part.sound.addEventListener('click', () => {
    kept.muted = !video.muted;
    video.muted = kept.muted;
    paint(it);
  });
  for (const event of EVENTS) video.addEventListener(event, () => paint(it));
  video.addEventListener('play', () => follow(it));
  // A clip without a sound track needs no sound button; only playing tells.
  video.addEventListener('timeupdate', () => {
    const { webkitAudioDecodedByteCount: decoded = 0, mozHasAudio } = video;
    if (decoded > 0 || mozHasAudio) part.sound.hidden = false;
  });
}

/** @param {Player} it */
const start = ({ video }) => {
  video.play().catch(() => {}); // a browser may refuse; then it waits for the button
};

/** @param {Player} it */
function playOrPause(it) {
  if (it.video.paused) start(it);
  else it.video.pause();
}

/** @param {Player} it @param {boolean} visible */
function setVisible(it, visible) {
  if (!visible && !it.video.paused) it.hidden = true;
  if (!visible) it.video.pause();
  else if (it.hidden) {
    it.hidden = false;
    start(it);
  }
}

/** @param {Player} it */
function stop(it) {
  it.live = false;
  cancelAnimationFrame(it.frameRequest);
  it.video.pause();
  it.video.removeAttribute('src');
  it.video.load();
}

/** @param {Player} it */
const length = ({ video, seconds }) =>
  Number.isFinite(video.duration) && video.duration ? video.duration : seconds;

/**
 * To the middle of a frame: its edge may show the one before.
 *
 * @param {Player} it
 * @param {number} seconds
 */
function seek(it, seconds) {
  const last = Math.max(0, Math.round(length(it) * it.fps) - 1);
  const n = Math.max(0, Math.min(last, Math.floor(seconds * it.fps + 1e-4)));
  it.video.currentTime = (n + 0.5) / it.fps;
  paint(it);
}

/** @param {Player} it @param {number} by frames */
function step(it, by) {
  it.video.pause();
  seek(it, it.video.currentTime + by / it.fps);
}

/** @param {Player} it */
function scrub(it) {
  const { rail } = it.part;
  /** @param {PointerEvent} event */
  const to = event => {
    const box = rail.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    seek(it, share * length(it));
  };
  rail.addEventListener('pointerdown', event => {
    if (event.button) return;
    it.resume = !it.video.paused;
    it.video.pause();
    rail.setPointerCapture(event.pointerId);
    to(event);
  });
  rail.addEventListener('pointermove', event => {
    if (rail.hasPointerCapture(event.pointerId)) to(event);
  });
  rail.addEventListener('lostpointercapture', () => {
    if (it.resume) start(it);
  });
  rail.addEventListener('keydown', event => scrubByKey(it, event));
}

/** @param {Player} it @param {KeyboardEvent} event */
function scrubByKey(it, event) {
  const frame = 1 / it.fps;
  const now = it.video.currentTime;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowRight: now + frame,
    ArrowUp: now + frame,
    ArrowLeft: now - frame,
    ArrowDown: now - frame,
    PageUp: now + 1,
    PageDown: now - 1,
    Home: 0,
    End: length(it),
  };
  const target = targets[event.key];
  if (target === undefined) return;
  event.preventDefault();
  it.video.pause();
  seek(it, target);
}

/** @param {Player} it */
function follow(it) {
  cancelAnimationFrame(it.frameRequest);
  paint(it);
  if (it.live && !it.video.paused && !document.hidden) {
    it.frameRequest = requestAnimationFrame(() => follow(it));
  }
}

/** @param {Player} it */
function paint(it) {
  const { video, part, fps } = it;
  const all = length(it);
  const at = Math.min(video.currentTime, all);
  const time = { at: timecode(at, fps), all: timecode(all, fps) };
  put(part.at, time.at);
  put(part.all, time.all);
  part.rail.style.setProperty('--at', String(all ? at / all : 0));
  attr(part.rail, 'aria-valuemax', all.toFixed(1));
  attr(part.rail, 'aria-valuenow', Math.round(at * 10) / 10);
  attr(part.rail, 'aria-valuetext', t('viewer.at', time));
  swap(part.play, video.paused ? 'play' : 'pause');
  attr(part.play, 'aria-label', video.paused ? t('viewer.play') : t('viewer.pause'));
  attr(part.loop, 'aria-pressed', String(video.loop));
  swap(part.sound, video.muted ? 'mute' : 'sound');
  attr(part.sound, 'aria-label', video.muted ? t('viewer.unmute') : t('viewer.mute'));
}
