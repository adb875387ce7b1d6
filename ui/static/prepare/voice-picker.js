// A text that is spoken: the voices of its language by name, a listen before the request, its length.

import { params } from '../form/form-store.js';
import { updateForm } from '../form/price.js';
import { make, own, put } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { fieldLabel } from '../shared/labels.js';
import { audioPlayer } from './audio-player.js';
import { firstFace } from './face-picker.js';
import {
  begin,
  call,
  callUnderWay,
  manifestOf,
  openingCall,
  pick,
  refusalOf,
  sessionOf,
  sourceFile,
} from './session.js';

/** @import { AnsweredForm, Island, SessionCall } from '../shared/types.d.ts' */

/** The fields of a call that speaks, by what they are for.
 * @typedef {{speech: SessionCall, text: string, voice: string, language: string, speed: string}} Names */

/** `asked`: the voice that was last asked for; `wanted`: a session is begun for a listen; `play`: at once when it comes.
 * @typedef {object} VoiceParts
 * @property {HTMLSelectElement} select
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} player
 * @property {HTMLElement} hint
 * @property {string} [asked]
 * @property {boolean} [wanted]
 * @property {boolean} [play] */

/** @typedef {Island & {voice?: VoiceParts}} VoiceIsland */
/** @typedef {Island & {voice: VoiceParts}} VoicePicker */

const LETTERS_A_SECOND = 14; // of a language that is not known

/**
 * @param {string} id of the capability
 * @returns {Names | null} null where nothing is spoken
 */
function namesOf(id) {
  const { calls, widgets } = manifestOf(id);
  const speech = calls.find(one => one.asks.some(name => widgets[name] === 'voice'));
  if (!speech) return null;
  /** @param {string} widget */
  const named = widget => speech.asks.find(name => widgets[name] === widget) ?? '';
  return {
    speech,
    text: named('text'),
    voice: named('voice'),
    language: named('choice'),
    speed: named('slider'),
  };
}

/** @param {string} id @param {Names} names */
const textOf = (id, names) => String(params(id)[names.text] ?? '').trim();

/** @param {string} id @param {Names} names */
const languageOf = (id, names) => String(params(id)[names.language] ?? 'en');

/**
 * Letters and seconds below the text; without one, what it is for.
 *
 * @type {Island['draw']}
 */
export function drawLength({ id, root, field }) {
  const names = namesOf(id);
  if (!names || names.text !== field) return;
  const audio = manifestOf(id).media.find(one => one.kind === 'audio');
  const text = textOf(id, names);
  const pace = window.STUDIO?.pace[languageOf(id, names)] ?? LETTERS_A_SECOND;
  const about = Math.max(1, Math.round(text.length / pace / Number(params(id)[names.speed] ?? 1)));
  const given = audio && params(id)[audio.name];
  const without = given ? t('prepare.sound_speaks') : t('prepare.text_or_sound');
  const words = text ? t('prepare.letters', { n: text.length, s: about }) : without;
  if (!root.firstChild) root.append(make('p', { text: '' }));
  put(root.firstChild?.firstChild ?? null, words);
}

/**
 * @param {VoiceIsland} island
 * @param {AnsweredForm} one
 */
export function drawVoice(island, one) {
  const names = namesOf(island.id);
  if (!names) return;
  island.voice ??= build(island, names);
  const view = /** @type {VoicePicker} */ (island);
  const { select } = view.voice;
  const language = languageOf(view.id, names);
  const voices = window.STUDIO?.voices.filter(each => each.languages.includes(language)) ?? [];
  fillOptions(select, voices, language);
  const held = params(view.id)[names.voice];
  const chosen = voices.some(each => each.id === held) ? String(held) : null;
  if (select.value !== (chosen ?? voices[0].id)) select.value = chosen ?? voices[0].id;
  settle(view, one, names, chosen ?? voices[0].id);
  drawListen(view, names);
}

/** @param {Island} island @param {Names} names @returns {VoiceParts} */
function build(island, names) {
  const { id, root, field } = island;
  const name = `v-${id}-${field}`;
  const select = make('select.ks-select', { id: name });
  select.addEventListener('change', () => updateForm(id, { params: { [field]: select.value } }));
  const button = make('button.ks-ask', {
    text: '',
    on: { click: () => listen(/** @type {VoicePicker} */ (island), names) },
  });
  const player = make('div.ks-heard');
  const hint = make('p', { text: '' });
  const title = make('label.ks-label', { for: name, text: fieldLabel(id, field) });
  root.append(title, select, make('div.ks-hear', {}, button, player), hint);
  return { select, button, player, hint };
}

/**
 * @param {HTMLSelectElement} select
 * @param {{id: string, names: Record<string, string>}[]} voices
 * @param {string} language
 */
function fillOptions(select, voices, language) {
  if (select.dataset.language === language) return;
  select.dataset.language = language;
  const options = voices.map(({ id, names }) => {
    const name = names[language] ?? Object.values(names)[0];
    return Object.assign(document.createElement('option'), { value: id, textContent: name });
  });
  select.replaceChildren(...options);
}

/**
 * A text always has a voice of its language; without a text none is kept.
 *
 * @param {VoicePicker} view
 * @param {AnsweredForm} one
 * @param {Names} names
 * @param {string} voice
 */
function settle({ id, voice: view }, one, names, voice) {
  const shown = one.answer.field_states[names.voice]?.how === 'shown';
  const held = params(id)[names.voice];
  const next = shown && textOf(id, names) ? voice : null;
  if ((held ?? null) === next || view.asked === `${held} ${next}`) return;
  view.asked = `${held} ${next}`; // once: an answer under way still holds the old one
  updateForm(id, { params: { [names.voice]: next } });
}

/**
 * What was heard is heard again for nothing; anything else has its price on the button.
 *
 * @param {VoicePicker} island
 * @param {Names} names
 */
function drawListen({ id, voice: view }, { speech }) {
  const session = sessionOf(id);
  const spoken = session?.answers[speech.kept];
  const asked = pick(params(id), speech.asks);
  const same =
    spoken && speech.asks.every(name => [undefined, asked[name]].includes(spoken.asked[name]));
  const call = callUnderWay(id);
  const busy = call === speech.id || Boolean(view.wanted && call);
  const n = speech.price + (session ? 0 : openingCall(id).price);
  const ready = Boolean(session || sourceFile(id));
  const offer = session ? t('prepare.hear', { n }) : t('prepare.find_and_hear', { n });
  put(view.button.firstChild, busy ? t('prepare.speaking') : offer);
  view.button.hidden = Boolean(same && !busy && spoken.audio?.url);
  view.button.setAttribute('aria-disabled', String(busy || !ready));
  const wrong = refusalOf(id, speech.id);
  put(view.hint.firstChild, wrong || (ready ? '' : t('prepare.needs_video')));
  view.hint.hidden = !view.hint.textContent;
  view.hint.className = wrong ? 'ks-wrong' : '';
  drawPlayer(view, (same && own(spoken.audio?.url)) || '');
}

/** @param {VoiceParts} view @param {string} src empty for none */
function drawPlayer(view, src) {
  const old = /** @type {HTMLElement | null} */ (view.player.firstElementChild);
  if ((old?.dataset.src ?? '') === src) return;
  old?.querySelector('audio')?.pause();
  const label = view.select.selectedOptions[0]?.textContent ?? '';
  view.player.replaceChildren(...(src ? [audioPlayer({ src, label, play: view.play })] : []));
  view.play = false;
}

/** @param {VoicePicker} island @param {Names} names */
async function listen({ id, voice: view }, { speech }) {
  if (view.button.getAttribute('aria-disabled') === 'true') return;
  view.wanted = true;
  const session = sessionOf(id) ?? (await begin(id, firstFace));
  view.wanted = false;
  if (!session) return;
  view.play = true;
  const heard = await call(id, session.id, speech.id, () => pick(params(id), speech.asks));
  if (heard) updateForm(id, { params: {} }); // what was spoken here the take need not pay again
}
