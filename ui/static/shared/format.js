// Times and figures as a person reads them, in the chosen language.

import { lang, t } from './i18n.js';

const zh = () => lang() === 'zh';

/** @param {number} n */
const two = n => String(n).padStart(2, '0');

/**
 * 1:52, 12:04, 1:02:09
 *
 * @param {number} ms
 */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const tail = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${tail}` : tail.replace(/^0/, '');
}

/**
 * seconds:frames, as an editor reads it
 *
 * @param {number} seconds
 * @param {number} fps
 */
export function timecode(seconds, fps) {
  const frames = Math.floor(seconds * fps + 1e-4);
  return `${two(Math.floor(frames / fps))}:${two(frames % fps)}`;
}

/**
 * 20:14 today, else the day.
 *
 * @param {number} ms since 1970
 */
export function clock(ms) {
  const at = new Date(ms);
  if (at.toDateString() === new Date().toDateString()) {
    return `${two(at.getHours())}:${two(at.getMinutes())}`;
  }
  return at.toLocaleDateString(zh() ? 'zh-CN' : 'en-GB', { day: 'numeric', month: 'short' });
}

/**
 * 1st, 2nd, 23rd; Chinese needs no ending.
 *
 * @param {number} n
 */
export function nth(n) {
  if (zh()) return String(n);
  const end = n % 100 > 10 && n % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${end}`;
}

/**
 * "2–4 min" from the usual and the slow end of past takes.
 *
 * @param {[number, number]} typical ms
 */
export function usual([p50, p90]) {
  const minutes = p90 >= 90_000;
  const unit = minutes ? 60_000 : 1000;
  const a = Math.max(1, Math.floor(p50 / unit));
  const b = Math.max(a, Math.ceil(p90 / unit));
  if (a === b) return minutes ? t('state.usual_minute', { a }) : t('state.usual_second', { a });
  return minutes ? t('state.usual_minutes', { a, b }) : t('state.usual_seconds', { a, b });
}

/** @param {number} ms */
export function about(ms) {
  const minutes = ms >= 90_000;
  const a = Math.max(1, Math.round(ms / (minutes ? 60_000 : 1000)));
  return t('state.about', {
    time: minutes ? t('state.usual_minute', { a }) : t('state.usual_second', { a }),
  });
}
