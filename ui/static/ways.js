// The ways a video gets into a form besides being dropped: a finished take, or an address.

import { make, own } from './dom.js';
import { order } from './form.js';
import { label } from './saying.js';
import { params } from './session.js';
import * as takes from './takes.js';
import { t } from './words.js';

const MOST = 9;
const address = value => /^https?:\/\//.test(value ?? '');
const short = value => value.replace(/^https?:\/\//, '');

export function ways(view) {
  const { id, root, field } = view, value = params(id)[field];
  const key = JSON.stringify([value, view.open]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  const line = address(value)
    ? [make('span.ks-address', { text: short(value), title: value }), button('prepare.address_out', () => put(view, null))]
    : [toggle(view, 'take', 'prepare.use_take'), toggle(view, 'address', 'prepare.use_address')];
  root.replaceChildren(make('div.ks-ways', {}, ...line), ...(view.open ? [box(view)] : []));
}

const button = (key, click) => make('button.ks-link', { text: t(key), on: { click } });

function toggle(view, what, key) {
  const node = button(key, () => open(view, view.open === what ? null : what));
  node.setAttribute('aria-expanded', String(view.open === what));
  node.dataset.way = what;
  return node;
}

function open(view, what) {
  const before = view.open;
  view.open = what;
  ways(view);
  if (what) {
    view.away = event => !view.root.contains(event.target) && open(view, null);
    setTimeout(() => document.addEventListener('pointerdown', view.away));
    view.root.querySelector('.ks-pick :is(input, button)')?.focus();
  } else {
    document.removeEventListener('pointerdown', view.away);
    if (before && view.root.contains(document.activeElement) || document.activeElement === document.body) view.root.querySelector(`[data-way=${before}]`)?.focus();
  }
}

function box(view) {
  const node = make('div.ks-pick', { role: 'group', 'aria-label': label(view.id, view.field) }, ...(view.open === 'take' ? clips(view) : entry(view)));
  node.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    open(view, null);
  });
  return node;
}

/** The newest finished clips of the board. */
function clips(view) {
  const all = takes.sorted().flatMap(job => takes.media(job).filter(asset => asset.kind === 'video').map(asset => ({ job, asset })));
  if (!all.length) return [make('p', { text: t('prepare.no_takes') })];
  return [make('div.ks-strip', {}, ...all.slice(0, MOST).map(({ job, asset }) => {
    const words = t('prepare.take', { take: job.take }), src = own(asset.poster_url);
    return make('button.ks-tile', { 'data-take': job.take, 'aria-label': words, on: { click: () => put(view, asset.id) } },
      src && make('img', { src, alt: '', decoding: 'async' }), make('span.ks-tag', { text: job.take }));
  }))];
}

function entry(view) {
  const input = make('input.ks-input', { type: 'url', inputmode: 'url', placeholder: 'https://', 'aria-label': t('prepare.address') });
  const wrong = make('p.ks-wrong', { text: t('prepare.address_https'), role: 'alert', hidden: true });
  const go = () => {
    const value = input.value.trim();
    wrong.hidden = /^https:\/\/[^/\s]+\.[^\s]+/.test(value);
    if (wrong.hidden) put(view, value);
  };
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter') { event.preventDefault(); event.stopPropagation(); go(); }
  });
  return [make('div.ks-entry', {}, input, make('button.ks-ask', { text: t('prepare.address_use'), on: { click: go } })),
    wrong, make('p', { text: t('prepare.address_why') })];
}

function put(view, value) {
  open(view, null);
  order(view.id, { params: { [view.field]: value } });
}
