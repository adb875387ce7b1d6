// The faces that Kling found in a video: crops to choose from, with the seconds each is seen.

import { attr, make, own } from './dom.js';
import { order } from './form.js';
import { begin, now, opener, params, refused, source, under } from './session.js';
import { t } from './words.js';

const seconds = ms => Math.round(ms / 100) / 10;

/** The list among the answers, whatever the call is called. */
export const found = session =>
  Object.values(session?.answers ?? {}).find(answer => Array.isArray(answer?.faces))?.faces ?? [];

const longest = list => [...list].sort((a, b) => (b.end_time - b.start_time) - (a.end_time - a.start_time))[0];
export const first = session => ({ face_id: longest(found(session))?.face_id ?? null });

export function faces(view, one) {
  const { id, root } = view, session = now(id), busy = under(id) === opener(id).id;
  const key = JSON.stringify([session?.id, busy, Boolean(source(id)), refused(id), params(id).session]);
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    const wrong = refused(id)?.call === opener(id).id && refused(id).text;
    root.replaceChildren(make('p.ks-label', { text: t('prepare.face') }),
      ...(session ? [row(id, found(session))] : ask(id, busy)),
      ...(wrong ? [make('p.ks-wrong', { text: wrong, role: 'alert' })] : []));
  }
  choose(root, params(id).face_id ?? longest(found(session))?.face_id, one.answer.errors.face_id);
}

function ask(id, busy) {
  const ready = Boolean(source(id));
  const words = busy ? t('prepare.finding_faces') : t('prepare.find_faces', { n: opener(id).price });
  const button = make('button.ks-ask', { text: words, 'aria-disabled': String(busy || !ready), 'aria-busy': String(busy) });
  button.addEventListener('click', () => ready && !busy && begin(id, first));
  return [button, make('p', { text: t(ready ? 'prepare.faces_optional' : 'prepare.needs_video') })];
}

function row(id, list) {
  const group = make('div.ks-faces', { role: 'radiogroup', 'aria-label': t('prepare.face') },
    ...list.map((face, at) => {
      const time = t('prepare.seen', { a: seconds(face.start_time), b: seconds(face.end_time) });
      const src = own(face.image?.url);
      return make('button.ks-face', { role: 'radio', 'data-face': face.face_id, 'aria-label': `${t('prepare.face_n', { n: at + 1 })}, ${time}`,
        on: { click: () => take(id, face) } },
      src ? make('img', { src, alt: '' }) : make('span.ks-tag', { text: String(at + 1) }), make('small', { text: time }));
    }));
  group.addEventListener('keydown', event => along(event, group));
  return group;
}

const take = (id, face) => order(id, { params: { face_id: face.face_id } });

/** Arrows choose, as in every radio group. */
function along(event, group) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...group.children], next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
  next.focus();
  next.click();
}

function choose(root, chosen) {
  for (const node of root.querySelectorAll('[data-face]')) {
    const on = node.dataset.face === chosen;
    attr(node, 'aria-checked', String(on));
    attr(node, 'tabindex', on ? 0 : -1);
  }
}
