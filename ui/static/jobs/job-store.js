// All jobs the page knows: a map by id, patched by deltas, grouped by click.

/** @import { Asset, Job, JobsAnswer, Moved } from '../shared/types.d.ts' */

/** @type {Map<string, Job>} */
const jobs = new Map();
const ACTIVE = new Set(['queued', 'sending', 'checking', 'running', 'saving']);
const NEEDS = new Set(['failed', 'unknown']);

export const all = jobs;

/** @param {Job} job */
export const isActive = job => ACTIVE.has(job.state);

/**
 * Whether it waits for a person.
 *
 * @param {Job} job
 */
export const needsOwner = job =>
  NEEDS.has(job.state) || (job.state === 'saving' && Boolean(job.error));

/** @param {Job} job */
export const letter = job => String(job.take).replace(/^\d+/, '') || 'A';

/** @param {Job} job */
export const clickNumber = job => job.click ?? (Number.parseInt(job.take, 10) || 0);

/**
 * Newest click first, the last variant of a click first, as a log reads.
 *
 * @param {Job} a
 * @param {Job} b
 */
const newer = (a, b) =>
  clickNumber(b) - clickNumber(a) ||
  letter(b).length - letter(a).length ||
  (letter(b) > letter(a) ? 1 : -1);

export const sorted = () => [...jobs.values()].sort(newer);

/**
 * The variants of one click, A first.
 *
 * @param {Job} job
 */
export const variants = job =>
  [...jobs.values()]
    .filter(other => clickNumber(other) === clickNumber(job))
    .sort(newer)
    .reverse();

/**
 * A bar never runs backwards, except where a job goes back to the queue.
 *
 * @param {Job} job
 * @param {Job | undefined} before
 * @returns {Job}
 */
function forward(job, before) {
  if (!before || job.state === 'queued' || !isActive(job)) return job;
  if (before.state === 'queued') return job;
  return { ...job, progress: Math.max(job.progress ?? 0, before.progress ?? 0) };
}

/**
 * An answer that was overtaken by a newer one; the revision counts, for a clock may be set back.
 *
 * @param {Job} fresh
 * @param {Job} old
 */
const stale = (fresh, old) =>
  fresh.rev && old.rev ? fresh.rev < old.rev : fresh.updated_at < old.updated_at;

/**
 * Positions in the queue move although the jobs themselves do not; answers whether any did.
 *
 * @param {NonNullable<JobsAnswer['queue_positions']>} positions
 */
export function setQueuePositions(positions) {
  let moved = false;
  for (const [id, [at, eta]] of Object.entries(positions)) {
    const job = jobs.get(id);
    if (job?.state !== 'queued') continue;
    if (job.queue_position === at && (job.status?.eta ?? null) === eta) continue;
    jobs.set(id, { ...job, queue_position: at, status: { ...job.status, eta } });
    moved = true;
  }
  return moved;
}

/**
 * Takes a delta in and tells what moved.
 *
 * @param {Job[]} list
 * @param {{reset?: boolean}} [how]
 * @returns {Moved[]}
 */
export function merge(list, { reset = false } = {}) {
  const before = reset ? new Map(jobs) : jobs;
  if (reset) jobs.clear();
  return list.map(fresh => {
    const old = before.get(fresh.id);
    if (old && !reset && stale(fresh, old)) return { job: old, before: old };
    const job = forward(fresh, old);
    jobs.set(job.id, job);
    return { job, before: old ?? null };
  });
}

/**
 * What can be played or shown of a job, in Kling's order.
 *
 * @param {Job} job
 * @returns {Asset[]}
 */
export const media = job =>
  (job.assets ?? []).filter(asset => asset.kind === 'video' || asset.kind === 'image');

/**
 * A picture that stands for the job: the poster, the picture itself, or a picture that went in.
 *
 * @param {Job} job
 * @param {number} [index]
 * @returns {string | null}
 */
export function poster(job, index = 0) {
  const asset = media(job)[index];
  if (asset) return asset.poster_url ?? (asset.kind === 'image' ? asset.url : null);
  return inputPicture(job);
}

/**
 * @param {Job} job
 * @returns {string | null}
 */
export function inputPicture(job) {
  const inputs = Object.values(job.inputs ?? {});
  return (inputs.find(file => file.kind === 'image') ?? inputs[0])?.url ?? null;
}
