// The mask over a frame. It comes as white on black or with an alpha of its own; either becomes a veil of one colour.

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string[]} masks PNGs in base64
 */
export async function drawMasks(canvas, masks) {
  const key = masks.map(summary).join() + document.documentElement.className;
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  const images = await Promise.all(masks.map(load));
  if (canvas.dataset.key !== key) return;
  canvas.width = images[0]?.naturalWidth || 1;
  canvas.height = images[0]?.naturalHeight || 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  for (const image of images) if (image && context) veil(context, image, canvas);
}

/** @param {string} mask */
const summary = mask => {
  const middle = mask.length / 2;
  return `${mask.length} ${mask.slice(-64)} ${mask.slice(middle, middle + 64)}`;
};

/**
 * @param {string} mask
 * @returns {Promise<HTMLImageElement | null>}
 */
const load = mask =>
  new Promise(done => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = `data:image/png;base64,${mask}`;
  });

/**
 * @param {CanvasRenderingContext2D} target
 * @param {HTMLImageElement} image
 * @param {{width: number, height: number}} size
 */
function veil(target, image, { width, height }) {
  const layer = new OffscreenCanvas(width, height);
  const context = layer.getContext('2d');
  if (!context) return;
  context.drawImage(image, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  let clear = false;
  for (let at = 3; at < data.length && !clear; at += 4) clear = data[at] < 255;
  if (!clear) for (let at = 0; at < data.length; at += 4) data[at + 3] = data[at];
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = getComputedStyle(document.body).getPropertyValue('--run');
  context.fillRect(0, 0, width, height);
  target.drawImage(layer, 0, 0);
}
