// The empty stage teaches: a sample made from a still or from words, ready to load.

import * as acts from './acts.js';
import { calm, make, own } from './dom.js';
import { at } from './live.js';
import { lang, t } from './words.js';

const kept = new Map();

async function samples(capability) {
  if (kept.has(capability)) return kept.get(capability);
  try {
    const query = capability ? `?capability=${encodeURIComponent(capability)}` : '';
    const response = await fetch(at(`/api/samples${query}`), { signal: AbortSignal.timeout(8000) });
    const list = response.ok ? (await response.json()).samples ?? [] : [];
    kept.set(capability, list);
    return list;
  } catch {
    return []; // not kept, so that it is asked for again
  }
}

export async function draw(box) {
  const capability = window.studio?.capability ?? '';
  const list = await samples(capability);
  if (box.hidden || capability !== (window.studio?.capability ?? '')) return;
  const [first, ...rest] = list;
  if (!first) return box.replaceChildren(invite());
  box.replaceChildren(big(first), ...(rest.length ? [head(), row(rest.slice(0, 3))] : []));
}

const invite = () => make('div.ks-frame.ks-invite', {},
  make('div', {}, make('b', { text: t('sample.invite') }), make('p', { text: t('sample.invite_why') })));

const head = () => make('div.ks-th2', {}, make('b', { text: t('sample.more') }), make('span', { text: t('sample.free') }));

const name = sample => (lang() === 'zh' && sample.title_zh) || sample.title;

function big(sample) {
  const from = Object.values(sample.params ?? {}).some(value => typeof value === 'string' && value === sample.still) || sample.params?.image;
  const words = t(from ? 'sample.from_still' : 'sample.from_words', { prompt: sample.prompt });
  return make('div.ks-frame.ks-sample', {}, moving(sample), make('div.ks-scrim', {},
    make('p', { text: words }), make('button.ks-load', { text: t('sample.load'), on: { click: () => acts.load(sample) } })));
}

/** The clip plays by itself, without sound, where the person has not asked for calm. */
function moving(sample) {
  const still = own(sample.still);
  const img = make('img', { src: still, alt: name(sample), decoding: 'async' });
  const clip = own(sample.clip);
  if (!clip || calm()) return img;
  const video = make('video', { src: clip, poster: still, loop: '', playsinline: '', 'aria-label': name(sample), tabindex: -1 });
  video.muted = true;
  video.play().catch(() => {});
  video.addEventListener('error', () => video.replaceWith(img), { once: true });
  return video;
}

const row = list => make('div.ks-tiles', {}, ...list.map(sample => {
  const node = make('button.ks-tile', { on: { click: () => acts.load(sample) } },
    make('img', { src: own(sample.still), alt: '', decoding: 'async' }), make('span.ks-tag.ks-tag-sans', { text: name(sample) }));
  node.setAttribute('aria-label', `${t('sample.load')}: ${name(sample)}`);
  return node;
}));
