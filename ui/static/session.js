// Sessions: the calls a person makes before the request, their answers, and what is under way.
// A session belongs to the form while its id is among the form's values.

import { refusal } from './acts.js';
import { form, order } from './form.js';
import { send } from './live.js';
import { has, t } from './words.js';

const LONG = 70_000; // a preview is a clip that Kling makes while we wait
const GONE = ['session_expired', 'not_found'];
const EMPTY = { media: [], numbered: [], calls: [], looks: {} };
const known = new Map(); // session id → session
const asking = new Set(); // session ids that are being read
const doing = new Map(); // capability → the call under way
const told = new Map(); // capability → {text, call} of the last refusal

export const making = id => window.STUDIO?.makings?.[id] ?? EMPTY;
export const params = id => form(id).answer?.params ?? {};
export const opener = id => making(id).calls.find(call => call.opens);
export const now = id => known.get(params(id).session) ?? null;
export const under = id => doing.get(id) ?? null;
export const refused = id => told.get(id) ?? null;
export const pick = (values, names) =>
  Object.fromEntries(names.filter(name => values[name] !== undefined).map(name => [name, values[name]]));

/** The file that the opening call looks at. */
export const source = id => params(id)[opener(id)?.asks.find(name => making(id).looks[name] === 'media')];

export const repaint = id => document.dispatchEvent(new CustomEvent('ks-form', { detail: form(id) }));

/** Reads a session that came with a draft or with the settings of a take. */
export async function follow(id) {
  const session = params(id).session;
  if (!session || known.has(session) || asking.has(session)) return;
  asking.add(session);
  const answer = await send(`/api/sessions/${encodeURIComponent(session)}`, undefined, 'GET');
  asking.delete(session);
  if (answer.ok) known.set(session, answer.body);
  else if (GONE.includes(answer.code)) leave(id);
  if (answer.ok) repaint(id);
}

/** Makes the opening call; `first` says what is chosen by itself. Answers the session or null. */
export async function begin(id, first = () => ({})) {
  const call = opener(id);
  let asked;
  const answer = await work(id, call.id, () => {
    asked = source(id);
    return send('/api/sessions', { capability: id, params: pick(params(id), call.asks) }, 'POST', LONG);
  });
  if (!answer?.ok || source(id) !== asked) return null; // another video meanwhile: this is not about it
  known.set(answer.body.id, answer.body);
  order(id, { params: { session: answer.body.id, ...first(answer.body) } });
  return answer.body;
}

/** Makes one more call of a session; `read` gives its fields. Answers the session or null. */
export async function call(id, session, name, read) {
  const path = `/api/sessions/${encodeURIComponent(session)}/${encodeURIComponent(name)}`;
  const answer = await work(id, name, () => send(path, read(), 'POST', LONG));
  if (!answer?.ok) return null;
  known.set(session, answer.body);
  repaint(id);
  return answer.body;
}

/** A call is for what the form shows: it goes once the form has answered every change. */
async function work(id, name, go) {
  doing.set(id, name);
  told.delete(id);
  repaint(id);
  const answer = await order(id, { params: {} }) ? await go() : { ok: false, body: {}, code: 'network' };
  doing.delete(id);
  if (!answer.ok) told.set(id, { call: name, text: sentence(answer) });
  if (GONE.includes(answer.code)) leave(id);
  else repaint(id);
  window.studio?.refresh?.(); // a call may have cost something
  return answer;
}

/** It has ended: what was chosen in it means nothing any more. */
function leave(id) {
  told.set(id, { text: t('prepare.expired'), call: opener(id).id });
  const fields = Object.entries(making(id).looks).filter(([, look]) => look === 'session');
  order(id, { params: Object.fromEntries(fields.map(([name]) => [name, null])) });
}

function sentence(answer) {
  const next = has(`next.${answer.code}`) ? ` ${t(`next.${answer.code}`)}` : '';
  return `${refusal(answer)}${next}`;
}
