// Names of fields and values, and the engine's English sentences, in the page's language.

import { firstOf, has, lang, t } from './i18n.js';

/** @param {string} name */
const readable = name => {
  const text = name.replaceAll('_', ' ').replace(/ +/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/**
 * A field's label; one that was added without words still reads well.
 *
 * @param {string} id of the capability
 * @param {string} name
 */
export const fieldLabel = (id, name) =>
  firstOf([`field.${id}.${name}`, `field.${name}`], readable(name));

/**
 * A field inside a sentence.
 *
 * @param {string} id of the capability
 * @param {string} name
 */
export const fieldInSentence = (id, name) =>
  firstOf([`object.${id}__${name}`, `object.${name}`], fieldLabel(id, name).toLowerCase());

/**
 * @param {string} name of the field
 * @param {unknown} value
 */
export function valueLabel(name, value) {
  const text = value === null || value === '' ? 'none' : String(value);
  const own = `value.${name}.${text}`;
  if (!has(own) && has(`unit.${name}`)) return t(`unit.${name}`, { value: text });
  return firstOf([own, `value.any.${text}`], text);
}

/** @param {string[]} texts */
export const listed = texts => texts.join(t('form.comma'));

/**
 * The engine speaks English; a sentence is recognised by its shape in the English words and translated.
 *
 * @param {string} sentence
 * @returns {string}
 */
export function translate(sentence) {
  const words = window.STUDIO?.all;
  if (lang() === 'en' || !words) return sentence;
  for (const [key, shape] of Object.entries(words.en)) {
    if (!key.startsWith('rule.') || !has(key)) continue;
    /** @type {string[]} */
    const names = [];
    const escaped = shape.replace(/[.*+?^$()[\]\\|]/g, '\\$&');
    const pattern = escaped.replace(/\{(\w+)\}/g, (_, name) => {
      names.push(name);
      return '(.+?)';
    });
    const found = new RegExp(`^${pattern}$`).exec(sentence);
    if (found) return t(key, Object.fromEntries(names.map((name, at) => [name, found[at + 1]])));
  }
  return sentence;
}
