// Entropy coding of integer symbols: interleaved rANS (FORMAT.md, section 4).

import { CorruptBitstreamError } from "./errors.js";
import { readVarint, varint } from "./varint.js";

const TOTAL = 4096;
const LOW = 65536; // a state in use lies in [LOW, 2^32)
const BYTE = 16; // frequency of each value of a plain byte
const COST_UNIT = 256;
const CHUNK = 65536; // symbols for which memory is taken at once

/** Number of lanes for a number of symbols. */
export function laneCount(symbols) {
  return Math.max(1, Math.min(1024, Math.floor(symbols / 4096)));
}

/** The tables of all channels, one set for each class of content, and the coder with them. */
export class Tables {
  /**
   * @param {{offset: number, frequencies: number[]}[]} tables for each class, for each channel
   * @param {number} channels
   */
  constructor(tables, channels) {
    this.channels = channels;
    this.classes = tables.length / channels;
    this.tables = tables.map(tableOf);
  }

  /**
   * Encode symbols, channels running fastest.
   *
   * @param {ArrayLike<number>} symbols of at most 32 bits, signed
   * @param {(row: number) => number} classOf the class of each row
   * @returns {Uint8Array}
   */
  encode(symbols, classOf = () => 0) {
    const lanes = laneCount(symbols.length);
    const encoder = new Encoder(lanes, symbols.length);
    const escapes = [];
    for (let i = 0; i < symbols.length; i++) {
      const table = this.#at(i, classOf);
      const value = escapeValue(table, symbols[i]);
      if (value >= 0) escapes.push(...varint(value));
    }
    for (let i = escapes.length - 1; i >= 0; i--) encoder.put(0, BYTE, BYTE * escapes[i]);
    for (let i = symbols.length - 1; i >= 0; i--) {
      const table = this.#at(i, classOf);
      const entry = entryOf(table, symbols[i]);
      encoder.put(i % lanes, table.frequencies[entry], table.starts[entry]);
    }
    return encoder.finish();
  }

  /**
   * Decode symbols.
   *
   * @param {Uint8Array} data
   * @param {number} count
   * @param {(row: number) => number} classOf the class of each row
   * @param {{checkEscapes: (number: number) => void}} [limits] how many may be escaped
   * @returns {Int32Array}
   * @throws {CorruptBitstreamError} if the bytes are not exactly those that `encode` gives
   * @throws {BitstreamLimitError} if more symbols are escaped than are allowed
   */
  decode(data, count, classOf = () => 0, limits = undefined) {
    const decoder = new Decoder(data, laneCount(count));
    const chunks = [];
    const escaped = [];
    for (let first = 0; first < count; first += CHUNK) {
      const chunk = new Int32Array(Math.min(CHUNK, count - first));
      for (let j = 0; j < chunk.length; j++) {
        const i = first + j;
        const table = this.#at(i, classOf);
        const entry = decoder.entry(i % decoder.lanes, table);
        chunk[j] = table.offset + entry;
        if (entry === table.escape) escaped.push(i);
      }
      chunks.push(chunk);
    }
    limits?.checkEscapes(escaped.length);
    for (const i of escaped) {
      const table = this.#at(i, classOf);
      const symbol = escapedSymbol(table, decoder);
      if (symbol < -(2 ** 31) || symbol >= 2 ** 31) {
        throw new CorruptBitstreamError("The entropy-coded data holds a symbol over 32 bits.");
      }
      chunks[Math.floor(i / CHUNK)][i % CHUNK] = symbol;
    }
    decoder.finish();
    const symbols = new Int32Array(count);
    chunks.forEach((chunk, i) => symbols.set(chunk, i * CHUNK));
    return symbols;
  }

  /**
   * For each group of rows, the first class that codes it at the least cost.
   *
   * @param {ArrayLike<number>} symbols
   * @param {(row: number) => number} groupOf
   * @param {number} groups how many there are
   * @returns {Uint8Array}
   */
  cheapestClasses(symbols, groupOf, groups) {
    const costs = new Float64Array(groups * this.classes);
    for (let i = 0; i < symbols.length; i++) {
      const at = groupOf(Math.floor(i / this.channels)) * this.classes;
      const channel = i % this.channels;
      for (let k = 0; k < this.classes; k++) {
        costs[at + k] += cost(this.tables[k * this.channels + channel], symbols[i]);
      }
    }
    return Uint8Array.from({ length: groups }, (_, group) => {
      let best = 0;
      for (let k = 1; k < this.classes; k++) {
        if (costs[group * this.classes + k] < costs[group * this.classes + best]) best = k;
      }
      return best;
    });
  }

  #at(i, classOf) {
    const row = Math.floor(i / this.channels);
    return this.tables[classOf(row) * this.channels + (i - row * this.channels)];
  }
}

/** A table with where its entries start, and which of them is the escape. */
export function tableOf({ offset, frequencies }) {
  const starts = new Uint16Array(frequencies.length);
  for (let j = 1; j < starts.length; j++) starts[j] = starts[j - 1] + frequencies[j - 1];
  return { offset, escape: frequencies.length - 1, frequencies, starts };
}

/** The entry of a table that codes a symbol. */
export function entryOf(table, symbol) {
  const entry = symbol - table.offset;
  return entry >= 0 && entry < table.escape ? entry : table.escape;
}

/** What follows an escape; -1 for a symbol of the table. */
export function escapeValue(table, symbol) {
  const entry = symbol - table.offset;
  if (entry < 0) return 2 * (-1 - entry) + 1;
  return entry < table.escape ? -1 : 2 * (entry - table.escape);
}

/** The symbol that an escape announced. */
export function escapedSymbol(table, decoder) {
  const value = readVarint(() => decoder.byte());
  const half = Math.floor(value / 2);
  return value % 2 ? table.offset - 1 - half : table.offset + table.escape + half;
}

const COSTS = Float64Array.from({ length: TOTAL + 1 }, (_, frequency) =>
  Math.floor(COST_UNIT * (12 - Math.log2(frequency)) + 0.5),
);

function cost(table, symbol) {
  const value = escapeValue(table, symbol);
  const bytes = value < 0 ? 0 : varint(value).length;
  return COSTS[table.frequencies[entryOf(table, symbol)]] + 8 * COST_UNIT * bytes;
}

/** Writes what `Decoder` reads; everything is given in the reverse order of decoding. */
export class Encoder {
  constructor(lanes, symbols) {
    this.states = new Float64Array(lanes).fill(lanes === 1 ? 0 : LOW);
    this.words = new Uint16Array(Math.max(64, symbols >> 2)); // in reverse
    this.count = 0;
  }

  put(lane, frequency, start) {
    let x = this.states[lane];
    if (x >= frequency * 2 ** 20) {
      if (this.count === this.words.length) {
        const larger = new Uint16Array(2 * this.count);
        larger.set(this.words);
        this.words = larger;
      }
      this.words[this.count++] = x & 0xffff;
      x = Math.floor(x / LOW);
    }
    const quotient = Math.floor(x / frequency);
    this.states[lane] = TOTAL * quotient + (x - quotient * frequency) + start;
  }

  finish() {
    let size = 4;
    if (this.states.length === 1) for (size = 0; this.states[0] >= 256 ** size; size++);
    const front = size * this.states.length;
    const bytes = new Uint8Array(front + 2 * this.count);
    this.states.forEach((x, lane) => {
      for (let i = 0; i < size; i++) bytes[lane * size + i] = Math.floor(x / 256 ** i) & 255;
    });
    for (let i = 0; i < this.count; i++) {
      const word = this.words[this.count - 1 - i];
      bytes[front + 2 * i] = word & 255;
      bytes[front + 2 * i + 1] = word >> 8;
    }
    return bytes;
  }
}

/** Reads entries of tables and plain bytes, and checks in `finish` that all of it was read. */
export class Decoder {
  constructor(data, lanes) {
    this.data = data;
    this.lanes = lanes;
    this.states = new Float64Array(lanes);
    let size = 4;
    if (lanes === 1) size = data.length <= 4 ? data.length : 4 - (data.length % 2);
    if (data.length < size * lanes || (lanes > 1 && data.length % 2)) {
      throw new CorruptBitstreamError("The entropy-coded data is too short for its symbols.");
    }
    for (let lane = 0; lane < lanes; lane++) {
      for (let i = size - 1; i >= 0; i--) {
        this.states[lane] = this.states[lane] * 256 + data[lane * size + i];
      }
      if (lanes > 1 && this.states[lane] < LOW) {
        throw new CorruptBitstreamError("The entropy-coded data starts with a state too small.");
      }
    }
    if (lanes === 1 && size > 0 && data[size - 1] === 0) {
      throw new CorruptBitstreamError("The entropy-coded data starts with an overlong state.");
    }
    this.at = size * lanes;
  }

  entry(lane, { starts, frequencies }) {
    const x = this.states[lane];
    const slot = x & (TOTAL - 1);
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= slot) low = middle;
      else high = middle;
    }
    this.#refill(lane, frequencies[low] * (x >>> 12) + slot - starts[low]);
    return low;
  }

  byte() {
    const x = this.states[0];
    const slot = x & (TOTAL - 1);
    this.#refill(0, BYTE * (x >>> 12) + (slot % BYTE));
    return slot >> 4;
  }

  #refill(lane, x) {
    if (x < LOW) {
      if (this.at < this.data.length) {
        x = x * LOW + this.data[this.at] + 256 * this.data[this.at + 1];
        this.at += 2;
      } else if (this.lanes > 1) {
        throw new CorruptBitstreamError("The entropy-coded data ends before its symbols do.");
      }
    }
    this.states[lane] = x;
  }

  finish() {
    const start = this.lanes === 1 ? 0 : LOW;
    if (this.at !== this.data.length || !this.states.every((x) => x === start)) {
      throw new CorruptBitstreamError("The entropy-coded data does not end where it should.");
    }
  }
}

/** Integers of `width` bits each, one after the other, low bits first. */
export function packBits(values, width) {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8));
  values.forEach((value, i) => {
    for (let bit = 0; bit < width; bit++) {
      const at = i * width + bit;
      bytes[at >> 3] |= ((value >> bit) & 1) << (at & 7);
    }
  });
  return bytes;
}

/** `count` integers from the front of `data`, and the rest of it. */
export function unpackBits(data, count, width) {
  const size = Math.ceil((count * width) / 8);
  if (data.length < size) {
    throw new CorruptBitstreamError("The payload is too short for its classes.");
  }
  const values = new Uint8Array(count);
  for (let at = 0; at < 8 * size; at++) {
    const bit = (data[at >> 3] >> (at & 7)) & 1;
    if (at < count * width) values[Math.floor(at / width)] |= bit << (at % width);
    else if (bit) throw new CorruptBitstreamError("The payload has bits set behind its classes.");
  }
  return [values, data.subarray(size)];
}
