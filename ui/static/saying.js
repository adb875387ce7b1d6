// Names of fields and values, and the engine's English sentences, in the page's language.

import { has, lang, t } from './words.js';

const readable = name => {
  const text = String(name).replaceAll('_', ' ').replace(/ +/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

const first = (keys, other) => {
  const key = keys.find(has);
  return key ? t(key) : other;
};

/** A field's label; one that was added without words still reads well. */
export const label = (id, name) => first([`field.${id}.${name}`, `field.${name}`], readable(name));

/** A field inside a sentence. */
export const object = (id, name) =>
  first([`object.${id}__${name}`, `object.${name}`], label(id, name).toLowerCase());

/** A value's label. */
export function valued(name, value) {
  const text = value === null || value === '' ? 'none' : String(value);
  const own = `value.${name}.${text}`;
  if (!has(own) && has(`unit.${name}`)) return t(`unit.${name}`, { value: text });
  return first([own, `value.any.${text}`], text);
}

export const listed = texts => texts.join(t('form.comma'));

/** The engine speaks English; a sentence is recognised by its shape in the English words and said again. */
export function translate(sentence) {
  const words = window.STUDIO?.all;
  if (lang() === 'en' || !words) return sentence;
  for (const [key, shape] of Object.entries(words.en)) {
    if (!key.startsWith('rule.') || !has(key)) continue;
    const names = [];
    const pattern = shape.replace(/[.*+?^$()[\]\\|]/g, '\\$&').replace(/\{(\w+)\}/g, (_, name) => {
      names.push(name);
      return '(.+?)';
    });
    const found = new RegExp(`^${pattern}$`).exec(sentence);
    if (found) return t(key, Object.fromEntries(names.map((name, at) => [name, found[at + 1]])));
  }
  return sentence;
}

/** Words that a style sheet shows: what an empty drop says. */
export function say() {
  const css = text => JSON.stringify(text).replaceAll('\\n', '\\a ');
  for (const kind of ['image', 'video', 'audio']) {
    document.documentElement.style.setProperty(`--ks-drop-${kind}`, css(t(`drop.${kind}`)));
  }
  document.documentElement.style.setProperty('--ks-uploading', css(t('form.uploading')));
}
