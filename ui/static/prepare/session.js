// Sessions: the calls a person makes before the request, their answers, and what is under way.
// A session belongs to the form while its id is among the form's values.

import { form, params, redraw } from '../form/form-store.js';
import { updateForm } from '../form/price.js';
import { refusal } from '../jobs/job-errors.js';
import { poll } from '../jobs/job-feed.js';
import { send } from '../shared/api.js';
import { has, t } from '../shared/i18n.js';

/** @import { Answer, CapabilityManifest, Params, Session, SessionCall } from '../shared/types.d.ts' */

const TIMEOUT = 70_000; // ms; a preview is a clip that Kling makes while we wait
const GONE = ['session_expired', 'not_found'];
/** @type {CapabilityManifest} */
const EMPTY = { media: [], numbered: [], calls: [], widgets: {} };
/** @type {Map<string, Session>} by session id */
const known = new Map();
/** @type {Set<string>} ids of sessions that are being read */
const reading = new Set();
/** @type {Map<string, string>} capability → the call under way */
const underWay = new Map();
/** @type {Map<string, {text: string, call: string}>} capability → the last refusal */
const refusals = new Map();

/**
 * What the form of a capability is made of.
 *
 * @param {string} id
 * @returns {CapabilityManifest}
 */
export const manifestOf = id => window.STUDIO?.manifest?.[id] ?? EMPTY;

/**
 * The call that begins a session; asked of capabilities that have one.
 *
 * @param {string} id
 */
export const openingCall = id =>
  /** @type {SessionCall} */ (manifestOf(id).calls.find(call => call.opens));

/** @param {string} id of the capability */
const sessionId = id => String(params(id).session ?? '');

/** @param {string} id of the capability */
export const sessionOf = id => known.get(sessionId(id)) ?? null;

/** @param {string} id of the capability */
export const callUnderWay = id => underWay.get(id) ?? null;

/**
 * The last refusal of a call, if it was of this one.
 *
 * @param {string} id of the capability
 * @param {string} call
 */
export function refusalOf(id, call) {
  const last = refusals.get(id);
  return last?.call === call ? last.text : '';
}

/** @param {Params} values @param {string[]} names */
export const pick = (values, names) =>
  Object.fromEntries(
    names.filter(name => values[name] !== undefined).map(name => [name, values[name]]),
  );

/**
 * The file that the opening call looks at: an asset id or an address; empty without one.
 *
 * @param {string} id of the capability
 */
export function sourceFile(id) {
  const { widgets } = manifestOf(id);
  const name = openingCall(id)?.asks.find(one => widgets[one] === 'media');
  return String((name && params(id)[name]) ?? '');
}

/**
 * Reads a session that came with a draft or with the settings of a job.
 *
 * @param {string} id of the capability
 */
export async function follow(id) {
  const session = sessionId(id);
  if (!session || known.has(session) || reading.has(session)) return;
  reading.add(session);
  /** @type {Answer<Session>} */
  const answer = await send(`/api/sessions/${encodeURIComponent(session)}`, undefined, 'GET');
  reading.delete(session);
  if (answer.ok) {
    known.set(session, answer.body);
    redraw(form(id));
  } else if (GONE.includes(answer.code ?? '')) leave(id);
}

/**
 * Makes the opening call; `first` tells what is chosen by itself. Answers the session or null.
 *
 * @param {string} id of the capability
 * @param {(session: Session) => Params} [first]
 */
export async function begin(id, first = () => ({})) {
  const call = openingCall(id);
  let asked = '';
  const answer = await work(id, call.id, () => {
    asked = sourceFile(id);
    const body = { capability: id, params: pick(params(id), call.asks) };
    return send('/api/sessions', body, 'POST', TIMEOUT);
  });
  if (!answer.ok || sourceFile(id) !== asked) return null; // another video meanwhile: this is not about it
  const session = answer.body;
  known.set(session.id, session);
  updateForm(id, { params: { session: session.id, ...first(session) } });
  return session;
}

/**
 * Makes one more call of a session; `read` gives its fields. Answers the session or null.
 *
 * @param {string} id of the capability
 * @param {string} session
 * @param {string} name of the call
 * @param {() => Params} read
 */
export async function call(id, session, name, read) {
  const path = `/api/sessions/${encodeURIComponent(session)}/${encodeURIComponent(name)}`;
  const answer = await work(id, name, () => send(path, read(), 'POST', TIMEOUT));
  if (!answer.ok) return null;
  known.set(session, answer.body);
  redraw(form(id));
  return answer.body;
}

/**
 * A call is for what the form shows: it goes once the form has answered every change.
 *
 * @param {string} id
 * @param {string} name
 * @param {() => Promise<Answer<Session>>} go
 * @returns {Promise<Answer<Session>>}
 */
async function work(id, name, go) {
  underWay.set(id, name);
  refusals.delete(id);
  redraw(form(id));
  /** @type {Answer<Session>} */
  const unheard = { ok: false, body: { id: '', answers: {} }, code: 'network' };
  const answer = (await updateForm(id, { params: {} })) ? await go() : unheard;
  underWay.delete(id);
  if (!answer.ok) refusals.set(id, { call: name, text: sentence(answer) });
  if (GONE.includes(answer.code ?? '')) leave(id);
  else redraw(form(id));
  poll(); // a call may have cost something
  return answer;
}

/**
 * It has ended: what was chosen in it means nothing any more.
 *
 * @param {string} id
 */
function leave(id) {
  refusals.set(id, { text: t('prepare.expired'), call: openingCall(id).id });
  const fields = Object.entries(manifestOf(id).widgets).filter(([, kind]) => kind === 'session');
  updateForm(id, { params: Object.fromEntries(fields.map(([name]) => [name, null])) });
}

/** @param {Answer} answer */
function sentence(answer) {
  const next = has(`next.${answer.code}`) ? ` ${t(`next.${answer.code}`)}` : '';
  return `${refusal(answer)}${next}`;
}
