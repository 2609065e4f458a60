// The container around the entropy-coded symbols: `.kae` files and streams (FORMAT.md, 5 to 7).

import {
  BitstreamBundleError,
  BitstreamError,
  BitstreamLimitError,
  BitstreamVersionError,
  CorruptBitstreamError,
} from "./errors.js";
import { crc32, hex } from "./hash.js";
import { readVarint, varint } from "./varint.js";

export const VERSION = 1;
export const MAX_BLOCK_IMAGES = 256;

export const FILE = 0x6b;
const STREAM = 0x73;
export const HEAD = 5;
const MAX_SIDE = 2 ** 31 - 1;
export const DAMAGED = "The bitstream is damaged or truncated: its checksum does not match.";

/**
 * @typedef {object} Block images of one size that share an entropy-coded payload
 * @property {number} count number of images, 1 to 256
 * @property {number} height of each in pixels
 * @property {number} width of each in pixels
 * @property {number} quality from 1 on
 * @property {Uint8Array} payload
 *
 * @typedef {object} Names what a bitstream is checked against
 * @property {Uint8Array} hash the 32 bytes of the bundle's hash
 * @property {number} qualities how many the bundle has
 * @property {number} maxPixels most pixels of all images together
 * @property {(received: number) => {take: (block: Block) => void}} [budget] what else so many bytes
 *   may ask for
 */

/** Whether the bytes begin like a stream of many images, not like a single one. */
export function isStream(data) {
  return data[0] === 0xae && data[1] === STREAM;
}

/** The `.kae` file of a block of one image. */
export function writeImage(block, names) {
  const body = join([
    head(FILE, names),
    named(block, names),
    varint(block.height),
    varint(block.width),
    block.payload,
  ]);
  return join([body, crc(names, body)]);
}

/**
 * Check a `.kae` file and return its block of one image.
 *
 * @param {Uint8Array} data
 * @param {Names} names
 * @returns {Block}
 */
export function readImage(data, names) {
  checkHead(data, FILE, names);
  const body = data.subarray(0, -4);
  if (body.length < HEAD + 2 || !same(crc(names, body), data.subarray(-4))) {
    throw new CorruptBitstreamError(DAMAGED);
  }
  const reader = new Reader(body, HEAD);
  const quality = reader.quality(names);
  const height = reader.varint();
  const width = reader.varint();
  const block = { count: 1, height, width, quality, payload: reader.rest() };
  checkSize(block, names.maxPixels);
  names.budget?.(data.length).take(block);
  return block;
}

/** The stream of blocks, in order. */
export function writeStream(blocks, names) {
  let previous = Uint8Array.from(head(STREAM, names));
  const pieces = [previous];
  let total = 0;
  for (const block of blocks) {
    const body = join([
      varint(block.count),
      named(block, names),
      varint(block.height),
      varint(block.width),
      varint(block.payload.length),
      block.payload,
    ]);
    previous = crc(names, previous, body);
    pieces.push(body, previous);
    total += block.count;
  }
  const end = Uint8Array.from([0, ...varint(total)]);
  return join([...pieces, end, crc(names, previous, end)]);
}

/**
 * Check a stream and yield its blocks, each checked before it is yielded.
 *
 * @param {Uint8Array} data
 * @param {Names} names
 * @returns {Generator<Block>}
 */
export function* readStream(data, names) {
  checkHead(data, STREAM, names);
  const reader = new Reader(data, HEAD);
  let previous = data.subarray(0, HEAD);
  let total = 0;
  let left = names.maxPixels;
  const budget = names.budget?.(data.length);
  for (;;) {
    const first = reader.at;
    const count = reader.varint();
    if (count === 0) {
      const declared = reader.varint();
      reader.check(names, previous, first);
      if (declared !== total || reader.rest().length) throw new CorruptBitstreamError(DAMAGED);
      return;
    }
    const quality = reader.quality(names);
    const height = reader.varint();
    const width = reader.varint();
    const payload = reader.take(reader.varint());
    previous = reader.check(names, previous, first);
    if (count > MAX_BLOCK_IMAGES) {
      throw new CorruptBitstreamError(`A block claims ${count} images, over ${MAX_BLOCK_IMAGES}.`);
    }
    const block = { count, height, width, quality, payload };
    checkSize(block, left);
    budget?.take(block);
    total += count;
    left -= count * height * width;
    yield block;
  }
}

function head(magic, { hash }) {
  return [0xae, magic, VERSION, hash[0], hash[1]];
}

/** Which quality: nothing where the bundle has only one. */
function named(block, { qualities }) {
  return qualities > 1 ? [block.quality] : [];
}

/** The CRC-32 of the hash and of pieces one after the other, as four bytes. */
export function crc({ hash }, ...pieces) {
  const value = crc32(hash, ...pieces);
  return Uint8Array.from([value, value >>> 8, value >>> 16, value >>> 24]);
}

export function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Bytes one after the other. */
export function join(pieces) {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Check the magic, the version and the id of the bundle. */
export function checkHead(data, magic, { hash }, version = VERSION) {
  if (!(data instanceof Uint8Array)) {
    throw new CorruptBitstreamError("`data` must be a Uint8Array.");
  }
  const kind = data[0] === 0xae ? data[1] : undefined;
  if (kind !== magic && (kind === FILE || kind === STREAM)) {
    const what = kind === STREAM ? "a stream of many images" : "a single image";
    throw new BitstreamError(`The bitstream holds ${what}: read it as such.`);
  }
  if (data.length < HEAD + 5 || kind !== magic) {
    throw new CorruptBitstreamError(
      `The data is not a kerasae bitstream: it has ${data.length} bytes and starts with ` +
        `${hex(data.subarray(0, 2)) || "nothing"}, not ae${hex([magic])}.`,
    );
  }
  if (data[2] !== version) {
    throw new BitstreamVersionError(
      `The bitstream is of version ${data[2]}; this codec reads version ${version}.`,
    );
  }
  if (data[3] !== hash[0] || data[4] !== hash[1]) {
    throw new BitstreamBundleError(
      `The bitstream was made with bundle ${hex(data.subarray(3, 5))}, ` +
        `not with this one, ${hex(hash.subarray(0, 2))}.`,
    );
  }
}

/** Check the size that a block claims. */
export function checkSize({ count, height, width }, maxPixels) {
  if (!(height >= 1 && height <= MAX_SIDE && width >= 1 && width <= MAX_SIDE)) {
    throw new CorruptBitstreamError(
      `The bitstream claims an impossible size of ${height} x ${width} pixels.`,
    );
  }
  if (count * height * width > maxPixels) {
    throw new BitstreamLimitError(
      `The bitstream claims ${count} x ${height} x ${width} pixels, over the ${maxPixels} that ` +
        "are allowed; raise `maxPixels` if you trust it.",
    );
  }
}

/** Reads varints and bytes in order; running out of data is corruption. */
export class Reader {
  constructor(data, at) {
    this.data = data;
    this.at = at;
  }

  take(size) {
    if (size > this.data.length - this.at) {
      throw new CorruptBitstreamError("The bitstream is truncated.");
    }
    this.at += size;
    return this.data.subarray(this.at - size, this.at);
  }

  varint() {
    return readVarint(() => this.take(1)[0]);
  }

  quality({ qualities }) {
    const quality = qualities > 1 ? this.take(1)[0] : 1;
    if (quality < 1 || quality > qualities) {
      throw new CorruptBitstreamError(
        `The bitstream names quality ${quality}, and the bundle has ${qualities}.`,
      );
    }
    return quality;
  }

  rest() {
    return this.take(this.data.length - this.at);
  }

  /** Compare the next CRC with that of `previous` and the bytes since `first`. */
  check(names, previous, first) {
    const expected = crc(names, previous, this.data.subarray(first, this.at));
    if (!same(this.take(4), expected)) throw new CorruptBitstreamError(DAMAGED);
    return expected;
  }
}
