// The formats that every browser writes, for comparison.

import { fromCanvas, psnr } from "./picture.js";

const SEARCHED = 2 ** 22; // pixels up to which the setting of an equal error is searched for

/** The setting beyond that. */
export const PLAIN = 80;

const sizes = new WeakMap(); // of an image: bytes of each type and setting that was tried

/** Whether the image is small enough for many attempts, each of which is decoded. */
export function searches({ height, width }) {
  return height * width <= SEARCHED;
}

/**
 * An image as PNG, JPEG and WebP, the last two as good as ours, or as small.
 *
 * @param {HTMLCanvasElement} canvas which shows the image
 * @param {{data: Uint8Array, height: number, width: number}} image
 * @param {{psnr: number} | {bytes: number}} goal decibels, for the coarsest setting that is at
 *   least as good, or bytes, for the finest one that is no larger
 * @param {() => boolean} stale whether nobody waits for the answer any more
 * @returns {Promise<{name: string, bytes: number, psnr: number, note: string,
 *   data?: Uint8Array}[]>} without those that the browser cannot write; `data` are pixels
 */
export async function rivals(canvas, image, goal, stale) {
  const channels = image.data.length / (image.height * image.width);
  const found = [];
  const png = await sizeOf(canvas, image, "image/png");
  if (png < Infinity) found.push({ name: "PNG", bytes: png, psnr: Infinity, note: "" });
  const search = "bytes" in goal ? finest : coarsest;
  for (const [name, type] of [
    ["JPEG", "image/jpeg"],
    ["WebP", "image/webp"],
  ]) {
    const attempt = async (setting) => {
      const blob = await written(canvas, type, setting / 100);
      if (!blob) return null;
      const data = await pixelsOf(blob, channels);
      const note = `setting ${setting}`;
      return { bytes: blob.size, psnr: psnr(image.data, data), note, data };
    };
    const sizeAt = (setting) => sizeOf(canvas, image, type, setting / 100);
    const best = await search({ attempt, sizeAt, image, goal, stale });
    if (best) found.push({ name, ...best });
  }
  return found;
}

/** The coarsest setting that is at least as good. */
async function coarsest({ attempt, image, goal, stale }) {
  if (!searches(image)) return attempt(PLAIN);
  let [low, high, best] = [1, 100, null];
  while (low <= high && !stale()) {
    const middle = (low + high) >> 1;
    const result = await attempt(middle);
    if (!result) return null;
    if (result.psnr >= goal.psnr) {
      best = result;
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  return best ?? attempt(100);
}

/** The finest setting that is no larger; the smallest of all where each is larger. */
async function finest({ attempt, sizeAt, goal, stale }) {
  let [low, high] = [0, 100];
  while (low <= high && !stale()) {
    const middle = (low + high) >> 1;
    if ((await sizeAt(middle)) <= goal.bytes) low = middle + 1;
    else high = middle - 1;
  }
  return stale() ? null : attempt(Math.max(0, high));
}

/** The bytes of an image as a file, tried once; infinite if the browser cannot write that type. */
async function sizeOf(canvas, image, type, setting) {
  if (!sizes.has(image)) sizes.set(image, new Map());
  const known = sizes.get(image);
  const key = `${type} ${setting}`;
  if (!known.has(key)) known.set(key, (await written(canvas, type, setting))?.size ?? Infinity);
  return known.get(key);
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
