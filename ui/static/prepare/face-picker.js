// The faces that Kling found in a video: crops to choose from, with the seconds each is seen.

import { params } from '../form/form-store.js';
import { updateForm } from '../form/price.js';
import { attr, make, moveFocus, own, parts } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { begin, callUnderWay, openingCall, refusalOf, sessionOf, sourceFile } from './session.js';

/** @import { Face, Island, Session } from '../shared/types.d.ts' */

/** @param {number} ms */
const seconds = ms => Math.round(ms / 100) / 10;

/**
 * The list among the answers, whatever the call is called.
 *
 * @param {Session | null} session
 * @returns {Face[]}
 */
function facesOf(session) {
  const answers = Object.values(session?.answers ?? {});
  return answers.find(answer => Array.isArray(answer?.faces))?.faces ?? [];
}

/** @param {Face} face */
const length = face => face.end_time - face.start_time;

/**
 * The face that is seen longest is chosen by itself.
 *
 * @param {Session | null} session
 */
const longest = session =>
  [...facesOf(session)].sort((a, b) => length(b) - length(a))[0]?.face_id ?? null;

/** @param {Session} session */
export const firstFace = session => ({ face_id: longest(session) });

/** @type {Island['draw']} */
export function drawFaces({ id, root }) {
  const session = sessionOf(id);
  const opener = openingCall(id).id;
  const busy = callUnderWay(id) === opener;
  const wrong = refusalOf(id, opener);
  const key = JSON.stringify([session?.id, busy, sourceFile(id) !== '', wrong, params(id).session]);
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    root.replaceChildren(
      make('p.ks-label', { text: t('prepare.face') }),
      ...(session ? [row(id, facesOf(session))] : ask(id, busy)),
      ...(wrong ? [make('p.ks-wrong', { text: wrong, role: 'alert' })] : []),
    );
  }
  choose(root, params(id).face_id ?? longest(session));
}

/** @param {string} id @param {boolean} busy */
function ask(id, busy) {
  const ready = sourceFile(id) !== '';
  const words = busy
    ? t('prepare.finding_faces')
    : t('prepare.find_faces', { n: openingCall(id).price });
  const button = make('button.ks-ask', {
    text: words,
    'aria-disabled': String(busy || !ready),
    'aria-busy': String(busy),
    on: { click: () => ready && !busy && begin(id, firstFace) },
  });
  const why = ready ? t('prepare.faces_optional') : t('prepare.needs_video');
  return [button, make('p', { text: why })];
}

/** @param {string} id @param {Face[]} list */
function row(id, list) {
  const group = make(
    'div.ks-faces',
    { role: 'radiogroup', 'aria-label': t('prepare.face') },
    ...list.map((face, at) => button(id, face, at + 1)),
  );
  // Arrows choose, as in every radio group.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  group.addEventListener('keydown', event => {
    moveFocus(event, parts(group, '[data-face]'), steps)?.click();
  });
  return group;
}

/** @param {string} id @param {Face} face @param {number} n */
function button(id, face, n) {
  const figures = { a: seconds(face.start_time), b: seconds(face.end_time) };
  const time = t('prepare.seen', figures);
  const src = own(face.image?.url);
  return make(
    'button.ks-face',
    {
      role: 'radio',
      'data-face': face.face_id,
      'aria-label': `${t('prepare.face_n', { n })}, ${time}`,
      on: { click: () => updateForm(id, { params: { face_id: face.face_id } }) },
    },
    src ? make('img', { src, alt: '' }) : make('span.ks-tag', { text: String(n) }),
    make('small', { text: time }),
  );
}

/** @param {HTMLElement} root @param {unknown} chosen */
function choose(root, chosen) {
  for (const node of parts(root, '[data-face]')) {
    const on = node.dataset.face === chosen;
    attr(node, 'aria-checked', String(on));
    attr(node, 'tabindex', on ? 0 : -1);
  }
}
