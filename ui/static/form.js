// The form in the browser: Gradio holds the values and asks for the price; this file says the answers,
// keeps every field in its stand, and watches over the pay button.

import { make, put } from './dom.js';
import { end, fail, hand, type } from './orders.js';
import { pressed } from './pay.js';
import { say, translate, label, object, valued, listed } from './saying.js';
import * as typed from './typed.js';
import * as uploads from './uploads.js';
import { has, t } from './words.js';

const forms = new Map(); // capability → what is known of its form
const HALF = 5; // values that fit into half a row
const LAST = 'studio.capability';
let begun = false; // Gradio also tells of the tab it opens by itself, before ours is restored

export const form = id => {
  if (!forms.has(id)) forms.set(id, { id, answer: null, phase: 'ready', wrong: {} });
  return forms.get(id);
};

const within = element => element?.closest?.('.ks-form')?.id.replace('form-', '');
const page = () => [...document.querySelectorAll('.ks-form')].find(node => node.offsetParent);
export const current = () => within(page());

// ------------------------------------------------------------------------------- painting

/** Takes an answer of the server and shows it; an older one than shown is not shown. */
export function paint(answer) {
  if (!answer?.capability) return;
  const one = form(answer.capability);
  for (const name of answer.cleared ?? []) delete one.wrong[name];
  Object.assign(one.wrong, answer.wrong);
  if (answer.kind === 'file') {
    pressed.changed(one); // its price follows
    if (answer.slot && !uploads.arrived(one.id, answer.slot)) show(one.id, answer.slot); // given up or emptied meanwhile
    return repaint(one);
  }
  if (answer.kind === 'sent') return pressed.answered(one, answer);
  const newer = !one.answer || answer.serial >= one.answer.serial;
  if (newer) one.answer = answer;
  if (answer.order) end(one.id, answer.order); // the next one may be made of this answer
  if (!newer) return;
  typed.heard(one.id, answer.params);
  if (answer.lost) one.lost = answer.lost;
  pressed.quoted(one);
  repaint(one);
}

export function repaint(one) {
  if (!one.answer) return;
  restyle();
  const root = document.getElementById(`form-${one.id}`);
  if (!root) return;
  for (const node of root.querySelectorAll('[data-note]')) note(one, node);
  for (const node of root.querySelectorAll('[data-hints]')) hints(one, node);
  for (const node of root.querySelectorAll('[data-pay]')) pressed.paint(one, node);
  advanced(one, root);
  sliders(root);
  root.dataset.ready = 'true';
  document.dispatchEvent(new CustomEvent('ks-form', { detail: one })); // what prepares a request follows it
}

/** What is hidden and which values show is a style sheet: it holds whenever Gradio draws a field anew. */
function restyle() {
  const rules = [];
  for (const { id, answer } of forms.values()) {
    for (const [name, stand] of Object.entries(answer?.stands ?? {})) {
      const group = `#g-${id}-${name}`;
      if (stand.how === 'hidden') rules.push(`${group}{display:none!important}`);
      if (stand.how === 'offer') rules.push(`${group}>:not(:has(.ks-note)){display:none!important}`);
      if (stand.values.length) rules.push(...narrowed(id, name, stand, answer));
      else if (answer.choices[name] > HALF) rules.push(...spread(id, name, answer.choices[name]));
    }
    for (const slot of answer?.spare ?? []) rules.push(`:is(#s-${id}-${slot},#f-${id}-${slot}){display:none!important}`);
    if (answer && !inside(answer).length) rules.push(`#adv-${id}{display:none!important}`);
  }
  let sheet = document.getElementById('ks-stands');
  if (!sheet) {
    sheet = Object.assign(document.createElement('style'), { id: 'ks-stands' });
    document.head.append(sheet);
  }
  put(sheet, rules.join('\n'));
}

/** A value the model does not take leaves the row, unless it is the one that is held: that one is struck. */
function narrowed(id, name, stand, answer) {
  const inputs = `#f-${id}-${name} label:has(input)`;
  const kept = [...stand.values, ...(stand.refused === null ? [] : [String(stand.refused)])];
  const named = values => values.map(value => `:has(input[value=${JSON.stringify(value)}])`).join(',');
  const optional = answer.optional.includes(name) ? ':not(:has(input[value=""]))' : '';
  const rules = [`${inputs}:not(${named(kept)})${optional}{display:none!important}`];
  if (stand.refused !== null) rules.push(`${inputs}:is(${named([String(stand.refused)])}){text-decoration:line-through}`);
  if (kept.length > HALF) rules.push(...spread(id, name, kept.length));
  return rules;
}

/** Many values take a whole row, in lines of equal length. */
const spread = (id, name, n) => [
  `#g-${id}-${name}{grid-column:1/-1}`,
  `#f-${id}-${name} .wrap:not([data-testid]){display:grid!important;grid-template-columns:repeat(${Math.ceil(n / Math.ceil(n / 9))},1fr)}`,
];

/** The line below a field: its offer, what is wrong with it, or nothing. */
function note(one, node) {
  const { answer } = one, name = node.dataset.note, stand = answer.stands[name];
  const parts = [];
  if (stand?.how === 'offer') parts.push(...offer(one, name, stand));
  else if (stand && stand.refused !== null) parts.push(...refused(one, name, stand));
  const wrong = one.wrong[name] ?? (stand?.refused === null || !stand ? answer.errors[name] : null);
  // A finding says it with its fix, below the form.
  const told = answer.warnings?.some(found => found.severity === 'error' && found.field === name);
  if (wrong && !told) parts.push(make('p.ks-wrong', { text: translate(wrong), role: 'alert' }));
  else if (/^https:\/\//.test(answer.params[name] ?? '')) parts.push(make('p', { text: t('form.unchecked') }));
  node.closest('.ks-fld')?.toggleAttribute('data-wrong', Boolean(wrong));
  node.replaceChildren(...parts);
}

function offer(one, name, stand) {
  const [{ fix, delta }] = stand.offers;
  const [other, value] = Object.entries(fix)[0];
  const figures = {
    model: stand.model, object: object(one.id, name), other: label(one.id, other).toLowerCase(),
    value: valued(other, value).toLowerCase(),
  };
  const key = has(`offer.${other}`) ? `offer.${other}` : 'offer.any';
  const act = has(`offer.switch_${other}`) ? `offer.switch_${other}` : 'offer.switch';
  const kept = one.answer.params[name] !== undefined && one.answer.params[name] !== stand.neutral;
  return [
    make('span.ks-offer-label', { text: label(one.id, name) }),
    make('div.ks-offer', {},
      make('p', { text: t(key, figures) }),
      kept ? make('p', { text: t('offer.kept') }) : null,
      changer(one, fix, priced(t(act, figures), delta))),
  ];
}

function refused(one, name, stand) {
  const values = listed(stand.values.map(value => valued(name, value)));
  const row = make('div.ks-swaps', {});
  for (const { fix, delta } of stand.offers) {
    row.append(changer(one, fix, priced(valued(name, fix[name]), delta)));
  }
  const figures = { model: stand.model, values, value: valued(name, stand.refused) };
  return [make('p.ks-wrong', { text: t('offer.refused', figures), role: 'alert' }), row];
}

const priced = (text, delta) =>
  delta === null || delta === undefined ? text
    : delta ? t(delta > 0 ? 'offer.more' : 'offer.less', { text, n: Math.abs(delta) }) : t('offer.same', { text });

/** One click that changes settings and keeps everything else. */
function changer(one, fix, text) {
  return make('button.ks-fix', { text, on: { click: () => order(one.id, { params: fix }) } });
}

const MOST_HINTS = 2;

function hints(one, node) {
  const { answer } = one;
  const said = [...(one.lost ?? []).map(gone => lost(one.id, gone)), ...(answer.warnings ?? [])]
    .filter(found => answer.stands[found.field]?.how !== 'offer');
  if (answer.other) said.unshift({ severity: 'error', message: answer.other, figures: {}, fix: {} });
  const open = node.dataset.open === 'true';
  const rows = said.slice(0, open ? said.length : MOST_HINTS).map(found => hint(one, found));
  const rest = said.length - rows.length;
  if (rest > 0) {
    const all = () => { node.dataset.open = 'true'; hints(one, node); };
    rows.push(make('button.ks-fix', { text: t('finding.more', { n: rest }), on: { click: all } }));
  }
  node.replaceChildren(...rows);
}

const lost = (id, { field, value }) =>
  ({ id: 'lost', severity: 'warning', figures: { what: `${label(id, field)} ${valued(field, value)}`.trim() }, fix: {} });

function hint(one, found) {
  const { figures } = found, other = figures.other || figures.field || '';
  const words = {
    ...figures, label: label(one.id, found.field ?? ''), field_lower: label(one.id, figures.field ?? '').toLowerCase(),
    other_label: label(one.id, other).toLowerCase(), other_object: object(one.id, other),
    value_label: valued(other, figures.value ?? ''),
  };
  const key = `finding.${found.id}`;
  const text = make('p', {});
  if (has(`${key}.head`)) text.append(make('b', { text: t(`${key}.head`, words) }), ` ${t(`${key}.why`, words)}`);
  else text.append(translate(found.message));
  const [field, value] = Object.entries(found.fix ?? {})[0] ?? [];
  const act = has(`${key}.fix`) ? t(`${key}.fix`, words)
    : field && t('finding.fix', { field: label(one.id, field).toLowerCase(), value: brief(field, value, 40) });
  const row = make(`div.ks-hint.ks-is-${found.severity}`, {});
  row.append(sign(), make('div', {}, text, field ? changer(one, found.fix, act) : null));
  return row;
}

/** A circle with an i: the same stroke as every icon of the page. */
function sign() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, value] of Object.entries({ viewBox: '0 0 16 16', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'aria-hidden': true })) svg.setAttribute(name, value);
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, 'path'));
  path.setAttribute('d', 'M14.25 8a6.25 6.25 0 1 1-12.5 0 6.25 6.25 0 0 1 12.5 0M8 7.25V11M8 4.75v.5');
  return svg;
}

const inside = answer => answer.advanced.filter(name => answer.stands[name]?.how !== 'hidden');

/** The folded part names what is inside, or what was changed in it. */
function advanced(one, root) {
  const title = root.querySelector(`#adv-${one.id} .label-wrap > span`)?.firstChild;
  if (title?.nodeType !== Node.TEXT_NODE) return;
  const changed = Object.entries(one.answer.changed);
  const names = changed.length
    ? changed.map(([name, value]) => `${label(one.id, name).toLowerCase()} ${brief(name, value)}`)
    : inside(one.answer).map(name => label(one.id, name).toLowerCase());
  const text = t('form.advanced', { inside: listed(names) });
  if (title.data !== text) title.data = text;
}

const brief = (name, value, most = 18) => {
  const text = typeof value === 'object' ? '' : valued(name, value);
  return text.length > most ? `“${text.slice(0, most - 2)}…”` : text;
};

/** The place left of an optional slider's lowest value reads "auto". */
function sliders(root) {
  for (const range of root.querySelectorAll('.ks-slide input[type=range]')) {
    const shown = form(within(range))?.answer?.autos ?? {};
    const name = range.closest('.ks-fld').id.split('-').slice(2).join('-');
    const auto = name in shown && Number(range.value) <= shown[name];
    const text = auto ? t('form.automatic') : range.value;
    range.setAttribute('aria-valuetext', text);
    const block = range.closest('.ks-slide');
    if (block.dataset.reads !== text) block.dataset.reads = text;
  }
}

// ------------------------------------------------------------------------------- filling

/** Changes the form, as if by hand; tells whether the form has answered. */
export function order(id, change) {
  pressed.changed(form(id));
  return hand(id, change);
}

/** Gradio's text box tells of its input on `keypress` only: not when a word is pasted, deleted, or comes from an
    input method. This tells of those too. */
function tell(box) {
  if (box.matches?.('[data-testid=textbox]')) {
    box.dispatchEvent(new KeyboardEvent('keypress', { key: 'Unidentified', bubbles: true }));
  }
}

/** Opens a section, or a capability and with it its section. */
export const section = name => type('go', JSON.stringify({ section: name, at: Date.now() }));
export const go = id => type('go', JSON.stringify({ capability: id, at: Date.now() }));

/** The settings of a take, in the form that made it; `what` is "all" or "prompt". */
export function use(job, what = 'all') {
  go(job.capability);
  order(job.capability, { params: job.params, what });
}

/** A sample: its files are handed in like a person's own, and loading is free. */
export async function load(sample) {
  go(sample.capability);
  const params = Object.fromEntries(await Promise.all(Object.entries(sample.params).map(taken)));
  order(sample.capability, { params, what: 'all' });
}

async function taken([name, value]) {
  if (typeof value !== 'string' || !/^(\/samples\/)?[\w-]+\.(jpe?g|png|mp4|mov|mp3|wav|m4a)$/.test(value)) return [name, value];
  const root = window.STUDIO?.root ?? '', path = value.startsWith('/') ? value : `/samples/${value}`;
  const body = new FormData();
  body.append('file', await (await fetch(root + path)).blob(), 'sample');
  const answer = await fetch(`${root}/api/uploads`, { method: 'POST', body });
  return [name, answer.ok ? (await answer.json()).asset.id : null];
}

/** Called by Gradio when a capability is chosen. */
export function opened(id) {
  if (!begun) return;
  try {
    localStorage.setItem(LAST, id);
  } catch { /* a private window begins anew */ }
  if (window.studio) window.studio.capability = id;
  requestAnimationFrame(() => forms.has(id) && repaint(form(id)));
}

/** A group was opened: its own last capability is now the one. */
export const switched = () => requestAnimationFrame(() => current() && opened(current()));

export const last = () => {
  try {
    return localStorage.getItem(LAST) ?? '';
  } catch {
    return '';
  }
};

/** The page has loaded: every form is as it was left. */
export function begin() {
  begun = true;
  switched();
  for (const [id, params] of typed.left()) order(id, { params });
}

// ------------------------------------------------------------------------------- listening

function mount(element) {
  const id = within(element);
  if (!id) return;
  requestAnimationFrame(() => {
    repaint(form(id));
    if (begun && id === current() && id !== last()) opened(id); // a group's form is drawn after its tab was pressed
  });
}

/** Nothing is bought without a file that is under way. */
function upload(field) {
  const id = within(field), slot = field.id.slice(`f-${id}-`.length);
  if (!id) return;
  uploads.follow(id, field, (came, sent) => {
    if (came) return repaint(form(id));
    if (sent) form(id).wrong[slot.split('__')[0]] = t('form.file_lost');
    return show(id, slot);
  });
  repaint(form(id));
}

/** A field shows the file that the form holds, and no other. */
const show = (id, slot) => order(id, { params: {}, show: slot });

/** Called by Gradio when a field is emptied. */
function emptied(id, slot) {
  uploads.forget(id, slot);
  pressed.changed(form(id));
  repaint(form(id));
}

function listen() {
  uploads.listen(upload);
  document.addEventListener('input', event => {
    const id = within(event.target);
    queueMicrotask(() => tell(event.target));
    if (!id) return;
    delete form(id).wish; // it was for what stood there before
    pressed.changed(form(id));
    typed.keep(id, event.target);
    sliders(document.getElementById(`form-${id}`));
  }, true);
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && current()) {
      event.preventDefault();
      pressed.press(form(current()));
    } else if (event.target.matches?.('[role=tab]')) along(event);
  });
}

/** Gradio's tabs have no arrow keys. */
function along(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...event.target.closest('[role=tablist]').querySelectorAll('[role=tab]')].filter(tab => tab.offsetParent);
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  event.preventDefault();
  next.focus();
  next.click();
}

window.studioForm = {
  paint, mount, use, load, order, fail, emptied, lose: uploads.lose, opened, switched, last, begin, section, go,
  click: id => JSON.stringify(pressed.click(form(id))),
  held: (names, values) => Object.fromEntries(names.map((name, at) => [name, values[at]])),
  get current() { return current(); },
};
listen();
say(); // words for style sheets: the empty drops
for (const node of document.querySelectorAll('.ks-form')) mount(node.firstElementChild);
