// A still on the stage: fit or 100 %, wheel to zoom where the pointer is, drag to pan.

import { attr, make } from './dom.js';
import { t } from './words.js';

const MOST = 4;

export function picture({ src, label }) {
  const img = make('img', { src, alt: label, decoding: 'async', draggable: 'false' });
  const box = make('div.ks-zoom', { tabindex: 0, role: 'button' }, img);
  const it = { box, img, zoom: 1, x: 0, y: 0, moved: false };
  wire(it);
  paint(it);
  return { screen: box, bar: null, play: () => toggle(it), frame: () => {}, stop: () => {} };
}

/** How much larger than fitted 100 % is; never less than twice, so that a click always shows more. */
const full = ({ img, box }) => Math.min(MOST, Math.max(2, img.naturalWidth / Math.max(1, box.clientWidth)));

function toggle(it, event) {
  const box = it.box.getBoundingClientRect();
  const to = it.zoom > 1 ? 1 : full(it);
  zoom(it, to, event ? event.clientX - box.left : box.width / 2, event ? event.clientY - box.top : box.height / 2);
}

function zoom(it, to, x, y) {
  const next = Math.min(MOST, Math.max(1, to));
  it.x = x - ((x - it.x) * next) / it.zoom;
  it.y = y - ((y - it.y) * next) / it.zoom;
  it.zoom = next;
  paint(it);
}

function paint(it) {
  const { box, img } = it;
  it.x = Math.min(0, Math.max(box.clientWidth * (1 - it.zoom), it.x));
  it.y = Math.min(0, Math.max(box.clientHeight * (1 - it.zoom), it.y));
  img.style.transform = it.zoom > 1 ? `translate(${it.x}px, ${it.y}px) scale(${it.zoom})` : '';
  attr(box, 'data-in', it.zoom > 1 ? '' : null);
  attr(box, 'aria-label', `${img.alt}. ${it.zoom > 1 ? t('stage.zoom_out') : t('stage.zoom_in')}`);
  box.title = it.zoom > 1 ? t('stage.zoom_out') : t('stage.zoom_in');
}

function wire(it) {
  const { box } = it;
  box.addEventListener('click', event => !it.moved && toggle(it, event));
  box.addEventListener('keydown', event => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    toggle(it);
  });
  box.addEventListener('wheel', event => {
    // A plain wheel scrolls the page until the picture is zoomed; with Ctrl (or a pinch) it zooms.
    if (it.zoom === 1 && !event.ctrlKey) return;
    event.preventDefault();
    const at = box.getBoundingClientRect();
    zoom(it, it.zoom * Math.exp(-event.deltaY / 300), event.clientX - at.left, event.clientY - at.top);
  }, { passive: false });
  box.addEventListener('pointerdown', event => {
    it.moved = false;
    if (it.zoom > 1 && !event.button) box.setPointerCapture(event.pointerId);
  });
  box.addEventListener('pointermove', event => {
    if (!box.hasPointerCapture(event.pointerId)) return;
    it.x += event.movementX;
    it.y += event.movementY;
    if (Math.abs(event.movementX) + Math.abs(event.movementY) > 1) it.moved = true;
    paint(it);
  });
}
