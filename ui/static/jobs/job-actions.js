// What a person can do with a job: try again, cancel, decide, copy its prompt, load older ones.

import { at, send } from '../shared/api.js';
import { emit } from '../shared/events.js';
import { poll } from './job-feed.js';
import { promptOf } from './job-status.js';
import * as store from './job-store.js';

/** @import { Answer, Asset, Job } from '../shared/types.d.ts' */

/** @type {Map<string, string>} click ids of tries under way, so that a second press buys nothing */
const pending = new Map();

/**
 * The same settings once more: a new purchase with a click id of its own.
 *
 * @param {string} id
 * @returns {Promise<Answer<{jobs?: Job[]}>>}
 */
export async function again(id) {
  const job = store.all.get(id);
  if (!job) return { ok: false, body: {} };
  const click = pending.get(id) ?? crypto.randomUUID?.() ?? `again-${id}-${Date.now()}`;
  pending.set(id, click);
  const { capability, params } = job;
  const order = { capability, params, click_id: click };
  /** @type {Answer<{jobs?: Job[]}>} */
  const answer = await send('/api/jobs', order);
  // Without an answer, and with one that only says that something failed, the same click is repeated.
  const refused = answer.status !== undefined && answer.status >= 400 && answer.status < 500;
  if (answer.ok || refused) pending.delete(id);
  if (answer.ok) takeIn(answer.body.jobs);
  return answer;
}

/**
 * Takes it back; for a job of unknown outcome, gives its credits back.
 *
 * @param {string} id
 */
export const cancel = id => decide(id, 'cancel');

/**
 * Takes up what was set aside, asks Kling again, or sends a job of unknown outcome again.
 *
 * @param {string} id
 */
export const retry = id => decide(id, 'retry');

/** @param {string} id @param {'cancel' | 'retry'} how */
async function decide(id, how) {
  /** @type {Answer<Job>} */
  const answer = await send(`/api/jobs/${encodeURIComponent(id)}/${how}`);
  if (answer.ok) takeIn([answer.body]);
  return answer;
}

/** @param {Job[] | undefined} list */
function takeIn(list) {
  emit('jobs', { moved: store.merge((list ?? []).filter(job => job?.id)), first: false });
  poll();
}

const OLDER = 50; // as many as one answer holds

/** The next older ones; answers whether there are more. */
export async function older() {
  const last = store.sorted().at(-1);
  if (!last) return { ok: true, more: false };
  /** @type {Answer<{jobs?: Job[]}>} */
  const answer = await send(`/api/jobs?before=${encodeURIComponent(last.id)}`, undefined, 'GET');
  if (!answer.ok) return { ok: false, more: true };
  const list = answer.body.jobs ?? [];
  emit('jobs', { moved: store.merge(list), first: true });
  return { ok: true, more: list.length >= OLDER };
}

/** @param {string} id */
export async function copyPrompt(id) {
  const text = promptOf(store.all.get(id));
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/**
 * The clipboard needs a secure origin; a selected field works without one.
 *
 * @param {string} text
 */
function copyByHand(text) {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.cssText = 'position:fixed;opacity:0';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}

/** @param {Asset} asset */
export const downloadUrl = asset =>
  at(`${asset.url}${asset.url.includes('?') ? '&' : '?'}download=1`);
