// How much a reader does for the bytes that it received (FORMAT.md, section 7.1).

import { laneCount } from "./entropy.js";
import { BitstreamLimitError, CorruptBitstreamError } from "./errors.js";

/** Most pixels of an image, or of all images of a stream. */
export const MAX_PIXELS = 2 ** 26;
/** Most images of a stream. */
export const MAX_IMAGES = 2 ** 17;

// What is allowed for any bytes, and for each byte received.
export const IMAGES = [2 ** 10, 2 ** 3];
export const PIXELS = [2 ** 20, 2 ** 12];
export const RUNS = [2 ** 12, 2 ** 7];

const TILE_PIXELS = 16; // pixels of tiles for each pixel that is allowed
const ESCAPES = 2 ** 13; // allowed with any limit, and beside them ...
const PIXELS_PER_ESCAPE = 2 ** 5;

/** What a reader allows. */
export class Limits {
  /**
   * @param {object} [limits]
   * @param {number} [limits.maxPixels] most pixels of an image, or of all images of a stream
   * @param {number} [limits.maxImages] most images of a stream
   * @param {number} [limits.maxExpansion] how many times `IMAGES`, `PIXELS` and `RUNS` are allowed
   */
  constructor({ maxPixels = MAX_PIXELS, maxImages = MAX_IMAGES, maxExpansion = 1 } = {}) {
    for (const [name, value] of Object.entries({ maxPixels, maxImages, maxExpansion })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(
          `\`${name}\` must be a positive integer. Received: ${name}=${String(value)}`,
        );
      }
    }
    this.maxPixels = maxPixels;
    this.maxImages = maxImages;
    this.maxExpansion = maxExpansion;
  }

  /** Most escaped symbols of a block. */
  get escapes() {
    return Math.max(ESCAPES, Math.floor(this.maxPixels / PIXELS_PER_ESCAPE));
  }

  /** Refuse claims that are too large for so few bytes, or at all. */
  check({ images, pixels, runs, tilePixels }, received) {
    if (images > this.maxImages) {
      throw new BitstreamLimitError(
        `The bitstream claims ${images} images, over the ${this.maxImages} that are allowed; ` +
          "raise `maxImages` if you trust it.",
      );
    }
    for (const [what, number, [base, each], factor] of [
      ["images", images, IMAGES, 1],
      ["pixels", pixels, PIXELS, 1],
      ["runs of the decoder", runs, RUNS, 1],
      ["pixels of tiles", tilePixels, PIXELS, TILE_PIXELS],
    ]) {
      const most = factor * this.maxExpansion * (base + each * received);
      if (number > most) {
        throw new BitstreamLimitError(
          `The bitstream of ${received} bytes claims ${number} ${what}, over the ${most} that ` +
            "so few are allowed; raise `maxExpansion` if you trust it.",
        );
      }
    }
  }

  /** Refuse images that take far more memory or time than their pixels. */
  checkWork(symbols, tilePixels, what) {
    if (symbols > this.maxPixels || tilePixels > TILE_PIXELS * this.maxPixels) {
      throw new BitstreamLimitError(
        `${what} pixels take ${symbols} symbols and ${tilePixels} pixels of tiles, more than is ` +
          `allowed with \`maxPixels\` of ${this.maxPixels}.`,
      );
    }
  }

  /** Refuse more escaped symbols than are allowed. */
  checkEscapes(number) {
    if (number > this.escapes) {
      throw new BitstreamLimitError(
        `The bitstream holds ${number} symbols outside of its tables, more than the ` +
          `${this.escapes} that are allowed with \`maxPixels\` of ${this.maxPixels}.`,
      );
    }
  }

  /** Refuse a payload that is longer than its symbols, and the classes before them, can make it. */
  checkLength(payload, symbols, classes, lanes = laneCount(symbols)) {
    const front = classes + 4 * lanes + 2 * symbols;
    if (payload > front + 10 * symbols) {
      // An entry takes a word at most, an escape has five more.
      throw new CorruptBitstreamError("The bitstream is longer than its symbols can make it.");
    }
    if (payload > front + 10 * this.escapes) this.checkEscapes(Math.ceil((payload - front) / 10));
  }
}

/** What the bytes of a file or a stream may ask for, block by block. */
export class Budget {
  #layout;
  #limits;
  #received;
  #claims = { images: 0, pixels: 0, runs: 0, tilePixels: 0 };

  /**
   * @param {object} layout the `Layout` of the bundle
   * @param {Limits} limits
   * @param {number} received how many bytes there are
   */
  constructor(layout, limits, received) {
    this.#layout = layout;
    this.#limits = limits;
    this.#received = received;
  }

  /** Count a block, after which the blocks so far are within the limits. */
  take({ count, height, width, quality, payload }) {
    const layout = this.#layout;
    const symbols = count * layout.count(height, width);
    const { classes } = layout.codec.qualities[quality - 1];
    const bits = count * layout.groupCount(height, width) * (32 - Math.clz32(classes - 1));
    this.#limits.checkLength(payload.length, symbols, Math.ceil(bits / 8));
    const runs = count * layout.runs(height, width);
    const [tileHeight, tileWidth] = layout.codec.tile;
    this.#claims.images += count;
    this.#claims.pixels += count * height * width;
    this.#claims.runs += runs;
    this.#claims.tilePixels += runs * tileHeight * tileWidth;
    const what = `${count} x ${height} x ${width}`;
    this.#limits.checkWork(symbols, this.#claims.tilePixels, what);
    this.#limits.check(this.#claims, this.#received);
  }
}

/**
 * Refuse what is no image of so many channels, or too large a one.
 *
 * @param {{data: Uint8Array | Uint8ClampedArray, height: number, width: number}} image
 * @param {number} channels
 * @param {number} maxPixels
 */
export function checkImage({ data, height, width }, channels, maxPixels) {
  const pixels = height * width;
  const whole = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0;
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!whole || pixels > maxPixels) {
    throw new RangeError(
      `The image must have 1 to ${maxPixels} pixels. Received: ${height} x ${width}`,
    );
  }
  if (!bytes || data.length !== channels * pixels) {
    throw new RangeError(
      `The image's data must be ${channels * pixels} bytes. Received: ${data?.length}`,
    );
  }
}
