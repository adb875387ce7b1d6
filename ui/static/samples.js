// Samples that the empty stage offers. Their files are the studio's own; one that a form needs is
// handed in like any upload, once, when the sample is loaded.

import { at } from './live.js';
import { lang } from './words.js';

const FILE = /^[\w-]+\.(jpe?g|png|webp|mp4|mov|mp3|wav)$/i;
const lists = new Map(); // capability → samples
const handed = new Map(); // file name → asset id

export const name = sample =>
  (lang() === 'zh' && sample.title_zh) || sample.title_en || sample.title || sample.id;

export const words = sample => sample.prompt ?? sample.params?.prompt ?? '';

/** Whether it begins with a file, or with words alone. */
export const fromFile = sample => Object.values(sample.params ?? {}).some(isFile);

/** A file of a sample may be named by its address or by its name in the folder. */
export const address = file => (!file || file.startsWith('/') ? file : `/samples/${file}`);

const isFile = value => typeof value === 'string' && FILE.test(value);

/** The samples of a capability; nothing when they cannot be had. */
export async function list(capability) {
  if (lists.has(capability)) return lists.get(capability);
  try {
    const query = capability ? `?capability=${encodeURIComponent(capability)}` : '';
    const response = await fetch(at(`/api/samples${query}`), { signal: AbortSignal.timeout(8000) });
    const found = response.ok ? (await response.json()).samples ?? [] : [];
    lists.set(capability, found);
    return found;
  } catch {
    return []; // not kept, so that it is asked for again
  }
}

/** Puts a sample into the form; answers whether it went. */
export async function load(sample) {
  try {
    const params = {};
    for (const [field, value] of Object.entries(sample.params ?? {})) {
      params[field] = isFile(value) ? await handIn(value) : value;
    }
    window.studioForm?.load?.({ ...sample, params });
    return true;
  } catch {
    return false;
  }
}

async function handIn(file) {
  if (handed.has(file)) return handed.get(file);
  const content = await fetch(at(address(file)));
  if (!content.ok) throw new Error(file);
  const form = new FormData();
  form.append('file', await content.blob(), file);
  const answer = await fetch(at('/api/uploads'), { method: 'POST', body: form });
  if (!answer.ok) throw new Error(file);
  const { asset } = await answer.json();
  handed.set(file, asset.id);
  return asset.id;
}
