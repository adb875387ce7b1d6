// The files that a prompt may name, as numbered thumbnails above it: a click writes the token.

import { attr, make, own } from './dom.js';
import { label } from './saying.js';
import { making, params } from './session.js';
import { t } from './words.js';

const FEW = 4; // so many stand beside the label; more get a line of their own
const TOKEN = /<<<\s*(image|video)_(\d+)\s*>>>/g;

const token = (kind, n) => `<<<${kind}_${n}>>>`;
const listed = value => (Array.isArray(value) ? value : value ? [value] : []);

/** Every place whose file can be named, numbered by kind in the order of the fields; a single place has its number
    before it has its file. */
function places(id) {
  const { media, numbered } = making(id), counts = {};
  return numbered.flatMap(name => {
    const { kind, most } = media.find(one => one.name === name) ?? {};
    const held = listed(params(id)[name]);
    return kind ? (most === 1 && !held.length ? [null] : held).map(value => {
      counts[kind] = (counts[kind] ?? 0) + 1;
      return { kind, name, value, n: counts[kind], token: token(kind, counts[kind]) };
    }) : [];
  });
}

export function chips(view) {
  const { id, root } = view;
  if (!making(id).numbered.length) return;
  const box = root.closest('.ks-fld').querySelector('textarea');
  if (box && view.box !== box) {
    view.box = box;
    box.addEventListener('input', () => use(view));
    box.addEventListener('blur', () => { view.at = [box.selectionStart, box.selectionEnd]; });
  }
  const all = places(id), files = all.filter(place => place.value), key = JSON.stringify(files.map(({ token: is, value }) => [is, value]));
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    attr(root, 'data-many', files.length > FEW ? '' : null);
    root.replaceChildren(...files.map(file => chip(view, file)), plus(view));
  }
  view.awaited = new Set(all.filter(place => !place.value).map(place => place.token));
  use(view);
}

function chip(view, { kind, name, value, n, token: is }) {
  const src = /^[\w-]+$/.test(value) ? own(`/media/${value}${kind === 'video' ? '?poster=1' : ''}`) : null;
  const words = t('prepare.insert', { token: is, what: label(view.id, name) });
  const node = make('button.ks-chip', { 'data-token': is, 'aria-label': words, title: words, on: { click: () => insert(view, is) } },
    src && make('img', { src, alt: '' }), make('span', { text: String(n) }));
  node.firstChild.addEventListener?.('error', event => event.target.remove(), { once: true });
  node.addEventListener('pointerdown', event => event.preventDefault()); // the caret stays where it is
  return node;
}

/** Leads to the next empty place. */
function plus(view) {
  const free = () => [...document.querySelectorAll(making(view.id).numbered.flatMap(name =>
    [`#s-${view.id}-${name}`, `[id^="s-${view.id}-${name}__"]`, `#g-${view.id}-${name}`]).join(','))]
    .filter(node => node.offsetParent).flatMap(node => [...node.querySelectorAll('input[type=file]')])[0];
  const node = make('button.ks-chip.ks-plus', { text: '+', 'aria-label': t('prepare.add'), title: t('prepare.add') });
  node.addEventListener('click', () => free()?.click());
  return node;
}

/** What the prompt does not name yet is dotted; what it names and is not there stands in red. */
function use({ root, box, awaited = new Set() }) {
  const said = new Set([...(box?.value ?? '').matchAll(TOKEN)].map(([, kind, n]) => token(kind, Number(n))));
  const have = new Set();
  for (const node of root.querySelectorAll('[data-token]')) {
    have.add(node.dataset.token);
    attr(node, 'data-unused', said.has(node.dataset.token) ? null : '');
  }
  for (const node of root.querySelectorAll('.ks-missing')) node.remove();
  for (const is of [...said].filter(one => !have.has(one) && !awaited.has(one)).slice(0, FEW)) {
    const n = is.replace(/\D+/g, ''), words = t('prepare.missing', { token: is });
    root.insertBefore(make('span.ks-chip.ks-missing', { text: n, title: words, role: 'img', 'aria-label': words }), root.lastChild);
  }
}

function insert(view, is) {
  const { box } = view;
  if (!box) return;
  const held = document.activeElement === box ? [box.selectionStart, box.selectionEnd] : view.at ?? [box.value.length, box.value.length];
  const [from, to] = held.map(at => Math.min(at, box.value.length));
  const before = box.value.slice(0, from), after = box.value.slice(to);
  const text = `${before && !/\s$/.test(before) ? ' ' : ''}${is}${after && !/^[\s.,;:!?]/.test(after) ? ' ' : ''}`;
  // The setter of the class: Gradio listens to its own one.
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, before + text + after);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  box.focus();
  box.setSelectionRange(from + text.length, from + text.length);
}
