// The smallest tools for building and patching nodes. Prompts are hostile input: text is only ever
// set as text, and an attribute that could run is never set from data.

import { svg } from './icons.js';

/** make('button.ks-x', {type: 'button', text: '…', icon: 'play', 'aria-label': '…'}, children) */
export function make(what, props = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  if (tag === 'button') node.type = 'button';
  if (props.icon) node.append(svg(props.icon));
  for (const [name, value] of Object.entries(props)) {
    if (name === 'text') node.append(Object.assign(document.createElement('span'), { textContent: value }));
    else if (name === 'on') for (const [event, fn] of Object.entries(value)) node.addEventListener(event, fn);
    else if (name === 'hidden') node.hidden = value;
    else if (name !== 'icon' && value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

/** Sets text only where it changed, so that a reader's place and a selection stay. */
export function put(node, text) {
  const next = text ?? '';
  if (node.textContent !== next) node.textContent = next;
  return node;
}

export function attr(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  return node;
}

/** Only addresses of this studio are shown: a row can never make the page load something foreign. */
export function own(url) {
  if (typeof url !== 'string' || !url) return null;
  try {
    const full = new URL((url.startsWith('/') ? window.STUDIO?.root ?? '' : '') + url, location.origin);
    return full.origin === location.origin ? full.href : null;
  } catch {
    return null;
  }
}

/** Puts keyed children in order with the fewest moves; what stands right is not touched. */
export function order(parent, nodes) {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether keys belong to a field and not to the page. */
export const typing = target =>
  Boolean(target?.closest?.('input, textarea, select, [contenteditable=""], [contenteditable=true], [role=listbox]'));
