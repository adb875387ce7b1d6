// The smallest tools for building and patching nodes. Prompts are hostile input: text is only ever
// set as text, and an attribute that could run is never set from data.

import { svg } from './icons.js';

/** @import { Falsy, MakeProps } from './types.d.ts' */

/**
 * `make('button.ks-x', {text: '…', icon: 'play', on: {click}, 'aria-label': '…'}, children)`; a text is
 * wrapped into a span.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T | `${T}.${string}`} what
 * @param {MakeProps} [props]
 * @param {...(Node | string | Falsy)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(what, props = {}, ...children) {
  const [tag, ...classes] = /** @type {[T, ...string[]]} */ (what.split('.'));
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  if (node instanceof HTMLButtonElement) node.type = 'button';
  const { icon, text, on = {}, hidden, ...attributes } = props;
  if (icon) node.append(svg(icon));
  if (text !== undefined) {
    node.append(Object.assign(document.createElement('span'), { textContent: text }));
  }
  for (const [event, fn] of Object.entries(on)) {
    node.addEventListener(event, /** @type {EventListener} */ (fn));
  }
  if (hidden !== undefined) node.hidden = hidden;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) node.setAttribute(name, String(value));
  }
  node.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return node;
}

/**
 * The first element that a selector finds; it has to be there.
 *
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function part(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no ${selector}`);
  return found;
}

/**
 * @param {ParentNode | null | undefined} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const parts = (root, selector) => [
  .../** @type {NodeListOf<HTMLElement>} */ (root?.querySelectorAll(selector) ?? []),
];

/**
 * The element of an event's target, or its nearest one that a selector finds.
 *
 * @param {EventTarget | null} target
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const closest = (target, selector) =>
  target instanceof Element ? target.closest(selector) : null;

/**
 * Sets text only where it changed, so that a reader's place and a selection stay.
 *
 * @template {Node | null} N
 * @param {N} node
 * @param {string | null | undefined} text
 * @returns {N}
 */
export function put(node, text) {
  const next = text ?? '';
  if (node && node.textContent !== next) node.textContent = next;
  return node;
}

/**
 * Sets an attribute only where it changed; null and false take it away.
 *
 * @param {Element} node
 * @param {string} name
 * @param {string | number | true | null | undefined | false} value
 */
export function attr(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/**
 * Only addresses of this studio are shown: a row can never make the page load something foreign.
 *
 * @param {unknown} url
 * @returns {string | null}
 */
export function own(url) {
  if (typeof url !== 'string' || !url) return null;
  try {
    const root = url.startsWith('/') ? (window.STUDIO?.root ?? '') : '';
    const full = new URL(root + url, location.origin);
    return full.origin === location.origin ? full.href : null;
  } catch {
    return null;
  }
}

/**
 * Puts keyed children in order with the fewest moves; what stands right is not touched.
 *
 * @param {Element} parent
 * @param {ChildNode[]} nodes
 */
export function order(parent, nodes) {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (at && node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/**
 * Moves the focus along a list with the keys given, as in a list of tabs or radios; answers what has it now.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} all
 * @param {Record<string, number>} steps
 * @param {Element | null} [from]
 * @returns {HTMLElement | null}
 */
export function moveFocus(event, all, steps, from = document.activeElement) {
  const step = steps[event.key];
  if (!step || !all.length) return null;
  event.preventDefault();
  const here = all.indexOf(/** @type {HTMLElement} */ (from));
  const next = all[(here + step + all.length) % all.length];
  next.focus();
  return next;
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * Whether keys belong to a field and not to the page.
 *
 * @param {EventTarget | null} target
 */
export const typing = target =>
  Boolean(
    closest(
      target,
      'input, textarea, select, [contenteditable=""], [contenteditable=true], [role=listbox]',
    ),
  );
