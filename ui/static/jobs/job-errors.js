// Why a job failed, in words, and the one fix that fits.

import { firstOf, has, t } from '../shared/i18n.js';

/** @import { Answer, Job } from '../shared/types.d.ts' */

// A task that failed at Kling has only a text; two kinds of it are common enough to be known.
/** @type {[RegExp, string][]} */
const TEXTS = [
  [/risk control|content safety|sensitive|policy/i, 'kling_policy'],
  [/pixel|resolution|aspect ratio/i, 'kling_input'],
];

const PROMPT_CODES = /^(kling_130[01]|kling_policy|policy|prompt_.*)$/;

const INPUT_CODES =
  /^(kling_12\d\d|kling_1103|kling_input|invalid_input|input_missing|no_face|no_speech|speech_too_short|sound_misfit|nothing_marked|video_refused|video_unreachable|session_expired)$/;

/** @param {Job} job */
export function reason(job) {
  const { code = '', message = '' } = job.error ?? {};
  const known = code === 'kling_task_failed' && TEXTS.find(([text]) => text.test(message));
  return known ? known[1] : code;
}

/** @param {Job} job */
export const sentence = job => {
  const key = `error.${reason(job)}`;
  return has(key) ? t(key) : job.error?.message || t('error.other');
};

/**
 * @param {Job} job
 * @returns {'edit' | 'use' | 'again'}
 */
export function fix(job) {
  const why = reason(job);
  if (PROMPT_CODES.test(why)) return 'edit';
  return INPUT_CODES.test(why) ? 'use' : 'again';
}

/**
 * The sentence for a refusal by the studio, in the page's language where there is one.
 *
 * @param {Pick<Answer, 'code' | 'message'>} answer
 */
export const refusal = answer =>
  firstOf([`error.${answer.code}`], answer.message || t('error.other'));
