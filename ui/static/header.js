// The header: what runs, what it holds, the balance, language, scheme, keys.

import { line, on } from './live.js';
import * as scheme from './scheme.js';
import { attr, make, put } from './dom.js';
import { svg } from './icons.js';
import { openSheet } from './keys.js';
import { credits, lang, t } from './words.js';

export function mount(root) {
  const part = name => root.querySelector(`.ks-${name}`);
  const [demo, balance] = [part('demo'), part('balance')];
  demo.hidden = !window.STUDIO?.demo;
  counting(part('counts'));
  part('lang').addEventListener('click', () => window.studio.setLanguage(lang() === 'zh' ? 'en' : 'zh'));
  part('keys').addEventListener('click', openSheet);
  drawScheme(part('scheme'));
  on('state', () => drawBalance(balance));
  drawBalance(balance);
}

/** A door to the queue; the header has one, and the phone's stage a second. */
export function counting(button) {
  button.addEventListener('click', openQueue);
  on('state', () => drawCounts(button));
  drawCounts(button);
}

function drawScheme(button) {
  const draw = () => {
    button.replaceChildren(svg(scheme.dark() ? 'sun' : 'moon'));
    button.setAttribute('aria-label', scheme.dark() ? t('header.scheme_to_light') : t('header.scheme_to_dark'));
    button.title = button.getAttribute('aria-label');
  };
  button.addEventListener('click', () => {
    scheme.toggle();
    draw();
  });
  draw();
}

function drawCounts(button) {
  const { counts, online, first } = line;
  const held = line.credits.held ?? 0;
  const figures = [['running', counts.running ?? 0], ['queued', counts.queued ?? 0], ['held', held]];
  const shown = online ? figures.filter(([, n]) => n) : [['offline', 0]];
  const key = JSON.stringify([shown, lang()]);
  button.hidden = first && online ? true : !shown.length;
  if (button.dataset.key === key) return;
  button.dataset.key = key;
  button.replaceChildren(...shown.map(([name, n]) => count(name, n)));
  attr(button, 'aria-label', online
    ? t('header.counts_open', { running: counts.running ?? 0, queued: counts.queued ?? 0, held })
    : t('header.offline'));
}

function count(name, n) {
  const node = make('span.ks-count', { 'data-count': name });
  if (n) node.append(make('b', {}, credits(n)));
  node.append(name === 'offline' ? t('header.offline') : t(`header.${name}`));
  return node;
}

function drawBalance(node) {
  const { available, held, spent } = line.credits;
  node.hidden = available === undefined;
  if (node.hidden) return;
  put(node.querySelector('b'), credits(available));
  attr(node, 'title', t('header.balance', { available, held: held ?? 0, spent: spent ?? 0 }));
}

/** The counts are the queue's door: the board, filtered to what is active. */
function openQueue() {
  window.studioForm?.section?.('create');
  const board = document.querySelector('[data-ks=board]');
  if (!board) return;
  board.dispatchEvent(new CustomEvent('ks-filter', { detail: 'active' }));
  board.scrollIntoView({ block: 'nearest' });
  board.querySelector('.ks-filters button[aria-pressed=true]')?.focus({ preventScroll: true });
}
