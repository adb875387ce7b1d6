// What is prepared before a request: islands inside the forms. Each is drawn from the form's last
// answer, so that a draft, a used setting and a click all lead to the same picture.

import { form } from './form.js';
import { chips } from './chips.js';
import { faces } from './faces.js';
import { marks } from './marks.js';
import { follow, making } from './session.js';
import { count, voice } from './speech.js';
import { ways } from './ways.js';

const KINDS = { chips, count, voice, ways, session };
const mounted = new Set();

/** What is chosen between calls has the shape of the fields that hold it. */
function session(view, one) {
  follow(view.id);
  const { looks } = making(view.id);
  if ('points' in looks) marks(view, one);
  else if ('face_id' in looks) faces(view, one);
}

/** Gradio may draw an island before or after this file has loaded; both ways end here, once. */
function mount(element) {
  const root = element?.matches?.('[data-more]') ? element : element?.querySelector?.('[data-more]');
  const id = root?.closest('.ks-form')?.id.replace('form-', '');
  if (!id || root.dataset.mounted) return;
  root.dataset.mounted = 'true';
  const view = { root, id, field: root.dataset.field, paint: KINDS[root.dataset.more] };
  mounted.add(view);
  if (form(id).answer) view.paint(view, form(id));
}

document.addEventListener('ks-form', ({ detail }) => {
  for (const view of mounted) {
    if (!view.root.isConnected) mounted.delete(view);
    else if (view.id === detail.id && detail.answer) view.paint(view, detail);
  }
});

window.studioPrepare = { mount };
for (const node of document.querySelectorAll('[data-more]')) mount(node);
