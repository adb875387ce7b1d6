// The Credits section: drawn from the ledger's data, read again when it is opened and when jobs move.

import { openSection } from '../form/navigation.js';
import { statusCode } from '../jobs/job-status.js';
import * as store from '../jobs/job-store.js';
import { openJob } from '../jobs/selection.js';
import { make } from '../shared/dom.js';
import { on } from '../shared/events.js';
import { clock } from '../shared/format.js';
import { grouped, has, t, title } from '../shared/i18n.js';
import { doctor } from './doctor.js';

/** @import { HeldRow, Statement, StatementLine } from '../shared/types.d.ts' */

/** @type {HTMLElement | null} */
let root = null;
let waiting = false;

/** @param {Element} element */
function mount(element) {
  root = element.matches('[data-credits]')
    ? /** @type {HTMLElement} */ (element)
    : element.querySelector('[data-credits]');
  read();
}

/** Asks the server through the page's own event. */
const read = () => document.getElementById('read-ledger')?.click();

/** @param {number} n @param {string} [sign] */
const number = (n, sign = '') => make('span.ks-num', { text: sign + grouped(n) });

/** @param {string} key */
const heading = key => make('h2', { text: t(key) });

/** @param {Statement | null} data */
function draw(data) {
  if (!root?.isConnected) root = document.querySelector('[data-credits]');
  if (!root || !data) return;
  const ledger = [balance(data), doctor(), held(data.held), statement(data)];
  root.replaceChildren(
    make('div.ks-ledger', {}, ...ledger),
    make('div.ks-sheets', {}, ...(data.sheets.length ? sheets(data.sheets) : [])),
  );
}

/** @param {Statement} data */
function balance({ balance: { available, held, spent }, granted }) {
  const shares = Object.entries({ available, held, spent });
  const words = t('credits.split', { available, held, spent });
  const bar = make('div.ks-split', { role: 'img', 'aria-label': words });
  for (const [name, n] of shares) {
    const share = make(`i.ks-of-${name}`, { hidden: !n });
    share.style.flexGrow = String(n);
    bar.append(share);
  }
  const legend = shares.map(([name, n]) => {
    const key = name === 'available' ? 'credits.split_available' : `credits.${name}`;
    return make('span', {}, make(`i.ks-of-${name}`), t(key), number(n));
  });
  const all = make('span', {}, t('credits.granted'), number(granted));
  return make(
    'div.ks-balance-now',
    {},
    make('p.ks-cap', { text: t('credits.available') }),
    make('p.ks-big', { text: grouped(available) }),
    bar,
    make('p.ks-legend', {}, ...legend, all),
  );
}

/** @param {HeldRow[]} rows */
function held(rows) {
  const items = rows.map(one => {
    const click = () => show(one.job_id);
    const take = make('button.ks-take', { text: one.take, on: { click } });
    return make('li', {}, take, make('span', { text: state(one) }), number(one.amount));
  });
  const why = rows.length ? t('credits.held_why') : t('credits.none_held');
  const list = rows.length ? make('ul.ks-held', {}, ...items) : null;
  return make('div', {}, heading('credits.held_now'), make('p.ks-why', { text: why }), list);
}

/** @param {HeldRow} row */
function state({ job_id: id, capability, amount }) {
  const job = store.all.get(id);
  const key = job && `state.${statusCode(job)}`;
  const status = key && has(key) ? t(key, { n: amount }).toLowerCase() : '';
  const percent = job?.progress ? `${job.progress}%` : '';
  const words = [title(capability), status, percent].filter(Boolean).join(', ');
  return words.replace(/, (\d+%)$/, ' $1');
}

/** @param {string} id */
function show(id) {
  openSection('create');
  openJob(id);
}

/** @param {Statement} data */
function statement({ lines, older }) {
  const empty = lines.length < 2 && !older;
  const note = empty ? t('credits.empty') : older ? t('credits.older', { n: older }) : '';
  const why = note ? make('p.ks-why', { text: note }) : null;
  return make('div', {}, heading('credits.statement'), table(lines), why);
}

const SIGNS = { grant: '+', release: '+', reserve: '−', prepare: '−', settle: '', adjust: '' };
const COLUMNS = ['time', 'what', 'sheet', 'amount', 'balance'];

/** @param {StatementLine[]} lines */
function table(lines) {
  const heads = COLUMNS.map(name =>
    make(`th.ks-c-${name}`, { scope: 'col', text: t(`credits.${name}`) }),
  );
  const head = make('thead', {}, make('tr', {}, ...heads));
  return make('table.ks-statement', {}, head, make('tbody', {}, ...lines.map(row)));
}

/** @param {StatementLine} line */
function row(line) {
  const stays = line.kind === 'settle'; // what was held is spent: the balance does not move
  const amount = stays ? '0' : SIGNS[line.kind] + grouped(line.amount);
  const datetime = new Date(line.at).toISOString();
  return make(
    'tr',
    {},
    make('td.ks-c-time', {}, make('time', { text: clock(line.at), datetime })),
    make('td.ks-c-what', { text: what(line) }),
    make('td.ks-c-sheet', { text: line.credit_key ?? '' }),
    make('td.ks-c-amount', { text: amount }),
    make('td.ks-c-balance', { text: grouped(line.balance) }),
  );
}

/** @param {StatementLine} line */
function what({ kind, click, n, amount, take, took }) {
  if (kind === 'reserve' && n > 1) return t('credits.reserve_many', { take: click, n });
  const key = kind === 'settle' && took !== null ? 'credits.settle_took' : `credits.${kind}`;
  return t(key, { take: take ?? '', n: amount, took: grouped(took ?? 0) });
}

/** @param {Statement['sheets']} rows */
function sheets(rows) {
  const most = rows[0].spent || 1;
  const items = rows.map(({ key, spent, n, calls }) => {
    const bar = make('i');
    bar.style.width = `${(spent / most) * 100}%`;
    const why = n ? t('credits.takes', { n }) : t('credits.calls', { n: calls });
    return make(
      'li',
      {},
      make('span.ks-num', { text: key }),
      make('span.ks-sheet-bar', {}, bar),
      number(spent),
      make('span.ks-why', { text: why }),
    );
  });
  const why = make('p.ks-why', { text: t('credits.by_sheet_why') });
  return [heading('credits.by_sheet'), why, make('ul.ks-sheet-rows', {}, ...items)];
}

/** Jobs moved: what is shown is old, but never asked for more than once a second, and only while it is seen. */
function moved() {
  if (!root?.offsetParent || waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    read();
  }, 1000);
}

window.studioCredits = { mount, read, draw };
on('jobs', moved);
