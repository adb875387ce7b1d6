// What is marked in a video: the box in the form that opens the frame, and the calls behind a click.

import { make } from './dom.js';
import { order } from './form.js';
import { marker } from './marker.js';
import { begin, call, making, now, opener, params, refused, source, under } from './session.js';
import { t } from './words.js';

const MOST = 10; // points on a frame

/** The calls by their shape: two ask for points, two for nothing; what clears keeps another's answer. */
function calls(id) {
  const all = making(id).calls, [add, remove] = all.filter(one => one.asks.includes('points'));
  const bare = all.filter(one => !one.asks.length);
  return { add, remove, clear: bare.find(one => one.kept !== one.id), preview: bare.find(one => one.kept === one.id) };
}

export function marks(view, one) {
  const { id, root } = view, points = params(id).points ?? [], busy = under(id) === opener(id).id;
  const wrong = refused(id)?.call === opener(id).id ? refused(id).text : one.wrong.points;
  const key = JSON.stringify([points, params(id).frame_index, source(id), busy, wrong, view.open]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  const ready = Boolean(source(id)), shown = /^[\w-]+$/.test(source(id) ?? '');
  const words = busy ? t('prepare.opening') : points.length ? t('prepare.marked', { n: points.length }) : t('prepare.mark');
  const why = !ready ? t('prepare.mark_needs_video') : !shown ? t('prepare.mark_address')
    : points.length ? t('prepare.marked_at', { n: (params(id).frame_index ?? 0) + 1 }) : t('prepare.mark_why');
  const button = make('button.ks-mark-box', { icon: 'mark', 'aria-disabled': String(busy || !shown), 'aria-busy': String(busy), 'data-marks': points.length },
    make('b', { text: words }), make('small', { text: why }));
  button.addEventListener('click', () => shown && !busy && open(view));
  root.replaceChildren(make('p.ks-label', { text: t('prepare.marks') }), button,
    ...(wrong ? [make('p.ks-wrong', { text: wrong, role: 'alert' })] : []));
}

async function open(view) {
  const { id } = view, session = now(id) ?? await begin(id);
  if (!session) return;
  const begun = session.answers[opener(id).kept];
  const it = {
    id, session: session.id, points: now(id) ? [...params(id).points ?? []] : [], frame: params(id).frame_index ?? 0,
    masks: masks(id, session), fps: begun.fps, total: begun.total_frame, ratio: begun.width / begun.height,
    src: `/media/${source(id)}`, said: '', under: 0, chain: Promise.resolve(), left: false,
  };
  it.add = (point, frame) => add(it, point, frame);
  it.remove = at => remove(it, at);
  it.clear = () => it.points.length && later(it, async () => await ask(it, 'clear', {}) && keep(it, []));
  it.preview = () => later(it, async () => {
    const seen = await ask(it, 'preview', {});
    const { preview } = calls(id);
    if (seen) it.show(seen.answers[preview.kept].video?.url);
  });
  it.done = () => { it.left = true; view.root.querySelector('button')?.focus(); };
  marker(it);
}

const masks = (id, session) => session.answers[calls(id).add.kept]?.masks ?? [];

/** One call after the other, in the order of the clicks; the frame never waits for one. */
function later(it, go) {
  it.under += 1;
  it.said = '';
  it.paint();
  it.chain = it.chain.then(go).finally(() => { it.under -= 1; it.paint(); });
  return it.chain;
}

async function ask(it, what, fields) {
  const answer = await call(it.id, it.session, calls(it.id)[what].id, () => fields);
  if (answer) it.masks = masks(it.id, answer);
  else it.said = refused(it.id)?.text ?? '';
  return answer;
}

/** The form holds what is marked, so that the request names it and a draft keeps it. */
function keep(it, points) {
  it.points = points;
  const sure = points.filter(point => !point.waits);
  order(it.id, { params: { session: it.session, points: sure.map(({ x, y }) => ({ x, y })), frame_index: sure.length ? it.frame : 0 } });
}

function say(it, text) {
  it.said = text;
  it.paint();
}

function add(it, point, frame) {
  if (it.points.length && frame !== it.frame) return say(it, t('prepare.other_frame', { n: it.frame + 1 }));
  if (it.points.length >= MOST) return say(it, t('prepare.most_points', { n: MOST }));
  const made = { x: Math.round(point.x * 1e4) / 1e4, y: Math.round(point.y * 1e4) / 1e4, waits: true };
  it.frame = frame;
  it.points.push(made);
  return later(it, async () => {
    const { x, y } = made;
    const good = await ask(it, 'add', { frame_index: frame, points: [{ x, y }] });
    made.waits = false;
    keep(it, good ? it.points : it.points.filter(one => one !== made));
  });
}

function remove(it, at) {
  const gone = it.points[at];
  if (!gone || gone.waits) return null;
  gone.waits = true;
  return later(it, async () => {
    const { x, y } = gone;
    const good = await ask(it, 'remove', { frame_index: it.frame, points: [{ x, y }] });
    gone.waits = false;
    keep(it, good ? it.points.filter(one => one !== gone) : it.points);
  });
}
