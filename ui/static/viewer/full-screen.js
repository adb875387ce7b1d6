// The whole screen for a picture.

import { attr } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

/**
 * Shows an element on the whole screen, or ends that.
 *
 * @param {HTMLElement} element
 */
export function toggleFullScreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.().catch(() => {});
}

/**
 * Marks an element while it has the screen; the button among the actions says what it would do.
 *
 * @param {HTMLElement} element
 * @param {HTMLElement} actions
 */
export function followFullScreen(element, actions) {
  document.addEventListener('fullscreenchange', () => {
    const full = document.fullscreenElement;
    attr(element, 'data-full', full === element ? '' : null);
    const button = actions.querySelector('[data-do=full]');
    button?.setAttribute('aria-label', full ? t('viewer.full_leave') : t('viewer.full'));
  });
}
