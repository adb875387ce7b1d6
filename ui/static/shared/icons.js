// Icons: 16 px, 1.5 px strokes, drawn here. A path in `fill` is a solid, the rest are lines.

/** @type {Record<string, {line: string, fill?: undefined} | {fill: string, line?: undefined}>} */
const LINES = {
  play: { fill: 'M5 3.2v9.6l8-4.8z' },
  pause: { fill: 'M4.5 3h2.2v10H4.5zM9.3 3h2.2v10H9.3z' },
  loop: { line: 'M3 7V6a2 2 0 0 1 2-2h8M11 2l2 2-2 2M13 9v1a2 2 0 0 1-2 2H3M5 14l-2-2 2-2' },
  sound: {
    line: 'M2.5 6.2v3.6h2.4L8 12.5v-9L4.9 6.2zM10.5 5.8a3 3 0 0 1 0 4.4M12.4 4a5.6 5.6 0 0 1 0 8',
  },
  mute: { line: 'M2.5 6.2v3.6h2.4L8 12.5v-9L4.9 6.2zM10.8 6.2l3.4 3.6M14.2 6.2l-3.4 3.6' },
  use: { line: 'M3 3v3.4h3.4M3.3 6.2A5.3 5.3 0 1 1 2.8 9.4' },
  edit: { line: 'M10.6 3.4l2 2-7.4 7.4-2.6.6.6-2.6zM8.9 5.1l2 2' },
  again: { line: 'M13 3v3.4H9.6M12.7 6.2a5.3 5.3 0 1 0 .5 3.2' },
  copy: { line: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3' },
  check: { line: 'M3 8.6l3.2 3.2L13 4.8' },
  download: { line: 'M8 2.5v8M4.8 7.4L8 10.6l3.2-3.2M2.8 13.5h10.4' },
  full: { line: 'M2.8 6V2.8H6M10 2.8h3.2V6M13.2 10v3.2H10M6 13.2H2.8V10' },
  into: { line: 'M2.5 13.5v-5h8M7.6 5.4l3.1 3.1-3.1 3.1M5.5 2.5h8v11h-3' },
  mark: { line: 'M8 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8M8 1.5V5M8 11v3.5M1.5 8H5M11 8h3.5' },
  back: { line: 'M10 3.5L5.5 8l4.5 4.5' },
  on: { line: 'M6 3.5L10.5 8L6 12.5' },
  cross: { line: 'M3.5 3.5l9 9M12.5 3.5l-9 9' },
  sun: {
    line: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1',
  },
  moon: { line: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z' },
  picture: { line: 'M2.5 3.5h11v9h-11zM2.5 10.5l3-3 3 3 2-2 3 3M10.6 6.2h.1' },
  hint: { line: 'M14.25 8a6.25 6.25 0 1 1-12.5 0 6.25 6.25 0 0 1 12.5 0M8 7.25V11M8 4.75v.5' },
  sheet: { line: 'M1.8 4h12.4v8H1.8zM4.4 6.6h.1M6.8 6.6h.1M9.2 6.6h.1M11.6 6.6h.1M5 9.6h6' },
};

const NS = 'http://www.w3.org/2000/svg';

/** @param {string} name */
export function svg(name) {
  const { line, fill } = LINES[name];
  const node = document.createElementNS(NS, 'svg');
  const path = document.createElementNS(NS, 'path');
  node.setAttribute('viewBox', '0 0 16 16');
  node.setAttribute('aria-hidden', 'true');
  node.classList.add('ks-i');
  if (fill) node.classList.add('ks-i-solid');
  path.setAttribute('d', line ?? fill ?? '');
  node.append(path);
  return node;
}

/**
 * Changes the icon of a button that already has one.
 *
 * @param {HTMLElement} button
 * @param {string} name
 */
export function swap(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.querySelector('.ks-i')?.replaceWith(svg(name));
}
