// The codec of a bundle. It runs no networks: whoever uses it passes functions that do.

import * as bitstream from "./bitstream.js";
import { packBits, Tables, unpackBits } from "./entropy.js";
import { CorruptBitstreamError } from "./errors.js";
import { Budget, checkImage, Limits } from "./limits.js";
import { Layout } from "./tiling.js";
import { arrayFor, dequantise, pixelOf, quantise, stepsOf, symbolOf } from "./values.js";

const BLOCK_PIXELS = 2 ** 22; // a stream's writer starts a new block beyond this many pixels

/**
 * @typedef {object} Image
 * @property {number} height
 * @property {number} width
 * @property {Uint8Array} data rows, columns, channels of the bundle (grey, or red, green, blue)
 *
 * @typedef {Uint8Array | Float32Array | Int32Array} Values
 */

/** Compresses images to bytes and back with a bundle. */
export class Codec {
  #tables = [];

  /**
   * @param {object} manifest what `parseManifest` gave, after `verifyFiles`
   * @param {object} [options]
   * @param {(input: Values) => Values | Promise<Values>} [options.encoder] runs encoder.tflite on
   *   values of exactly its input's type and size
   * @param {(input: Values) => Values | Promise<Values>} [options.decoder] runs decoder.tflite
   * @param {object} [options.labelled] the same two functions for `manifest.labels`, which take a
   *   label, one-hot, as well
   * @param {number} [options.maxPixels] most pixels of an image, or of a stream
   * @param {number} [options.maxImages] most images of a stream
   * @param {number} [options.maxExpansion] how many times the images, pixels and runs of the
   *   decoder that FORMAT.md allows for each byte received a bitstream may ask for
   */
  constructor(manifest, { encoder, decoder, labelled, ...limits } = {}) {
    this.manifest = manifest;
    this.spec = manifest.codec;
    this.layout = new Layout(this.spec);
    this.limits = new Limits(limits);
    this.maxPixels = this.limits.maxPixels;
    this.runEncoder = encoder;
    this.runDecoder = decoder;
    this.labelled = labelled;
    this.channels = this.spec.code_shape.at(-1);
    this.names = {
      hash: Uint8Array.from(manifest.bundle_hash.match(/../g), (pair) => parseInt(pair, 16)),
      qualities: this.qualities,
      maxPixels: this.maxPixels,
      budget: (received) => new Budget(this.layout, this.limits, received),
    };
  }

  /** How many qualities the bundle has: 1, the smallest files, to this, the best and the default. */
  get qualities() {
    return this.spec.qualities.length;
  }

  /** The names of the classes that the models may be told; none for most bundles. */
  get classNames() {
    return this.manifest.labels?.names ?? [];
  }

  /** Compress an image to a `.kae` file. `label` is what it shows: one of `classNames`. */
  async compress(image, { quality, label } = {}) {
    const symbols = await this.encode(image, { quality, label });
    return this.pack(symbols, image.height, image.width, { quality });
  }

  /** Rebuild the image of a `.kae` file. `label` is what it is to show. */
  async decompress(data, { label } = {}) {
    const { symbols, height, width, quality } = this.unpack(data);
    return this.decode(symbols, height, width, { quality, label });
  }

  /** Compress images to one stream. */
  async compressMany(images, { quality, label } = {}) {
    const coded = [];
    for (const image of images) {
      const symbols = await this.encode(image, { quality, label });
      coded.push({ symbols, height: image.height, width: image.width, quality });
    }
    return this.packMany(coded);
  }

  /** Rebuild the images of a stream, in order. */
  async decompressMany(data, { label } = {}) {
    const images = [];
    for (const { symbols, height, width, quality } of this.unpackMany(data)) {
      images.push(await this.decode(symbols, height, width, { quality, label }));
    }
    return images;
  }

  /** The `.kae` file of the symbols of an image of that size. */
  pack(symbols, height, width, { quality } = {}) {
    const block = this.#block([symbols], height, width, this.#quality(quality));
    return bitstream.writeImage(block, this.names);
  }

  /** The symbols, the height, the width and the quality of a `.kae` file. */
  unpack(data) {
    const block = bitstream.readImage(data, this.names);
    return this.#images(block)[0];
  }

  /** The stream of images, given as `unpack` gives one. */
  packMany(coded) {
    const blocks = [];
    let batch = [];
    const close = () => {
      const [{ height, width, quality }] = batch;
      const symbols = batch.map((image) => image.symbols);
      blocks.push(this.#block(symbols, height, width, this.#quality(quality)));
      batch = [];
    };
    for (const image of coded) {
      const alike = ["height", "width", "quality"].every(
        (key) => !batch.length || batch[0][key] === image[key],
      );
      const pixels = (batch.length + 1) * image.height * image.width;
      const full = batch.length === bitstream.MAX_BLOCK_IMAGES || pixels > BLOCK_PIXELS;
      if (batch.length && (!alike || full)) close();
      batch.push(image);
    }
    if (batch.length) close();
    return bitstream.writeStream(blocks, this.names);
  }

  /** The images of a stream, each as `unpack` gives one, block by block. */
  *unpackMany(data) {
    for (const block of bitstream.readStream(data, this.names)) yield* this.#images(block);
  }

  /** The symbols of an image. */
  async encode({ data, height, width }, { quality, label } = {}) {
    this.#checkImage({ data, height, width });
    const { spec, layout, channels } = this;
    const { input, output, run } = this.#side("encoder", label);
    const steps = stepsOf(spec.qualities[this.#quality(quality) - 1]);
    const levels = Array.from({ length: 256 }, (_, p) => quantise(p / 255, input));
    const [tileHeight, tileWidth] = spec.tile;
    const columnsOfCells = layout.cells(height, width)[1];
    const symbols = new Int32Array(layout.count(height, width));
    const [rows, columns] = layout.spans(height, width);
    for (const row of rows) {
      for (const column of columns) {
        const tile = arrayFor(input);
        const top = row.origin * layout.pitch[0];
        const left = column.origin * layout.pitch[1];
        for (let y = 0, at = 0; y < tileHeight; y++) {
          const line = Math.min(top + y, height - 1) * width;
          for (let x = 0; x < tileWidth; x++) {
            const from = (line + Math.min(left + x, width - 1)) * spec.channels;
            for (let c = 0; c < spec.channels; c++) tile[at++] = levels[data[from + c]];
          }
        }
        const code = await run(tile);
        for (let y = row.start; y < row.stop; y++) {
          for (let x = column.start; x < column.stop; x++) {
            const cell = (y - row.origin) * layout.tileCells[1] + (x - column.origin);
            const to = (y * columnsOfCells + x) * layout.depth;
            for (let i = 0; i < layout.depth; i++) {
              const value = dequantise(code[cell * layout.depth + i], output);
              symbols[to + i] = symbolOf(value, steps[i % channels]);
            }
          }
        }
      }
    }
    return symbols;
  }

  /** The image of given symbols. */
  async decode(symbols, height, width, { quality, label } = {}) {
    this.#checkSymbols(symbols, height, width, RangeError);
    const { spec, layout, channels } = this;
    const { input, output, run } = this.#side("decoder", label);
    const steps = stepsOf(spec.qualities[this.#quality(quality) - 1]);
    const [rowsOfCells, columnsOfCells] = layout.cells(height, width);
    const [pitchY, pitchX] = layout.pitch;
    const data = new Uint8Array(height * width * spec.channels);
    const [rows, columns] = layout.spans(height, width);
    for (const row of rows) {
      for (const column of columns) {
        const code = arrayFor(input);
        for (let y = 0, at = 0; y < layout.tileCells[0]; y++) {
          // A code smaller than a tile is continued by its last cells.
          const line = Math.min(row.origin + y, rowsOfCells - 1) * columnsOfCells;
          for (let x = 0; x < layout.tileCells[1]; x++) {
            const from = (line + Math.min(column.origin + x, columnsOfCells - 1)) * layout.depth;
            for (let i = 0; i < layout.depth; i++) {
              code[at++] = quantise(symbols[from + i] * steps[i % channels], input);
            }
          }
        }
        const tile = await run(code);
        const bottom = Math.min(row.stop * pitchY, height);
        const right = Math.min(column.stop * pitchX, width);
        for (let y = row.start * pitchY; y < bottom; y++) {
          for (let x = column.start * pitchX; x < right; x++) {
            const from = (y - row.origin * pitchY) * spec.tile[1] + (x - column.origin * pitchX);
            for (let c = 0; c < spec.channels; c++) {
              const value = tile[from * spec.channels + c];
              data[(y * width + x) * spec.channels + c] = pixelOf(value, output);
            }
          }
        }
      }
    }
    return { data, height, width };
  }

  #block(images, height, width, quality) {
    for (const symbols of images) this.#checkSymbols(symbols, height, width, RangeError);
    const { classes } = this.spec.qualities[quality - 1];
    const tables = this.#coder(quality);
    const symbols = images.length === 1 ? images[0] : joined(images);
    let payload;
    if (classes === 1) {
      payload = tables.encode(symbols);
    } else {
      const groupOf = this.layout.groupOf(height, width);
      const groups = images.length * this.layout.groupCount(height, width);
      const chosen = tables.cheapestClasses(symbols, groupOf, groups);
      const front = packBits(chosen, classBits(classes));
      payload = bitstream.join([front, tables.encode(symbols, (cell) => chosen[groupOf(cell)])]);
    }
    return { count: images.length, height, width, quality, payload };
  }

  #images({ count, height, width, quality, payload }) {
    const { classes } = this.spec.qualities[quality - 1];
    const tables = this.#coder(quality);
    const each = this.layout.count(height, width);
    let symbols;
    if (classes === 1) {
      symbols = tables.decode(payload, count * each, undefined, this.limits);
    } else {
      const groups = count * this.layout.groupCount(height, width);
      const [chosen, rest] = unpackBits(payload, groups, classBits(classes));
      if (!chosen.every((k) => k < classes)) {
        throw new CorruptBitstreamError("The payload names a class that does not exist.");
      }
      const groupOf = this.layout.groupOf(height, width);
      symbols = tables.decode(rest, count * each, (cell) => chosen[groupOf(cell)], this.limits);
    }
    this.#checkIndices(symbols, CorruptBitstreamError);
    return Array.from({ length: count }, (_, i) => ({
      symbols: symbols.slice(i * each, (i + 1) * each),
      height,
      width,
      quality,
    }));
  }

  #coder(quality) {
    this.#tables[quality] ??= new Tables(this.spec.qualities[quality - 1].tables, this.channels);
    return this.#tables[quality];
  }

  /** The edges of the encoder or the decoder, and what runs it; with a label, of that class. */
  #side(name, label) {
    if (label === undefined || label === null) {
      const run = name === "encoder" ? this.runEncoder : this.runDecoder;
      return { ...this.manifest[name], run };
    }
    const names = this.classNames;
    const known = typeof label === "string" ? names.indexOf(label) : label;
    if (!Number.isInteger(known) || known < 0 || known >= names.length || !this.labelled) {
      const rule = this.labelled && names.length ? `one of ${names.join(", ")}` : "left out";
      throw new RangeError(`\`label\` must be ${rule}. Received: ${label}`);
    }
    const part = this.manifest.labels[name];
    const vector = arrayFor(part.label).fill(quantise(0, part.label));
    vector[known] = quantise(1, part.label);
    return { ...part, run: (values) => this.labelled[name](values, vector) };
  }

  #quality(quality = this.qualities) {
    if (!Number.isInteger(quality) || quality < 1 || quality > this.qualities) {
      throw new RangeError(
        `\`quality\` must be an integer from 1 to ${this.qualities}. Received: ${quality}`,
      );
    }
    return quality;
  }

  #checkImage(image) {
    checkImage(image, this.spec.channels, this.maxPixels);
    const { height, width } = image;
    const tilePixels = this.layout.runs(height, width) * this.spec.tile[0] * this.spec.tile[1];
    const symbols = this.layout.count(height, width);
    this.limits.checkWork(symbols, tilePixels, `1 x ${height} x ${width}`);
  }

  #checkSymbols(symbols, height, width, Refusal) {
    const count = height >= 1 && width >= 1 ? this.layout.count(height, width) : -1;
    if (symbols.length !== count) {
      throw new Refusal(
        `\`symbols\` must be the ${count} integers of a ${height} x ${width} image. ` +
          `Received: ${symbols.length}`,
      );
    }
    this.#checkIndices(symbols, Refusal);
  }

  /** Refuse symbols outside the codebook, on which a decoder may do anything. */
  #checkIndices(symbols, Refusal) {
    const { codebook } = this.spec;
    if (codebook && !symbols.every((s) => s >= 0 && s < codebook)) {
      throw new Refusal(`\`symbols\` must be indices from 0 to ${codebook - 1}.`);
    }
  }
}

function classBits(classes) {
  return 32 - Math.clz32(classes - 1);
}

function joined(images) {
  const result = new Int32Array(images.reduce((sum, symbols) => sum + symbols.length, 0));
  let at = 0;
  for (const symbols of images) {
    result.set(symbols, at);
    at += symbols.length;
  }
  return result;
}
