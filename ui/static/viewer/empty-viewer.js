// The empty viewer teaches: a sample made from a still or from words, ready to load.

import { announce } from '../shared/announce.js';
import { attr, calm, make, own, put } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import * as samples from './samples.js';

/** @import { Sample } from '../shared/types.d.ts' */

/**
 * @param {HTMLElement} box
 * @param {() => string} shownCapability
 */
export async function drawEmpty(box, shownCapability) {
  const capability = shownCapability();
  const list = await samples.samplesOf(capability);
  if (box.hidden || capability !== shownCapability()) return;
  const [first, ...rest] = list;
  if (!first) box.replaceChildren(invite());
  else box.replaceChildren(big(first), ...(rest.length ? [head(), row(rest.slice(0, 3))] : []));
}

const invite = () => {
  const words = make('b', { text: t('sample.invite') });
  const why = make('p', { text: t('sample.invite_why') });
  return make('div.ks-frame.ks-invite', {}, make('div', {}, words, why));
};

const head = () => {
  const words = make('b', { text: t('sample.more') });
  return make('div.ks-variants-head', {}, words, make('span', { text: t('sample.free') }));
};

/** @param {Sample} sample */
function big(sample) {
  const key = samples.fromFile(sample) ? 'sample.from_still' : 'sample.from_words';
  const words = t(key, { prompt: samples.promptOf(sample) });
  const button = make('button.ks-load', { text: t('sample.load') });
  button.addEventListener('click', () => load(button, button.firstChild, sample));
  const scrim = make('div.ks-scrim', {}, make('p', { text: words }), button);
  return make('div.ks-frame.ks-sample', {}, picture(sample), scrim);
}

/**
 * The clip plays by itself, without sound, where the person has not asked for calm.
 *
 * @param {Sample} sample
 */
function picture(sample) {
  const name = samples.nameOf(sample);
  const still = own(samples.address(sample.still));
  const img = make('img', { src: still, alt: name, decoding: 'async' });
  const clip = own(samples.address(sample.clip));
  if (!clip || calm()) return img;
  const video = make('video', {
    src: clip,
    poster: still,
    loop: '',
    playsinline: '',
    'aria-label': name,
    tabindex: -1,
  });
  video.muted = true;
  video.play().catch(() => {});
  video.addEventListener('error', () => video.replaceWith(img), { once: true });
  return video;
}

/** @param {Sample[]} list */
const row = list => make('div.ks-tiles', {}, ...list.map(tile));

/** @param {Sample} sample */
function tile(sample) {
  const name = samples.nameOf(sample);
  const tag = make('span.ks-tag.ks-tag-sans', { text: name });
  const src = own(samples.address(sample.still));
  const node = make(
    'button.ks-tile',
    { 'data-sample': sample.id, 'aria-label': `${t('sample.load')}: ${name}` },
    make('img', { src, alt: '', decoding: 'async' }),
    tag,
  );
  node.addEventListener('click', () => load(node, tag, sample));
  return node;
}

/**
 * A file has to be handed in first, so the press is answered in words at once.
 *
 * @param {HTMLElement} button
 * @param {Node | null} words
 * @param {Sample} sample
 */
async function load(button, words, sample) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  const before = words?.textContent;
  attr(button, 'aria-disabled', 'true');
  put(words, t('sample.loading'));
  const good = await samples.load(sample);
  const answer = good ? t('sample.loaded') : t('sample.failed');
  put(words, answer);
  announce(answer);
  setTimeout(
    () => {
      put(words, before);
      attr(button, 'aria-disabled', null);
    },
    good ? 1500 : 4000,
  );
}
