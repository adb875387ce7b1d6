// A still in the viewer: fit or 100 %, wheel to zoom where the pointer is, drag to pan.

import { attr, make } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

/** @import { Screen } from '../shared/types.d.ts' */

/** @typedef {{box: HTMLElement, img: HTMLImageElement, zoom: number, x: number, y: number, moved: boolean}} ImageView */

const MOST = 4;

/**
 * @param {{src: string, label: string}} image
 * @returns {Screen}
 */
export function imageView({ src, label }) {
  const img = make('img', { src, alt: label, decoding: 'async', draggable: 'false' });
  const box = make('div.ks-zoom', { tabindex: 0, role: 'button' }, img);
  const it = { box, img, zoom: 1, x: 0, y: 0, moved: false };
  listen(it);
  paint(it);
  return {
    screen: box,
    file: img,
    bar: null,
    play: () => toggle(it),
    frame: () => {},
    stop: () => {},
  };
}

/**
 * How much larger than fitted 100 % is; never less than twice, so that a click always shows more.
 *
 * @param {ImageView} it
 */
const full = ({ img, box }) =>
  Math.min(MOST, Math.max(2, img.naturalWidth / Math.max(1, box.clientWidth)));

/** @param {ImageView} it @param {MouseEvent} [event] */
function toggle(it, event) {
  const box = it.box.getBoundingClientRect();
  const x = event ? event.clientX - box.left : box.width / 2;
  const y = event ? event.clientY - box.top : box.height / 2;
  zoom(it, it.zoom > 1 ? 1 : full(it), x, y);
}

/** @param {ImageView} it @param {number} to @param {number} x @param {number} y */
function zoom(it, to, x, y) {
  const next = Math.min(MOST, Math.max(1, to));
  it.x = x - ((x - it.x) * next) / it.zoom;
  it.y = y - ((y - it.y) * next) / it.zoom;
  it.zoom = next;
  paint(it);
}

/** @param {ImageView} it */
function paint(it) {
  const { box, img } = it;
  const zoomed = it.zoom > 1;
  const words = zoomed ? t('viewer.zoom_out') : t('viewer.zoom_in');
  it.x = Math.min(0, Math.max(box.clientWidth * (1 - it.zoom), it.x));
  it.y = Math.min(0, Math.max(box.clientHeight * (1 - it.zoom), it.y));
  img.style.transform = zoomed ? `translate(${it.x}px, ${it.y}px) scale(${it.zoom})` : '';
  attr(box, 'data-in', zoomed ? '' : null);
  attr(box, 'aria-label', `${img.alt}. ${words}`);
  box.title = words;
}

/** @param {ImageView} it */
function listen(it) {
  const { box } = it;
  box.addEventListener('click', event => {
    if (!it.moved) toggle(it, event);
  });
  box.addEventListener('keydown', event => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    toggle(it);
  });
  const wheel = { passive: false };
  box.addEventListener('wheel', event => zoomByWheel(it, event), wheel);
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

/**
 * A plain wheel scrolls the page until the picture is zoomed; with Ctrl (or a pinch) it zooms.
 *
 * @param {ImageView} it
 * @param {WheelEvent} event
 */
function zoomByWheel(it, event) {
  if (it.zoom === 1 && !event.ctrlKey) return;
  event.preventDefault();
  const at = it.box.getBoundingClientRect();
  const factor = Math.exp(-event.deltaY / 300);
  zoom(it, it.zoom * factor, event.clientX - at.left, event.clientY - at.top);
}
