// Words in the chosen language. They come with the page (window.STUDIO).

/** @import { Figures } from './types.d.ts' */

const words = () => window.STUDIO?.words ?? {};
export const lang = () => window.STUDIO?.lang ?? 'en';

/** @param {string} key */
export const has = key => key in words();

/** @param {number} n */
export const grouped = n => Math.round(n).toLocaleString('en-US');

/**
 * The words for a key; `{n}` takes a figure, `{n|one|many}` chooses by it.
 *
 * @param {string} key
 * @param {Figures} [figures]
 * @returns {string}
 */
export function t(key, figures = {}) {
  const pattern = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;
  return (words()[key] ?? key).replace(pattern, (_, name, one, many) => {
    const value = figures[name] ?? '';
    if (one !== undefined) return value === 1 ? one : many;
    return typeof value === 'number' ? grouped(value) : String(value);
  });
}

/**
 * The words of the first of some keys that has any.
 *
 * @param {string[]} keys
 * @param {string} other
 */
export function firstOf(keys, other) {
  const key = keys.find(has);
  return key ? t(key) : other;
}

/**
 * Fills every `data-t`, `data-t-label` and `data-t-title` below a skeleton.
 *
 * @param {HTMLElement} root
 */
export function fillWords(root) {
  /** @param {string} selector */
  const nodes = selector =>
    /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(selector));
  for (const node of nodes('[data-t]')) node.textContent = t(node.dataset.t ?? '');
  for (const node of nodes('[data-t-label]')) {
    node.setAttribute('aria-label', t(node.dataset.tLabel ?? ''));
  }
  for (const node of nodes('[data-t-title]')) node.title = t(node.dataset.tTitle ?? '');
}

/**
 * A capability's name; one that was added without words still reads well.
 *
 * @param {string} id
 */
export const title = id =>
  firstOf([`capability.${id}`], id.charAt(0).toUpperCase() + id.slice(1).replaceAll('_', ' '));
