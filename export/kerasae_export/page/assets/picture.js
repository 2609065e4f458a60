// Image files to the pixels that the codec takes, and back, with the browser's own decoders.

export const MAX_BYTES = 2 ** 27; // of a file
export const MAX_PIXELS = 2 ** 24; // of an image that is encoded or decoded
export const MAX_DECODED = 2 ** 26; // pixels that a browser is asked to decode

/**
 * Read an image file as grey or colour pixels, upright and without transparency.
 *
 * @param {Blob} blob
 * @param {object} how
 * @param {string} how.name what to call it in an error
 * @param {number} how.channels 1 for grey (ITU-R 601), 3 for colour
 * @param {(height: number, width: number) => {height, width, crop}} how.fit the size to bring it
 *   to, and whether the middle of it is cut out for that
 * @returns {Promise<{data: Uint8Array, height, width, from: {height, width}}>}
 */
export async function readPicture(blob, { name, channels, fit }) {
  if (!blob.size) throw new RangeError(`${name} is empty.`);
  if (blob.size > MAX_BYTES) {
    throw new RangeError(
      `${name} has ${blob.size} bytes, over the ${MAX_BYTES} that this page reads.`,
    );
  }
  const claimed = sizeOf(new Uint8Array(await blob.slice(0, 2 ** 18).arrayBuffer()));
  if (claimed) checkSize(name, claimed);
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw new RangeError(
      `${name} cannot be read as an image: it is damaged, or of a format that this browser does ` +
        "not know.",
    );
  }
  try {
    const from = { height: bitmap.height, width: bitmap.width };
    checkSize(name, from);
    const { height, width, crop } = fit(from.height, from.width);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white"; // transparency is laid over it
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const scale = Math.min(from.width / width, from.height / height);
    const [w, h] = crop ? [width * scale, height * scale] : [from.width, from.height];
    context.drawImage(
      bitmap,
      (from.width - w) / 2,
      (from.height - h) / 2,
      w,
      h,
      0,
      0,
      width,
      height,
    );
    const { data } = context.getImageData(0, 0, width, height);
    return { data: fromCanvas(data, channels), height, width, from };
  } finally {
    bitmap.close();
  }
}

/** For `fit`: leave the size alone. */
export function asItIs(height, width) {
  return { height, width, crop: false };
}

/** For `fit`: at most so many pixels. */
export function atMost(pixels) {
  return (height, width) => {
    const scale = Math.min(1, Math.sqrt(pixels / (height * width)));
    const side = (n) => Math.max(1, Math.floor(n * scale));
    return { height: side(height), width: side(width), crop: false };
  };
}

function checkSize(name, { height, width }) {
  if (height * width > MAX_DECODED) {
    throw new RangeError(
      `${name} has ${width} x ${height} pixels, over the ${MAX_DECODED} that this page decodes: ` +
        "scale it down first.",
    );
  }
}

/** Pixels of a canvas (four channels) to grey or colour, as Pillow does it. */
export function fromCanvas(rgba, channels) {
  const data = new Uint8Array((rgba.length / 4) * channels);
  for (let i = 0, at = 0; i < rgba.length; i += 4) {
    const r = rgba[i];
    const g = rgba[i + 1];
    const b = rgba[i + 2];
    if (channels === 1) {
      data[at++] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    } else {
      data[at++] = r;
      data[at++] = g;
      data[at++] = b;
    }
  }
  return data;
}

/** Put pixels on a canvas, which takes their size. */
export function toCanvas(canvas, { data, height, width }) {
  canvas.width = width;
  canvas.height = height;
  const channels = data.length / (height * width);
  const image = new ImageData(width, height);
  const rgba = image.data;
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0, at = 0; i < rgba.length; i += 4, at += channels) {
    rgba[i] = data[at];
    rgba[i + 1] = data[at + green];
    rgba[i + 2] = data[at + blue];
    rgba[i + 3] = 255;
  }
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
  canvas.classList.toggle("tiny", Math.max(height, width) < 100);
  return canvas;
}

/** How far two images are apart, enlarged, on black. */
export function differenceOf(a, b, gain) {
  const data = Uint8Array.from(a.data, (value, i) =>
    Math.min(255, gain * Math.abs(value - b.data[i])),
  );
  return { data, height: a.height, width: a.width };
}

/** Peak signal-to-noise ratio of two arrays of pixels, in dB; infinite if they are equal. */
export function psnr(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = a[i] - b[i];
    sum += distance * distance;
  }
  return sum ? 10 * Math.log10((255 ** 2 * a.length) / sum) : Infinity;
}

/** The largest difference of two arrays, and how many values differ. */
export function apart(a, b) {
  let most = 0;
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs(a[i] - b[i]);
    if (distance) count += 1;
    if (distance > most) most = distance;
  }
  return { most, count };
}

/** Several images as one, row by row, for a stream of them. */
export function mosaicOf(images, channels) {
  const height = Math.max(...images.map((image) => image.height));
  const width = Math.max(...images.map((image) => image.width));
  const columns = Math.max(1, Math.round(Math.sqrt((images.length * height) / width)));
  const rows = Math.ceil(images.length / columns);
  const result = { height: rows * height, width: columns * width };
  result.data = new Uint8Array(result.height * result.width * channels).fill(128);
  images.forEach((image, i) => {
    const top = Math.floor(i / columns) * height;
    const left = (i % columns) * width;
    const line = image.width * channels;
    for (let y = 0; y < image.height; y++) {
      const from = image.data.subarray(y * line, (y + 1) * line);
      result.data.set(from, ((top + y) * result.width + left) * channels);
    }
  });
  return result;
}

/**
 * The size that a file claims, read from its head, so that a huge one is never unpacked.
 *
 * @param {Uint8Array} bytes the beginning of a PNG, JPEG, GIF, BMP, WebP or AVIF file
 * @returns {{height: number, width: number} | null} null where it does not tell
 */
export function sizeOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at, n) => String.fromCharCode(...bytes.subarray(at, at + n));
  try {
    if (text(1, 3) === "PNG") return { width: view.getUint32(16), height: view.getUint32(20) };
    if (text(0, 3) === "GIF")
      return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (text(0, 2) === "BM") {
      return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
    }
    if (text(0, 4) === "RIFF" && text(8, 4) === "WEBP") return webp(view, text(12, 4));
    if (text(4, 4) === "ftyp") return boxed(view, bytes);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpeg(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the file ends too early
  }
  return null;
}

function webp(view, kind) {
  if (kind === "VP8X") {
    const size = (at) => 1 + (view.getUint16(at, true) | (view.getUint8(at + 2) << 16));
    return { width: size(24), height: size(27) };
  }
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function jpeg(view) {
  for (let at = 2; ;) {
    const marker = view.getUint16(at);
    if (marker < 0xff00) return null;
    const frame =
      marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (frame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += marker === 0xffff ? 1 : 2 + view.getUint16(at + 2);
  }
}

/** AVIF and HEIC: the largest of the sizes in their `ispe` boxes. */
function boxed(view, bytes) {
  let found = null;
  for (let at = 4; at + 16 <= bytes.length; at++) {
    if (view.getUint32(at) !== 0x69737065) continue;
    const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (!found || size.width * size.height > found.width * found.height) found = size;
  }
  return found;
}
