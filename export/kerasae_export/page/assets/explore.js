// Sliders over the code of one tile, and codes drawn at random.

import { stepsOf } from "../codec/index.js";

const FEW = 16; // sliders shown at first
const MOST = 512;

/** Whether the manifest says that codes were trained to be normally distributed. */
export function isGenerative({ facts }) {
  return [facts.architecture, facts.model].some((name) => /variational|conditional/.test(String(name)));
}

/** Whether a code has few enough values of its own to have sliders. */
export function hasSliders({ codec }) {
  const values = codec.code_shape.reduce((a, b) => a * b, 1);
  return codec.layout === "blocks" && !codec.codebook && values <= MOST;
}

/** The symbols that sliders stand for; `changed` is called when one is moved. */
export class Explorer {
  #codec;
  #rows = [];

  constructor(manifest, box, changed) {
    this.#codec = manifest.codec;
    const { code_shape: shape, qualities } = manifest.codec;
    this.generative = isGenerative(manifest);
    this.count = shape.reduce((a, b) => a * b, 1);
    this.box = box;
    const channels = shape.at(-1);
    const finest = qualities.at(-1);
    const steps = stepsOf(finest);
    this.values = Array.from({ length: this.count }, (_, i) => {
      const table = finest.tables[i % channels];
      return spread(table, steps[i % channels], this.generative);
    });
    // The values that vary most come first.
    const order = this.values.map((value, i) => [value.deviation, i]).sort((a, b) => b[0] - a[0]);
    for (const [, i] of order) this.#rows.push(this.#row(i, changed));
    this.all = this.count <= FEW;
    this.show(this.all);
  }

  /** Show all sliders, or the few that matter most. */
  show(all) {
    this.all = all;
    this.box.replaceChildren(
      ...(all ? this.#rows : this.#rows.slice(0, FEW)).map((row) => row.label),
    );
  }

  get symbols() {
    const symbols = new Int32Array(this.count);
    for (const { i, symbol } of this.#rows) symbols[i] = symbol;
    return symbols;
  }

  set symbols(symbols) {
    for (const row of this.#rows) row.set(symbols[row.i]);
  }

  /** Take the code of an image of any quality. */
  follow({ symbols, quality }) {
    const { qualities } = this.#codec;
    const steps = stepsOf(qualities[quality - 1]);
    const value = (i) => symbols[i] * steps[i % steps.length];
    this.symbols = this.values.map(({ step }, i) => Math.floor(value(i) / step + 0.5));
  }

  /** The code in the middle. */
  middle() {
    this.symbols = this.values.map((value) => (this.generative ? 0 : value.mean));
  }

  /** A random code: from the standard normal, or each value from its entropy table. */
  sample(random = Math.random) {
    this.symbols = this.values.map((value) =>
      this.generative ? Math.floor(normal(random) / value.step + 0.5) : value.draw(random),
    );
  }

  #row(i, changed) {
    const { low, high, step } = this.values[i];
    const label = document.createElement("label");
    const name = document.createElement("span");
    const input = document.createElement("input");
    const output = document.createElement("output");
    name.textContent = `z${i + 1}`;
    Object.assign(input, { type: "range", min: low, max: high, step: 1 });
    input.setAttribute("aria-label", `Value ${i + 1} of the code`);
    output.setAttribute("aria-hidden", "true"); // the slider tells it
    label.append(name, input, output);
    const row = { i, label, symbol: 0 };
    row.set = (symbol) => {
      row.symbol = symbol;
      input.value = symbol; // clamped where the symbol is out of range
      output.textContent = (symbol * step).toFixed(2);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      row.set(Number(input.value));
      changed();
    });
    return row;
  }
}

/** What an entropy table, made of the codes of real images, says about a value. */
function spread({ offset, frequencies }, step, generative) {
  const counts = frequencies.slice(0, -1); // without the escape
  const total = counts.reduce((a, b) => a + b, 0);
  const mean = counts.reduce((sum, n, j) => sum + n * (offset + j), 0) / total;
  const variance = counts.reduce((sum, n, j) => sum + n * (offset + j - mean) ** 2, 0) / total;
  let [low, high] = [offset, offset + counts.length - 1];
  if (generative) {
    const three = Math.ceil(3 / step); // standard deviations
    [low, high] = [Math.min(low, -three), Math.max(high, three)];
  }
  const draw = (random) => {
    let left = random() * total;
    const j = counts.findIndex((n) => (left -= n) < 0);
    return offset + (j < 0 ? counts.length - 1 : j);
  };
  return { low, high, step, mean: Math.round(mean), deviation: Math.sqrt(variance) * step, draw };
}

/** A number from the standard normal (Box and Muller). */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
