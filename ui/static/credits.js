// The Credits section: drawn from the ledger's data, read again when it is opened and when takes move.

import { make } from './dom.js';
import { doctor } from './doctor.js';
import { code } from './says.js';
import { clock, credits as figure, has, t, title } from './words.js';

let root = null, waiting = 0;

function mount(element) {
  root = element.matches?.('[data-credits]') ? element : element.querySelector('[data-credits]');
  read();
}

/** Asks the server through the page's own event. */
const read = () => document.getElementById('read-ledger')?.click();

const number = (n, sign = '') => make('span.ks-num', { text: sign + figure(n) });

function draw(data) {
  if (!root?.isConnected) root = document.querySelector('[data-credits]');
  if (!root || !data) return;
  root.replaceChildren(
    make('div.ks-ledger', {}, balance(data), doctor(), held(data.held), statement(data)),
    make('div.ks-sheets', {}, ...(data.sheets.length ? sheets(data.sheets) : [])));
}

function balance({ balance: { available, held: holding, spent }, granted }) {
  const bar = make('div.ks-split', { role: 'img', 'aria-label': t('credits.split', { available, held: holding, spent }) });
  const parts = { available, held: holding, spent };
  for (const [name, n] of Object.entries(parts)) {
    const part = make(`i.ks-of-${name}`);
    part.style.flexGrow = n;
    part.hidden = !n;
    bar.append(part);
  }
  const legend = make('p.ks-legend', {}, ...Object.entries(parts).map(([name, n]) =>
    make('span', {}, make(`i.ks-of-${name}`), t(name === 'available' ? 'credits.split_available' : `credits.${name}`), number(n))),
  make('span', {}, t('credits.granted'), number(granted)));
  return make('div.ks-balance-now', {},
    make('p.ks-cap', { text: t('credits.available') }), make('p.ks-big', { text: figure(available) }), bar, legend);
}

function held(rows) {
  const list = make('ul.ks-held', {}, ...rows.map(one => {
    const take = make('button.ks-take', { text: one.take, on: { click: () => show(one.job_id) } });
    return make('li', {}, take, make('span', { text: state(one) }), number(one.amount));
  }));
  return make('div', {}, make('h2', { text: t('credits.held_now') }),
    make('p.ks-why', { text: rows.length ? t('credits.held_why') : t('credits.none_held') }), rows.length ? list : null);
}

function state({ job_id: id, capability, amount }) {
  const job = window.studio?.jobs.get(id);
  const words = job && `state.${code(job)}`;
  const said = job && has(words) ? t(words, { n: amount }) : '';
  return [title(capability), said && said.toLowerCase(), job?.progress ? `${job.progress}%` : ''].filter(Boolean).join(', ').replace(/, (\d+%)$/, ' $1');
}

function show(id) {
  window.studioForm?.section('create');
  window.studio?.open(id);
}

function statement({ lines, older }) {
  if (lines.length < 2 && !older) return make('div', {}, make('h2', { text: t('credits.statement') }), table(lines), make('p.ks-why', { text: t('credits.empty') }));
  return make('div', {}, make('h2', { text: t('credits.statement') }), table(lines),
    older ? make('p.ks-why', { text: t('credits.older', { n: older }) }) : null);
}

const SIGNS = { grant: '+', release: '+', reserve: '−', prepare: '−', settle: '', adjust: '' };

function table(lines) {
  const heads = ['time', 'what', 'sheet', 'amount', 'balance'];
  const head = make('tr', {}, ...heads.map(name => make(`th.ks-c-${name}`, { scope: 'col', text: t(`credits.${name}`) })));
  const rows = lines.map(line => {
    const stays = line.kind === 'settle'; // what was held is spent: the balance does not move
    return make('tr', {},
      make('td.ks-c-time', {}, make('time', { text: clock(line.at), datetime: new Date(line.at).toISOString() })),
      make('td.ks-c-what', { text: what(line) }),
      make('td.ks-c-sheet', { text: line.credit_key ?? '' }),
      make('td.ks-c-amount', { text: stays ? '0' : SIGNS[line.kind] + figure(line.amount) }),
      make('td.ks-c-balance', { text: figure(line.balance) }));
  });
  return make('table.ks-statement', {}, make('thead', {}, head), make('tbody', {}, ...rows));
}

function what(line) {
  if (line.kind === 'reserve' && line.n > 1) return t('credits.reserve_many', { take: line.click, n: line.n });
  const took = line.kind === 'settle' && line.took !== null;
  return t(took ? 'credits.settle_took' : `credits.${line.kind}`, { take: line.take ?? '', n: line.amount, took: figure(line.took ?? 0) });
}

function sheets(rows) {
  const most = rows[0].spent || 1;
  const list = make('ul.ks-sheet-rows', {}, ...rows.map(({ key, spent, n, calls }) => {
    const bar = make('i');
    bar.style.width = `${(spent / most) * 100}%`;
    return make('li', {}, make('span.ks-num', { text: key }), make('span.ks-sheet-bar', {}, bar), number(spent),
      make('span.ks-why', { text: n ? t('credits.takes', { n }) : t('credits.calls', { n: calls }) }));
  }));
  return [make('h2', { text: t('credits.by_sheet') }), make('p.ks-why', { text: t('credits.by_sheet_why') }), list];
}

/** Takes moved: what is shown is old, but never asked for more than once a second, and only while it is seen. */
function moved() {
  if (!root?.offsetParent || waiting) return;
  waiting = setTimeout(() => { waiting = 0; read(); }, 1000);
}

window.studioCredits = { mount, read, draw };
window.studio?.on?.('jobs', moved);
