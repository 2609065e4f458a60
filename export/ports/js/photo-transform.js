// The transform of photographs, row of cells by row of cells (FORMAT.md, sections 11 and 12):
// pixels to coefficients in integers, which doubles hold exactly, and symbols to pixels.

import { CELL, CHANNELS, PLANES } from "./family.js";

const HALF = CELL / 2;
const GREY = 128;
const COEFFICIENT_UNIT = 2 ** 12; // of a level of 255
const STEP_UNIT = 64; // of a level of 255
const INVERSE_UNIT = 2 ** 16;

/** How many cells cover so many pixels. */
export function cellsOf(pixels) {
  return Math.ceil(pixels / CELL);
}

/**
 * Coefficients of a photograph, in units of 2^-12 levels of 255.
 *
 * @param {Family} family
 * @param {{data: Uint8Array | Uint8ClampedArray, height: number, width: number}} image rows,
 *   columns, and red, green, blue
 * @param {(done: number, total: number) => void} [tell] called after each row of cells
 * @returns {Int32Array} of each channel in each cell, cells running fastest
 */
export function analyse({ inverses }, { data, height, width }, tell) {
  const [rows, columns] = [cellsOf(height), cellsOf(width)];
  const colour = inverses.colour.map((x) => (x / INVERSE_UNIT) * COEFFICIENT_UNIT);
  const block = inverses.block.map((x) => x / INVERSE_UNIT);
  const overlap = inverses.overlap.map((x) => x / INVERSE_UNIT);
  const line = columns * CELL;
  const work = new Workspace(line);
  const coefficients = new Int32Array(CHANNELS * rows * columns);

  const finish = (planes, row) => {
    planes.forEach((samples, plane) => {
      work.down(block, samples, whole);
      work.acrossBoundaries(overlap, samples, whole);
      work.across(block, samples, 0, line, whole);
      for (let v = 0; v < CELL; v++) {
        for (let u = 0; u < CELL; u++) {
          const to = ((plane * CELL + v) * CELL + u) * rows * columns + row * columns;
          for (let x = 0; x < columns; x++) coefficients[to + x] = samples[v * line + x * CELL + u];
        }
      }
    });
  };

  let above;
  for (let row = 0; row < rows; row++) {
    const planes = Array.from({ length: PLANES }, () => new Float64Array(CELL * line));
    for (let y = 0; y < CELL; y++) {
      const from = Math.min(row * CELL + y, height - 1) * width;
      for (let x = 0; x < line; x++) {
        const at = PLANES * (from + Math.min(x, width - 1));
        const red = data[at] - GREY;
        const green = data[at + 1] - GREY;
        const blue = data[at + 2] - GREY;
        for (let p = 0; p < PLANES; p++) {
          const value = colour[3 * p] * red + colour[3 * p + 1] * green + colour[3 * p + 2] * blue;
          planes[p][y * line + x] = Math.floor(value + 0.5);
        }
      }
    }
    if (above) {
      above.forEach((samples, p) => work.downBoundary(overlap, samples, planes[p], whole));
      finish(above, row - 1);
      tell?.(row, rows);
    }
    above = planes;
  }
  finish(above, rows - 1);
  tell?.(rows, rows);
  return coefficients;
}

/**
 * The pixels of symbols.
 *
 * @param {Family} family
 * @param {Coded} coded its lowest coefficients themselves, not as differences
 * @param {{quality: number, height: number, width: number}} head
 * @param {(done: number, total: number) => void} [tell] called after each row of cells
 * @returns {Uint8Array} rows, columns, and red, green, blue
 */
export function synthesise({ matrices, rebuild, steps }, { symbols, tables }, head, tell) {
  const { quality, height, width } = head;
  const [rows, columns] = [cellsOf(height), cellsOf(width)];
  const { block, overlap, colour } = matrices;
  const step = steps[quality - 1] / STEP_UNIT;
  const cells = rows * columns;
  const line = columns * CELL;
  const work = new Workspace(line);
  const data = new Uint8Array(height * width * PLANES);

  const start = (row, plane) => {
    const samples = new Float64Array(CELL * line);
    for (let v = 0; v < CELL; v++) {
      for (let u = 0; u < CELL; u++) {
        const channel = (plane * CELL + v) * CELL + u;
        const from = channel * cells + row * columns;
        const lowest = v + u === 0;
        for (let x = 0; x < columns; x++) {
          const symbol = symbols[from + x];
          if (symbol === 0) continue;
          let value = symbol;
          if (!lowest) {
            const more = rebuild[2 * tables[from + x] + (symbol === 1 || symbol === -1 ? 0 : 1)];
            value += symbol > 0 ? more : -more;
          }
          value *= step;
          const to = v * line + x * CELL;
          for (let j = 0; j < CELL; j++) samples[to + j] += value * block[j * CELL + u];
        }
      }
    }
    work.acrossBoundaries(overlap, samples);
    work.down(block, samples);
    return samples;
  };

  const finish = ([first, second, third], row) => {
    const bottom = Math.min(CELL, height - row * CELL);
    for (let y = 0; y < bottom; y++) {
      let to = (row * CELL + y) * width * PLANES;
      for (let at = y * line; at < y * line + width; at++) {
        const [a, b, c] = [first[at], second[at], third[at]];
        for (let i = 0; i < 3 * PLANES; i += PLANES) {
          const level = colour[i] * a + colour[i + 1] * b + colour[i + 2] * c + (GREY + 0.5);
          data[to++] = Math.max(0, Math.min(255, Math.floor(level)));
        }
      }
    }
  };

  let above;
  for (let row = 0; row < rows; row++) {
    const planes = Array.from({ length: PLANES }, (_, plane) => start(row, plane));
    if (above) {
      above.forEach((samples, p) => work.downBoundary(overlap, samples, planes[p]));
      finish(above, row - 1);
      tell?.(row, rows);
    }
    above = planes;
  }
  finish(above, rows - 1);
  tell?.(rows, rows);
  return data;
}

/** Products of 16 x 16 matrices with the samples of a row of cells, 16 lines of pixels. */
class Workspace {
  constructor(line) {
    this.line = line;
    this.input = new Float64Array(CELL * line);
    this.joint = new Float64Array(CELL * line);
  }

  /** Multiply the 16 samples of each column of pixels, in place; `round` what comes of it. */
  down(matrix, samples, round) {
    const { line, input } = this;
    input.set(samples);
    samples.fill(0);
    for (let i = 0; i < CELL; i++) {
      const to = samples.subarray(i * line, (i + 1) * line);
      for (let j = 0; j < CELL; j++) {
        const factor = matrix[i * CELL + j];
        const from = input.subarray(j * line, (j + 1) * line);
        for (let x = 0; x < line; x++) to[x] += factor * from[x];
      }
    }
    round?.(samples, 0, samples.length);
  }

  /** The same with the 16 samples around the boundary of two rows of cells. */
  downBoundary(matrix, above, below, round) {
    const { line, joint } = this;
    joint.set(above.subarray(HALF * line));
    joint.set(below.subarray(0, HALF * line), HALF * line);
    this.down(matrix, joint, round);
    above.set(joint.subarray(0, HALF * line), HALF * line);
    below.set(joint.subarray(HALF * line));
  }

  /** Multiply each 16 samples of lines, from one column of pixels to another, in place. */
  across(matrix, samples, first, stop, round) {
    const { line, input } = this;
    input.set(samples);
    for (let y = 0; y < CELL; y++) {
      for (let at = y * line + first; at < y * line + stop; at += CELL) {
        for (let i = 0; i < CELL; i++) {
          let sum = 0;
          for (let j = 0; j < CELL; j++) sum += matrix[i * CELL + j] * input[at + j];
          samples[at + i] = sum;
        }
      }
      round?.(samples, y * line + first, y * line + stop);
    }
  }

  /** The same with the 16 samples around each boundary of two columns of cells. */
  acrossBoundaries(matrix, samples, round) {
    this.across(matrix, samples, HALF, this.line - HALF, round);
  }
}

function whole(samples, first, stop) {
  for (let at = first; at < stop; at++) samples[at] = Math.floor(samples[at] + 0.5);
}
