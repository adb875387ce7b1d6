// A text that is spoken: the voices of its language by name, a listen before the request, its length.

import { make, own, put } from './dom.js';
import { order } from './form.js';
import { begin, call, making, now, opener, params, pick, refused, source, under } from './session.js';
import { first } from './faces.js';
import { sound } from './sound.js';
import { label } from './saying.js';
import { t } from './words.js';

const looked = (id, speech, look) => speech.asks.find(name => making(id).looks[name] === look);
const speaks = id => making(id).calls.find(one => one.asks.some(name => making(id).looks[name] === 'voice'));

/** The names of the fields that a speaking call asks for. */
function fields(id) {
  const speech = speaks(id);
  if (!speech) return null;
  return { speech, text: looked(id, speech, 'text'), voice: looked(id, speech, 'voice'), language: looked(id, speech, 'choice'), speed: looked(id, speech, 'slider') };
}

/** Letters and seconds below the text; without one, what it is for. */
export function count(view) {
  const names = fields(view.id), values = params(view.id);
  if (names?.text !== view.field) return;
  const audio = making(view.id).media.find(one => one.kind === 'audio');
  const text = String(values[names.text] ?? '').trim();
  const pace = window.STUDIO.pace?.[values[names.language] ?? 'en'] ?? 14;
  const about = Math.max(1, Math.round(text.length / pace / (values[names.speed] ?? 1)));
  const words = text ? t('prepare.letters', { n: text.length, s: about })
    : audio && values[audio.name] ? t('prepare.sound_speaks') : t('prepare.text_or_sound');
  if (!view.root.firstChild) view.root.append(make('p', { text: '' }));
  put(view.root.firstChild.firstChild, words);
}

export function voice(view, one) {
  const names = fields(view.id), { id, root } = view;
  if (!names) return;
  if (!root.firstChild) build(view, names);
  const values = params(id), speaking = values[names.language] ?? 'en';
  const list = window.STUDIO.voices.filter(each => each.languages.includes(speaking));
  options(view.select, list, speaking);
  const chosen = list.some(each => each.id === values[names.voice]) ? values[names.voice] : null;
  if (view.select.value !== (chosen ?? list[0].id)) view.select.value = chosen ?? list[0].id;
  settle(view, one, names, chosen, list[0].id);
  listen(view, names);
}

function build(view, names) {
  const { id, root, field } = view, name = `v-${id}-${field}`;
  view.select = make('select.ks-select', { id: name });
  view.select.addEventListener('change', () => order(id, { params: { [field]: view.select.value } }));
  view.button = make('button.ks-ask', { text: '' });
  view.button.addEventListener('click', () => hear(view, names));
  view.player = make('div.ks-heard');
  view.said = make('p', { text: '' });
  const title = make('label.ks-label', { for: name, text: label(id, field) });
  root.append(title, view.select, make('div.ks-hear', {}, view.button, view.player), view.said);
}

function options(select, list, language) {
  if (select.dataset.language === language) return;
  select.dataset.language = language;
  select.replaceChildren(...list.map(each => Object.assign(document.createElement('option'), { value: each.id, textContent: each.names[language] ?? Object.values(each.names)[0] })));
}

/** A text always has a voice of its language; without a text none is kept. */
function settle(view, one, names, chosen, usual) {
  const { id } = view, values = params(id), shown = one.answer.stands[names.voice]?.how === 'shown';
  const held = values[names.voice];
  const next = shown && String(values[names.text] ?? '').trim() ? chosen ?? usual : null;
  if ((held ?? null) === next || view.asked === `${held} ${next}`) return;
  view.asked = `${held} ${next}`; // once: an answer under way still holds the old one
  order(id, { params: { [names.voice]: next } });
}

/** What was heard is heard again for nothing; anything else has its price on the button. */
function listen(view, names) {
  const { id } = view, session = now(id), spoken = session?.answers[names.speech.kept];
  const asked = pick(params(id), names.speech.asks);
  const same = spoken && names.speech.asks.every(name => spoken.asked[name] === undefined || spoken.asked[name] === asked[name]);
  const busy = under(id) === names.speech.id || (view.wanted && under(id));
  const n = names.speech.price + (session ? 0 : opener(id).price);
  const ready = Boolean(session || source(id));
  const words = busy ? t('prepare.speaking') : t(session ? 'prepare.hear' : 'prepare.find_and_hear', { n });
  put(view.button.firstChild, words);
  view.button.hidden = Boolean(same && !busy && spoken.audio?.url);
  view.button.setAttribute('aria-disabled', String(Boolean(busy) || !ready));
  const wrong = refused(id)?.call === names.speech.id ? refused(id).text : '';
  put(view.said.firstChild, wrong || (ready ? '' : t('prepare.needs_video')));
  view.said.hidden = !view.said.textContent;
  view.said.className = wrong ? 'ks-wrong' : '';
  const src = same && own(spoken.audio?.url);
  if ((view.player.firstChild?.dataset.src ?? '') === (src || '')) return;
  view.player.firstChild?.querySelector('audio')?.pause();
  view.player.replaceChildren(...(src ? [sound({ src, label: view.select.selectedOptions[0]?.textContent ?? '', play: view.play })] : []));
  view.play = false;
}

async function hear(view, names) {
  const { id } = view;
  if (view.button.getAttribute('aria-disabled') === 'true') return;
  view.wanted = true;
  const session = now(id) ?? await begin(id, first);
  view.wanted = false;
  if (!session) return;
  view.play = true;
  const heard = await call(id, session.id, names.speech.id, () => pick(params(id), names.speech.asks));
  if (heard) order(id, { params: {} }); // what was spoken here the take need not pay again
}
