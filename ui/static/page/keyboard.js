// Single keys and the sheet that names them. They are never read while a person types, and can be
// switched off in the sheet.

import { fillFromJob } from '../form/fill.js';
import { openedJob } from '../jobs/selection.js';
import { closest, make, typing } from '../shared/dom.js';
import { emit } from '../shared/events.js';
import { t } from '../shared/i18n.js';
import { readKey, writeKey } from '../shared/storage.js';

/** @import { Command } from '../shared/types.d.ts' */

const KEY = 'studio.keys';
/** @type {[string, string[]][]} */
const SHEET = [
  ['pay', ['Ctrl', 'Enter']],
  ['play', ['Space']],
  ['frame', [',', '.']],
  ['variant', ['[', ']']],
  ['row', ['J', 'L']],
  ['use', ['U']],
  ['full', ['F']],
  ['sheet', ['?']],
];
/** @type {Record<string, Command>} */
const COMMANDS = {
  ' ': { name: 'play' },
  ',': { name: 'frame', by: -1 },
  '.': { name: 'frame', by: 1 },
  '[': { name: 'variant', by: -1 },
  ']': { name: 'variant', by: 1 },
  f: { name: 'full' },
  j: { name: 'row', by: 1 },
  l: { name: 'row', by: -1 },
};
const USE = 'u';
const PRESSABLE = 'button, a, summary, [role=tab], [role=radio]';
/** @type {HTMLDialogElement | null} */
let dialog = null;

const isOn = () => readKey(KEY) !== 'off';

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target) || document.querySelector('dialog[open]')) return;
  if (event.key === '?') openSheet();
  else if (isOn()) pressSingle(event);
}

/** @param {KeyboardEvent} event */
function pressSingle(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Space presses the button that has the focus; elsewhere it plays.
  if (key === ' ' && closest(event.target, PRESSABLE)) return;
  const viewer = /** @type {HTMLElement | null} */ (document.querySelector('[data-ks=viewer]'));
  const command = viewer?.offsetParent ? COMMANDS[key] : undefined;
  if (!command && key !== USE) return;
  event.preventDefault();
  const job = openedJob();
  if (command) emit('command', command);
  else if (job) fillFromJob(job);
}

export function openSheet() {
  dialog ??= buildSheet();
  if (!dialog.open) dialog.showModal();
}

function buildSheet() {
  const close = make('button.ks-tool', { icon: 'cross', 'aria-label': t('keys.close') });
  const box = make('input', { type: 'checkbox' });
  box.checked = isOn();
  box.addEventListener('change', () => writeKey(KEY, box.checked ? 'on' : 'off'));
  const words = make('span', { text: t('keys.single') });
  const why = make('small', { text: t('keys.single_why') });
  const heading = make('h2', { id: 'ks-sheet-h', text: t('keys.heading') });
  const sheet = make(
    'dialog.ks.ks-sheet',
    { 'aria-labelledby': 'ks-sheet-h' },
    make('div.ks-sheet-h', {}, heading, close),
    make('table', {}, make('tbody', {}, ...SHEET.map(row))),
    make('label.ks-single', {}, box, words, why),
  );
  close.addEventListener('click', () => sheet.close());
  sheet.addEventListener('click', event => {
    if (event.target === sheet) sheet.close();
  });
  document.body.append(sheet);
  return sheet;
}

/** @param {[string, string[]]} line */
function row([name, keys]) {
  const between = name === 'pay' ? ' ' : ` ${t('keys.or')} `;
  const cells = keys.flatMap((key, at) => [at ? between : ' ', make('kbd', { text: key })]);
  return make('tr', {}, make('td', { text: t(`keys.${name}`) }), make('td', {}, ...cells));
}

export function start() {
  document.addEventListener('keydown', press);
}
