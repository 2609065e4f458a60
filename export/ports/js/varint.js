// Unsigned integers of variable length (LEB128): seven bits a byte, the low ones first.

import { CorruptBitstreamError } from "./errors.js";

/** The shortest encoding of a value in [0, 2^35), as a list of bytes. */
export function varint(value) {
  const bytes = [];
  while (value > 127) {
    bytes.push((value % 128) + 128);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return bytes;
}

/** Read one number; only its shortest encoding is accepted. */
export function readVarint(nextByte) {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = nextByte();
    value += (byte % 128) * 128 ** i;
    if (byte < 128) {
      if (i > 0 && byte === 0) break;
      return value;
    }
  }
  throw new CorruptBitstreamError("The bitstream holds a malformed number.");
}
