// The status of a job on the page: state, why, number, bar and colour. The server's row decides; the
// page only adds what a clock adds (time so far, and that it takes longer than usual).

import { about, clock, nth, span, usual } from '../shared/format.js';
import { grouped, has, t, title } from '../shared/i18n.js';
import { sentence } from './job-errors.js';

/** @import { Job, JobStatus } from '../shared/types.d.ts' */

let skew = 0;
/** The server's clock, so that times agree on a machine whose clock is off. */
const now = () => Date.now() + skew;

/** @param {number} ms */
export const setSkew = ms => {
  skew = Math.abs(ms) > 3000 ? ms : 0;
};

let refused = false;
/**
 * While Kling refuses the account every waiting job waits for that; answers whether this is news.
 *
 * @param {boolean} is
 */
export function setRefused(is) {
  const turned = is !== refused;
  refused = is;
  return turned;
}

const BY_STATE = {
  queued: 'queued',
  sending: 'submitting',
  checking: 'checking',
  running: 'generating',
  saving: 'downloading',
  done: 'done',
  failed: 'failed',
  canceled: 'canceled',
  unknown: 'unknown',
};
// Their bars are dashed.
const DOUBT = ['late', 'checking', 'unreadable', 'unanswered', 'retrying'];
const RUNNING = [...DOUBT, 'preparing', 'submitting', 'generating', 'downloading', 'storing'];
const ENDED = ['failed', 'canceled', 'unknown', 'undecided', 'set_aside'];
const WITHOUT_PERCENT = ['checking', 'waiting', 'paused', 'unanswered'];
const MB = 1024 * 1024;

/** @param {Job} job */
const elapsed = job => now() - (job.started_at ?? job.created_at);

/**
 * The status' code, `late` included, which only a clock can tell.
 *
 * @param {Job} job
 * @returns {string}
 */
export function statusCode(job) {
  if (job.error && job.state === 'saving') return 'set_aside';
  const told = job.status?.code;
  const code = told && has(`state.${told}`) ? told : (BY_STATE[job.state] ?? 'queued');
  if (refused && job.state === 'queued') return 'paused';
  const slow = job.typical && elapsed(job) > job.typical[1] * 1.2;
  return code === 'generating' && slow ? 'late' : code;
}

/**
 * The prompt, or nothing where there is none.
 *
 * @param {Job | undefined} job
 */
export const promptOf = job => {
  const text = job?.params?.prompt;
  return typeof text === 'string' ? text.trim() : '';
};

/** @param {Job} job */
const what = job => {
  const seconds = job.params?.duration;
  if (!seconds) return title(job.capability);
  const length = t('fact.seconds', { n: String(seconds) });
  return t('state.what', { what: title(job.capability), length });
};

/** @typedef {Record<string, (job: Job) => string>} Sentences */

/** @type {Sentences} */
const HEAD = {
  queued: job => {
    if (job.queue_position === 1) return t('state.queued_next');
    const at = job.queue_position;
    return at ? t('state.queued_place', { nth: nth(at) }) : t('state.queued');
  },
  failed: job => t('state.failed', { n: job.price }),
  unknown: job => t('state.unknown', { n: job.price }),
  undecided: job => t('state.undecided', { n: job.price }),
  set_aside: job => t('state.set_aside', { n: job.price }),
};

/** @param {Job} job @param {string} until @param {string} other */
const untilClock = (job, until, other) =>
  job.status?.at ? t(until, { time: clock(job.status.at) }) : t(other);

/** @type {Sentences} */
const WHY = {
  queued: what,
  waiting: job => untilClock(job, 'state.waiting_until', 'state.waiting_why'),
  paused: () => t('state.paused_why'),
  preparing: job =>
    Object.keys(job.inputs ?? {}).length ? t('state.preparing_input') : t('state.preparing_why'),
  submitting: () => t('state.submitting_why'),
  generating: job => {
    const soFar = { elapsed: span(elapsed(job)) };
    if (!job.typical) return t('state.generating_plain', soFar);
    return t('state.generating_why', { ...soFar, usual: usual(job.typical) });
  },
  late: job => t('state.late_why', { elapsed: span(elapsed(job)) }),
  checking: () => t('state.checking_why'),
  unreadable: job => t('state.unreadable_why', { said: job.status?.said ?? '' }),
  unanswered: job => {
    const when = untilClock(job, 'state.unanswered_until', 'state.unanswered_why');
    return `${when} ${job.status?.said ?? ''}`.trim();
  },
  downloading: ({ status }) => {
    if (!status?.size) return t('state.downloading_why');
    const figures = {
      done: ((status.got ?? 0) / MB).toFixed(1),
      all: (status.size / MB).toFixed(1),
    };
    return t('state.downloading_size', figures);
  },
  retrying: job => {
    const key = `error.${job.status?.reason}`;
    const when = untilClock(job, 'state.retrying_until', 'state.retrying_why');
    return `${has(key) ? t(key) : ''} ${when}`.trim();
  },
  storing: () => t('state.storing_why'),
  set_aside: job => (job.error?.code === 'set_aside' ? t('state.set_aside_why') : sentence(job)),
  done: job => promptOf(job) || what(job),
  failed: sentence,
  canceled: () => t('state.canceled_why'),
  unknown: () => t('state.unknown_why'),
  undecided: sentence,
};

/** @param {Job} job @param {string} code */
function number(job, code) {
  if (code === 'queued') return job.status?.eta ? about(job.status.eta) : '';
  if (code === 'done') return job.took ? span(job.took) : clock(job.updated_at);
  if (ENDED.includes(code)) return clock(job.updated_at);
  if (WITHOUT_PERCENT.includes(code)) return '';
  return `${percent(job, code)}%`;
}

/** @param {Job} job @param {string} code */
const percent = (job, code) =>
  code === 'late' ? Math.min(job.progress, 79) : Math.round(job.progress ?? 0);

/**
 * @param {string} code
 * @returns {JobStatus['tone']}
 */
function tone(code) {
  if (code === 'failed') return 'fail';
  if (['unknown', 'undecided', 'set_aside'].includes(code)) return 'pay';
  if (code === 'canceled') return 'quiet';
  return RUNNING.includes(code) ? 'run' : 'plain';
}

/**
 * @param {Job} job
 * @returns {JobStatus}
 */
export function statusOf(job) {
  const code = statusCode(job);
  const running = RUNNING.includes(code);
  return {
    code,
    head: code in HEAD ? HEAD[code](job) : t(`state.${code}`),
    why: job.cancel_asked && running ? t('state.cancel_asked') : (WHY[code]?.(job) ?? ''),
    number: number(job, code),
    percent: percent(job, code),
    bar: running ? (DOUBT.includes(code) ? 'dashed' : 'solid') : null,
    tone: tone(code),
  };
}

/**
 * The price where the head of the status does not name it already.
 *
 * @param {Job} job
 * @param {string} code
 */
export const priceBeside = (job, code) => (ENDED.includes(code) ? '' : grouped(job.price));
