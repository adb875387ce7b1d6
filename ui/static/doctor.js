// The doctor, folded into one line under the balance: whether all is well, and how to mend what is not.

import { send } from './live.js';
import { attr, make, put } from './dom.js';
import { clock, has, t } from './words.js';

const PATIENCE = 90_000; // Kling is asked too, list by list
let node = null, busy = false;

/** The same node each time, so that a redraw of the section neither folds it nor asks again. */
export function doctor() {
  node ??= build();
  return node;
}

function build() {
  const line = make('button.ks-dr-line', { 'aria-expanded': 'false', 'aria-controls': 'ks-dr-signs' });
  const list = make('ul.ks-dr-signs', { id: 'ks-dr-signs', hidden: true });
  line.addEventListener('click', () => {
    list.hidden = !list.hidden;
    attr(line, 'aria-expanded', String(!list.hidden));
  });
  const again = make('button.ks-link', { text: t('doctor.again'), on: { click: check } });
  const made = make('div.ks-doctor', {}, make('h2', { text: t('doctor.heading') }),
    make('p.ks-dr-row', {}, make('span.ks-dr-says', { role: 'status' }), line, make('span.ks-dr-at'), again),
    list, make('p.ks-why.ks-dr-places', { hidden: true }));
  queueMicrotask(check);
  return made;
}

async function check() {
  if (busy) return;
  busy = true;
  const part = name => node.querySelector(`.ks-${name}`);
  attr(part('link'), 'aria-disabled', 'true');
  say(part, t('doctor.checking'), false);
  const { ok, body } = await send('/api/doctor', undefined, 'GET', PATIENCE);
  busy = false;
  attr(part('link'), 'aria-disabled', null);
  if (!ok) return say(part, t('doctor.no_answer'), false);
  const signs = [...body.problems.map(one => sign(one, true)), ...body.warnings.map(one => sign(one, false))];
  part('dr-signs').replaceChildren(...signs);
  say(part, signs.length ? t('doctor.needs', { n: signs.length }) : t('doctor.well'), signs.length > 0);
  put(part('dr-at'), t('doctor.checked', { time: clock(Date.now()) }));
  const places = body.pools.map(({ name, used, cap }) => t('doctor.place', { name, used, cap }));
  part('dr-places').hidden = !places.length;
  put(part('dr-places'), `${t('doctor.places')} ${places.join(', ')}`);
}

/** One line: words alone, or, where there is something to see, a button that unfolds it. */
function say(part, words, folds) {
  const line = part('dr-line');
  line.hidden = !folds;
  put(folds ? line : part('dr-says'), words);
  put(folds ? part('dr-says') : line, '');
  if (folds) return;
  part('dr-signs').hidden = true;
  attr(line, 'aria-expanded', 'false');
}

function sign({ code, figures, message, next }, damage) {
  const error = `error.${figures.code}`;
  const said = { ...figures, message: has(error) ? t(error) : figures.message };
  const known = has(`doctor.${code}.what`);
  return make('li', { 'data-code': code, 'data-damage': damage ? '' : null },
    make('b', { text: t(damage ? 'doctor.problem' : 'doctor.warning') }),
    make('div', {}, make('p', { text: known ? t(`doctor.${code}.what`, said) : message }),
      make('p.ks-why', { text: known ? t(`doctor.${code}.next`, said) : next }),
      code === 'orphan' && figures.price ? adopt(figures) : null));
}

/** Takes up what is paid for at Kling, at the price that stands on the button. */
function adopt({ task, price }) {
  const said = make('span.ks-why', { role: 'status' });
  const button = make('button.ks-dr-adopt', { text: t('doctor.adopt', { n: price }) });
  button.addEventListener('click', async () => {
    button.disabled = true;
    const { ok, code, message } = await send('/api/doctor/adopt', { task_id: task });
    if (ok) return check();
    button.disabled = false;
    put(said, code === 'network' ? t('doctor.no_answer') : has(`error.${code}`) ? t(`error.${code}`) : message);
  });
  return make('p.ks-dr-do', {}, button, said);
}
