// The header: what runs, what it holds, the balance, language, color scheme, keys.

import { feed } from '../jobs/job-feed.js';
import { mountQueueButton } from '../jobs/queue-button.js';
import * as scheme from '../shared/color-scheme.js';
import { attr, part, put } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { grouped, lang, t } from '../shared/i18n.js';
import { svg } from '../shared/icons.js';
import { writeKey } from '../shared/storage.js';
import { openSheet } from './keyboard.js';

/** @param {HTMLElement} root */
export function mount(root) {
  const balance = part(root, '.ks-balance');
  part(root, '.ks-demo').hidden = !window.STUDIO?.demo;
  mountQueueButton(part(root, '.ks-counts'));
  part(root, '.ks-lang').addEventListener('click', switchLanguage);
  part(root, '.ks-keys').addEventListener('click', openSheet);
  drawScheme(part(root, '.ks-scheme'));
  on('feed', () => drawBalance(balance));
  drawBalance(balance);
}

function switchLanguage() {
  writeKey('studio.lang', lang() === 'zh' ? 'en' : 'zh'); // where nothing is kept, the browser's language stays
  location.reload();
}

/** @param {HTMLElement} button */
function drawScheme(button) {
  const draw = () => {
    const words = scheme.dark() ? t('header.scheme_to_light') : t('header.scheme_to_dark');
    button.replaceChildren(svg(scheme.dark() ? 'sun' : 'moon'));
    button.setAttribute('aria-label', words);
    button.title = words;
  };
  button.addEventListener('click', () => {
    scheme.toggle();
    draw();
  });
  draw();
}

/** @param {HTMLElement} node */
function drawBalance(node) {
  const { available, held = 0, spent = 0 } = feed.credits;
  node.hidden = available === undefined;
  if (available === undefined) return;
  put(part(node, 'b'), grouped(available));
  attr(node, 'title', t('header.balance', { available, held, spent }));
}
