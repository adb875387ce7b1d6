// Events between the parts of the page, so that the lower ones need not know the upper ones.

/** @import { Events } from './types.d.ts' */

/** @typedef {(detail: unknown) => void} Listener */

/** @type {Map<string, Set<Listener>>} */
const listeners = new Map();

/**
 * Calls fn at each event of this name; answers how to stop that.
 *
 * @template {keyof Events} K
 * @param {K} event
 * @param {(detail: Events[K]) => void} fn
 */
export function on(event, fn) {
  const fns = listeners.get(event) ?? new Set();
  const listener = /** @type {Listener} */ (fn);
  listeners.set(event, fns.add(listener));
  return () => fns.delete(listener);
}

/**
 * @template {keyof Events} K
 * @param {K} event
 * @param {Events[K]} detail
 */
export function emit(event, detail) {
  for (const fn of listeners.get(event) ?? []) {
    try {
      fn(detail);
    } catch (error) {
      console.error(error); // one island's fault must not stop the others
    }
  }
}
