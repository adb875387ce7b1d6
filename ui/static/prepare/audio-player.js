// A small player for a sound: play, where it is, how long. It never plays before a click.

import { make, put } from '../shared/dom.js';
import { span } from '../shared/format.js';
import { t } from '../shared/i18n.js';
import { swap } from '../shared/icons.js';

const EVENTS = ['play', 'pause', 'ended', 'timeupdate', 'loadedmetadata'];

/** @param {{src: string, label: string, play?: boolean}} sound */
export function audioPlayer({ src, label, play = false }) {
  const audio = new Audio(src);
  const start = () => audio.play().catch(() => {}); // a browser may refuse; the button is there
  const button = make('button.ks-tool', {
    icon: 'play',
    'data-icon': 'play',
    'aria-label': t('prepare.play', { what: label }),
    on: { click: () => (audio.paused ? start() : audio.pause()) },
  });
  const done = make('i');
  const time = make('span.ks-num');
  const paint = () => {
    const all = Number.isFinite(audio.duration) ? audio.duration : 0;
    const key = audio.paused ? 'prepare.play' : 'prepare.stop';
    swap(button, audio.paused ? 'play' : 'pause');
    button.setAttribute('aria-label', t(key, { what: label }));
    done.style.transform = `scaleX(${all ? audio.currentTime / all : 0})`;
    put(time, span((audio.paused && !audio.currentTime ? all : audio.currentTime) * 1000));
  };
  for (const event of EVENTS) audio.addEventListener(event, paint);
  const rail = make('div.ks-sound-rail', {}, done);
  const node = make('div.ks-sound', { 'data-src': src }, button, rail, time, audio);
  if (play) start();
  paint();
  return node;
}
