// The ways a video gets into a form besides being dropped: a finished take, or an address.

import { params } from '../form/form-store.js';
import { updateForm } from '../form/price.js';
import * as store from '../jobs/job-store.js';
import { make, own } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { fieldLabel } from '../shared/labels.js';

/** @import { Asset, Island, Job } from '../shared/types.d.ts' */

/** What is unfolded: a list of takes, or a box for an address.
 * @typedef {'take' | 'address'} Source */

/** @typedef {Island & {open?: Source | null, away?: (event: Event) => void}} VideoPicker */

const MOST = 9; // takes in the list

/** @type {Island['draw']} */
export function drawVideoPicker(island) {
  draw(island);
}

/** @param {VideoPicker} view */
function draw(view) {
  const { id, root, field } = view;
  const value = String(params(id)[field] ?? '');
  const key = JSON.stringify([value, view.open]);
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  const line = /^https?:\/\//.test(value)
    ? [
        make('span.ks-address', { text: value.replace(/^https?:\/\//, ''), title: value }),
        button('prepare.address_out', () => choose(view, null)),
      ]
    : [toggle(view, 'take', 'prepare.use_take'), toggle(view, 'address', 'prepare.use_address')];
  root.replaceChildren(make('div.ks-sources', {}, ...line), ...(view.open ? [panel(view)] : []));
}

/** @param {string} key @param {() => unknown} click */
const button = (key, click) => make('button.ks-link', { text: t(key), on: { click } });

/** @param {VideoPicker} view @param {Source} source @param {string} key */
function toggle(view, source, key) {
  const node = button(key, () => open(view, view.open === source ? null : source));
  node.setAttribute('aria-expanded', String(view.open === source));
  node.dataset.source = source;
  return node;
}

/** @param {VideoPicker} view @param {Source | null} source */
function open(view, source) {
  const before = view.open;
  view.open = source;
  draw(view);
  if (view.away) document.removeEventListener('pointerdown', view.away);
  if (source) {
    /** @param {Event} event */
    const away = event => {
      if (!view.root.contains(/** @type {Node} */ (event.target))) open(view, null);
    };
    view.away = away;
    setTimeout(() => document.addEventListener('pointerdown', away));
    focus(view.root, '.ks-pick :is(input, button)');
    return;
  }
  const lost = document.activeElement === document.body;
  if ((before && view.root.contains(document.activeElement)) || lost) {
    focus(view.root, `[data-source=${before}]`);
  }
}

/** @param {HTMLElement} root @param {string} selector */
const focus = (root, selector) =>
  /** @type {HTMLElement | null} */ (root.querySelector(selector))?.focus();

/** @param {VideoPicker} view */
function panel(view) {
  const node = make(
    'div.ks-pick',
    { role: 'group', 'aria-label': fieldLabel(view.id, view.field) },
    ...(view.open === 'take' ? clips(view) : entry(view)),
  );
  node.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    open(view, null);
  });
  return node;
}

/**
 * The newest finished clips of the board.
 *
 * @param {VideoPicker} view
 */
function clips(view) {
  const all = store.sorted().flatMap(job => {
    const videos = store.media(job).filter(asset => asset.kind === 'video');
    return videos.map(asset => tile(view, job, asset));
  });
  if (!all.length) return [make('p', { text: t('prepare.no_takes') })];
  return [make('div.ks-strip', {}, ...all.slice(0, MOST))];
}

/** @param {VideoPicker} view @param {Job} job @param {Asset} asset */
function tile(view, { take }, asset) {
  const src = own(asset.poster_url);
  return make(
    'button.ks-tile',
    {
      'data-take': take,
      'aria-label': t('prepare.take', { take }),
      on: { click: () => choose(view, asset.id ?? null) },
    },
    src && make('img', { src, alt: '', decoding: 'async' }),
    make('span.ks-tag', { text: take }),
  );
}

/** @param {VideoPicker} view */
function entry(view) {
  const input = make('input.ks-input', {
    type: 'url',
    inputmode: 'url',
    placeholder: 'https://',
    'aria-label': t('prepare.address'),
  });
  const wrong = make('p.ks-wrong', {
    text: t('prepare.address_https'),
    role: 'alert',
    hidden: true,
  });
  const go = () => {
    const value = input.value.trim();
    wrong.hidden = /^https:\/\/[^/\s]+\.[^\s]+/.test(value);
    if (wrong.hidden) choose(view, value);
  };
  input.addEventListener('keydown', event => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
    go();
  });
  const use = make('button.ks-ask', { text: t('prepare.address_use'), on: { click: go } });
  return [
    make('div.ks-entry', {}, input, use),
    wrong,
    make('p', { text: t('prepare.address_why') }),
  ];
}

/** @param {VideoPicker} view @param {string | null} value */
function choose(view, value) {
  open(view, null);
  updateForm(view.id, { params: { [view.field]: value } });
}
