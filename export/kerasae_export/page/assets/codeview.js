// The code of an image as a picture, and its file byte by byte.

import { Layout } from "../codec/index.js";

const SHOWN = 1024; // bytes
const MOST = 2 ** 20; // cells of the picture

const PARTS = {
  magic: "format and version",
  bundle: "bundle",
  quality: "quality",
  size: "height and width",
  payload: "symbols",
  crc: "checksum",
};

/**
 * Draw the symbols of an image: a map for each channel of a grid, or a row for each tile.
 *
 * @returns {{rows: number, columns: number, maps: number, tiles?: number} | null} null if there
 *   are too many
 */
export function drawCode(canvas, spec, { symbols, height, width }) {
  const layout = new Layout(spec);
  const [rows, columns] = layout.cells(height, width);
  const depth = layout.depth;
  const grid = spec.layout === "grid";
  // Grid: `depth` maps of rows x columns. Blocks: one map, a tile a row, or one tile wrapped.
  const tiles = rows * columns;
  const across = Math.min(depth, Math.max(1, Math.ceil(Math.sqrt(depth))));
  const shape = grid
    ? { maps: depth, rows, columns }
    : tiles === 1
      ? { maps: 1, rows: Math.ceil(depth / across), columns: across }
      : { maps: 1, rows: tiles, columns: depth, tiles };
  const perRow = Math.ceil(Math.sqrt((shape.maps * shape.rows) / shape.columns));
  const gap = shape.maps > 1 ? 1 : 0;
  const high = Math.ceil(shape.maps / perRow) * (shape.rows + gap) - gap;
  const wide = Math.min(perRow, shape.maps) * (shape.columns + gap) - gap;
  if (high * wide > MOST) return null;
  const image = new ImageData(wide, high);
  const scale = scales(symbols, depth, spec.codebook, grid);
  for (let i = 0; i < symbols.length; i++) {
    const cell = Math.floor(i / depth);
    const channel = i % depth;
    let x, y;
    if (grid) {
      x = (channel % perRow) * (columns + gap) + (cell % columns);
      y = Math.floor(channel / perRow) * (rows + gap) + Math.floor(cell / columns);
    } else if (tiles === 1) {
      x = i % across;
      y = Math.floor(i / across);
    } else {
      x = channel;
      y = cell;
    }
    const colour = spec.codebook
      ? hue(symbols[i] / spec.codebook)
      : signed(symbols[i] / scale[grid ? channel : 0]);
    image.data.set([...colour, 255], 4 * (y * wide + x));
  }
  canvas.width = wide;
  canvas.height = high;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return shape;
}

/** The largest size of a symbol: for each channel of a grid, else of all. */
function scales(symbols, depth, codebook, grid) {
  const scale = new Float64Array(grid ? depth : 1).fill(1);
  if (codebook) return scale;
  symbols.forEach((symbol, i) => {
    const at = grid ? i % depth : 0;
    scale[at] = Math.max(scale[at], Math.abs(symbol));
  });
  return scale;
}

/** Blue for -1, light grey for 0, orange for 1. */
function signed(t) {
  const end = t < 0 ? [29, 78, 216] : [217, 84, 10];
  const weight = Math.sqrt(Math.min(1, Math.abs(t)));
  return end.map((value) => Math.round(238 + (value - 238) * weight));
}

/** A colour for each index of a codebook. */
function hue(t) {
  const channel = (shift) => Math.round(150 + 90 * Math.cos(2 * Math.PI * (t + shift)));
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}

/**
 * The parts of a `.kae` file, by FORMAT.md; a stream is one payload between head and end.
 *
 * @returns {{name: string, start: number, stop: number}[]}
 */
export function partsOf(kae, qualities) {
  const parts = [];
  const take = (name, stop) => {
    const start = parts.at(-1)?.stop ?? 0;
    if (stop > start) parts.push({ name, start, stop });
  };
  take("magic", 3);
  take("bundle", 5);
  if (kae[1] === 0x6b) {
    let at = 5;
    if (qualities > 1) take("quality", ++at);
    for (let varints = 0; varints < 2; varints++) {
      while (kae[at++] & 0x80);
    }
    take("size", at);
    take("payload", kae.length - 4);
    take("crc", kae.length);
  } else {
    take("payload", kae.length);
  }
  return parts;
}

/** Show the bytes in hexadecimal, each part in its colour. */
export function showBytes(box, legend, kae, qualities) {
  box.replaceChildren();
  legend.replaceChildren();
  for (const { name, start, stop } of partsOf(kae, qualities)) {
    const piece = document.createElement("span");
    piece.className = `part-${name}`;
    const shown = kae.subarray(start, Math.min(stop, Math.max(start, SHOWN)));
    const digits = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0"));
    const left = stop - start - shown.length;
    piece.textContent = `${digits.join(" ")} ${left > 0 ? `… ${left} more … ` : ""}`;
    box.append(piece);
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.className = `part-${name}`;
    item.append(mark, `${PARTS[name]}, ${stop - start}`);
    legend.append(item);
  }
}
