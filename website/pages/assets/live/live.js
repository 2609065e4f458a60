// What the pieces share: pictures, sliders and buttons, a pad to draw on, models that run.

const ENGINE = "../../../assets/live/engine.js"; // as the worker of the codec's page finds it
const SIDE = 280; // pixels of a picture on the page

/**
 * Load a piece and what it needs, and let it show its first picture.
 *
 * @param {HTMLElement} box the element of class `live`
 * @param {(text: string) => void} tell
 */
export async function open(box, tell) {
  const root = new URL("../../", import.meta.url).href;
  const page = `${root}try/digits/page/`;
  const [{ start }, { Client }, { Pad }, say] = await Promise.all([
    import(`./${box.dataset.live}.js`),
    ...["client", "pad", "text"].map((name) => import(`${page}${name}.js`)),
  ]);
  const html = await (await fetch(`${root}try/digits/index.html`)).text();
  const litert = new URL(/data-litert="([^"]*)"/.exec(html)[1], `${root}try/digits/`).href;
  const engine = new Client(`${page}worker.js`, ENGINE);
  const models = Object.fromEntries(
    box.dataset.models.split(" ").map((name) => [name, `${root}assets/live/${name}.tflite`]),
  );
  await engine.call("open", { litert, models }, ({ stage, done, total }) => {
    const size = total > 1e5 ? `: ${say.megabytes(done)} of ${say.megabytes(total)} MB` : "";
    tell(`Loading ${stage}${size}`);
  });
  tell("");
  box.querySelector(".live-still")?.remove();
  const stage = new Stage(box, { engine, Pad, say, tell });
  await start(stage);
  box.dataset.state = "ready";
}

/** The part of a page in which a piece shows itself. */
export class Stage {
  #job = 0;

  constructor(box, { engine, Pad, say, tell }) {
    Object.assign(this, { box, engine, Pad, say, tell });
    this.pictures = element("div", "live-pictures");
    this.controls = element("div", "live-controls");
    box.querySelector(".live-status").before(this.pictures, this.controls);
  }

  /**
   * A picture with a line below it.
   *
   * @returns {{canvas: HTMLCanvasElement, caption: HTMLElement}}
   */
  picture(text, { wide = false } = {}) {
    const figure = element("figure", wide ? "live-wide" : "");
    const canvas = element("canvas");
    Object.assign(canvas, { width: SIDE, height: SIDE, role: "img", ariaLabel: text });
    const caption = element("figcaption", "", text);
    figure.append(canvas, caption);
    this.pictures.append(figure);
    return { canvas, caption };
  }

  /** A slider; `changed` gets its value while it moves. */
  slider(text, { min, max, step, value }, changed, show = String) {
    const label = element("label", "live-slider", `${text} `);
    const input = Object.assign(element("input"), { type: "range", min, max, step, value });
    const output = element("output", "", show(value));
    label.append(input, output);
    input.addEventListener("input", () => {
      output.textContent = show(Number(input.value));
      changed(Number(input.value));
    });
    this.controls.append(label);
    return input;
  }

  button(text, done) {
    const made = element("button", "md-button", text);
    made.type = "button";
    made.addEventListener("click", done);
    this.controls.append(made);
    return made;
  }

  /** Let a picture be drawn on, by finger, pen, mouse or keyboard; white on black. */
  pad({ canvas }, changed, { pen = 22, ink = "#ffffff", paper = "#000000" } = {}) {
    Object.assign(canvas, { role: "application", tabIndex: 0, className: "live-pad" });
    canvas.ariaLabel += ": arrow keys move the pen, the space bar lifts and lowers it";
    const input = (type, value) => Object.assign(element("input"), { type, value });
    const tools = { ink: input("color", ink), pen: input("number", pen) };
    const nobody = { swap: element("button"), clear: element("button") };
    const pad = new this.Pad(canvas, { ...tools, ...nobody }, changed);
    pad.reset(SIDE, SIDE, ink, paper);
    return pad;
  }

  /** Run a model: float32 values in and out. */
  run(name, values) {
    return this.engine.call("run", { name, values: Float32Array.from(values) });
  }

  /** Do only what was asked for last: what was overtaken ends at its next `await`. */
  async latest(work) {
    const mine = ++this.#job;
    const stale = () => mine !== this.#job;
    try {
      const detail = await work(stale);
      if (!stale()) this.box.dispatchEvent(new CustomEvent("shown", { detail }));
    } catch (error) {
      if (!stale()) this.tell(error.message);
    }
  }

  /** Draw grey values in [0, 1], enlarged without smoothing. */
  draw({ canvas }, values, { width, height = values.length / width }) {
    const image = new ImageData(width, height);
    values.forEach((value, i) => {
      const level = Math.round(255 * Math.min(1, Math.max(0, value)));
      image.data.set([level, level, level, 255], 4 * i);
    });
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

/** The pixels of a picture, brought to a square of `side`: red, green, blue and opacity of each. */
export function pixelsOf({ canvas }, side) {
  const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = small.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, side, side);
  return context.getImageData(0, 0, side, side).data;
}

/** The same of a picture without colours, as grey values in [0, 1]. */
export function greyOf(picture, side) {
  const data = pixelsOf(picture, side);
  return Float32Array.from({ length: side * side }, (_, i) => data[4 * i] / 255);
}

/** Draw lines through points, as a visitor would with the pen, in units of the side. */
export function strokes({ canvas }, lines, pen = 22, ink = "#fff") {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(context, { strokeStyle: ink, lineWidth: pen, lineCap: "round" });
  context.lineJoin = "round";
  for (const line of lines) {
    context.beginPath();
    for (const [x, y] of line) context.lineTo(x * canvas.width, y * canvas.height);
    context.stroke();
  }
}

/** Standard normal numbers, the same for the same seed (mulberry32, Box and Muller). */
export function normal(count, seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

export const DIGITS = {
  2: [arc(0.5, 0.36, 0.2, 0.17, -3, 0.6).concat([[0.3, 0.78], [0.72, 0.78]])],
  3: [arc(0.48, 0.35, 0.18, 0.15, -2.6, 1.5).concat(arc(0.48, 0.65, 0.2, 0.17, -1.5, 2.6))],
  5: [[[0.68, 0.22], [0.38, 0.22], [0.35, 0.46]].concat(arc(0.48, 0.62, 0.2, 0.18, -2, 2.5))],
  7: [[[0.3, 0.24], [0.7, 0.24], [0.46, 0.8]]],
  8: [arc(0.5, 0.34, 0.15, 0.14, 0, 6.3), arc(0.5, 0.65, 0.18, 0.17, 0, 6.3)],
};

function arc(x, y, a, b, from, to) {
  const at = (i) => from + ((to - from) * i) / 24;
  return Array.from({ length: 25 }, (_, i) => [x + a * Math.cos(at(i)), y + b * Math.sin(at(i))]);
}

function element(name, kind = "", text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
