// A small player for a sound: play, where it is, how long. It never plays before a click.

import { make, put } from './dom.js';
import { swap } from './icons.js';
import { span, t } from './words.js';

export function sound({ src, label, play = false }) {
  const audio = new Audio(src);
  const button = make('button.ks-tool', { icon: 'play', 'data-icon': 'play', 'aria-label': t('prepare.play', { what: label }) });
  const done = make('i'), time = make('span.ks-num');
  const paint = () => {
    const all = Number.isFinite(audio.duration) ? audio.duration : 0;
    swap(button, audio.paused ? 'play' : 'pause');
    button.setAttribute('aria-label', audio.paused ? t('prepare.play', { what: label }) : t('prepare.stop', { what: label }));
    done.style.transform = `scaleX(${all ? audio.currentTime / all : 0})`;
    put(time, span((audio.paused && !audio.currentTime ? all : audio.currentTime) * 1000));
  };
  for (const event of ['play', 'pause', 'ended', 'timeupdate', 'loadedmetadata']) audio.addEventListener(event, paint);
  button.addEventListener('click', () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  const node = make('div.ks-sound', { 'data-src': src }, button, make('div.ks-sound-rail', {}, done), time);
  node.append(audio);
  if (play) audio.play().catch(() => {}); // a browser may refuse; the button is there
  paint();
  return node;
}
