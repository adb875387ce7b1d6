// A frame of a video to mark things on: rings for points, the mask over it, a cross-hair for the keys.
// It takes the stage's place; on a phone it is a dialog.

import { attr, make, own, put } from './dom.js';
import { code, t } from './words.js';

const STEP = 0.02, FINE = 0.004, NEAR = 22; // of the frame's side; px around a ring
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function marker(it) {
  const part = it.part = draw(it);
  it.paint = () => !it.left && paint(it);
  it.show = url => show(it, url);
  it.cross = { x: 0.5, y: 0.5 };
  wire(it);
  const phone = innerWidth < 720, stage = document.getElementById('stage-col');
  it.home = phone ? document.body.appendChild(make('dialog.ks-marking', {}, part.root)) : stage;
  if (phone) it.home.showModal();
  else {
    stage.prepend(part.root);
    document.documentElement.dataset.marking = '';
    if (innerWidth < 1200) scrollTo({ top: 0 });
  }
  it.home.addEventListener('cancel', () => close(it), { once: true });
  part.frame.focus({ preventScroll: true });
  seek(it, it.points.length ? it.frame : 0);
  paint(it);
}

function draw(it) {
  const tool = (key, click) => make('button.ks-do', { text: t(key), on: { click } });
  const part = {
    video: make('video', { src: own(it.src), playsinline: '', preload: 'auto', tabindex: -1, 'aria-hidden': 'true' }),
    mask: make('canvas.ks-mask'), rings: make('div.ks-rings'), cross: make('i.ks-cross'), said: make('p.ks-msaid', { role: 'status', text: '' }),
    rail: make('div.ks-rail', { role: 'slider', tabindex: 0, 'aria-label': t('prepare.frame_scrub'), 'aria-valuemin': 0, 'aria-valuemax': it.total - 1 }, make('i.ks-rail-done'), make('i.ks-rail-at')),
    at: make('span.ks-time'), count: make('span.ks-num'),
  };
  part.video.muted = true;
  part.frame = make('div.ks-frame.ks-spot', { tabindex: 0, role: 'application', 'aria-label': t('prepare.frame_label') }, part.video, part.mask, part.cross, part.rings);
  part.clear = tool('prepare.clear', it.clear);
  part.preview = tool('prepare.preview', () => (it.playing ? back(it) : it.preview()));
  part.done = tool('prepare.done', () => close(it));
  part.done.classList.add('ks-solid');
  part.root = make('section.ks.ks-stage.ks-marker', { 'aria-label': t('prepare.marks') },
    make('h2', { text: t('prepare.mark_heading') }), part.frame,
    make('div.ks-trans', {}, nudge(it, -1), part.at, part.rail, nudge(it, 1), part.count),
    part.said, make('div.ks-acts', { role: 'toolbar', 'aria-label': t('prepare.marks') }, part.clear, part.preview, make('span.ks-gap'), part.done));
  part.root.style.setProperty('--ar', it.ratio);
  return part;
}

const nudge = (it, by) => make('button.ks-tool', { icon: by < 0 ? 'back' : 'on', 'aria-label': t(by < 0 ? 'prepare.frame_back' : 'prepare.frame_on'), on: { click: () => seek(it, here(it) + by) } });

const here = it => it.at ?? 0;

function seek(it, frame) {
  back(it);
  it.at = Math.max(0, Math.min(it.total - 1, Math.round(frame)));
  it.part.video.currentTime = (it.at + 0.5) / it.fps; // the middle of a frame: its edge may show the one before
  paint(it);
}

function wire(it) {
  const { frame, rail, root } = it.part;
  frame.addEventListener('click', event => {
    if (event.target.closest('.ks-ring')) return;
    const box = frame.getBoundingClientRect();
    const point = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    if (point.x < 0 || point.x > 1 || point.y < 0 || point.y > 1) return;
    if (event.shiftKey) it.remove(near(it, point, box));
    else mark(it, point);
  });
  const to = event => {
    const box = rail.getBoundingClientRect();
    seek(it, ((event.clientX - box.left) / box.width) * (it.total - 1));
  };
  rail.addEventListener('pointerdown', event => { rail.setPointerCapture(event.pointerId); to(event); });
  rail.addEventListener('pointermove', event => rail.hasPointerCapture(event.pointerId) && to(event));
  root.addEventListener('keydown', event => keys(it, event));
}

function mark(it, point) {
  if (it.playing) return back(it);
  it.cross = point;
  return it.add(point, here(it));
}

/** The point under the pointer, if it is within a finger's reach. */
function near(it, { x, y }, box) {
  const far = it.points.map(point => Math.hypot((point.x - x) * box.width, (point.y - y) * box.height));
  const at = far.indexOf(Math.min(...far));
  return far[at] <= NEAR * 2 ? at : -1;
}

function keys(it, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { frame, rail } = it.part, arrow = ARROWS[event.key], at = document.activeElement;
  if (event.key === 'Escape') close(it);
  else if (event.key === ',' || event.key === '.') seek(it, here(it) + (event.key === ',' ? -1 : 1));
  else if (at === rail && arrow) seek(it, here(it) + (arrow[0] || -arrow[1]));
  else if (at === rail && ['Home', 'End'].includes(event.key)) seek(it, event.key === 'Home' ? 0 : it.total);
  else if (at === frame && arrow) {
    const by = event.shiftKey ? FINE : STEP, inside = value => Math.min(1, Math.max(0, value));
    it.cross = { x: inside(it.cross.x + arrow[0] * by), y: inside(it.cross.y + arrow[1] * by) };
    paint(it);
  } else if (at === frame && event.key === 'Enter') mark(it, it.cross);
  else if (at.matches('.ks-ring') && ['Delete', 'Backspace'].includes(event.key)) it.remove(Number(at.dataset.at));
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function paint(it) {
  const { part } = it, on = here(it), mine = !it.points.length || on === it.frame;
  part.cross.style.left = `${it.cross.x * 100}%`;
  part.cross.style.top = `${it.cross.y * 100}%`;
  part.rail.style.setProperty('--at', it.total > 1 ? on / (it.total - 1) : 0);
  attr(part.rail, 'aria-valuenow', on);
  attr(part.rail, 'aria-valuetext', t('prepare.frame_n', { n: on + 1 }));
  put(part.at, code(on / it.fps + 1e-6, it.fps));
  put(part.count, t('prepare.points', { n: it.points.length }));
  put(part.said.firstChild, it.said || (it.under ? t('prepare.asking') : it.points.length ? (mine ? t('prepare.mark_more') : t('prepare.other_frame', { n: it.frame + 1 })) : t('prepare.mark_how')));
  attr(part.said, 'data-wrong', it.said ? '' : null);
  attr(part.root, 'data-busy', it.under ? '' : null);
  attr(part.root, 'data-playing', it.playing ? '' : null);
  attr(part.clear, 'aria-disabled', String(!it.points.length));
  part.preview.hidden = !it.points.length;
  put(part.preview.firstChild, t(it.playing ? 'prepare.preview_end' : 'prepare.preview'));
  rings(it, mine && !it.playing);
  tint(it, mine && !it.playing && it.points.length ? it.masks : []);
}

function rings(it, seen) {
  const key = JSON.stringify([seen, it.points]);
  if (it.part.rings.dataset.key === key) return;
  it.part.rings.dataset.key = key;
  it.part.rings.replaceChildren(...(seen ? it.points : []).map((point, at) => {
    const words = t('prepare.point_out', { n: at + 1 });
    const node = make('button.ks-ring', { text: String(at + 1), 'data-at': at, 'data-waits': point.waits ? '' : null, 'aria-label': words, title: words, on: { click: () => it.remove(at) } });
    node.style.left = `${point.x * 100}%`;
    node.style.top = `${point.y * 100}%`;
    return node;
  }));
}

/** The mask comes as white on black or with an alpha of its own; either becomes a veil of one colour. */
async function tint(it, masks) {
  const key = masks.map(mask => `${mask.length} ${mask.slice(-64)} ${mask.slice(mask.length / 2, mask.length / 2 + 64)}`).join() + document.documentElement.className;
  const canvas = it.part.mask;
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  const images = await Promise.all(masks.map(load));
  if (canvas.dataset.key !== key) return;
  canvas.width = images[0]?.naturalWidth || 1;
  canvas.height = images[0]?.naturalHeight || 1;
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  for (const image of images.filter(Boolean)) veil(brush, image, canvas);
}

const load = mask => new Promise(done => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = () => done(null);
  image.src = `data:image/png;base64,${mask}`;
});

function veil(brush, image, { width, height }) {
  const layer = new OffscreenCanvas(width, height), on = layer.getContext('2d');
  on.drawImage(image, 0, 0, width, height);
  const seen = on.getImageData(0, 0, width, height), { data } = seen;
  let clear = false;
  for (let at = 3; at < data.length && !clear; at += 4) clear = data[at] < 255;
  if (!clear) for (let at = 0; at < data.length; at += 4) data[at + 3] = data[at];
  on.putImageData(seen, 0, 0);
  on.globalCompositeOperation = 'source-in';
  on.fillStyle = getComputedStyle(document.body).getPropertyValue('--run');
  on.fillRect(0, 0, width, height);
  brush.drawImage(layer, 0, 0);
}

/** Plays what Kling made of the marks, in the frame's place. */
function show(it, url) {
  const src = own(url);
  if (!src) return;
  it.playing = make('video.ks-seen', { src, playsinline: '', loop: '', 'aria-label': t('prepare.preview') });
  it.playing.muted = true;
  it.part.frame.append(it.playing);
  it.playing.play().catch(() => {});
  paint(it);
}

function back(it) {
  it.playing?.remove();
  it.playing = null;
  if (it.part.preview.isConnected) paint(it);
}

function close(it) {
  if (it.left) return;
  delete document.documentElement.dataset.marking;
  it.part.root.remove();
  if (it.home.matches('dialog')) it.home.remove();
  it.done();
}
