// The codec of photographs: pixels to a file of version 2 and back, without any network.

import { BitstreamBundleError, BundleError } from "./errors.js";
import { CHANNELS, parseFamily, PLANES, QUALITIES } from "./family.js";
import { checkImage, Limits } from "./limits.js";
import { decideByRule } from "./photo-decisions.js";
import { familyId, readPhoto, writePhoto } from "./photo-file.js";
import { analyse, cellsOf, synthesise } from "./photo-transform.js";
import { MAX_LANES, packPhoto, unpackPhoto, unpredictLowest } from "./photo.js";

export const DEFAULT_QUALITY = 75;

/**
 * @typedef {object} Photograph
 * @property {number} height
 * @property {number} width
 * @property {Uint8Array | Uint8ClampedArray} data rows, columns, and red, green, blue
 *
 * @typedef {object} Analysed
 * @property {Family} family
 * @property {Int32Array} coefficients as `analyse` of photo-transform.js gives them
 * @property {number} height
 * @property {number} width
 *
 * @callback Tell is told how far the transform is
 * @param {number} done rows of cells
 * @param {number} total of them
 */

/** Compresses photographs to bytes and back. */
export class PhotoCodec {
  #load;
  #families = new Map();

  /**
   * @param {string[]} ids of the families, four hexadecimal digits each: the first one writes, and
   *   all of them read
   * @param {(id: string) => Uint8Array | Promise<Uint8Array>} load gives the bytes of the
   *   `family.json` of an id; called when a family is first needed
   * @param {object} [options]
   * @param {number} [options.maxPixels] most pixels of a photograph
   * @param {number} [options.maxExpansion] how many times the pixels that FORMAT.md allows for each
   *   byte received a file may have
   */
  constructor(ids, load, { maxPixels, maxExpansion } = {}) {
    if (!Array.isArray(ids) || !ids.length || !ids.every((id) => /^[0-9a-f]{4}$/.test(id))) {
      throw new RangeError(
        "`ids` must be a list of one or more ids of four hexadecimal digits. " +
          `Received: ${JSON.stringify(ids)}`,
      );
    }
    this.ids = [...ids];
    this.limits = new Limits({ maxPixels, maxExpansion });
    this.maxPixels = this.limits.maxPixels;
    this.#load = load;
  }

  /** How many qualities there are: 1, the smallest files, to this, the best. */
  get qualities() {
    return QUALITIES;
  }

  /**
   * The family of an id, which is loaded once.
   *
   * @param {string} id
   * @returns {Promise<Family>}
   */
  family(id) {
    if (!this.#families.has(id)) {
      const loading = this.#loadFamily(id);
      this.#families.set(id, loading);
      loading.catch(() => this.#families.delete(id)); // another call tries again
    }
    return this.#families.get(id);
  }

  /**
   * Compress a photograph to a `.kae` file of version 2, by the rule of effort 0.
   *
   * @param {Photograph} image
   * @param {object} [options]
   * @param {number} [options.quality] 1 (the smallest file) to 100 (the best image)
   * @returns {Promise<Uint8Array>}
   */
  async compress(image, { quality = DEFAULT_QUALITY } = {}) {
    checkQuality(quality);
    return this.write(await this.analyse(image), { quality });
  }

  /**
   * The coefficients of a photograph, from which `write` makes files of any quality.
   *
   * @param {Photograph} image
   * @param {object} [options]
   * @param {Tell} [options.tell]
   * @returns {Promise<Analysed>}
   */
  async analyse(image, { tell } = {}) {
    checkImage(image, PLANES, this.maxPixels);
    const { height, width } = image;
    const family = await this.family(this.ids[0]);
    return { family, coefficients: analyse(family, image, tell), height, width };
  }

  /**
   * The file of an analysed photograph; see `compress`.
   *
   * @param {Analysed} analysed
   * @param {object} [options]
   * @param {number} [options.quality]
   * @returns {Uint8Array}
   */
  write({ family, coefficients, height, width }, { quality = DEFAULT_QUALITY } = {}) {
    checkQuality(quality);
    const [rows, columns] = [cellsOf(height), cellsOf(width)];
    const { symbols, classes } = decideByRule(family, coefficients, rows, columns, quality);
    const payload = packPhoto(family, symbols, classes, columns, quality);
    return writePhoto({ quality, height, width }, payload, family.hash);
  }

  /**
   * Rebuild the photograph of a file.
   *
   * @param {Uint8Array} data
   * @param {object} [options]
   * @param {Tell} [options.tell]
   * @returns {Promise<Photograph & {quality: number}>}
   * @throws {BitstreamError} if the bytes are damaged, of an unknown family or version, or claim
   *   more than is allowed
   */
  async decompress(data, { tell } = {}) {
    const { family, coded, ...head } = await this.unpack(data);
    return { data: synthesise(family, coded, head, tell), ...head };
  }

  /**
   * The symbols of a file.
   *
   * @param {Uint8Array} data
   * @returns {Promise<{family: Family, coded: Coded, quality: number,
   *   height: number, width: number}>} lowest coefficients themselves, not as differences
   */
  async unpack(data) {
    const id = familyId(data) ?? this.ids[0];
    if (!this.ids.includes(id)) {
      throw new BitstreamBundleError(
        `The bitstream was made with family ${id}, which this codec does not have: ` +
          `${[...this.ids].sort().join(", ")}.`,
      );
    }
    const family = await this.family(id);
    const { payload, ...head } = readPhoto(data, {
      hash: family.hash,
      maxPixels: this.maxPixels,
      check: ({ height, width }, size) => this.#checkClaims(height, width, size, data.length),
    });
    const { quality, height, width } = head;
    const [rows, columns] = [cellsOf(height), cellsOf(width)];
    const coded = unpackPhoto(family, payload, rows, columns, quality, this.limits);
    unpredictLowest(coded.symbols, rows, columns);
    return { family, coded, ...head };
  }

  async #loadFamily(id) {
    const family = parseFamily(await this.#load(id));
    if (family.id !== id) {
      throw new BundleError(`family.json must be that of family ${id}. Received: ${family.id}`);
    }
    return family;
  }

  #checkClaims(height, width, size, received) {
    const claims = { images: 1, pixels: height * width, runs: 0, tilePixels: 0 };
    this.limits.check(claims, received);
    const coded = cellsOf(height) * cellsOf(width) * (CHANNELS + 1);
    this.limits.checkLength(size, coded, 1, MAX_LANES);
  }
}

function checkQuality(quality) {
  if (!Number.isInteger(quality) || quality < 1 || quality > QUALITIES) {
    throw new RangeError(
      `\`quality\` must be an integer from 1 to ${QUALITIES}. Received: ${quality}`,
    );
  }
}
