// What a person can do with a take: use its settings, try again, cancel, copy, load older ones.

import * as takes from './takes.js';
import { emit, poll, send, at } from './live.js';
import { prompt } from './says.js';
import { has, t } from './words.js';

const pending = new Map(); // click ids of tries under way, so that a second press buys nothing

/** The sentence for a refusal, in the page's language where there is one. */
export const refusal = answer =>
  (has(`error.${answer.code}`) ? t(`error.${answer.code}`) : answer.message || t('error.other'));

/** Hands settings to the form, which knows the fields. */
export function use(id, part = 'all') {
  const job = takes.all.get(id);
  if (job) window.studioForm?.use?.(job, part);
}

/** The same settings once more: a new purchase with a click id of its own. */
export async function again(id) {
  const job = takes.all.get(id);
  if (!job) return { ok: false };
  if (!pending.has(id)) pending.set(id, crypto.randomUUID?.() ?? `again-${id}-${Date.now()}`);
  const answer = await send('/api/jobs', {
    capability: job.capability, params: job.params, click_id: pending.get(id),
  });
  // Without an answer, and with one that only says that something failed, the same click is repeated.
  if (answer.ok || (answer.status >= 400 && answer.status < 500)) pending.delete(id);
  if (answer.ok) takeIn(answer.body.jobs);
  return answer;
}

/** Takes it back; for a take of unknown outcome, gives its credits back. */
export const cancel = id => decide(id, 'cancel');

/** Takes up what was set aside, asks Kling again, or sends a take of unknown outcome again. */
export const retry = id => decide(id, 'retry');

async function decide(id, how) {
  const answer = await send(`/api/jobs/${encodeURIComponent(id)}/${how}`);
  if (answer.ok) takeIn([answer.body]);
  return answer;
}

function takeIn(list) {
  emit('jobs', { moved: takes.take((list ?? []).filter(job => job?.id)), first: false });
  poll();
}

/** The next fifty older ones; answers whether there are more. */
export async function older() {
  const last = takes.sorted().at(-1);
  if (!last) return { ok: true, more: false };
  const answer = await send(`/api/jobs?before=${encodeURIComponent(last.id)}`, undefined, 'GET');
  if (!answer.ok) return { ok: false, more: true };
  const list = answer.body.jobs ?? [];
  emit('jobs', { moved: takes.take(list), first: true });
  return { ok: true, more: list.length >= 50 };
}

export async function copy(id) {
  const text = prompt(takes.all.get(id) ?? {});
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/** The clipboard needs a secure origin; a selected field works without one. */
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

export const downloadUrl = asset => at(`${asset.url}${asset.url.includes('?') ? '&' : '?'}download=1`);
