// The frame rate of a clip. It is not in the row; two painted frames tell it.

const RATES = [24, 25, 30, 48, 50, 60];
const ENOUGH = 40; // frames that are looked at

/**
 * Tells each rate that is found while the clip plays.
 *
 * @param {HTMLVideoElement} video
 * @param {(fps: number) => void} found
 * @param {() => boolean} isLive
 */
export function measureFrameRate(video, found, isLive) {
  if (!video.requestVideoFrameCallback) return;
  let known = 0;
  let seen = 0;
  let least = 1; // seconds between two frames
  /** @type {number | null} */
  let last = null;
  /** @type {VideoFrameRequestCallback} */
  const look = (_, { mediaTime }) => {
    if (last !== null && mediaTime > last) least = Math.min(least, mediaTime - last);
    last = mediaTime;
    seen += 1;
    const rate = RATES.find(fps => Math.abs(1 / least - fps) < fps * 0.03);
    if (rate && rate !== known) {
      known = rate;
      found(rate);
    }
    if (isLive() && seen < ENOUGH) video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
