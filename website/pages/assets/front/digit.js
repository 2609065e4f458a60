// Digits on the front page: drawn by hand, coded by an autoencoder that LiteRT.js runs.

import { button, Stage, whole } from "./stage.js";

const SIDE = 28; // pixels of a digit
const PAD = 280; // pixels of the drawing
const PEN = 24;

/** Load LiteRT.js and the models, and let the first picture be drawn on. */
export async function start(mode, folder, tell) {
  const load = (name) => import(`${folder}page/${name}.js`);
  const [{ Client }, picture, { rivals }, say, { Pad }, view] = await Promise.all(
    ["client", "picture", "rivals", "text", "pad", "codeview"].map(load),
  );
  const page = await (await fetch(`${folder}index.html`)).text();
  const litert = new URL(/data-litert="([^"]*)"/.exec(page)[1], folder).href;
  const engine = new Client(`${folder}page/worker.js`, "engine.js");
  const progress = ({ stage, done, total }) => {
    const size = total > 1e5 ? `: ${say.megabytes(done)} of ${say.megabytes(total)} MB` : "";
    tell(`Loading ${stage.replace(/^(loading|checking) /, "")}${size}`);
  };
  const { manifest } = await engine.call("open", { bundle: `${folder}bundle/`, litert }, progress);
  tell("");
  const digits = new Digits(mode, { engine, picture, rivals, say, Pad, view, manifest, tell });
  mode.querySelector(".demo-more").append(...digits.controls(folder));
  mode.querySelector(".demo-more").hidden = false;
  return { first: () => digits.canvas.focus() };
}

class Digits {
  #job = 0;

  constructor(mode, parts) {
    Object.assign(this, parts);
    this.stage = new Stage(mode, { toCanvas: parts.picture.toCanvas, say: parts.say });
    this.small = document.createElement("canvas");
    const frame = this.stage.figure("original").querySelector(".demo-frame");
    this.canvas = this.stage.canvas(frame);
    this.canvas.className = "demo-pad";
    this.canvas.tabIndex = 0;
    this.canvas.ariaLabel =
      "Drawing area: arrow keys move the pen, the space bar lifts and lowers it";
  }

  controls(folder) {
    const input = (type, value) => Object.assign(document.createElement("input"), { type, value });
    const clear = button("Clear", () => {});
    const tools = { ink: input("color", "#ffffff"), pen: input("number", PEN) };
    const pad = new this.Pad(
      this.canvas,
      { ...tools, clear, swap: document.createElement("button") },
      () => this.#work(),
    );
    pad.reset(PAD, PAD, "#ffffff", "#000000");
    this.stage.show("original", null, "draw here: it becomes 28 × 28 pixels");
    this.#wait();
    return [clear, whole(folder, "All its controls, and its code")];
  }

  /** Nothing is drawn yet: the place to draw says so, and what was recorded goes. */
  #wait() {
    this.stage.mode.classList.add("demo-empty");
    const nothing = { data: new Uint8Array(SIDE * SIDE), height: SIDE, width: SIDE };
    for (const name of ["kerasae", "webp", "jpeg"]) this.stage.show(name, nothing, "");
  }

  #pixels() {
    this.small.width = this.small.height = SIDE;
    const context = this.small.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(this.canvas, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return { data: this.picture.fromCanvas(data, 1), height: SIDE, width: SIDE };
  }

  async #work() {
    const mine = ++this.#job;
    const stale = () => mine !== this.#job;
    const { engine, manifest, picture, say, stage } = this;
    const original = this.#pixels();
    if (!original.data.some((value) => value)) {
      this.#wait();
      return;
    }
    const quality = manifest.codec.qualities.length;
    try {
      const { symbols, kae } = await engine.call("encode", { ...original, quality });
      if (stale()) return;
      const { images } = await engine.call("decode", { kae });
      if (stale()) return;
      stage.mode.classList.remove("demo-empty");
      const psnr = picture.psnr(original.data, images[0].data);
      const caption = `${say.bytes(kae.length)}, ${say.decibels(psnr)}`;
      stage.show("original", null, "28 × 28 pixels, 784 bytes");
      stage.show("kerasae", images[0], caption);
      stage.late("webp", "jpeg");
      const used = symbols.filter((symbol) => symbol).length;
      const line =
        `The code: ${symbols.length} numbers, ${used} of them not zero, as squares; ` +
        `blue below zero, orange above. The file: ${hex(kae)}`;
      stage.file(kae.length, original.data.length, line);
      const frame = stage.mode.querySelector(".demo-file .demo-frame");
      this.view.drawCode(stage.canvas(frame), manifest.codec, { symbols, ...images[0] });
      const found = await this.rivals(this.small, original, { bytes: kae.length }, stale);
      if (stale()) return;
      for (const rival of found.filter(({ name }) => name !== "PNG")) {
        const text = stage.rival(rival.name, rival, rival.bytes > kae.length);
        stage.show(rival.name.toLowerCase(), { ...original, data: rival.data }, text);
      }
      const detail = { kae, original, symbols, rebuilt: images[0], rivals: found };
      stage.mode.dispatchEvent(new CustomEvent("shown", { detail }));
    } catch (error) {
      if (!stale()) this.tell(error.message);
    }
  }
}

function hex(kae) {
  return Array.from(kae, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
