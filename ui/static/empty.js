// The empty stage teaches: a sample made from a still or from words, ready to load.

import * as samples from './samples.js';
import { attr, calm, make, own, put } from './dom.js';
import { t } from './words.js';

export async function draw(box) {
  const capability = window.studio?.capability ?? '';
  const list = await samples.list(capability);
  if (box.hidden || capability !== (window.studio?.capability ?? '')) return;
  const [first, ...rest] = list;
  if (!first) return box.replaceChildren(invite());
  box.replaceChildren(big(first), ...(rest.length ? [head(), row(rest.slice(0, 3))] : []));
}

const invite = () => make('div.ks-frame.ks-invite', {},
  make('div', {}, make('b', { text: t('sample.invite') }), make('p', { text: t('sample.invite_why') })));

const head = () => make('div.ks-th2', {}, make('b', { text: t('sample.more') }), make('span', { text: t('sample.free') }));

function big(sample) {
  const words = t(samples.fromFile(sample) ? 'sample.from_still' : 'sample.from_words', { prompt: samples.words(sample) });
  const button = make('button.ks-load', { text: t('sample.load') });
  button.addEventListener('click', () => load(button, button.firstChild, sample));
  return make('div.ks-frame.ks-sample', {}, picture(sample), make('div.ks-scrim', {}, make('p', { text: words }), button));
}

/** The clip plays by itself, without sound, where the person has not asked for calm. */
function picture(sample) {
  const still = own(samples.address(sample.still));
  const img = make('img', { src: still, alt: samples.name(sample), decoding: 'async' });
  const clip = own(samples.address(sample.clip));
  if (!clip || calm()) return img;
  const video = make('video', { src: clip, poster: still, loop: '', playsinline: '', 'aria-label': samples.name(sample), tabindex: -1 });
  video.muted = true;
  video.play().catch(() => {});
  video.addEventListener('error', () => video.replaceWith(img), { once: true });
  return video;
}

const row = list => make('div.ks-tiles', {}, ...list.map(sample => {
  const tag = make('span.ks-tag.ks-tag-sans', { text: samples.name(sample) });
  const tile = make('button.ks-tile', { 'data-sample': sample.id, 'aria-label': `${t('sample.load')}: ${samples.name(sample)}` },
    make('img', { src: own(samples.address(sample.still)), alt: '', decoding: 'async' }), tag);
  tile.addEventListener('click', () => load(tile, tag, sample));
  return tile;
}));

/** A file has to be handed in first, so the press is answered in words at once. */
async function load(button, words, sample) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  const before = words.textContent;
  attr(button, 'aria-disabled', 'true');
  put(words, t('sample.loading'));
  const good = await samples.load(sample);
  put(words, good ? t('sample.loaded') : t('sample.failed'));
  window.studio.announce(words.textContent);
  setTimeout(() => {
    put(words, before);
    attr(button, 'aria-disabled', null);
  }, good ? 1500 : 4000);
}
