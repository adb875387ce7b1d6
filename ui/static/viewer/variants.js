// Everything the same click made: its variants, and every picture of each.

import { statusOf } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { attr, make, own, part, parts, put } from '../shared/dom.js';
import { clock } from '../shared/format.js';
import { t } from '../shared/i18n.js';

/** @import { Job } from '../shared/types.d.ts' */

/** A job and the index of one of its files.
 * @typedef {[Job, number]} Tile */

/**
 * @param {Job} job any of the click's
 * @returns {Tile[]}
 */
export const tilesOf = job =>
  store.variants(job).flatMap(one => {
    const files = store.media(one);
    if (files.length < 2) return [/** @type {Tile} */ ([one, 0])];
    return files.map((_, index) => /** @type {Tile} */ ([one, index]));
  });

/**
 * @param {HTMLElement} box
 * @param {Job} job
 * @param {number} index
 * @param {(job: Job, index: number) => void} pick
 */
export function drawVariants(box, job, index, pick) {
  const tiles = tilesOf(job);
  box.hidden = tiles.length < 2;
  const key = JSON.stringify(tiles.map(([one, at]) => [one.id, at, store.poster(one, at)]));
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    const nodes = tiles.map(([one, at]) => build(one, at, pick));
    box.replaceChildren(heading(job, tiles.length), make('div.ks-tiles', {}, ...nodes));
  }
  const nodes = parts(box, '.ks-tile');
  for (const [at, [one, i]] of tiles.entries()) {
    patch(nodes[at], one, i, one.id === job.id && i === index);
  }
}

/** @param {Job} job @param {number} n tiles */
function heading(job, n) {
  const all = store.variants(job);
  const time = clock(Math.min(...all.map(one => one.created_at)));
  const words =
    all.length > 1
      ? t('viewer.variants', { n: all.length, time })
      : t('viewer.images', { n, time });
  const name = t('viewer.take', { n: store.clickNumber(job) });
  return make('div.ks-variants-head', {}, make('b', { text: name }), make('span', { text: words }));
}

/** @param {Job} job @param {number} index @param {(job: Job, index: number) => void} pick */
function build(job, index, pick) {
  const src = own(store.poster(job, index));
  const many = store.media(job).length > 1;
  const label = many ? `${store.letter(job)}${index + 1}` : store.letter(job);
  return make(
    'button.ks-tile',
    { on: { click: () => pick(job, index) } },
    src && make('img', { src, alt: '', decoding: 'async' }),
    make('span.ks-tag', { text: label }),
    make('span.ks-cap', {}, make('span')),
    make('i.ks-line'),
  );
}

/**
 * What of a tile changes while it runs.
 *
 * @param {HTMLElement} node
 * @param {Job} job
 * @param {number} index
 * @param {boolean} here
 */
function patch(node, job, index, here) {
  const status = statusOf(job);
  attr(node, 'data-state', job.state);
  attr(node, 'aria-current', here ? 'true' : null);
  const all = store.media(job).length;
  const take = all > 1 ? t('viewer.image', { take: job.take, n: index + 1, all }) : job.take;
  const words = t('viewer.variant_open', { take });
  attr(node, 'aria-label', job.state === 'done' ? words : `${words}, ${status.head}`);
  const caption = part(node, '.ks-cap');
  const line = part(node, '.ks-line');
  caption.hidden = job.state === 'done';
  const text = status.bar ? `${status.head} ${status.number}` : status.head;
  put(caption.firstChild, caption.hidden ? '' : text);
  line.hidden = !status.bar;
  line.style.transform = `scaleX(${status.percent / 100})`;
}
