// `family.json`, the integer tables of version 2 (FORMAT.md, section 9). It is untrusted input:
// every field is checked, errors name the field.

import { tableOf } from "./entropy.js";
import { BundleError } from "./errors.js";
import { hex, sha256 } from "./hash.js";
import { parseJson } from "./json.js";
import { Fields } from "./manifest.js";

export const CELL = 16; // pixels along each side
export const PLANES = 3;
export const CHANNELS = PLANES * CELL * CELL;
export const CONTEXTS = 10;
export const BUCKETS = 8;
export const QUALITIES = 100;

const FILE = "family.json";
const MAX_FAMILY_BYTES = 2 ** 22;
const MAX_CLASS_TABLES = 2 ** 14;
const MAX_ENTRIES = 2049;
const MOST = 64; // of classes, of levels, of tables, of groups
const TOTAL = 4096;
const FIXED_POINT = 2 ** 14;
const INVERSE_UNIT = 2 ** 16;
const REBUILD_UNIT = 256;
const MAX_GAIN = 2 ** 11;
const NEAREST_HALF = 2 ** -20;

/**
 * @typedef {object} Family
 * @property {Uint8Array} hash SHA-256 of the file
 * @property {string} id its first two bytes, as four hexadecimal digits
 * @property {{colour: Float64Array, block: Float64Array, overlap: Float64Array}} matrices what a
 *   decoder multiplies with, rows one after the other
 * @property {{colour: Float64Array, block: Float64Array, overlap: Float64Array}} inverses what an
 *   encoder multiplies with: integers, in units of 2^-16
 * @property {number[]} steps of qualities 1 to 100, in 64ths of a level of 255
 * @property {number} count number of classes
 * @property {Uint8Array} levels of each channel in each class, classes running fastest
 * @property {Uint8Array} names the table of each level in each context, contexts running fastest
 * @property {number[]} costs of each level for each bucket, buckets running fastest
 * @property {{offset: number, escape: number, frequencies: number[], starts: Uint16Array}[]} tables
 * @property {Float64Array} rebuild for each table what is added to magnitude 1, and to larger ones
 * @property {number[]} groups of the classes
 * @property {number} neighbours number of groups
 * @property {number} bands number of ranges of qualities
 * @property {{frequencies: Uint16Array, starts: Uint16Array}[]} classTables
 */

/**
 * Parse and check a family.
 *
 * @param {Uint8Array} content the bytes of `family.json`
 * @returns {Family}
 * @throws {BundleError} if a field breaks its rule
 */
export function parseFamily(content) {
  if (!(content instanceof Uint8Array) || content.length > MAX_FAMILY_BYTES) {
    throw new BundleError(`${FILE} must be at most ${MAX_FAMILY_BYTES} bytes.`);
  }
  const fields = new Fields(contentOf(content), "", FILE);
  fields.only(
    "format format_version colour block overlap steps classes levels costs tables groups " +
      "neighbours bands class_frequencies",
  );
  fields.choice("format", ["kerasae-family"]);
  fields.integer("format_version", 2, 2);
  const steps = fields.integers("steps", 1, 2 ** 20, QUALITIES, QUALITIES);
  if (steps.some((step, i) => i > 0 && step >= steps[i - 1])) throw fields.error("steps", "falling");
  const { tables, rebuild } = readTables(fields);
  const names = bytesOf(fields, "levels", CONTEXTS);
  const levelCount = names.length / CONTEXTS;
  if (!(levelCount >= 2 && levelCount <= MOST + 1) || names.some((name) => name >= tables.length)) {
    throw fields.error("levels", "2 to 65 rows of tables");
  }
  const classes = bytesOf(fields, "classes", CHANNELS);
  const count = classes.length / CHANNELS;
  const fits = (level, i) => level < levelCount && (level > 0 || i % (CELL * CELL) > 0);
  if (count > MOST || !classes.every(fits)) {
    throw fields.error("classes", "1 to 64 rows of levels, not 0 for lowest coefficients");
  }
  const neighbours = fields.integer("neighbours", 1, MOST);
  const bands = fields.integer("bands", 1, QUALITIES);
  const rows = bands * (neighbours + 1) ** 2;
  if (rows > MAX_CLASS_TABLES) {
    throw fields.error("bands", `such that there are at most ${MAX_CLASS_TABLES} class tables`);
  }
  const hash = sha256(content);
  return {
    hash,
    id: hex(hash.subarray(0, 2)),
    ...readMatrices(fields),
    steps,
    count,
    levels: transposed(classes, count),
    names,
    costs: fields.integers("costs", 0, 2 ** 13, levelCount * BUCKETS, levelCount * BUCKETS),
    tables,
    rebuild,
    groups: fields.integers("groups", 0, neighbours - 1, count, count),
    neighbours,
    bands,
    classTables: readClassTables(fields, rows, count),
  };
}

/** The range of qualities in which one lies. */
export function bandOf(family, quality) {
  return Math.floor(((quality - 1) * family.bands) / QUALITIES);
}

function contentOf(file) {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file));
  } catch (error) {
    throw new BundleError(`${FILE} is not valid JSON: ${error.message}.`);
  }
}

function readTables(fields) {
  const tables = [];
  const rebuild = [];
  fields.list("tables", 1, MOST).forEach((item, i) => {
    const entry = new Fields(item, `tables[${i}].`, FILE);
    entry.only("offset frequencies rebuild");
    const offset = entry.integer("offset", 1 - 2 ** 15, 2 ** 15 - 1);
    const frequencies = entry.integers("frequencies", 1, TOTAL, 2, MAX_ENTRIES);
    if (frequencies.reduce((a, b) => a + b, 0) !== TOTAL) {
      throw entry.error("frequencies", `of the sum ${TOTAL}`);
    }
    if (offset + frequencies.length - 2 >= 2 ** 15) {
      throw entry.error("offset", "such that symbols fit in 16 bits");
    }
    tables.push(tableOf({ offset, frequencies }));
    rebuild.push(...entry.integers("rebuild", -REBUILD_UNIT, REBUILD_UNIT, 2, 2));
  });
  return { tables, rebuild: Float64Array.from(rebuild, (value) => value / REBUILD_UNIT) };
}

function readClassTables(fields, rows, count) {
  const bytes = bytesOf(fields, "class_frequencies", 2 * count);
  const tables = [];
  for (let at = 0; at < bytes.length; at += 2 * count) {
    const frequencies = new Uint16Array(count);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      frequencies[k] = bytes[at + 2 * k] + 256 * bytes[at + 2 * k + 1];
      sum += frequencies[k];
    }
    if (sum !== TOTAL || frequencies.includes(0)) break;
    tables.push(tableOf({ offset: 0, frequencies }));
  }
  if (tables.length !== rows || bytes.length !== 2 * count * rows) {
    throw fields.error("class_frequencies", `${rows} rows of positive numbers of sum ${TOTAL}`);
  }
  return tables;
}

function readMatrices(fields) {
  const matrices = {};
  const inverses = {};
  const gains = {};
  for (const [name, size] of [
    ["colour", PLANES],
    ["block", CELL],
    ["overlap", CELL],
  ]) {
    const values = fields.integers(name, -(2 ** 17), 2 ** 17, size * size, size * size);
    matrices[name] = Float64Array.from(values, (value) => value / FIXED_POINT);
    const inverse = inverseOf(matrices[name], size);
    const scaled = inverse.map((value) => value * INVERSE_UNIT);
    if (!scaled.every((x) => Math.abs(x - Math.floor(x) - 0.5) >= NEAREST_HALF)) gains[name] = NaN;
    else gains[name] = largestRow(inverse, size);
    inverses[name] = scaled.map((x) => Math.floor(x + 0.5));
  }
  const gain = gains.colour * (gains.block * Math.max(1, gains.overlap)) ** 2;
  if (!(gain <= MAX_GAIN)) {
    throw fields.error("block", "invertible, as are `colour` and `overlap`");
  }
  return { matrices, inverses };
}

/** The inverse by Gauss and Jordan, with the largest pivot; not finite if there is none. */
function inverseOf(matrix, size) {
  const left = Float64Array.from(matrix);
  const right = new Float64Array(size * size);
  for (let i = 0; i < size; i++) right[i * size + i] = 1;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      const larger = Math.abs(left[row * size + column]) > Math.abs(left[pivot * size + column]);
      if (larger) pivot = row;
    }
    for (const part of [left, right]) {
      const row = part.slice(pivot * size, (pivot + 1) * size);
      part.copyWithin(pivot * size, column * size, (column + 1) * size);
      part.set(row, column * size);
    }
    const factor = 1 / left[column * size + column];
    for (const part of [left, right]) {
      for (let k = 0; k < size; k++) part[column * size + k] *= factor;
    }
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const share = left[row * size + column];
      for (const part of [left, right]) {
        for (let k = 0; k < size; k++) part[row * size + k] -= share * part[column * size + k];
      }
    }
  }
  return right;
}

function largestRow(matrix, size) {
  let largest = 0;
  for (let row = 0; row < size; row++) {
    const sum = matrix
      .subarray(row * size, (row + 1) * size)
      .reduce((total, value) => total + Math.abs(value), 0);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Rows of bytes, written in base64. */
function bytesOf(fields, name, width) {
  const text = fields.text(name);
  const quads = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  const binary = quads.test(text) ? atob(text) : "";
  if (binary.length === 0 || binary.length % width) {
    throw fields.error(name, `base64 of rows of ${width} bytes`);
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function transposed(classes, count) {
  const levels = new Uint8Array(classes.length);
  for (let k = 0; k < count; k++) {
    for (let channel = 0; channel < CHANNELS; channel++) {
      levels[channel * count + k] = classes[k * CHANNELS + channel];
    }
  }
  return levels;
}
