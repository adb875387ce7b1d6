// The core: window.studio, the islands' mounting, the live region, the tab's title, what is open.

import * as acts from './acts.js';
import * as live from './live.js';
import * as scheme from './scheme.js';
import * as takes from './takes.js';
import * as keys from './keys.js';
import { mount as header } from './header.js';
import { mount as board } from './board.js';
import { mount as stage } from './stage.js';
import { code } from './says.js';
import { speak, t, title } from './words.js';

const MOUNTS = { header, board, stage };
const SEEN = 'studio.open';
let open = null, byHand = false, unseen = 0, region = null, samplesOf = null;

/** Gradio may draw an island before or after this file has loaded; both ways end here, once. */
function mount(element) {
  const root = element?.matches?.('[data-ks]') ? element : element?.querySelector?.('[data-ks]');
  if (!root || root.dataset.mounted) return;
  root.dataset.mounted = 'true';
  speak(root);
  MOUNTS[root.dataset.ks]?.(root);
}

function announce(text) {
  if (!region?.isConnected) {
    region = document.createElement('div');
    region.className = 'ks-said';
    region.setAttribute('aria-live', 'polite');
    document.body.append(region);
  }
  region.textContent = '';
  setTimeout(() => { region.textContent = text; }, 60); // a reader notices a change, not a first text
}

function show(id, { hand = true } = {}) {
  const job = takes.all.get(id);
  if (!job) return;
  open = id;
  byHand = hand;
  try {
    if (hand) sessionStorage.setItem(SEEN, id);
  } catch { /* a private window shows the newest after a reload */ }
  live.emit('open', job);
}

/** The stage follows the newest click until a person picks a take; a new click takes over again. */
function follow({ moved, first }) {
  const list = takes.sorted();
  document.documentElement.dataset.takes = list.length ? 'some' : 'none'; // the phone shows the form first at a first visit
  if (!list.length) return;
  const here = takes.all.get(open);
  if (!here) {
    const kept = first && takes.all.get(remembered());
    const newest = list.find(job => job.state === 'done') ?? list[0];
    const pick = kept || takes.variants(newest).find(job => job.state === newest.state);
    show(pick.id, { hand: false });
  } else if (!first && moved.some(({ job, before }) => !before && takes.click(job) > takes.click(here))) {
    show(takes.variants(list[0])[0].id, { hand: false });
  } else if (!byHand && here.state !== 'done') {
    const done = takes.variants(here).find(job => job.state === 'done');
    if (done) show(done.id, { hand: false });
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(SEEN);
  } catch {
    return null;
  }
}

/** Speaks only where it matters: 20, 80, done, failed, unknown. */
function tell({ moved, first }) {
  if (first) return;
  const said = moved.map(({ job, before }) => spoken(job, before)).filter(Boolean);
  if (said.length) announce(said.join('. '));
  const done = moved.filter(({ job, before }) => before && before.state !== 'done' && job.state === 'done');
  if (document.hidden) unseen += done.length;
  retitle();
}

function spoken(job, before) {
  const figures = { take: job.take, n: job.price };
  if (before && before.state !== job.state && ['done', 'failed', 'unknown'].includes(job.state)) {
    return t(`state.spoken_${job.state}`, figures);
  }
  const passed = mark => before && before.progress < mark && job.progress >= mark && job.progress < 100;
  return passed(80) ? t('state.spoken_80', figures)
    : passed(20) && code(job) === 'generating' ? t('state.spoken_20', figures) : null;
}

function retitle() {
  const next = unseen ? t('header.title_done', { n: unseen }) : t('header.title');
  if (document.title !== next) document.title = next;
}

function setLanguage(lang) {
  try {
    localStorage.setItem('studio.lang', lang);
  } catch { /* then the choice is the browser's language */ }
  location.reload();
}

window.studio = {
  t, title, announce, mount,
  jobs: takes.all,
  line: live.line,
  on: live.on,
  refresh: live.poll,
  open: id => show(id),
  get opened() { return takes.all.get(open) ?? null; },
  use: id => acts.use(id, 'all'),
  usePrompt: id => acts.use(id, 'prompt'),
  again: acts.again,
  cancel: acts.cancel,
  setLanguage,
  /** Which capability the form shows: the empty stage teaches with its samples. */
  get capability() { return samplesOf; },
  set capability(id) {
    samplesOf = id;
    live.emit('capability', id);
  },
};

function boot() {
  document.documentElement.lang = window.STUDIO?.lang === 'zh' ? 'zh-CN' : 'en';
  scheme.start();
  live.on('jobs', follow);
  live.on('jobs', tell);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) unseen = 0;
    retitle();
  });
  for (const root of document.querySelectorAll('[data-ks]')) mount(root);
  keys.start();
  retitle();
  live.start();
}

if (document.body) boot();
else addEventListener('DOMContentLoaded', boot);
