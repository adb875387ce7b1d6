// The transport of a clip: play, scrub, time in seconds and frames, loop, sound.

import { attr, calm, make, put } from './dom.js';
import { swap } from './icons.js';
import { code, t } from './words.js';

const RATES = [24, 25, 30, 48, 50, 60];
const KEPT = { loop: true, muted: true };

/** {screen, bar, play(), frame(n), stop()} for one clip. */
export function player({ src, poster, take, seconds, sound }) {
  const video = make('video', {
    src, poster, playsinline: '', preload: 'auto', 'aria-label': t('stage.video', { take }), tabindex: -1,
  });
  const part = controls(take, sound);
  const it = { video, part, fps: 24, drag: false, hid: false, seconds, raf: 0, live: true };
  video.loop = KEPT.loop;
  video.muted = KEPT.muted;
  wire(it);
  measure(it);
  if (!calm()) video.play().catch(() => {}); // a browser may refuse; then it waits for the button
  paint(it);
  return {
    screen: video, bar: part.bar, play: () => playOrPause(it), frame: by => frame(it, by),
    seen(visible) {
      if (!visible && !video.paused) it.hid = true;
      if (!visible) video.pause();
      else if (it.hid) {
        it.hid = false;
        video.play().catch(() => {});
      }
    },
    stop() {
      it.live = false;
      cancelAnimationFrame(it.raf);
      video.pause();
      video.removeAttribute('src');
      video.load();
    },
  };
}

function controls(take, sound) {
  const part = {
    play: make('button.ks-tool', { icon: 'play', 'data-icon': 'play', 'aria-label': t('stage.play') }),
    at: make('span.ks-time', { 'aria-hidden': 'true' }),
    rail: make('div.ks-rail', {
      role: 'slider', tabindex: 0, 'aria-label': t('stage.scrub', { take }), 'aria-valuemin': 0,
    }, make('i.ks-rail-done'), make('i.ks-rail-at')),
    all: make('span.ks-time', { 'aria-hidden': 'true' }),
    loop: make('button.ks-tool', { icon: 'loop', 'aria-label': t('stage.loop'), title: t('stage.loop') }),
    sound: make('button.ks-tool', { icon: 'mute', 'data-icon': 'mute', hidden: !sound }),
  };
  part.bar = make('div.ks-trans', {}, part.play, part.at, part.rail, part.all, part.loop, part.sound);
  return part;
}

function wire(it) {
  const { video, part } = it;
  part.play.addEventListener('click', () => playOrPause(it));
  video.addEventListener('click', () => playOrPause(it));
  part.loop.addEventListener('click', () => {
    video.loop = KEPT.loop = !video.loop;
    paint(it);
  });
  part.sound.addEventListener('click', () => {
    video.muted = KEPT.muted = !video.muted;
    paint(it);
  });
  for (const event of ['play', 'pause', 'loadedmetadata', 'seeked', 'ended', 'timeupdate', 'volumechange']) {
    video.addEventListener(event, () => paint(it));
  }
  video.addEventListener('play', () => run(it));
  // A clip without a sound track needs no sound button; only playing tells.
  video.addEventListener('timeupdate', () => {
    if (video.webkitAudioDecodedByteCount > 0 || video.mozHasAudio) part.sound.hidden = false;
  });
  scrub(it);
}

function playOrPause({ video }) {
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

const length = it => (Number.isFinite(it.video.duration) && it.video.duration ? it.video.duration : it.seconds || 0);

/** To the middle of a frame: its edge may show the one before. */
function seek(it, seconds) {
  const last = Math.max(0, Math.round(length(it) * it.fps) - 1);
  const n = Math.max(0, Math.min(last, Math.floor(seconds * it.fps + 1e-4)));
  it.video.currentTime = (n + 0.5) / it.fps;
  paint(it);
}

function frame(it, by) {
  it.video.pause();
  seek(it, it.video.currentTime + by / it.fps);
}

function scrub(it) {
  const { rail } = it.part;
  const to = event => {
    const box = rail.getBoundingClientRect();
    seek(it, Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * length(it));
  };
  rail.addEventListener('pointerdown', event => {
    if (event.button) return;
    it.drag = !it.video.paused;
    it.video.pause();
    rail.setPointerCapture(event.pointerId);
    to(event);
  });
  rail.addEventListener('pointermove', event => rail.hasPointerCapture(event.pointerId) && to(event));
  rail.addEventListener('lostpointercapture', () => it.drag && it.video.play().catch(() => {}));
  rail.addEventListener('keydown', event => {
    const by = { ArrowRight: 1 / it.fps, ArrowUp: 1 / it.fps, ArrowLeft: -1 / it.fps, ArrowDown: -1 / it.fps, PageUp: 1, PageDown: -1 }[event.key];
    const end = { Home: 0, End: length(it) }[event.key];
    if (by === undefined && end === undefined) return;
    event.preventDefault();
    it.video.pause();
    seek(it, end ?? it.video.currentTime + by);
  });
}

/** The frame rate is not in the row; two painted frames tell it. */
function measure(it) {
  const { video } = it;
  if (!video.requestVideoFrameCallback) return;
  let last = null, least = 1, seen = 0;
  const step = (_, { mediaTime }) => {
    if (last !== null && mediaTime > last) least = Math.min(least, mediaTime - last);
    last = mediaTime;
    const rate = RATES.find(fps => Math.abs(1 / least - fps) < fps * 0.03);
    if (rate && rate !== it.fps) {
      it.fps = rate;
      paint(it);
    }
    if (it.live && (seen += 1) < 40) video.requestVideoFrameCallback(step);
  };
  video.requestVideoFrameCallback(step);
}

function run(it) {
  cancelAnimationFrame(it.raf);
  const go = () => {
    paint(it);
    if (it.live && !it.video.paused && !document.hidden) it.raf = requestAnimationFrame(go);
  };
  go();
}

function paint(it) {
  const { video, part } = it;
  const all = length(it);
  const at = Math.min(video.currentTime, all);
  const done = all ? at / all : 0;
  put(part.at, code(at, it.fps));
  put(part.all, code(all, it.fps));
  part.rail.style.setProperty('--at', done);
  const whole = Math.round(at * 10) / 10;
  attr(part.rail, 'aria-valuemax', all.toFixed(1));
  attr(part.rail, 'aria-valuenow', whole);
  attr(part.rail, 'aria-valuetext', t('stage.at', { at: code(at, it.fps), all: code(all, it.fps) }));
  swap(part.play, video.paused ? 'play' : 'pause');
  attr(part.play, 'aria-label', video.paused ? t('stage.play') : t('stage.pause'));
  attr(part.loop, 'aria-pressed', String(video.loop));
  swap(part.sound, video.muted ? 'mute' : 'sound');
  attr(part.sound, 'aria-label', video.muted ? t('stage.unmute') : t('stage.mute'));
}
