// What a job says of itself: state, why, number, bar and colour. The server's row decides; the page
// only adds what a clock adds (time so far, and that it takes longer than usual).

import { about, clock, credits, has, nth, span, t, title, usual } from './words.js';

let skew = 0;
/** The server's clock, so that times agree on a machine whose clock is off. */
export const now = () => Date.now() + skew;
export const setSkew = ms => { skew = Math.abs(ms) > 3000 ? ms : 0; };

let refused = false;
/** While Kling refuses the account every waiting take waits for that; answers whether this is news. */
export function setRefused(is) {
  const turned = is !== refused;
  refused = is;
  return turned;
}

const BY_STATE = {
  queued: 'queued', sending: 'submitting', checking: 'checking', running: 'generating',
  saving: 'downloading', done: 'done', failed: 'failed', canceled: 'canceled', unknown: 'unknown',
};
const RUNNING = new Set(['preparing', 'submitting', 'generating', 'late', 'checking', 'unreadable', 'unanswered', 'downloading',
  'retrying', 'storing']);
const DOUBT = new Set(['late', 'checking', 'unreadable', 'unanswered', 'retrying']); // their bars are dashed
const MB = 1024 * 1024;

export const elapsed = job => now() - (job.started_at ?? job.created_at);

/** The state's code, `late` included, which only a clock can tell. */
export function code(job) {
  if (job.error && job.state === 'saving') return 'set_aside';
  const says = has(`state.${job.says?.code}`) ? job.says.code : BY_STATE[job.state] ?? 'queued';
  if (refused && job.state === 'queued') return 'paused';
  const slow = job.typical && elapsed(job) > job.typical[1] * 1.2;
  return says === 'generating' && slow ? 'late' : says;
}

/** The prompt, or what stands for it where there is none. */
export const prompt = job => {
  const text = job.params?.prompt;
  return typeof text === 'string' ? text.trim() : '';
};

const what = job => {
  const seconds = job.params?.duration;
  if (!seconds) return title(job.capability);
  return t('state.what', { what: title(job.capability), length: t('fact.seconds', { n: String(seconds) }) });
};

// A task that failed at Kling has only a text; two kinds of it are common enough to be known.
const TEXTS = [[/risk control|content safety|sensitive|policy/i, 'kling_policy'], [/pixel|resolution|aspect ratio/i, 'kling_input']];

export function reason(job) {
  const { code = '', message = '' } = job.error ?? {};
  return (code === 'kling_task_failed' && TEXTS.find(([text]) => text.test(message))?.[1]) || code;
}

export function cause(job) {
  const key = `error.${reason(job)}`;
  return has(key) ? t(key) : job.error?.message || t('error.other');
}

const HEAD = {
  queued: job => (job.place === 1 ? t('state.queued_next')
    : job.place ? t('state.queued_place', { nth: nth(job.place) }) : t('state.queued')),
  failed: job => t('state.failed', { n: job.price }),
  unknown: job => t('state.unknown', { n: job.price }),
  undecided: job => t('state.undecided', { n: job.price }),
  set_aside: job => t('state.set_aside', { n: job.price }),
};

const why = {
  queued: what,
  waiting: job => (job.says?.at ? t('state.waiting_until', { time: clock(job.says.at) }) : t('state.waiting_why')),
  paused: () => t('state.paused_why'),
  preparing: job => (Object.keys(job.inputs ?? {}).length ? t('state.preparing_input') : t('state.preparing_why')),
  submitting: () => t('state.submitting_why'),
  generating: job => (job.typical
    ? t('state.generating_why', { elapsed: span(elapsed(job)), usual: usual(job.typical) })
    : t('state.generating_plain', { elapsed: span(elapsed(job)) })),
  late: job => t('state.late_why', { elapsed: span(elapsed(job)) }),
  checking: () => t('state.checking_why'),
  unreadable: job => t('state.unreadable_why', { said: job.says?.said ?? '' }),
  unanswered: job => [
    job.says?.at ? t('state.unanswered_until', { time: clock(job.says.at) }) : t('state.unanswered_why'),
    job.says?.said ?? '',
  ].join(' ').trim(),
  downloading: job => (job.says?.size
    ? t('state.downloading_size', { done: (job.says.got / MB).toFixed(1), all: (job.says.size / MB).toFixed(1) })
    : t('state.downloading_why')),
  retrying: job => [
    has(`error.${job.says?.reason}`) ? t(`error.${job.says.reason}`) : '',
    job.says?.at ? t('state.retrying_until', { time: clock(job.says.at) }) : t('state.retrying_why'),
  ].join(' ').trim(),
  storing: () => t('state.storing_why'),
  set_aside: job => (job.error?.code === 'set_aside' ? t('state.set_aside_why') : cause(job)),
  done: job => prompt(job) || what(job),
  failed: cause,
  canceled: () => t('state.canceled_why'),
  unknown: () => t('state.unknown_why'),
  undecided: cause,
};

function number(job, says) {
  if (says === 'queued') return job.says?.eta ? about(job.says.eta) : '';
  if (says === 'done') return job.took ? span(job.took) : clock(job.updated_at);
  if (['failed', 'canceled', 'unknown', 'undecided', 'set_aside'].includes(says)) return clock(job.updated_at);
  if (['checking', 'waiting', 'paused', 'unanswered'].includes(says)) return '';
  return `${percent(job, says)}%`;
}

const percent = (job, says) => (says === 'late' ? Math.min(job.progress, 79) : Math.round(job.progress ?? 0));

/** {code, head, why, number, percent, bar: solid | dashed | null, tone: run | fail | pay | plain | quiet} */
export function says(job) {
  const is = code(job);
  return {
    code: is,
    head: (HEAD[is] ?? (() => t(`state.${is}`)))(job),
    why: job.cancel_asked && RUNNING.has(is) ? t('state.cancel_asked') : (why[is] ?? (() => ''))(job),
    number: number(job, is),
    percent: percent(job, is),
    bar: RUNNING.has(is) ? (DOUBT.has(is) ? 'dashed' : 'solid') : null,
    tone: is === 'failed' ? 'fail' : ['unknown', 'undecided', 'set_aside'].includes(is) ? 'pay'
      : is === 'canceled' ? 'quiet' : RUNNING.has(is) ? 'run' : 'plain',
  };
}

const PROMPT_CODES = /^(kling_130[01]|kling_policy|policy|prompt_.*)$/;

const USE_CODES = /^(kling_12\d\d|kling_1103|kling_input|invalid_input|input_missing|no_face|no_speech|speech_too_short|sound_misfit|nothing_marked|video_refused|video_unreachable|session_expired)$/;

/** The one fix that fits why it failed: edit | use | again */
export function fix(job) {
  const why = reason(job);
  if (PROMPT_CODES.test(why)) return 'edit';
  return USE_CODES.test(why) ? 'use' : 'again';
}

/** Price where the state does not say it already. */
export const priced = (job, is) =>
  (['failed', 'unknown', 'undecided', 'canceled', 'set_aside'].includes(is) ? '' : credits(job.price));
