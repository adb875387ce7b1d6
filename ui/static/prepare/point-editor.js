// The editor in which points are marked on a frame of a video, with the pointer or with keys.
// It takes the viewer's place; on a phone it is a dialog.

import { closest, make } from '../shared/dom.js';
import { buildView, endPreview, paint, seek, showPreview } from './point-view.js';

/** @import { Point } from '../shared/types.d.ts' */
/** @import { Marking } from './points.js' */
/** @import { PointActions, PointView } from './point-view.js' */

const STEP = 0.02; // of the frame's side
const FINE = 0.004;
const NEAR = 44; // px around a point
/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Opens the editor; `done` is called when it closes.
 *
 * @param {Marking} marking
 * @param {PointActions} actions
 */
export function openPointEditor(marking, actions) {
  let closed = false;
  const done = () => {
    if (closed) return;
    closed = true;
    delete document.documentElement.dataset.marking;
    view.part.root.remove();
    if (home instanceof HTMLDialogElement) home.remove();
    actions.done();
  };
  const view = buildView(marking, { ...actions, done });
  const { root, frame } = view.part;
  const home = place(root);
  listen(view, done);
  home?.addEventListener('cancel', done, { once: true });
  frame.focus({ preventScroll: true });
  seek(view, marking.points.length ? marking.frame : 0);
  return {
    paint: () => {
      if (!closed) paint(view);
    },
    /** @param {string | undefined} url */
    show: url => showPreview(view, url),
  };
}

/** @param {HTMLElement} root */
function place(root) {
  if (innerWidth < 720) {
    const dialog = make('dialog.ks-marking', {}, root);
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }
  const column = document.getElementById('viewer-col');
  column?.prepend(root);
  document.documentElement.dataset.marking = '';
  if (innerWidth < 1200) scrollTo({ top: 0 });
  return column;
}

/** @param {PointView} view @param {() => void} close */
function listen(view, close) {
  const { frame, rail, root } = view.part;
  frame.addEventListener('click', event => {
    if (!closest(event.target, '.ks-point')) click(view, event);
  });
  /** @param {PointerEvent} event */
  const to = event => {
    const box = rail.getBoundingClientRect();
    seek(view, ((event.clientX - box.left) / box.width) * (view.marking.total - 1));
  };
  rail.addEventListener('pointerdown', event => {
    rail.setPointerCapture(event.pointerId);
    to(event);
  });
  rail.addEventListener('pointermove', event => {
    if (rail.hasPointerCapture(event.pointerId)) to(event);
  });
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') close();
    else if (!pressKey(view, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** @param {PointView} view @param {MouseEvent} event */
function click(view, event) {
  const box = view.part.frame.getBoundingClientRect();
  const point = {
    x: (event.clientX - box.left) / box.width,
    y: (event.clientY - box.top) / box.height,
  };
  if (point.x < 0 || point.x > 1 || point.y < 0 || point.y > 1) return;
  if (event.shiftKey) view.actions.remove(nearest(view, point, box));
  else mark(view, point);
}

/** @param {PointView} view @param {Point} point */
function mark(view, point) {
  if (view.playing) {
    endPreview(view);
    return;
  }
  view.cross = point;
  view.actions.add(point, view.at);
}

/**
 * The point under the pointer, if it is within a finger's reach; else -1.
 *
 * @param {PointView} view
 * @param {Point} point
 * @param {DOMRect} box
 */
function nearest({ marking }, { x, y }, box) {
  const far = marking.points.map(point =>
    Math.hypot((point.x - x) * box.width, (point.y - y) * box.height),
  );
  const at = far.indexOf(Math.min(...far));
  return far[at] <= NEAR ? at : -1;
}

/**
 * Tells whether the key meant something.
 *
 * @param {PointView} view
 * @param {KeyboardEvent} event
 */
function pressKey(view, event) {
  const { frame, rail } = view.part;
  const { key } = event;
  const arrow = ARROWS[key];
  const focused = document.activeElement;
  if (key === ',' || key === '.') seek(view, view.at + (key === ',' ? -1 : 1));
  else if (focused === rail && arrow) seek(view, view.at + (arrow[0] || -arrow[1]));
  else if (focused === rail && ['Home', 'End'].includes(key)) {
    seek(view, key === 'Home' ? 0 : view.marking.total);
  } else if (focused === frame && arrow) moveCross(view, arrow, event.shiftKey ? FINE : STEP);
  else if (focused === frame && key === 'Enter') mark(view, view.cross);
  else if (focused?.matches('.ks-point') && ['Delete', 'Backspace'].includes(key)) {
    view.actions.remove(Number(/** @type {HTMLElement} */ (focused).dataset.at));
  } else return false;
  return true;
}

/** @param {PointView} view @param {[number, number]} arrow @param {number} by */
function moveCross(view, [x, y], by) {
  /** @param {number} value */
  const inside = value => Math.min(1, Math.max(0, value));
  view.cross = { x: inside(view.cross.x + x * by), y: inside(view.cross.y + y * by) };
  paint(view);
}
