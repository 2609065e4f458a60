// What an encoder of photographs decides, by the integer rule of effort 0 (FORMAT.md, section 11),
// so that every implementation writes the same file.

import { BUCKETS, CELL, CHANNELS } from "./family.js";
import { predictLowest } from "./photo.js";

const BIGGEST = 2 ** 15 - 1;
const BUCKET_OF = Uint8Array.from(
  { length: 34 },
  (_, magnitude) => [0, 1, 2, 4, 8, 16, 32].filter((bound) => bound < magnitude).length,
);

/**
 * Choose symbols and classes.
 *
 * @param {Family} family
 * @param {Int32Array} coefficients what `analyse` gave
 * @param {number} rows of cells
 * @param {number} columns of cells
 * @param {number} quality
 * @returns {{symbols: Int16Array, classes: Uint8Array}} as `packPhoto` takes them
 */
export function decideByRule(family, coefficients, rows, columns, quality) {
  const cells = rows * columns;
  const symbols = rounded(coefficients, cells, family.steps[quality - 1]);
  predictLowest(symbols, rows, columns);
  const classes = cheapest(family, symbols, cells);
  const { levels, count } = family;
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let cell = 0; cell < cells; cell++) {
      if (levels[channel * count + classes[cell]] === 0) symbols[channel * cells + cell] = 0;
    }
  }
  return { symbols, classes };
}

function rounded(coefficients, cells, step) {
  const symbols = new Int16Array(coefficients.length);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const lowest = channel % (CELL * CELL) === 0;
    for (let at = channel * cells; at < (channel + 1) * cells; at++) {
      const value = coefficients[at];
      let symbol;
      if (lowest) symbol = Math.floor((value + 32 * step) / (64 * step));
      else if (value < 0) symbol = -Math.floor((21 * step - value) / (64 * step));
      else symbol = Math.floor((value + 21 * step) / (64 * step));
      symbols[at] = Math.max(-BIGGEST, Math.min(BIGGEST, symbol));
    }
  }
  return symbols;
}

/** The class of each cell of least cost, the first of several. */
function cheapest({ levels, count, costs }, symbols, cells) {
  const totals = new Int32Array(cells * count); // without what zeros cost
  const zeros = new Int32Array(count);
  const extra = new Int32Array(BUCKETS * count); // of a bucket in each class, over a zero
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let k = 0; k < count; k++) {
      const at = levels[channel * count + k] * BUCKETS;
      zeros[k] += costs[at];
      for (let b = 0; b < BUCKETS; b++) extra[b * count + k] = costs[at + b] - costs[at];
    }
    for (let cell = 0; cell < cells; cell++) {
      const symbol = symbols[channel * cells + cell];
      if (symbol === 0) continue;
      const from = BUCKET_OF[Math.min(33, Math.abs(symbol))] * count;
      for (let k = 0; k < count; k++) totals[cell * count + k] += extra[from + k];
    }
  }
  const classes = new Uint8Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    let best = 0;
    let least = Infinity;
    for (let k = 0; k < count; k++) {
      const total = totals[cell * count + k] + zeros[k];
      if (total < least) [best, least] = [k, total];
    }
    classes[cell] = best;
  }
  return classes;
}
