// The live region: what a screen reader is told.

/** @type {HTMLElement | null} */
let region = null;

/** @param {string} text */
export function announce(text) {
  if (!region?.isConnected) {
    region = document.createElement('div');
    region.className = 'ks-announced';
    region.setAttribute('aria-live', 'polite');
    document.body.append(region);
  }
  const box = region;
  box.textContent = '';
  setTimeout(() => {
    box.textContent = text;
  }, 60); // a reader notices a change, not a first text
}
