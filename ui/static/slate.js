// What stands under the picture: state in words, slate, actions, the variants of the same click.

import * as acts from './acts.js';
import * as takes from './takes.js';
import { attr, make, own, put } from './dom.js';
import { svg } from './icons.js';
import { cause, fix, prompt, reason, says } from './says.js';
import { useAs } from './useas.js';
import { clock, has, span, t, title } from './words.js';

/** A running or ended take without a picture: the state takes the transport's place. */
export function state(box, job, is) {
  if (!box.querySelector('.ks-state')) {
    box.replaceChildren(make('div.ks-state', {},
      make('div.ks-bar', { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, make('i')),
      make('p.ks-l1', {}, make('b'), make('span.ks-num')), make('p.ks-l2'), make('p.ks-next')));
  }
  const part = name => box.querySelector(name);
  attr(part('.ks-state'), 'data-tone', is.tone);
  const bar = part('.ks-bar');
  attr(bar, 'data-bar', is.bar ?? 'none');
  attr(bar, 'aria-label', is.head);
  attr(bar, 'aria-valuenow', is.bar && is.code !== 'checking' ? is.percent : null);
  attr(bar, 'aria-hidden', is.bar ? null : 'true');
  bar.firstChild.style.transform = `scaleX(${is.bar ? is.percent / 100 : 0})`;
  bar.style.setProperty('--at', `${is.percent}%`);
  put(part('b'), HEADS[is.code] ? t(HEADS[is.code]) : is.head);
  put(part('.ks-num'), is.number);
  put(part('.ks-l2'), lines(job, is)[0]);
  put(part('.ks-next'), lines(job, is)[1] ?? '');
  part('.ks-next').hidden = !lines(job, is)[1];
}

const HEADS = { unknown: 'stage.unknown_head', undecided: 'stage.undecided_head' };

function lines(job, is) {
  if (['failed', 'undecided', 'set_aside'].includes(is.code)) {
    const said = job.error?.message;
    // Only a refusal is Kling's own sentence; the studio says the others itself.
    const quoted = is.code === 'failed' ? t('board.kling_says', { message: said }) : said;
    const raw = said && said !== cause(job) ? quoted : '';
    const next = has(`next.${reason(job)}`) ? `next.${reason(job)}` : `stage.next_${fix(job)}`;
    return [`${cause(job)} ${t(next)}`, raw];
  }
  if (is.code === 'unknown') return [t('stage.unknown_why', { n: job.price })];
  return [is.why];
}

/** One value of a setting in words; the form's words serve here too. */
const value = (field, name) => (has(`value.${field}.${name}`) ? t(`value.${field}.${name}`) : String(name));

function facts(job) {
  const unsent = new Set(job.unsent);
  const p = Object.fromEntries(Object.entries(job.params ?? {}).filter(([name]) => !unsent.has(name)));
  const images = takes.media(job).length;
  return [
    [title(job.capability)], [job.model ?? p.model_name ?? '', 'mono'],
    p.mode && [value('mode', p.mode)], p.duration && [t('fact.seconds', { n: String(p.duration) })],
    p.aspect_ratio && [value('aspect_ratio', p.aspect_ratio)], p.resolution && [value('resolution', p.resolution)],
    p.sound === 'on' && [t('fact.sound_on')], p.image_tail && [t('fact.end_frame')],
    images > 1 && [t('fact.images', { n: images })],
    [t('stage.credits', { n: job.price })], job.took && [t('stage.took', { time: span(job.took) })],
  ].filter(fact => fact && fact[0]);
}

export function slate(box, job) {
  const key = JSON.stringify([job.id, prompt(job), facts(job)]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const text = make('p.ks-words', prompt(job) ? {} : { 'data-none': '' });
  put(text, prompt(job) || t('stage.no_prompt'));
  const more = make('button.ks-link', { text: t('stage.prompt_more'), 'aria-expanded': 'false', hidden: true });
  more.addEventListener('click', () => {
    const whole = text.toggleAttribute('data-whole');
    put(more, whole ? t('stage.prompt_less') : t('stage.prompt_more'));
    attr(more, 'aria-expanded', String(whole));
  });
  box.replaceChildren(make('h2.ks-take', { text: job.take }),
    make('div.ks-told', {}, text, more, make('p.ks-facts', {}, ...facts(job).map(([words, kind]) => make(`span${kind ? '.ks-mono' : ''}`, { text: words })))));
  requestAnimationFrame(() => { more.hidden = text.scrollHeight <= text.clientHeight + 2; });
}

/** Only what works: a button that could do nothing is not drawn. */
export function actions(box, job, asset, full) {
  const key = JSON.stringify([job.id, job.state, job.error?.code, asset?.url, job.cancel_asked, says(job).code]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  attr(box, 'aria-label', t('stage.actions', { take: job.take }));
  const ended = ['failed', 'canceled'].includes(job.state);
  const edit = job.state === 'failed' && fix(job) === 'edit';
  const button = (name, icon, words, click) => make('button.ks-do', { 'data-do': name, icon, text: words, on: { click } });
  const left = [
    edit && button('edit', 'edit', t('board.edit_prompt'), () => window.studio.usePrompt(job.id)),
    ended && !edit && button('again', 'again', t('stage.again', { n: job.price }), event => again(event.currentTarget, job)),
    ...decisions(box, job, button),
    button('use', 'use', t('stage.use'), () => window.studio.use(job.id)),
    asset && useAs(asset),
    prompt(job) && button('copy', 'copy', t('stage.copy'), event => copied(event.currentTarget, job)),
  ];
  const right = [takes.active(job) && !job.cancel_asked && says(job).code !== 'set_aside' && cancelButton(box, job), asset && download(asset),
    asset && make('button.ks-tool', { icon: 'full', 'data-do': 'full', 'aria-label': t('stage.full'), title: t('stage.full'), on: { click: full } })];
  box.replaceChildren(...left.filter(Boolean), make('span.ks-gap'), ...right.filter(Boolean));
}

const download = asset =>
  make('a.ks-do', { href: own(acts.downloadUrl(asset)), download: '', 'data-do': 'download', icon: 'download', text: t('stage.download') });

// What cannot be billed twice needs no question.
const AGAIN = { answer_unreadable: 'stage.ask_again', step_failed: 'stage.ask_again', send_refused: 'stage.resend' };

/** What only the owner can decide; sending again may be billed twice, so that is said first. */
function decisions(box, job, button) {
  const aside = says(job).code === 'set_aside';
  if (job.state !== 'unknown' && !aside) return [];
  const release = t('stage.release', { n: job.price });
  const back = button('release', 'cross', release, () => ask(box, t('stage.release_sure'), release, () => done(acts.cancel(job.id))));
  const known = aside ? 'stage.store_again' : AGAIN[job.error?.code];
  if (known) return [button('retry', 'again', t(known), () => done(acts.retry(job.id))), back];
  return [
    back,
    button('resend', 'again', t('stage.resend'), () => ask(box, t('stage.resend_sure'), t('stage.resend'), () => done(acts.retry(job.id)))),
  ];
}

const done = going => going.then(answer => !answer.ok && window.studio.announce(acts.refusal(answer)));

/** A question in the place of the buttons; the safe answer has the focus. */
function ask(box, question, words, go, back = t('stage.back')) {
  const before = [...box.childNodes];
  const no = make('button.ks-do', { text: back, on: { click: () => box.replaceChildren(...before) } });
  box.replaceChildren(make('p.ks-sure', { text: question }), make('span.ks-gap'), make('button.ks-do', { text: words, on: { click: go } }), no);
  no.focus();
}

/** While queued it is taken back at once; later the truth is said first. */
function cancelButton(box, job) {
  const go = () => done(acts.cancel(job.id));
  const button = make('button.ks-do', { 'data-do': 'cancel', icon: 'cross', text: t('stage.cancel') });
  button.addEventListener('click', () =>
    (job.state === 'queued' ? go() : ask(box, t('stage.cancel_sure'), t('stage.cancel_yes'), go, t('stage.cancel_no'))));
  return button;
}

async function again(button, job) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  attr(button, 'aria-disabled', 'true');
  const answer = await acts.again(job.id);
  note(button, answer.ok ? t('stage.again_sent') : t('stage.again_failed', { message: acts.refusal(answer) }), t('stage.again', { n: job.price }), answer.ok ? 1200 : 4000);
}

async function copied(button, job) {
  const done = await acts.copy(job.id);
  if (done) button.firstChild.replaceWith(svg('check'));
  note(button, done ? t('stage.copied') : t('stage.copy_failed'), t('stage.copy'), 1200);
}

/** The answer stands on the button that was pressed, then the button is itself again. */
function note(button, words, before, ms) {
  put(button.querySelector('span'), words);
  window.studio.announce(words);
  setTimeout(() => {
    put(button.querySelector('span'), before);
    attr(button, 'aria-disabled', null);
    if (button.dataset.do === 'copy') button.firstChild.replaceWith(svg('copy'));
  }, ms);
}

/** Everything the same click made: its variants, and every picture of each. */
export function strip(box, job, index, pick) {
  const all = takes.variants(job);
  const tiles = all.flatMap(one => (takes.media(one).length || 1) > 1 ? takes.media(one).map((_, i) => [one, i]) : [[one, 0]]);
  box.hidden = tiles.length < 2;
  const key = JSON.stringify(tiles.map(([one, i]) => [one.id, i, takes.poster(one, i)]));
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    box.replaceChildren(heading(job, all, tiles), make('div.ks-tiles', {}, ...tiles.map(([one, i]) => tile(one, i, pick))));
  }
  const nodes = box.querySelectorAll('.ks-tile');
  tiles.forEach(([one, i], at) => dress(nodes[at], one, i, one.id === job.id && i === index));
}

function heading(job, all, tiles) {
  const time = clock(Math.min(...all.map(one => one.created_at)));
  const said = all.length > 1 ? t('stage.variants', { n: all.length, time }) : t('stage.images', { n: tiles.length, time });
  return make('div.ks-th2', {}, make('b', { text: t('stage.take', { n: takes.click(job) }) }), make('span', { text: said }));
}

function tile(job, index, pick) {
  const src = own(takes.poster(job, index));
  const label = takes.media(job).length > 1 ? `${takes.letter(job)}${index + 1}` : takes.letter(job);
  return make('button.ks-tile', { on: { click: () => pick(job, index) } },
    src && make('img', { src, alt: '', decoding: 'async' }), make('span.ks-tag', { text: label }),
    make('span.ks-cap', {}, make('span')), make('i.ks-line'));
}

/** What of a tile changes while it runs. */
function dress(node, job, index, here) {
  const is = says(job);
  attr(node, 'data-state', job.state);
  attr(node, 'aria-current', here ? 'true' : null);
  const many = takes.media(job).length;
  const take = many > 1 ? t('stage.image', { take: job.take, n: index + 1, all: many }) : job.take;
  const words = t('stage.variant_open', { take });
  attr(node, 'aria-label', job.state === 'done' ? words : `${words}, ${is.head}`);
  const [cap, line] = [node.querySelector('.ks-cap'), node.querySelector('.ks-line')];
  cap.hidden = job.state === 'done';
  put(cap.firstChild, cap.hidden ? '' : is.bar ? `${is.head} ${is.number}` : is.head);
  line.hidden = !is.bar;
  line.style.transform = `scaleX(${is.percent / 100})`;
}
