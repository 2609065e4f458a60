// What the worker does for the page: open the bundle, encode, decode.

import { arrayFor, Codec, isStream, parseManifest, verifyFiles } from "../codec/index.js";
import { openModels, refuseWhatNoBrowserRuns } from "../codec/litert.js";
import { download, PageError } from "./fetching.js";
import { startLiteRt } from "./litert.js";
import { MAX_PIXELS } from "./picture.js";

const GOLDEN = ["image.png", "symbols.json", "image.kae", "reconstruction.png"];

/** A bundle, opened; each method takes one object and a function that is told the progress. */
export class Engine {
  #codec;
  #spent = 0;
  #runs = 0;
  #report = () => {};
  #expected = 0;

  /**
   * Load, check and warm up.
   *
   * @returns {Promise<object>} the manifest, the golden files and the seconds it took
   */
  async open({ bundle, litert: folder }, report) {
    const started = performance.now();
    const tell = (stage) => (done, total) => report({ stage, done, total });
    const written = await download(`${bundle}manifest.json`, tell("the manifest"));
    refuseWhatNoBrowserRuns(new TextDecoder().decode(written));
    const manifest = parseManifest(written);
    const files = {};
    const { encoder, decoder, labels } = manifest;
    const told = labels ? [labels.encoder, labels.decoder] : [];
    for (const { file } of [encoder, decoder, ...told]) {
      files[file] ??= await download(`${bundle}${file}`, tell(file));
    }
    report({ stage: "checking the hashes" });
    const golden = {};
    for (const name of GOLDEN.map((file) => `golden/${file}`)) {
      if (Object.hasOwn(manifest.files, name)) golden[name] = await download(`${bundle}${name}`);
    }
    verifyFiles(manifest, { ...files, ...golden });
    const litert = await startLiteRt(folder, tell("LiteRT.js"));
    report({ stage: "loading the models" });
    const runs = await openModels(litert, manifest, files);
    this.#codec = new Codec(manifest, {
      encoder: this.#timed(runs.encoder),
      decoder: this.#timed(runs.decoder),
      labelled: runs.labelled && {
        encoder: this.#timed(runs.labelled.encoder),
        decoder: this.#timed(runs.labelled.decoder),
      },
      maxPixels: MAX_PIXELS,
    });
    await runs.encoder(arrayFor(manifest.encoder.input)); // the first run is a slow one
    await runs.decoder(arrayFor(manifest.decoder.input));
    return { manifest, golden, seconds: (performance.now() - started) / 1000 };
  }

  /** An image to its symbols and its `.kae` file; `label` is the number of its class, or null. */
  async encode({ data, height, width, quality, label }, report) {
    const codec = this.#begin(report, this.#tiles(height, width));
    const started = performance.now();
    const symbols = await codec.encode({ data, height, width }, { quality, label });
    const kae = codec.pack(symbols, height, width, { quality });
    return { symbols, kae, milliseconds: performance.now() - started, models: this.#spent };
  }

  /** A `.kae` file, or a stream of many images, to pixels and symbols, shown as a class or none. */
  async decode({ kae, label }, report) {
    const codec = this.#begin(report, 0);
    const started = performance.now();
    const coded = isStream(kae) ? [...codec.unpackMany(kae)] : [codec.unpack(kae)];
    if (!coded.length) throw new PageError("The stream holds no image.");
    this.#expected = coded.reduce((sum, { height, width }) => sum + this.#tiles(height, width), 0);
    const images = [];
    for (const { symbols, height, width, quality } of coded) {
      const { data } = await codec.decode(symbols, height, width, { quality, label });
      images.push({ data, height, width, quality, symbols });
    }
    return { images, milliseconds: performance.now() - started, models: this.#spent };
  }

  /** Symbols of one tile's size to pixels and a `.kae` file. */
  async render({ symbols, height, width, quality, label }, report) {
    const codec = this.#begin(report, 0);
    const started = performance.now();
    const { data } = await codec.decode(symbols, height, width, { quality, label });
    const milliseconds = performance.now() - started;
    return { data, kae: codec.pack(symbols, height, width, { quality }), milliseconds };
  }

  #begin(report, tiles) {
    if (!this.#codec) throw new PageError("The bundle is not open.");
    this.#spent = this.#runs = 0;
    this.#expected = tiles;
    this.#report = report;
    return this.#codec;
  }

  #tiles(height, width) {
    const [rows, columns] = this.#codec.layout.spans(height, width);
    return rows.length * columns.length;
  }

  #timed(run) {
    let last = 0;
    return async (...values) => {
      const started = performance.now();
      const result = await run(...values);
      const now = performance.now();
      this.#spent += now - started;
      this.#runs += 1;
      if (now - last > 100) {
        last = now;
        this.#report({ done: this.#runs, total: Math.max(this.#runs, this.#expected) });
      }
      return result;
    };
  }
}
