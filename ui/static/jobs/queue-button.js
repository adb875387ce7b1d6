// The counts of what runs and waits; a click leads to the queue. The header has one, and on a phone the viewer.

import { attr, make } from '../shared/dom.js';
import { emit, on } from '../shared/events.js';
import { grouped, lang, t } from '../shared/i18n.js';
import { feed } from './job-feed.js';

/** @param {HTMLElement} button */
export function mountQueueButton(button) {
  button.addEventListener('click', () => emit('queue', null));
  on('feed', () => draw(button));
  draw(button);
}

/** @param {HTMLElement} button */
function draw(button) {
  const { online, first } = feed;
  const { running = 0, queued = 0 } = feed.counts;
  const held = feed.credits.held ?? 0;
  const figures = Object.entries({ running, queued, held }).filter(([, n]) => n);
  const shown = online ? figures : [/** @type {[string, number]} */ (['offline', 0])];
  const key = JSON.stringify([shown, lang()]);
  button.hidden = (first && online) || !shown.length;
  if (button.dataset.key === key) return;
  button.dataset.key = key;
  button.replaceChildren(...shown.map(([name, n]) => count(name, n)));
  const words = online ? t('header.counts_open', { running, queued, held }) : t('header.offline');
  attr(button, 'aria-label', words);
}

/** @param {string} name @param {number} n */
function count(name, n) {
  const figure = n ? make('b', {}, grouped(n)) : null;
  return make('span.ks-count', { 'data-count': name }, figure, t(`header.${name}`));
}
