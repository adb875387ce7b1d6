// The points that are marked in a video: the box in the form that opens the editor, and the calls behind a click.

import { params } from '../form/form-store.js';
import { updateForm } from '../form/price.js';
import { make } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { openPointEditor } from './point-editor.js';
import {
  begin,
  call,
  callUnderWay,
  manifestOf,
  openingCall,
  refusalOf,
  sessionOf,
  sourceFile,
} from './session.js';

/** @import { Island, Params, Point, Session, SessionCall } from '../shared/types.d.ts' */

/**
 * A video that is being marked.
 *
 * @typedef {object} Marking
 * @property {string} id of the capability
 * @property {string} session
 * @property {Point[]} points
 * @property {number} frame that the points are on
 * @property {string[]} masks PNGs in base64
 * @property {number} fps
 * @property {number} total frames
 * @property {number} ratio
 * @property {string} src
 * @property {string} error
 * @property {number} underWay calls
 * @property {Promise<unknown>} chain of calls
 * @property {ReturnType<typeof openPointEditor>} [editor]
 */

const MOST = 10; // points on a frame

/**
 * The calls by their shape: two ask for points, two for nothing; what clears keeps another's answer.
 *
 * @param {string} id of the capability
 * @returns {Record<'add' | 'remove' | 'clear' | 'preview', SessionCall>}
 */
function callsOf(id) {
  const all = manifestOf(id).calls;
  const [add, remove] = all.filter(one => one.asks.includes('points'));
  const bare = all.filter(one => !one.asks.length);
  const clear = /** @type {SessionCall} */ (bare.find(one => one.kept !== one.id));
  const preview = /** @type {SessionCall} */ (bare.find(one => one.kept === one.id));
  return { add, remove, clear, preview };
}

/**
 * The points that the form holds.
 *
 * @param {string} id of the capability
 */
const heldPoints = id => /** @type {Point[]} */ (params(id).points ?? []);

/** @param {string} id of the capability */
const heldFrame = id => Number(params(id).frame_index ?? 0);

/** @type {Island['draw']} */
export function drawPoints(island, one) {
  const { id, root } = island;
  const points = heldPoints(id);
  const opener = openingCall(id).id;
  const busy = callUnderWay(id) === opener;
  const wrong = refusalOf(id, opener) || one.wrong.points;
  const source = sourceFile(id);
  const key = JSON.stringify([points, heldFrame(id), source, busy, wrong]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  const isAsset = /^[\w-]+$/.test(source);
  const [head, why] = words(points.length, heldFrame(id), source, busy);
  const button = make(
    'button.ks-points-box',
    {
      icon: 'mark',
      'aria-disabled': String(busy || !isAsset),
      'aria-busy': String(busy),
      'data-points': points.length,
      on: { click: () => isAsset && !busy && open(island) },
    },
    make('b', { text: head }),
    make('small', { text: why }),
  );
  root.replaceChildren(
    make('p.ks-label', { text: t('prepare.marks') }),
    button,
    ...(wrong ? [make('p.ks-wrong', { text: wrong, role: 'alert' })] : []),
  );
}

/**
 * @param {number} n points
 * @param {number} frame
 * @param {string} source
 * @param {boolean} busy
 */
function words(n, frame, source, busy) {
  const head = n ? t('prepare.marked', { n }) : t('prepare.mark');
  let why = n ? t('prepare.marked_at', { n: frame + 1 }) : t('prepare.mark_why');
  if (!source) why = t('prepare.mark_needs_video');
  else if (!/^[\w-]+$/.test(source)) why = t('prepare.mark_address');
  return [busy ? t('prepare.opening') : head, why];
}

/** @param {Island} island */
async function open({ id, root }) {
  const held = sessionOf(id);
  const session = held ?? (await begin(id));
  const begun = session?.answers[openingCall(id).kept];
  if (!session || !begun) return;
  /** @type {Marking} */
  const it = {
    id,
    session: session.id,
    points: held ? [...heldPoints(id)] : [],
    frame: heldFrame(id),
    masks: masksOf(id, session),
    fps: begun.fps ?? 0,
    total: begun.total_frame ?? 0,
    ratio: (begun.width ?? 0) / (begun.height ?? 0),
    src: `/media/${sourceFile(id)}`,
    error: '',
    underWay: 0,
    chain: Promise.resolve(),
  };
  it.editor = openPointEditor(it, {
    add: (point, frame) => add(it, point, frame),
    remove: at => remove(it, at),
    clear: () => it.points.length && clear(it),
    preview: () => preview(it),
    done: () => root.querySelector('button')?.focus(),
  });
}

/** @param {string} id @param {Session} session */
const masksOf = (id, session) => session.answers[callsOf(id).add.kept]?.masks ?? [];

/**
 * One call after the other, in the order of the clicks; the frame never waits for one.
 *
 * @param {Marking} it
 * @param {() => Promise<unknown>} go
 */
function later(it, go) {
  it.underWay += 1;
  it.error = '';
  it.editor?.paint();
  it.chain = it.chain.then(go).finally(() => {
    it.underWay -= 1;
    it.editor?.paint();
  });
  return it.chain;
}

/**
 * @param {Marking} it
 * @param {keyof ReturnType<typeof callsOf>} what
 * @param {Params} fields
 */
async function ask(it, what, fields) {
  const name = callsOf(it.id)[what].id;
  const answer = await call(it.id, it.session, name, () => fields);
  if (answer) it.masks = masksOf(it.id, answer);
  else it.error = refusalOf(it.id, name);
  return answer;
}

/**
 * The form holds what is marked, so that the request names it and a draft keeps it.
 *
 * @param {Marking} it
 * @param {Point[]} points
 */
function keep(it, points) {
  it.points = points;
  const sure = points.filter(point => !point.waits).map(({ x, y }) => ({ x, y }));
  const frame = sure.length ? it.frame : 0;
  updateForm(it.id, { params: { session: it.session, points: sure, frame_index: frame } });
}

/** @param {Marking} it @param {string} text */
function refuse(it, text) {
  it.error = text;
  it.editor?.paint();
}

/** @param {Marking} it @param {Point} point @param {number} frame */
function add(it, point, frame) {
  if (it.points.length && frame !== it.frame) {
    return refuse(it, t('prepare.other_frame', { n: it.frame + 1 }));
  }
  if (it.points.length >= MOST) return refuse(it, t('prepare.most_points', { n: MOST }));
  const { x, y } = { x: Math.round(point.x * 1e4) / 1e4, y: Math.round(point.y * 1e4) / 1e4 };
  /** @type {Point} */
  const made = { x, y, waits: true };
  it.frame = frame;
  it.points.push(made);
  later(it, async () => {
    const good = await ask(it, 'add', { frame_index: frame, points: [{ x, y }] });
    made.waits = false;
    keep(it, good ? it.points : it.points.filter(one => one !== made));
  });
}

/** @param {Marking} it @param {number} at */
function remove(it, at) {
  const gone = it.points[at];
  if (!gone || gone.waits) return;
  gone.waits = true;
  later(it, async () => {
    const { x, y } = gone;
    const good = await ask(it, 'remove', { frame_index: it.frame, points: [{ x, y }] });
    gone.waits = false;
    keep(it, good ? it.points.filter(one => one !== gone) : it.points);
  });
}

/** @param {Marking} it */
const clear = it =>
  later(it, async () => {
    if (await ask(it, 'clear', {})) keep(it, []);
  });

/** @param {Marking} it */
const preview = it =>
  later(it, async () => {
    const seen = await ask(it, 'preview', {});
    if (seen) it.editor?.show(seen.answers[callsOf(it.id).preview.kept]?.video?.url);
  });
