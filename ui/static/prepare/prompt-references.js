// The files that a prompt may name, as numbered thumbnails above it: a click writes the reference.

import { params } from '../form/form-store.js';
import { attr, make, own } from '../shared/dom.js';
import { emptyFileInput, textBoxBeside, typeInto } from '../shared/gradio.js';
import { t } from '../shared/i18n.js';
import { fieldLabel } from '../shared/labels.js';
import { manifestOf } from './session.js';

/** @import { Island } from '../shared/types.d.ts' */

/** A place whose file can be named; `token` is what the prompt names it by.
 * @typedef {{kind: string, name: string, value: string | null, n: number, token: string}} Place */

/** `at`: where the caret was when the box was left; `awaited`: tokens of places that have no file yet.
 * @typedef {Island & {box?: HTMLTextAreaElement, at?: [number, number], awaited?: Set<string>}} References */

const FEW = 4; // so many stand beside the label; more get a line of their own
const TOKEN = /<<<\s*(image|video)_(\d+)\s*>>>/g;

/** @param {string} kind @param {number} n */
const tokenOf = (kind, n) => `<<<${kind}_${n}>>>`;

/** @param {unknown} value @returns {string[]} */
const files = value => (Array.isArray(value) ? value : value ? [String(value)] : []);

/**
 * Every place whose file can be named, numbered by kind in the order of the fields; a single place has its number
 * before it has its file.
 *
 * @param {string} id of the capability
 * @returns {Place[]}
 */
function places(id) {
  const { media, numbered } = manifestOf(id);
  /** @type {Record<string, number>} */
  const counts = {};
  return numbered.flatMap(name => {
    const taken = media.find(one => one.name === name);
    if (!taken) return [];
    const { kind, most } = taken;
    const held = files(params(id)[name]);
    const values = most === 1 && !held.length ? [null] : held;
    return values.map(value => {
      const n = (counts[kind] ?? 0) + 1;
      counts[kind] = n;
      return { kind, name, value, n, token: tokenOf(kind, n) };
    });
  });
}

/** @type {Island['draw']} */
export function drawReferences(island) {
  /** @type {References} */
  const view = island;
  const { id, root } = view;
  if (!manifestOf(id).numbered.length) return;
  const box = textBoxBeside(root);
  if (box && view.box !== box) watch(view, box);
  const all = places(id);
  const named = all.filter(place => place.value);
  const key = JSON.stringify(named.map(({ token, value }) => [token, value]));
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    attr(root, 'data-many', named.length > FEW ? '' : null);
    root.replaceChildren(...named.map(place => button(view, place)), addButton(id));
  }
  view.awaited = new Set(all.filter(place => !place.value).map(place => place.token));
  compare(view);
}

/** @param {References} view @param {HTMLTextAreaElement} box */
function watch(view, box) {
  view.box = box;
  box.addEventListener('input', () => compare(view));
  box.addEventListener('blur', () => {
    view.at = [box.selectionStart, box.selectionEnd];
  });
}

/** @param {References} view @param {Place} place */
function button(view, { kind, name, value, n, token }) {
  const isAsset = /^[\w-]+$/.test(value ?? '');
  const src = isAsset ? own(`/media/${value}${kind === 'video' ? '?poster=1' : ''}`) : null;
  const words = t('prepare.insert', { token, what: fieldLabel(view.id, name) });
  const img = src && make('img', { src, alt: '' });
  if (img) img.addEventListener('error', () => img.remove(), { once: true });
  const node = make(
    'button.ks-reference',
    {
      'data-token': token,
      'aria-label': words,
      title: words,
      on: { click: () => insert(view, token) },
    },
    img,
    make('span', { text: String(n) }),
  );
  node.addEventListener('pointerdown', event => event.preventDefault()); // the caret stays where it is
  return node;
}

/**
 * Leads to the next empty place.
 *
 * @param {string} id of the capability
 */
function addButton(id) {
  const words = t('prepare.add');
  const slots = manifestOf(id).numbered.map(name => ({ id, name }));
  return make('button.ks-reference.ks-plus', {
    text: '+',
    'aria-label': words,
    title: words,
    on: { click: () => emptyFileInput(slots)?.click() },
  });
}

/**
 * What the prompt does not name yet is dotted; what it names and is not there stands in red.
 *
 * @param {References} view
 */
function compare({ root, box, awaited = new Set() }) {
  const tokens = [...(box?.value ?? '').matchAll(TOKEN)];
  const named = new Set(tokens.map(([, kind, n]) => tokenOf(kind, Number(n))));
  const have = new Set();
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (
    root.querySelectorAll('[data-token]')
  )) {
    const token = node.dataset.token ?? '';
    have.add(token);
    attr(node, 'data-unused', named.has(token) ? null : '');
  }
  for (const node of root.querySelectorAll('.ks-missing')) node.remove();
  const missing = [...named].filter(one => !have.has(one) && !awaited.has(one));
  for (const token of missing.slice(0, FEW)) {
    const words = t('prepare.missing', { token });
    const node = make('span.ks-reference.ks-missing', {
      text: token.replace(/\D+/g, ''),
      title: words,
      role: 'img',
      'aria-label': words,
    });
    root.insertBefore(node, root.lastChild);
  }
}

/** @param {References} view @param {string} token */
function insert({ box, at }, token) {
  if (!box) return;
  const { value } = box;
  const caret = /** @type {const} */ ([box.selectionStart, box.selectionEnd]);
  const held = document.activeElement === box ? caret : (at ?? [value.length, value.length]);
  const [from, to] = held.map(where => Math.min(where, value.length));
  const before = value.slice(0, from);
  const after = value.slice(to);
  const space = before && !/\s$/.test(before) ? ' ' : '';
  const text = `${space}${token}${after && !/^[\s.,;:!?]/.test(after) ? ' ' : ''}`;
  typeInto(box, before + text + after);
  box.focus();
  box.setSelectionRange(from + text.length, from + text.length);
}
