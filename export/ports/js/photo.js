// The payload of version 2: classes of cells, and symbols whose tables follow from them
// (FORMAT.md, section 10). Everything is integer arithmetic.

import { Decoder, Encoder, entryOf, escapedSymbol, escapeValue } from "./entropy.js";
import { CorruptBitstreamError } from "./errors.js";
import { bandOf, CELL, CHANNELS, CONTEXTS, PLANES } from "./family.js";
import { varint } from "./varint.js";

export const MAX_LANES = 2 ** 10;

const SYMBOLS_PER_LANE = 4096;
const MOST_PER_LANE = 2 ** 14;
const LARGE = 15; // larger magnitudes, and escaped ones, count as this in contexts
const LOWEST = [0, CELL * CELL, 2 * CELL * CELL]; // of each plane
const NONE = CHANNELS; // the channel of a neighbour that does not exist

/** The context of a sum of sizes. */
const CONTEXT_OF = Uint8Array.from(
  { length: 256 },
  (_, sum) => [0, 1, 2, 3, 5, 8, 12, 18, 28].filter((bound) => bound < sum).length,
);

/**
 * The channels in the order of coding, in 93 stages, each with the six channels that give its
 * context, of which the first four count twice.
 */
const STAGES = (() => {
  const stages = [];
  for (let diagonal = 0; diagonal <= 2 * (CELL - 1); diagonal++) {
    const at = (plane, row, column) => {
      if (plane < 0 || row < 0 || column < 0) return NONE;
      return row + column === 0 && diagonal > 0 ? NONE : (plane * CELL + row) * CELL + column;
    };
    for (let plane = 0; plane < PLANES; plane++) {
      const stage = [];
      for (let v = Math.max(0, diagonal - CELL + 1); v <= Math.min(diagonal, CELL - 1); v++) {
        const u = diagonal - v;
        const around = [
          at(plane, v - 1, u),
          at(plane, v, u - 1),
          at(plane - 1, v, u),
          plane === 2 ? at(0, v, u) : NONE,
          at(plane, v - 2, u),
          at(plane, v, u - 2),
        ];
        stage.push({ channel: (plane * CELL + v) * CELL + u, around });
      }
      stages.push(stage);
    }
  }
  return stages;
})();

/**
 * @typedef {object} Coded what a payload holds
 * @property {Int16Array} symbols of each channel in each cell, cells running fastest; lowest
 *   coefficients as differences
 * @property {Uint8Array} classes of the cells, row by row
 * @property {Uint8Array} tables the table of each symbol, 0 where none is coded
 */

/**
 * Code the symbols of a photograph.
 *
 * @param {Family} family
 * @param {Int16Array} symbols as in `Coded`, 0 where the class of the cell codes none
 * @param {Uint8Array} classes
 * @param {number} columns cells in a row
 * @param {number} quality
 * @returns {Uint8Array}
 */
export function packPhoto(family, symbols, classes, columns, quality) {
  const walk = new Walk(family, classes);
  const coded = new Uint32Array(walk.count()); // frequency and start of each symbol's entry
  const ends = [];
  const tail = [];
  let n = 0;
  for (const stage of STAGES) {
    for (const { channel, around } of stage) {
      const base = channel * classes.length;
      walk.begin(channel, around);
      for (let cell = 0; cell < classes.length; cell++) {
        const name = walk.table(cell);
        if (name < 0) continue;
        const table = family.tables[name];
        const symbol = symbols[base + cell];
        const entry = entryOf(table, symbol);
        if (entry === table.escape) tail.push(...varint(escapeValue(table, symbol)));
        walk.size(cell, entry === table.escape ? LARGE : Math.abs(symbol));
        coded[n++] = table.frequencies[entry] * 4096 + table.starts[entry];
      }
    }
    ends.push(n);
  }
  const log2 = Math.round(Math.log2(Math.max(1, n / SYMBOLS_PER_LANE)));
  const lanes = Math.min(MAX_LANES, 2 ** log2);
  const encoder = new Encoder(lanes, n);
  for (let i = tail.length - 1; i >= 0; i--) encoder.put(0, 16, 16 * tail[i]);
  for (let stage = STAGES.length - 1; stage >= 0; stage--) {
    const first = stage > 0 ? ends[stage - 1] : 0;
    for (let i = ends[stage] - 1; i >= first; i--) {
      encoder.put((i - first) % lanes, coded[i] >>> 12, coded[i] & 4095);
    }
  }
  for (let cell = classes.length - 1; cell >= 0; cell--) {
    const { frequencies, starts } = classTable(family, classes, cell, columns, quality);
    encoder.put(0, frequencies[classes[cell]], starts[classes[cell]]);
  }
  const data = encoder.finish();
  const payload = new Uint8Array(1 + data.length);
  payload[0] = Math.log2(lanes);
  payload.set(data, 1);
  return payload;
}

/**
 * Decode what `packPhoto` gave.
 *
 * @param {Family} family
 * @param {Uint8Array} payload
 * @param {number} rows of cells
 * @param {number} columns of cells
 * @param {number} quality
 * @param {{checkEscapes: (number: number) => void}} [limits] how many may be escaped
 * @returns {Coded}
 * @throws {CorruptBitstreamError} if the payload is not exactly one that an encoder can give
 */
export function unpackPhoto(family, payload, rows, columns, quality, limits = undefined) {
  if (payload.length === 0 || 2 ** payload[0] > MAX_LANES) {
    throw new CorruptBitstreamError("The payload names an impossible number of lanes.");
  }
  const lanes = 2 ** payload[0];
  const decoder = new Decoder(payload.subarray(1), lanes);
  const cells = rows * columns;
  const classes = new Uint8Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    classes[cell] = decoder.entry(0, classTable(family, classes, cell, columns, quality));
  }
  const walk = new Walk(family, classes);
  if (walk.count() > MOST_PER_LANE * lanes && lanes < MAX_LANES) {
    throw new CorruptBitstreamError("The payload has fewer lanes than its symbols need.");
  }
  const symbols = new Int16Array(CHANNELS * cells);
  const tables = new Uint8Array(CHANNELS * cells);
  const escaped = [];
  for (const stage of STAGES) {
    let i = 0;
    for (const { channel, around } of stage) {
      const base = channel * cells;
      walk.begin(channel, around);
      for (let cell = 0; cell < cells; cell++) {
        const name = walk.table(cell);
        if (name < 0) continue;
        const table = family.tables[name];
        const entry = decoder.entry(i++ & (lanes - 1), table);
        tables[base + cell] = name;
        if (entry === table.escape) {
          escaped.push(base + cell);
          walk.size(cell, LARGE);
        } else {
          const symbol = table.offset + entry;
          symbols[base + cell] = symbol;
          walk.size(cell, Math.abs(symbol));
        }
      }
    }
  }
  limits?.checkEscapes(escaped.length);
  for (const at of escaped) {
    const symbol = escapedSymbol(family.tables[tables[at]], decoder);
    if (!fits(symbol)) {
      throw new CorruptBitstreamError("The bitstream holds a symbol over 16 bits.");
    }
    symbols[at] = symbol;
  }
  decoder.finish();
  return { symbols, classes, tables };
}

/**
 * Replace the lowest coefficients by their differences from their prediction, in place.
 *
 * @throws {RangeError} if a difference exceeds 16 bits
 */
export function predictLowest(symbols, rows, columns) {
  for (const channel of LOWEST) {
    const values = symbols.subarray(channel * rows * columns, (channel + 1) * rows * columns);
    for (let cell = values.length - 1; cell >= 0; cell--) {
      const difference = values[cell] - prediction(values, cell, columns);
      if (!fits(difference)) {
        throw new RangeError("The photograph must be such that differences fit in 16 bits.");
      }
      values[cell] = difference;
    }
  }
}

/** Undo `predictLowest`, in place. */
export function unpredictLowest(symbols, rows, columns) {
  for (const channel of LOWEST) {
    const values = symbols.subarray(channel * rows * columns, (channel + 1) * rows * columns);
    for (let cell = 0; cell < values.length; cell++) {
      const value = values[cell] + prediction(values, cell, columns);
      if (!fits(value)) {
        throw new CorruptBitstreamError("The bitstream holds a coefficient over 16 bits.");
      }
      values[cell] = value;
    }
  }
}

function prediction(values, cell, columns) {
  const left = cell % columns > 0;
  const above = cell >= columns;
  if (left && above) {
    const sum = 3 * (values[cell - 1] + values[cell - columns]);
    return (sum - 2 * values[cell - columns - 1] + 2) >> 2;
  }
  if (left) return values[cell - 1];
  return above ? values[cell - columns] : 0;
}

function fits(value) {
  return value >= -32768 && value <= 32767;
}

/** The table of the class of a cell: by its left and its upper neighbour. */
function classTable(family, classes, cell, columns, quality) {
  const { groups, neighbours } = family;
  const left = cell % columns > 0 ? groups[classes[cell - 1]] : neighbours;
  const above = cell >= columns ? groups[classes[cell - columns]] : neighbours;
  const row = (bandOf(family, quality) * (neighbours + 1) + left) * (neighbours + 1) + above;
  return family.classTables[row];
}

/** Finds the table of each symbol, channel by channel, from the sizes of those before it. */
class Walk {
  constructor(family, classes) {
    this.family = family;
    this.classes = classes;
    this.sizes = new Uint8Array((CHANNELS + 1) * classes.length);
  }

  /** How many symbols are coded. */
  count() {
    const { levels, count } = this.family;
    const coded = new Uint32Array(count);
    levels.forEach((level, at) => {
      if (level > 0) coded[at % count]++;
    });
    return this.classes.reduce((sum, k) => sum + coded[k], 0);
  }

  begin(channel, around) {
    const cells = this.classes.length;
    const { levels, count } = this.family;
    this.levels = levels.subarray(channel * count, (channel + 1) * count);
    this.own = channel * cells;
    [this.a, this.b, this.c, this.d, this.e, this.f] = around.map((other) => other * cells);
  }

  /** The table of the symbol of a cell; -1 if it is not coded. */
  table(cell) {
    const level = this.levels[this.classes[cell]];
    if (level === 0) return -1;
    const { sizes } = this;
    const twice =
      sizes[this.a + cell] + sizes[this.b + cell] + sizes[this.c + cell] + sizes[this.d + cell];
    const sum = 2 * twice + sizes[this.e + cell] + sizes[this.f + cell];
    return this.family.names[level * CONTEXTS + CONTEXT_OF[sum]];
  }

  size(cell, magnitude) {
    this.sizes[this.own + cell] = magnitude < LARGE ? magnitude : LARGE;
  }
}
