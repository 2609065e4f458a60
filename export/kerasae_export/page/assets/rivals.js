// The formats that every browser writes, for comparison.

import { fromCanvas, psnr } from "./picture.js";

const SEARCHED = 2 ** 22; // pixels up to which the setting is searched for

/** The setting beyond that. */
export const PLAIN = 80;

/** Whether the image is small enough for many attempts. */
export function searches({ height, width }) {
  return height * width <= SEARCHED;
}

/**
 * An image as PNG, JPEG and WebP, the last two at the coarsest setting that is at least as good.
 *
 * @param {HTMLCanvasElement} canvas which shows the image
 * @param {{data: Uint8Array, height: number, width: number}} image
 * @param {number} target PSNR to reach, in dB
 * @param {() => boolean} stale whether nobody waits for the answer any more
 * @returns {Promise<{name: string, bytes: number, psnr: number, note: string}[]>} without those
 *   that the browser cannot write
 */
export async function rivals(canvas, image, target, stale) {
  const channels = image.data.length / (image.height * image.width);
  const found = [];
  const png = await written(canvas, "image/png");
  if (png) found.push({ name: "PNG", bytes: png.size, psnr: Infinity, note: "" });
  for (const [name, type] of [
    ["JPEG", "image/jpeg"],
    ["WebP", "image/webp"],
  ]) {
    const best = await coarsest(canvas, type, image, channels, target, stale);
    if (best) found.push({ name, ...best });
  }
  return found;
}

async function coarsest(canvas, type, image, channels, target, stale) {
  const attempt = async (setting) => {
    const blob = await written(canvas, type, setting / 100);
    if (!blob) return null;
    const quality = psnr(image.data, await pixelsOf(blob, channels));
    return { bytes: blob.size, psnr: quality, note: `setting ${setting}` };
  };
  if (!searches(image)) return attempt(PLAIN);
  let [low, high, best] = [1, 100, null];
  while (low <= high && !stale()) {
    const middle = (low + high) >> 1;
    const result = await attempt(middle);
    if (!result) return null;
    if (result.psnr >= target) {
      best = result;
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  return best ?? attempt(100);
}

/** The file that the browser makes of a canvas; null if it cannot write that type. */
function written(canvas, type, setting) {
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(blob?.type === type ? blob : null), type, setting);
  });
}

async function pixelsOf(blob, channels) {
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return fromCanvas(context.getImageData(0, 0, canvas.width, canvas.height).data, channels);
}
