// Dark or light: the system's choice until a person makes one, then theirs. Gradio sets `.dark` on
// body by itself, so a choice is held against it.

import { readKey, writeKey } from './storage.js';

const KEY = 'studio.scheme';

function chosen() {
  const asked = new URLSearchParams(location.search).get('__theme');
  return asked === 'dark' || asked === 'light' ? asked : readKey(KEY);
}

let choice = chosen();
const system = matchMedia('(prefers-color-scheme: dark)');
export const dark = () => (choice ? choice === 'dark' : system.matches);

function hold() {
  const on = dark();
  for (const node of [document.documentElement, document.body]) {
    if (node && node.classList.contains('dark') !== on) node.classList.toggle('dark', on);
  }
}

export function toggle() {
  choice = dark() ? 'light' : 'dark';
  writeKey(KEY, choice);
  hold();
}

export function start() {
  hold();
  system.addEventListener('change', hold);
  new MutationObserver(hold).observe(document.body, {
    attributes: true,
    attributeFilter: ['class'],
  });
}
