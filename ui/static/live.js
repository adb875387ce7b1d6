// The line to the server: a delta of jobs since a revision. 1 s while something is active, slower
// when idle, back-off when the server is away, at once when the page is looked at again.

import * as takes from './takes.js';
import { setRefused, setSkew } from './says.js';

const BUSY = 1000, IDLE = 6000, MOST = 15000;
const state = { rev: 0, online: true, first: true, counts: {}, credits: {}, notice: null, failures: 0 };
const heard = new Map();
let timer, running = null, again = false;

export const line = state;

/** Calls fn at "jobs" (what moved), "open" (a job) or "state" (counts, credits, line). */
export function on(event, fn) {
  if (!heard.has(event)) heard.set(event, new Set());
  heard.get(event).add(fn);
  return () => heard.get(event).delete(fn);
}

export function emit(event, detail) {
  for (const fn of heard.get(event) ?? []) {
    try {
      fn(detail);
    } catch (error) {
      console.error(error); // one island's fault must not stop the others
    }
  }
}

export const at = path => `${window.STUDIO?.root ?? ''}${path}`;

function apply(answer, response) {
  const served = Date.parse(response.headers.get('date') ?? '');
  if (served) setSkew(served - Date.now());
  const moved = takes.take(answer.jobs ?? [], { reset: Boolean(answer.reset) || state.first });
  const first = state.first;
  state.rev = answer.rev ?? state.rev;
  state.first = false;
  state.counts = answer.counts ?? state.counts;
  state.credits = answer.credits ?? state.credits;
  state.notice = answer.notice ?? null;
  const placed = takes.place(answer.places ?? {});
  const turned = setRefused(Boolean(state.notice));
  if (first || answer.reset || moved.length || placed || turned) emit('jobs', { moved, first, whole: first || Boolean(answer.reset) });
}

async function ask() {
  try {
    const response = await fetch(at(`/api/jobs?since=${state.rev}`), {
      cache: 'no-store', signal: AbortSignal.timeout(8000),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    apply(await response.json(), response);
    state.online = true;
    state.failures = 0;
  } catch {
    state.failures += 1;
    state.online = false;
  }
  emit('state', state);
}

const busy = () => [...takes.all.values()].some(takes.active);

function pause() {
  if (document.hidden) return busy() && state.online ? MOST : null; // the title counts what got done
  if (!state.online) return Math.min(BUSY * 2 ** state.failures, MOST);
  return busy() ? BUSY : IDLE;
}

function next() {
  clearTimeout(timer);
  const wait = pause();
  if (wait !== null) timer = setTimeout(poll, wait * (0.8 + 0.4 * Math.random()));
}

/** Asks now; a call during an answer asks once more after it. */
export function poll() {
  clearTimeout(timer);
  if (running) {
    again = true;
    return running;
  }
  running = ask().finally(() => {
    running = null;
    if (again) {
      again = false;
      poll();
    } else next();
  });
  return running;
}

function wake() {
  state.failures = 0;
  poll();
}

export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? next() : wake()));
  addEventListener('online', wake);
  addEventListener('pageshow', event => event.persisted && wake());
  addEventListener('offline', () => {
    state.online = false;
    emit('state', state);
  });
  poll();
}

/** Sends JSON and answers {ok, status, body, code, message}; never throws. */
export async function send(path, body, method = 'POST', patience = 15000) {
  try {
    const response = await fetch(at(path), {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
    const answer = await response.json().catch(() => ({}));
    return { ok: response.ok, status: response.status, body: answer, code: answer.error?.code, message: answer.error?.message };
  } catch {
    return { ok: false, body: {}, code: 'network', message: '' };
  }
}
