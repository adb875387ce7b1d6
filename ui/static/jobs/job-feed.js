// Asks the server for the jobs that changed since a revision. Every second while something is active,
// slower when idle, with back-off when the server is away, at once when the page is looked at again.

import { at } from '../shared/api.js';
import { emit } from '../shared/events.js';
import { setRefused, setSkew } from './job-status.js';
import * as store from './job-store.js';

/** @import { Feed, JobsAnswer } from '../shared/types.d.ts' */

const BUSY = 1000; // ms
const IDLE = 6000;
const MOST = 15000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {Promise<void> | null} */
let running = null;
let again = false;

/** @type {Feed} */
export const feed = {
  rev: 0,
  online: true,
  first: true,
  counts: {},
  credits: {},
  notice: null,
  failures: 0,
};

/**
 * @param {JobsAnswer} answer
 * @param {Response} response
 */
function apply(answer, response) {
  const served = Date.parse(response.headers.get('date') ?? '');
  if (served) setSkew(served - Date.now());
  const first = feed.first;
  const reset = Boolean(answer.reset);
  const moved = store.merge(answer.jobs ?? [], { reset: reset || first });
  feed.rev = answer.rev ?? feed.rev;
  feed.first = false;
  feed.counts = answer.counts ?? feed.counts;
  feed.credits = answer.credits ?? feed.credits;
  feed.notice = answer.notice ?? null;
  const advanced = store.setQueuePositions(answer.queue_positions ?? {});
  const turned = setRefused(Boolean(feed.notice));
  if (first || reset || moved.length || advanced || turned) {
    emit('jobs', { moved, first, whole: first || reset });
  }
}

async function ask() {
  try {
    const response = await fetch(at(`/api/jobs?since=${feed.rev}`), {
      cache: 'no-store',
      signal: AbortSignal.timeout(8000),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    apply(await response.json(), response);
    feed.online = true;
    feed.failures = 0;
  } catch {
    feed.failures += 1;
    feed.online = false;
  }
  emit('feed', feed);
}

const busy = () => [...store.all.values()].some(store.isActive);

function pause() {
  if (document.hidden) return busy() && feed.online ? MOST : null; // the title counts what got done
  if (!feed.online) return Math.min(BUSY * 2 ** feed.failures, MOST);
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
  feed.failures = 0;
  poll();
}

export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? next() : wake()));
  addEventListener('online', wake);
  addEventListener('pageshow', event => event.persisted && wake());
  addEventListener('offline', () => {
    feed.online = false;
    emit('feed', feed);
  });
  poll();
}
