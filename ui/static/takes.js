// All jobs the page knows: a map by id, patched by deltas, grouped by click.

const jobs = new Map();
const ACTIVE = new Set(['queued', 'sending', 'checking', 'running', 'saving']);
const NEEDS = new Set(['failed', 'unknown']);

export const all = jobs;
export const active = job => ACTIVE.has(job.state);
export const needs = job => NEEDS.has(job.state) || (job.state === 'saving' && !!job.error);
export const letter = job => String(job.take).replace(/^\d+/, '') || 'A';
export const click = job => job.click ?? (Number.parseInt(job.take, 10) || 0);

/** Newest click first, the last variant of a click first, as a log reads. */
const newer = (a, b) =>
  click(b) - click(a) || letter(b).length - letter(a).length || (letter(b) > letter(a) ? 1 : -1);

export const sorted = () => [...jobs.values()].sort(newer);

/** The variants of one click, A first. */
export const variants = job =>
  [...jobs.values()].filter(other => click(other) === click(job)).sort(newer).reverse();

/** A bar never runs backwards, except where a take goes back to the queue. */
function forward(job, before) {
  if (!before || job.state === 'queued' || !active(job)) return job;
  if (before.state === 'queued') return job;
  return { ...job, progress: Math.max(job.progress ?? 0, before.progress ?? 0) };
}

/** An answer that was overtaken by a newer one; the revision counts, for a clock may be set back. */
const stale = (fresh, old) =>
  (fresh.rev && old.rev ? fresh.rev < old.rev : fresh.updated_at < old.updated_at);

/** Places in line move although the takes themselves do not; answers whether any did. */
export function place(places) {
  let moved = false;
  for (const [id, [at, eta]] of Object.entries(places)) {
    const job = jobs.get(id);
    if (job?.state !== 'queued' || (job.place === at && (job.says?.eta ?? null) === eta)) continue;
    jobs.set(id, { ...job, place: at, says: { ...job.says, eta } });
    moved = true;
  }
  return moved;
}

/** Takes a delta in and says what moved: [{job, before}]. */
export function take(list, { reset = false } = {}) {
  const before = reset ? new Map(jobs) : null;
  if (reset) jobs.clear();
  return list.map(fresh => {
    const old = reset ? before.get(fresh.id) : jobs.get(fresh.id);
    if (old && !reset && stale(fresh, old)) return { job: old, before: old };
    const job = forward(fresh, old);
    jobs.set(job.id, job);
    return { job, before: old ?? null };
  });
}

/** What can be played or shown of a job, in Kling's order. */
export const media = job => (job.assets ?? []).filter(asset => asset.kind === 'video' || asset.kind === 'image');

/** A picture that stands for the job: the poster, the picture itself, or a picture that went in. */
export function poster(job, index = 0) {
  const asset = media(job)[index];
  if (asset) return asset.poster_url ?? (asset.kind === 'image' ? asset.url : null);
  return input(job);
}

export function input(job) {
  const inputs = Object.values(job.inputs ?? {});
  return (inputs.find(file => file.kind === 'image') ?? inputs[0])?.url ?? null;
}
