// What the worker does for the page of photographs: they are coded without any model.

import { isStream, PhotoCodec } from "../codec/index.js";
import { download, PageError } from "./fetching.js";
import { MAX_PIXELS } from "./picture.js";

const ANALYSIS = 0.6; // its share of the time to encode
const UNPACKING = 0.3; // its share of the time to decode
const PAUSE = 100; // milliseconds between two reports

/** The codec of photographs; each method takes one object and a function that is told the progress. */
export class Engine {
  #codec;
  #analysed = {}; // what came last: of another quality, only the rest is done

  /**
   * Load the family that writes; others are loaded when a file names them.
   *
   * @returns {Promise<object>} the seconds it took
   */
  async open({ families, folder }, report) {
    const started = performance.now();
    const load = (id) =>
      download(`${folder}${id}.json`, (done, total) => report({ stage: "tables", done, total }));
    this.#codec = new PhotoCodec(families, load, { maxPixels: MAX_PIXELS });
    await this.#codec.family(families[0]);
    return { seconds: (performance.now() - started) / 1000 };
  }

  /** A photograph to its `.kae` file; `id` tells it from others. */
  async encode({ id, data, height, width, quality }, report) {
    const codec = this.#codec;
    const started = performance.now();
    if (this.#analysed.id !== id) {
      this.#analysed = {}; // its memory is needed
      const tell = paced(report, 0, ANALYSIS);
      this.#analysed = { id, image: await codec.analyse({ data, height, width }, { tell }) };
    }
    const kae = codec.write(this.#analysed.image, { quality });
    return { kae, milliseconds: performance.now() - started };
  }

  /** A `.kae` file to pixels. */
  async decode({ kae }, report) {
    if (isStream(kae) || (kae[0] === 0xae && kae[2] === 1)) {
      throw new PageError("The file was made with a bundle, and only that bundle's page opens it.");
    }
    const started = performance.now();
    const tell = paced(report, UNPACKING, 1);
    const image = await this.#codec.decompress(kae, { tell });
    return { images: [image], milliseconds: performance.now() - started };
  }
}

/** Tell of a part of the work, and not too often. */
function paced(report, first, stop) {
  let last = performance.now();
  return (done, total) => {
    const now = performance.now();
    if (now - last < PAUSE) return;
    last = now;
    report({ done: first + (stop - first) * (done / total), total: 1 });
  };
}
