// Single keys and the sheet that names them. They are never read while a person types, and can be
// switched off in the sheet.

import { make, typing } from './dom.js';
import { t } from './words.js';

const KEY = 'studio.keys';
const SHEET = [
  ['pay', ['Ctrl', 'Enter']], ['play', ['Space']], ['frame', [',', '.']], ['variant', ['[', ']']],
  ['row', ['J', 'L']], ['use', ['U']], ['full', ['F']], ['sheet', ['?']],
];
let dialog = null;

function single(next) {
  try {
    if (next !== undefined) localStorage.setItem(KEY, next ? 'on' : 'off');
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

const to = (island, name, detail) =>
  document.querySelector(`[data-ks=${island}]`)?.dispatchEvent(new CustomEvent(name, { detail }));

const KEYS = {
  ' ': () => to('stage', 'ks-play'),
  ',': () => to('stage', 'ks-frame', -1),
  '.': () => to('stage', 'ks-frame', 1),
  '[': () => to('stage', 'ks-variant', -1),
  ']': () => to('stage', 'ks-variant', 1),
  f: () => to('stage', 'ks-full'),
  j: () => to('board', 'ks-step', 1),
  l: () => to('board', 'ks-step', -1),
  u: () => window.studio.opened && window.studio.use(window.studio.opened.id),
};

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target) || document.querySelector('dialog[open]')) return;
  if (event.key === '?') return openSheet();
  const go = single() && KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  // Space presses the button that has the focus; elsewhere it plays.
  if (!go || (event.key === ' ' && event.target.closest?.('button, a, summary, [role=tab], [role=radio]'))) return;
  const stage = document.querySelector('[data-ks=stage]');
  if (!stage?.offsetParent && event.key !== 'u') return;
  event.preventDefault();
  go();
}

export function openSheet() {
  dialog ??= drawSheet();
  if (!dialog.open) dialog.showModal();
}

function drawSheet() {
  const close = make('button.ks-tool', { icon: 'cross', 'aria-label': t('keys.close'), on: { click: () => sheet.close() } });
  const rows = SHEET.map(([name, keys]) => make('tr', {},
    make('td', { text: t(`keys.${name}`) }),
    make('td', {}, ...keys.flatMap((key, i) => [i && name !== 'pay' ? ` ${t('keys.or')} ` : ' ', make('kbd', { text: key })]))));
  const box = make('input', { type: 'checkbox', on: { change: () => single(box.checked) } });
  box.checked = single();
  const sheet = make('dialog.ks.ks-sheet', { 'aria-labelledby': 'ks-sheet-h' },
    make('div.ks-sheet-h', {}, make('h2', { id: 'ks-sheet-h', text: t('keys.heading') }), close),
    make('table', {}, make('tbody', {}, ...rows)),
    make('label.ks-single', {}, box, make('span', { text: t('keys.single') }), make('small', { text: t('keys.single_why') })));
  sheet.addEventListener('click', event => event.target === sheet && sheet.close());
  document.body.append(sheet);
  return sheet;
}

export function start() {
  document.addEventListener('keydown', press);
}
