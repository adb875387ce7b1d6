// Which job is open in the viewer: the newest click's until a person picks one; a new click takes over again.

import { emit } from '../shared/events.js';
import { readKey, writeKey } from '../shared/storage.js';
import * as store from './job-store.js';

/** @import { Events, Job } from '../shared/types.d.ts' */

const KEY = 'studio.open';
let open = '';
let byHand = false;

export const openedJob = () => store.all.get(open) ?? null;

/**
 * Opens a job; what a person opened is open again after a reload.
 *
 * @param {string} id
 * @param {{hand?: boolean}} [how]
 */
export function openJob(id, { hand = true } = {}) {
  const job = store.all.get(id);
  if (!job) return;
  open = id;
  byHand = hand;
  if (hand) writeKey(KEY, id, 'sessionStorage');
  emit('open', job);
}

/** @param {Events['jobs']} change */
export function follow({ moved, first }) {
  const list = store.sorted();
  if (!list.length) return;
  const here = openedJob();
  if (!here) {
    const kept = first && store.all.get(readKey(KEY, 'sessionStorage') ?? '');
    const newest = list.find(job => job.state === 'done') ?? list[0];
    const pick = kept || store.variants(newest).find(job => job.state === newest.state) || newest;
    openJob(pick.id, { hand: false });
  } else if (!first && moved.some(({ job, before }) => !before && isLater(job, here))) {
    openJob(store.variants(list[0])[0].id, { hand: false });
  } else if (!byHand && here.state !== 'done') {
    const done = store.variants(here).find(job => job.state === 'done');
    if (done) openJob(done.id, { hand: false });
  }
}

/** @param {Job} job @param {Job} other */
const isLater = (job, other) => store.clickNumber(job) > store.clickNumber(other);
