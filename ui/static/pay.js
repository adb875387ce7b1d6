// The pay button: what it says, what it asks before money is spent, and that one click is one purchase.

import { put } from './dom.js';
import { label, object, translate } from './saying.js';
import { has, t } from './words.js';
import { line, on } from './live.js';
import { order, repaint } from './form.js';
import { isOrdering } from './orders.js';
import { isUploading } from './uploads.js';

const SLOW = 140; // ms before a price that is asked for gives way to a dash
const SENT = 1200; // ms the button says that a take is queued
const TWICE = 10_000; // ms in which an equal form asks again
const PATIENCE = 8000; // ms without an answer until the button says so, or the price is asked once more
const MOST_WAIT = 5; // how often the time until the price is asked for again doubles
const DASH = '–';

const set = (one, phase, ms, next = 'ready') => {
  clearTimeout(one.timer);
  one.phase = phase;
  if (ms) one.timer = setTimeout(() => { set(one, next); repaint(one); }, ms);
};

/** A field changed: the price shown is not the price any more. */
function changed(one) {
  if (one.phase !== 'sending') set(one, 'ready');
  one.pending = true;
  one.lost = [];
  clearTimeout(one.slow);
  one.slow = setTimeout(() => { if (one.pending) { one.dash = true; repaint(one); } }, SLOW);
  clearTimeout(one.late);
  if (one.answer) one.late = setTimeout(() => askAgain(one), PATIENCE * 2 ** (one.asked ?? 0));
}

/** The price was lost on its way. */
function askAgain(one) {
  if (!one.pending || isUploading(one.id)) return;
  one.asked = Math.min((one.asked ?? 0) + 1, MOST_WAIT);
  if (away()) changed(one);
  else order(one.id, { params: {} });
}

function quoted(one) {
  clearTimeout(one.slow);
  clearTimeout(one.late);
  one.pending = one.dash = false;
  one.price = one.answer.price;
  one.asked = 0;
  if (!one.wish || isOrdering(one.id)) return;
  // A click that came before the price is honoured if the price it saw was right, and only at once.
  const { price, at } = one.wish;
  delete one.wish;
  if (price === one.price && Date.now() - at < PATIENCE) queueMicrotask(() => press(one));
}

const wish = (one, price) => { one.wish = { price, at: Date.now() }; };

/** Nothing can be bought while the studio does not answer. */
const away = () => !line.online;

function press(one) {
  const { answer } = one;
  if (!answer || away() || one.phase === 'sending' || isUploading(one.id)) return;
  if (one.pending || isOrdering(one.id)) {
    changed(one); // if the answer it waits for is lost, the price is asked for again
    wish(one, one.price);
    one.dash = true;
    return repaint(one);
  }
  // Nobody knows whether it was bought: sent again it is the same purchase, so there is nothing to ask about.
  if (doubts(one).has(answer.key)) return send(one);
  if (answer.state === 'blocked') return lead(one);
  if (answer.state === 'short') {
    if (answer.afford >= 1) order(one.id, { params: { variant_count: answer.afford } });
    return;
  }
  const equal = one.sent && one.sent.key === answer.key && Date.now() - one.sent.at < TWICE;
  if (one.phase === 'sent' || (equal && one.phase !== 'twice')) set(one, 'twice', TWICE);
  else if (answer.ask && !['ask', 'twice'].includes(one.phase)) set(one, 'ask', TWICE);
  else return send(one);
  repaint(one);
}

/** A blocked button leads to what blocks it. */
function lead(one) {
  const name = one.answer.missing[0] ?? Object.keys(one.answer.errors)[0];
  const group = document.getElementById(`g-${one.id}-${name}`);
  const target = group?.querySelector('textarea:not([disabled]), input:not([type=file]), button');
  group?.scrollIntoView({ block: 'nearest' });
  target?.focus();
}

/** Clicks that were sent and not answered yet, by what they would buy; each keeps its id until it is.
    `times`: how often one was sent. */
const doubts = one => (one.doubts ??= new Map());

const fresh = () => crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();

function send(one) {
  const { key, price } = one.answer;
  const doubt = doubts(one).get(key) ?? { id: fresh(), times: 0 };
  doubt.times += 1;
  doubts(one).set(key, doubt);
  one.click = doubt.id;
  one.seen = { key, price };
  delete one.wish;
  set(one, 'sending', PATIENCE, 'unsure');
  repaint(one);
  document.getElementById(`send-${one.id}`)?.click();
}

/** What goes with a purchase: its id, and what the button stood for when it was pressed. */
const click = one => ({ id: one.click, key: one.seen.key });

function answered(one, answer) {
  const moved = answer.state === 'moved'; // not what the button stood for, so nothing was bought by this
  const [key, doubt] = [...doubts(one)].find(([, each]) => each.id === answer.click) ?? [];
  const open = moved && doubt?.times > 1; // but perhaps by the one before it
  if (doubt && !open) doubts(one).delete(key);
  if (answer.click !== one.click) { // of a click before this one, whose answer was given up
    window.studio?.refresh?.();
    return;
  }
  if (moved) {
    set(one, 'ready');
    order(one.id, { params: {} });
    if (!open) wish(one, one.seen.price);
    return;
  }
  if (answer.state === 'sent') {
    one.sent = { key: answer.key, take: answer.take, at: Date.now() };
    set(one, 'sent', SENT);
    window.studio?.refresh?.();
  } else {
    set(one, 'ready');
    one.answer = { ...one.answer, ...answer, kind: 'quote' };
  }
  repaint(one);
}

function text(one) {
  const { answer, phase, sent } = one;
  if (away() && phase !== 'sending') return t('pay.offline');
  if (isUploading(one.id) && phase !== 'sending') return t('pay.uploading');
  if (phase === 'sending' || phase === 'unsure') return t(`pay.${phase}`);
  if (phase === 'sent' || phase === 'twice') return t(`pay.${phase}`, { take: sent.take });
  if (phase === 'ask') return t('pay.ask', { n: answer.price });
  if (answer.state === 'blocked') return blocked(one);
  if (answer.state === 'short') {
    return t(answer.afford >= 1 ? 'pay.short_lower' : 'pay.short', { n: answer.short, v: answer.afford });
  }
  const n = one.dash ? DASH : answer.price;
  return t(answer.variants > 1 ? 'pay.many' : 'pay.one', { n, v: answer.variants });
}

function blocked({ id, answer }) {
  const [name] = answer.missing;
  if (name && has(`pay.missing_field.${name}`)) return t(`pay.missing_field.${name}`);
  if (name) return t('pay.missing', { object: object(id, name) });
  const [wrong] = Object.keys(answer.errors);
  const told = answer.warnings?.find(one => one.severity === 'error' && one.field === wrong && has(`finding.${one.id}.head`));
  const cause = told && t(`finding.${told.id}.head`, told.figures).replace(/[.。]$/, '');
  if (cause && cause.length <= 44) return cause;
  return wrong ? t('pay.wrong', { field: label(id, wrong) }) : translate(answer.other ?? '');
}

/** Digits line up in mono; the words around them do not. */
function digits(node, words) {
  if (node.dataset.says === words) return;
  node.dataset.says = words;
  node.replaceChildren(...words.split(/(\d[\d,.]*)/).filter(Boolean).map(part =>
    /^\d/.test(part) ? Object.assign(document.createElement('span'), { className: 'ks-num', textContent: part }) : part));
}

const seen = new Set(); // forms that have been painted

function paint(one, node) {
  seen.add(one);
  const { answer, phase } = one, button = node.querySelector('button'), working = node.querySelector('.ks-working');
  const uploading = isUploading(one.id), flat = phase === 'ready' && answer.state !== 'ready';
  put(button.firstElementChild, text(one));
  button.dataset.phase = away() ? 'away' : uploading ? 'blocked' : flat ? answer.state : phase;
  button.setAttribute('aria-busy', String(phase === 'sending' || uploading || Boolean(one.dash)));
  const after = answer.state === 'blocked' ? answer.price && t('form.when_ready', { n: answer.price })
    : answer.state === 'ready' ? t('form.balance_after', { n: answer.left }) : '';
  digits(node.querySelector('.ks-left'), after || ' ');
  working.hidden = !answer.working;
  put(working.querySelector('p'), answer.working ?? '');
  button.onclick = () => press(one);
}

let online = true;
on('state', state => {
  if (state.online === online) return;
  online = state.online;
  document.documentElement.toggleAttribute('data-away', !online);
  for (const one of seen) repaint(one);
});

export const pressed = { paint, changed, quoted, press, answered, click };
