// How an image of any size is cut into tiles that a model of fixed size can take (FORMAT.md, 3).

/**
 * Cover an axis of `cells` cells with tiles of `tile` cells, each trusted `margin` cells inside.
 *
 * @returns {{origin: number, start: number, stop: number}[]} where each tile starts, and the cells
 *   that are taken from it
 */
export function spans(cells, tile, margin) {
  const last = Math.max(0, cells - tile);
  const origins = [];
  for (let origin = 0; origin < last; origin += tile - 2 * margin) origins.push(origin);
  origins.push(last);
  const joints = origins.slice(1).map((b, i) => Math.floor((origins[i] + b + tile) / 2));
  return origins.map((origin, i) => ({
    origin,
    start: i ? joints[i - 1] : 0,
    stop: i < joints.length ? joints[i] : cells,
  }));
}

/** The sizes that follow from a bundle's codec part. */
export class Layout {
  /** @param {object} codec the codec part of a checked manifest */
  constructor(codec) {
    const grid = codec.layout === "grid";
    this.codec = codec;
    /** Cells of a tile; one cell is the whole tile in blocks. */
    this.tileCells = grid ? codec.code_shape.slice(0, 2) : [1, 1];
    /** Pixels of a cell. */
    this.pitch = grid ? [codec.stride, codec.stride] : codec.tile;
    /** Symbols of a cell. */
    this.depth = (grid ? codec.code_shape.slice(2) : codec.code_shape).reduce((a, b) => a * b, 1);
  }

  /** Rows and columns of cells of an image. */
  cells(height, width) {
    return [Math.ceil(height / this.pitch[0]), Math.ceil(width / this.pitch[1])];
  }

  /** Number of symbols of an image. */
  count(height, width) {
    const [rows, columns] = this.cells(height, width);
    return rows * columns * this.depth;
  }

  /** Rows of tiles and columns of tiles. */
  spans(height, width) {
    return this.cells(height, width).map((n, i) => spans(n, this.tileCells[i], this.codec.margin));
  }

  /** Runs of the decoder, one for each tile of an image. */
  runs(height, width) {
    const tiles = this.cells(height, width).map((n, i) => {
      const t = this.tileCells[i];
      return Math.ceil(Math.max(0, n - t) / (t - 2 * this.codec.margin)) + 1;
    });
    return tiles[0] * tiles[1];
  }

  /** Number of squares of cells in an image, each of which has a class. */
  groupCount(height, width) {
    const [rows, columns] = this.cells(height, width);
    return Math.ceil(rows / this.codec.group) * Math.ceil(columns / this.codec.group);
  }

  /** The square of each cell, cells of several images counted on. */
  groupOf(height, width) {
    const { group } = this.codec;
    const [rows, columns] = this.cells(height, width);
    const across = Math.ceil(columns / group);
    const each = this.groupCount(height, width);
    return (cell) => {
      const image = Math.floor(cell / (rows * columns));
      const inside = cell - image * rows * columns;
      const row = Math.floor(inside / columns);
      const column = inside - row * columns;
      return image * each + Math.floor(row / group) * across + Math.floor(column / group);
    };
  }
}
