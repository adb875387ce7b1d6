// "Use as…": what a finished picture or clip can be in another form, read from the forms' own files.

import { make } from './dom.js';
import { form, go, order } from './form.js';
import { label } from './saying.js';
import { t, title } from './words.js';

/** [capability, field] for every field that takes this kind of file. */
const places = kind => Object.entries(window.STUDIO?.makings ?? {}).flatMap(([id, { media }]) =>
  media.filter(one => one.kind === kind).map(one => ({ id, ...one })));

/** The button with its menu; null where no form takes such a file. */
export function useAs(asset) {
  const list = asset?.id ? places(asset.kind) : [];
  if (!list.length) return null;
  const button = make('button.ks-do', { 'data-do': 'useas', icon: 'into', text: t('prepare.use_as'), 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
  const box = make('span.ks-useas', {}, button);
  button.addEventListener('click', () => (box.querySelector('[role=menu]') ? close(box) : show(box, asset, list)));
  return box;
}

function show(box, asset, list) {
  const menu = make('div.ks-menu', { role: 'menu', 'aria-label': t('prepare.use_as') }, ...list.map(place =>
    make('button', { role: 'menuitem', tabindex: -1, 'data-place': `${place.id}.${place.name}`, on: { click: () => { close(box); use(asset, place); } } },
      make('b', { text: title(place.id) }), make('small', { text: label(place.id, place.name) }))));
  menu.addEventListener('keydown', event => keys(event, box, menu));
  box.append(menu);
  box.away = event => !box.contains(event.target) && close(box, false);
  document.addEventListener('pointerdown', box.away);
  box.firstChild.setAttribute('aria-expanded', 'true');
  menu.firstChild.focus();
}

function close(box, back = true) {
  box.querySelector('[role=menu]')?.remove();
  document.removeEventListener('pointerdown', box.away);
  box.firstChild.setAttribute('aria-expanded', 'false');
  if (back) box.firstChild.focus();
}

function keys(event, box, menu) {
  const all = [...menu.children], at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') close(box);
  if (next === undefined && event.key !== 'Escape') return;
  event.preventDefault();
  event.stopPropagation();
  if (next !== undefined) all[next % all.length].focus();
}

/** A list gets one more; a single place is filled anew. */
function use(asset, { id, name, most }) {
  go(id);
  order(id, () => {
    const before = form(id).answer?.params[name] ?? [];
    return { params: { [name]: most > 1 ? [...before, asset.id].slice(-most) : asset.id } };
  });
  window.studio?.announce?.(t('prepare.used', { what: title(id) }));
  if (innerWidth < 720) document.getElementById('form-col')?.scrollIntoView();
}
