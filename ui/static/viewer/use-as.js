// "Use as…": what a finished picture or clip can be in another form, read from the forms' own files.

import { form } from '../form/form-store.js';
import { openCapability } from '../form/navigation.js';
import { updateForm } from '../form/price.js';
import { announce } from '../shared/announce.js';
import { make, parts } from '../shared/dom.js';
import { t, title } from '../shared/i18n.js';
import { fieldLabel } from '../shared/labels.js';

/** @import { Asset, MediaKind, Slot } from '../shared/types.d.ts' */

/** @typedef {Slot & {most: number}} Place */

/**
 * Every field that takes this kind of file.
 *
 * @param {MediaKind} kind
 * @returns {Place[]}
 */
const places = kind =>
  Object.entries(window.STUDIO?.manifest ?? {}).flatMap(([id, { media }]) =>
    media.filter(one => one.kind === kind).map(({ name, most }) => ({ id, name, most })),
  );

/**
 * The button with its menu; null where no form takes such a file.
 *
 * @param {Asset} asset
 */
export function useAsButton(asset) {
  const list = asset.id ? places(asset.kind) : [];
  if (!list.length) return null;
  const button = make('button.ks-do', {
    'data-do': 'use-as',
    icon: 'into',
    text: t('prepare.use_as'),
    'aria-haspopup': 'menu',
    'aria-expanded': 'false',
  });
  const box = make('span.ks-use-as', {}, button);
  /** @type {((returnFocus?: boolean) => void) | null} */
  let close = null;
  button.addEventListener('click', () => {
    if (box.querySelector('[role=menu]')) close?.();
    else close = open(box, button, asset, list);
  });
  return box;
}

/**
 * Shows the menu; answers what closes it.
 *
 * @param {HTMLElement} box
 * @param {HTMLElement} button
 * @param {Asset} asset
 * @param {Place[]} list
 */
function open(box, button, asset, list) {
  const items = list.map(place => {
    const click = () => {
      close();
      use(asset, place);
    };
    return make(
      'button',
      { role: 'menuitem', tabindex: -1, 'data-place': `${place.id}.${place.name}`, on: { click } },
      make('b', { text: title(place.id) }),
      make('small', { text: fieldLabel(place.id, place.name) }),
    );
  });
  const menu = make('div.ks-menu', { role: 'menu', 'aria-label': t('prepare.use_as') }, ...items);
  /** @param {Event} event */
  const away = event => {
    if (!box.contains(/** @type {Node} */ (event.target))) close(false);
  };
  const close = (returnFocus = true) => {
    menu.remove();
    document.removeEventListener('pointerdown', away);
    button.setAttribute('aria-expanded', 'false');
    if (returnFocus) button.focus();
  };
  menu.addEventListener('keydown', event => move(event, menu, close));
  document.addEventListener('pointerdown', away);
  box.append(menu);
  button.setAttribute('aria-expanded', 'true');
  items[0].focus();
  return close;
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu @param {() => void} close */
function move(event, menu, close) {
  const all = parts(menu, '[role=menuitem]');
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const targets = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 };
  const next = targets[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') close();
  if (next === undefined && event.key !== 'Escape') return;
  event.preventDefault();
  event.stopPropagation();
  if (next !== undefined) all[next % all.length].focus();
}

/**
 * A list gets one more; a single place is filled anew.
 *
 * @param {Asset} asset
 * @param {Place} place
 */
function use({ id: asset }, { id, name, most }) {
  openCapability(id);
  updateForm(id, () => {
    const before = /** @type {string[]} */ (form(id).answer?.params[name] ?? []);
    return { params: { [name]: most > 1 ? [...before, asset].slice(-most) : asset } };
  });
  announce(t('prepare.used', { what: title(id) }));
  if (innerWidth < 720) document.getElementById('form-col')?.scrollIntoView();
}
