// The doctor, folded into one line under the balance: whether all is well, and how to mend what is not.

import { send } from '../shared/api.js';
import { attr, make, part, put } from '../shared/dom.js';
import { clock } from '../shared/format.js';
import { firstOf, has, t } from '../shared/i18n.js';

/** @import { Answer, Report, Sign } from '../shared/types.d.ts' */

const TIMEOUT = 90_000; // ms; Kling is asked too, list by list
/** @type {HTMLElement | null} */
let node = null;
let busy = false;

/** The same node each time, so that a redraw of the section neither folds it nor asks again. */
export function doctor() {
  node ??= build();
  return node;
}

function build() {
  const line = make('button.ks-dr-line', {
    'aria-expanded': 'false',
    'aria-controls': 'ks-dr-signs',
  });
  const list = make('ul.ks-dr-signs', { id: 'ks-dr-signs', hidden: true });
  line.addEventListener('click', () => {
    list.hidden = !list.hidden;
    attr(line, 'aria-expanded', String(!list.hidden));
  });
  const again = make('button.ks-link', { text: t('doctor.again') });
  const status = make('span.ks-dr-status', { role: 'status' });
  const made = make(
    'div.ks-doctor',
    {},
    make('h2', { text: t('doctor.heading') }),
    make('p.ks-dr-row', {}, status, line, make('span.ks-dr-at'), again),
    list,
    make('p.ks-why.ks-dr-pools', { hidden: true }),
  );
  again.addEventListener('click', () => check(made));
  queueMicrotask(() => check(made));
  return made;
}

/** @param {HTMLElement} root */
async function check(root) {
  if (busy) return;
  busy = true;
  const again = part(root, '.ks-link');
  attr(again, 'aria-disabled', 'true');
  tell(root, t('doctor.checking'), false);
  /** @type {Answer<Report>} */
  const { ok, body } = await send('/api/doctor', undefined, 'GET', TIMEOUT);
  busy = false;
  attr(again, 'aria-disabled', null);
  if (ok) report(root, body);
  else tell(root, t('doctor.no_answer'), false);
}

/** @param {HTMLElement} root @param {Report} found */
function report(root, { problems, warnings, pools }) {
  const signs = [
    ...problems.map(one => sign(root, one, true)),
    ...warnings.map(one => sign(root, one, false)),
  ];
  part(root, '.ks-dr-signs').replaceChildren(...signs);
  const words = signs.length ? t('doctor.needs', { n: signs.length }) : t('doctor.well');
  tell(root, words, signs.length > 0);
  put(part(root, '.ks-dr-at'), t('doctor.checked', { time: clock(Date.now()) }));
  const texts = pools.map(({ name, used, cap }) => t('doctor.place', { name, used, cap }));
  const line = part(root, '.ks-dr-pools');
  line.hidden = !texts.length;
  put(line, `${t('doctor.places')} ${texts.join(', ')}`);
}

/**
 * One line: words alone, or, where there is something to see, a button that unfolds it.
 *
 * @param {HTMLElement} root
 * @param {string} words
 * @param {boolean} folds
 */
function tell(root, words, folds) {
  const line = part(root, '.ks-dr-line');
  const status = part(root, '.ks-dr-status');
  line.hidden = !folds;
  put(folds ? line : status, words);
  put(folds ? status : line, '');
  if (folds) return;
  part(root, '.ks-dr-signs').hidden = true;
  attr(line, 'aria-expanded', 'false');
}

/** @param {HTMLElement} root @param {Sign} found @param {boolean} damage */
function sign(root, { code, figures, message, next }, damage) {
  const said = { ...figures, message: firstOf([`error.${figures.code}`], figures.message ?? '') };
  const known = has(`doctor.${code}.what`);
  const { task, price } = figures;
  const adoptable = code === 'orphan' && task && price;
  return make(
    'li',
    { 'data-code': code, 'data-damage': damage ? '' : null },
    make('b', { text: t(damage ? 'doctor.problem' : 'doctor.warning') }),
    make(
      'div',
      {},
      make('p', { text: known ? t(`doctor.${code}.what`, said) : message }),
      make('p.ks-why', { text: known ? t(`doctor.${code}.next`, said) : next }),
      adoptable ? adopt(root, task, price) : null,
    ),
  );
}

/**
 * Takes up what is paid for at Kling, at the price that stands on the button.
 *
 * @param {HTMLElement} root
 * @param {string} task
 * @param {number} price
 */
function adopt(root, task, price) {
  const status = make('span.ks-why', { role: 'status' });
  const button = make('button.ks-dr-adopt', { text: t('doctor.adopt', { n: price }) });
  button.addEventListener('click', async () => {
    button.disabled = true;
    const { ok, code, message } = await send('/api/doctor/adopt', { task_id: task });
    if (ok) {
      check(root);
      return;
    }
    button.disabled = false;
    const refused = firstOf([`error.${code}`], message ?? '');
    put(status, code === 'network' ? t('doctor.no_answer') : refused);
  });
  return make('p.ks-dr-do', {}, button, status);
}
