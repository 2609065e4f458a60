// The container of version 2: a `.kae` file of one photograph (FORMAT.md, section 10).

import { checkHead, checkSize, crc, DAMAGED, FILE, HEAD, join, Reader, same } from "./bitstream.js";
import { BitstreamVersionError, CorruptBitstreamError } from "./errors.js";
import { QUALITIES } from "./family.js";
import { hex } from "./hash.js";
import { varint } from "./varint.js";

export const PHOTO_VERSION = 2;

const OTHER_NAMING = 0x80;
const CRC = 4;

/**
 * @typedef {object} Head
 * @property {number} quality 1 to 100
 * @property {number} height in pixels
 * @property {number} width in pixels
 */

/** The id of the family of a file of version 2, as four hexadecimal digits; else undefined. */
export function familyId(data) {
  const known = data?.[0] === 0xae && data[1] === FILE && data[2] === PHOTO_VERSION;
  return known && data.length >= HEAD + 1 + CRC ? hex(data.subarray(3, HEAD)) : undefined;
}

/**
 * What a file of version 2 says without its family, before its CRC is checked.
 *
 * @param {Uint8Array} data
 * @returns {Head}
 */
export function readHead(data) {
  checkHead(data, FILE, { hash: data?.subarray?.(3, HEAD) }, PHOTO_VERSION);
  return headOf(new Reader(data.subarray(0, -CRC), HEAD));
}

/** The `.kae` file of a payload. */
export function writePhoto({ quality, height, width }, payload, hash) {
  const head = [0xae, FILE, PHOTO_VERSION, hash[0], hash[1], quality];
  const body = join([head, varint(height), varint(width), payload]);
  return join([body, crc({ hash }, body)]);
}

/**
 * Check a file and return its head and its payload.
 *
 * @param {Uint8Array} data
 * @param {object} names
 * @param {Uint8Array} names.hash the 32 bytes of the family's hash
 * @param {number} names.maxPixels most pixels of the photograph
 * @param {(head: Head, size: number) => void} [names.check] what else is checked of the claims,
 *   given the bytes of the payload
 * @returns {Head & {payload: Uint8Array}}
 */
export function readPhoto(data, { hash, maxPixels, check }) {
  checkHead(data, FILE, { hash }, PHOTO_VERSION);
  const body = data.subarray(0, -CRC);
  if (!same(crc({ hash }, body), data.subarray(-CRC))) throw new CorruptBitstreamError(DAMAGED);
  const reader = new Reader(body, HEAD);
  const head = headOf(reader);
  checkSize({ count: 1, ...head }, maxPixels);
  const payload = reader.rest();
  check?.(head, payload.length);
  return { ...head, payload };
}

function headOf(reader) {
  const [quality] = reader.take(1);
  if (quality & OTHER_NAMING) {
    throw new BitstreamVersionError(
      "The bitstream names its tables in a way that this code does not know.",
    );
  }
  if (quality < 1 || quality > QUALITIES) {
    throw new CorruptBitstreamError(
      `The bitstream names quality ${quality}, and there are ${QUALITIES}.`,
    );
  }
  return { quality, height: reader.varint(), width: reader.varint() };
}
