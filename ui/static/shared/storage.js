// What a browser keeps for us. A private window keeps nothing, and may refuse to be asked.

/** @typedef {'localStorage' | 'sessionStorage'} Area */

/**
 * @param {string} key
 * @param {Area} [area]
 * @returns {string | null} null also where nothing can be kept
 */
export function readKey(key, area = 'localStorage') {
  try {
    return window[area].getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 * @param {Area} [area]
 */
export function writeKey(key, value, area = 'localStorage') {
  try {
    window[area].setItem(key, value);
  } catch {
    // Whoever reads it finds nothing, and begins anew.
  }
}
