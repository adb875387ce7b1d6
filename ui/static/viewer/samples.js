// Samples that the empty viewer offers. Their files are the studio's own; one that a form needs is
// handed in like any upload, once, when the sample is loaded.

import { fillFromSample } from '../form/fill.js';
import { at, upload } from '../shared/api.js';
import { lang } from '../shared/i18n.js';

/** @import { Params, Sample } from '../shared/types.d.ts' */

const FILE = /^[\w-]+\.(jpe?g|png|webp|mp4|mov|mp3|wav|m4a)$/i;
/** @type {Map<string, Sample[]>} by capability */
const lists = new Map();
/** @type {Map<string, string>} file name → asset id */
const uploaded = new Map();

/** @param {Sample} sample */
export const nameOf = sample =>
  (lang() === 'zh' && sample.title_zh) || sample.title_en || sample.title || sample.id;

/** @param {Sample} sample */
export const promptOf = sample => sample.prompt ?? sample.params?.prompt ?? '';

/**
 * Whether it begins with a file, or with words alone.
 *
 * @param {Sample} sample
 */
export const fromFile = sample => Object.values(sample.params ?? {}).some(isFile);

/**
 * A file of a sample may be named by its address or by its name in the folder.
 *
 * @param {string | undefined} file
 */
export const address = file => (!file || file.startsWith('/') ? file : `/samples/${file}`);

/**
 * @param {unknown} value
 * @returns {value is string}
 */
const isFile = value => typeof value === 'string' && FILE.test(value);

/**
 * The samples of a capability; none when they cannot be had.
 *
 * @param {string} capability
 * @returns {Promise<Sample[]>}
 */
export async function samplesOf(capability) {
  const kept = lists.get(capability);
  if (kept) return kept;
  try {
    const query = capability ? `?capability=${encodeURIComponent(capability)}` : '';
    const response = await fetch(at(`/api/samples${query}`), { signal: AbortSignal.timeout(8000) });
    const found = response.ok ? ((await response.json()).samples ?? []) : [];
    lists.set(capability, found);
    return found;
  } catch {
    return []; // not kept, so that it is asked for again
  }
}

/**
 * Puts a sample into the form; answers whether it went.
 *
 * @param {Sample} sample
 */
export async function load(sample) {
  try {
    /** @type {Params} */
    const params = {};
    for (const [field, value] of Object.entries(sample.params ?? {})) {
      params[field] = isFile(value) ? await assetOf(value) : value;
    }
    fillFromSample(sample.capability, params);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} file */
async function assetOf(file) {
  const kept = uploaded.get(file);
  if (kept) return kept;
  const content = await fetch(at(`/samples/${file}`));
  const id = content.ok ? await upload(await content.blob(), file) : null;
  if (!id) throw new Error(file);
  uploaded.set(file, id);
  return id;
}
