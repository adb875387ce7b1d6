// Words and figures in the chosen language. The words come with the page (window.STUDIO).

const said = () => window.STUDIO?.words ?? {};
export const lang = () => window.STUDIO?.lang ?? 'en';
const zh = () => lang() === 'zh';

export const has = key => key in said();

/** The words for a key; `{n}` takes a figure, `{n|one|many}` chooses by it. */
export function t(key, figures = {}) {
  return (said()[key] ?? key).replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const value = figures[name] ?? '';
    if (one !== undefined) return value === 1 ? one : many;
    return typeof value === 'number' ? credits(value) : String(value);
  });
}

/** Fills every `data-t`, `data-t-label` and `data-t-title` below a skeleton. */
export function speak(root) {
  for (const node of root.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll('[data-t-label]')) {
    node.setAttribute('aria-label', t(node.dataset.tLabel));
  }
  for (const node of root.querySelectorAll('[data-t-title]')) node.title = t(node.dataset.tTitle);
}

export const credits = n => Math.round(n).toLocaleString('en-US');

const two = n => String(n).padStart(2, '0');

/** 1:52, 12:04, 1:02:09 */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const tail = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${tail}` : tail.replace(/^0/, '');
}

/** seconds:frames, as an editor reads it */
export function code(seconds, fps) {
  const frames = Math.floor(seconds * fps + 1e-4);
  return `${two(Math.floor(frames / fps))}:${two(frames % fps)}`;
}

/** 20:14 today, else the day. */
export function clock(ms) {
  const at = new Date(ms);
  if (at.toDateString() === new Date().toDateString()) return `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.toLocaleDateString(zh() ? 'zh-CN' : 'en-GB', { day: 'numeric', month: 'short' });
}

/** 1st, 2nd, 23rd; Chinese needs no ending. */
export function nth(n) {
  if (zh()) return String(n);
  const end = n % 100 > 10 && n % 100 < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][n % 10] ?? 'th';
  return `${n}${end}`;
}

/** "2–4 min" from the usual and the slow end of past takes. */
export function usual([p50, p90]) {
  const minutes = p90 >= 90_000;
  const unit = minutes ? 60_000 : 1000;
  const a = Math.max(1, Math.floor(p50 / unit));
  const b = Math.max(a, Math.ceil(p90 / unit));
  if (a === b) return minutes ? t('state.usual_minute', { a }) : t('state.usual_second', { a });
  return minutes ? t('state.usual_minutes', { a, b }) : t('state.usual_seconds', { a, b });
}

export function about(ms) {
  const minutes = ms >= 90_000;
  const a = Math.max(1, Math.round(ms / (minutes ? 60_000 : 1000)));
  return t('state.about', { time: minutes ? t('state.usual_minute', { a }) : t('state.usual_second', { a }) });
}

const titled = id => id.charAt(0).toUpperCase() + id.slice(1).replaceAll('_', ' ');

/** A capability's name; one that was added without words still reads well. */
export const title = id => (has(`capability.${id}`) ? t(`capability.${id}`) : titled(id));
