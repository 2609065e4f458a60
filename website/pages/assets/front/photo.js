// Photographs on the front page: the modules of their own page, with fewer controls.

import { button, Stage, whole } from "./stage.js";

const MOST = 2 ** 19; // pixels, so that a phone answers at once
const SIDE = 128; // pixels of the part that is shown enlarged
const FIRST = 50; // quality
const PLACE = { x: 0.42, y: 0.42 }; // of the enlarged part, from the upper left corner

/** Load the codec and put its controls there. */
export async function start(mode, folder, tell) {
  const load = (name) => import(`${folder}page/${name}.js`);
  const [{ Client }, picture, { rivals }, say] = await Promise.all(
    ["client", "picture", "rivals", "text"].map(load),
  );
  const page = await (await fetch(`${folder}index.html`)).text();
  const families = /data-families="([^"]*)"/.exec(page)[1].split(" ");
  const engine = new Client(`${folder}page/worker.js`, "photo-engine.js");
  const progress = ({ done, total }) =>
    tell(`Loading the tables: ${say.megabytes(done)} of ${say.megabytes(total)} MB`);
  await engine.call("open", { families, folder: `${folder}families/` }, progress);
  const show = new Photographs(mode, { engine, picture, rivals, say, tell });
  mode.querySelector(".demo-more").append(...show.controls(folder));
  mode.querySelector(".demo-more").hidden = false;
  const sample = async () => {
    const response = await fetch(`${folder}page/cat.webp`);
    await show.take(await response.blob(), "the cat");
  };
  show.sample = sample;
  return { first: () => show.choose(sample), take: (file) => show.take(file) };
}

class Photographs {
  #job = 0;

  constructor(mode, { engine, picture, rivals, say, tell }) {
    Object.assign(this, { engine, picture, rivals, say, tell });
    this.stage = new Stage(mode, { toCanvas: picture.toCanvas, say });
    this.quality = FIRST;
    this.full = document.createElement("canvas");
  }

  controls(folder) {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept: "image/*", className: "demo-input" });
    input.ariaLabel = "Choose a photograph";
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = ""; // so that the same one can be chosen again
      if (file) this.take(file);
    });
    this.input = input;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 1, max: 100, value: this.quality });
    const number = document.createElement("output");
    number.textContent = this.quality;
    const label = document.createElement("label");
    label.className = "demo-quality";
    label.append("Quality ", slider, number);
    slider.addEventListener("input", () => {
      this.quality = Number(slider.value);
      number.textContent = slider.value;
      this.#work();
    });
    const choose = button("Choose a photograph", () => input.click());
    choose.classList.add("md-button--primary");
    const cat = button("The cat", () => this.sample());
    return [choose, input, cat, label, whole(folder, "All its controls")];
  }

  /** Show the sample at once, and ask for a photograph. */
  async choose(sample) {
    await sample();
    this.input.click(); // browsers allow it only soon after the tap; the button stays
  }

  /** A file, or another image. */
  async take(blob, name = blob.name ?? "your photograph") {
    try {
      const fit = this.picture.atMost(MOST);
      this.original = await this.picture.readPicture(blob, { name, channels: 3, fit });
      this.original.id = `${name} ${performance.now()}`;
      this.picture.toCanvas(this.full, this.original);
      await this.#work();
    } catch (error) {
      this.tell(error.message);
    }
  }

  async #work() {
    const mine = ++this.#job;
    const stale = () => mine !== this.#job;
    const { original, say, stage } = this;
    if (!original) return;
    const { id, data, height, width } = original;
    stage.late("webp", "jpeg");
    try {
      const { kae } = await this.engine.call("encode", {
        ...{ id, data, height, width },
        quality: this.quality,
      });
      if (stale()) return;
      const { images } = await this.engine.call("decode", { kae });
      if (stale()) return;
      const psnr = this.picture.psnr(data, images[0].data);
      const size = say.size(original);
      stage.show("original", this.#part(original), `${size} pixels, a part enlarged`);
      const caption = `quality ${images[0].quality}: ${say.bytes(kae.length)}, ${say.decibels(psnr)}`;
      stage.show("kerasae", this.#part(images[0]), caption);
      stage.file(kae.length, data.length, "The whole file, one dot for a byte.");
      stage.dots(kae);
      this.tell("");
      const found = await this.rivals(this.full, original, { bytes: kae.length }, stale);
      if (stale()) return;
      for (const rival of found.filter(({ name }) => name !== "PNG")) {
        const text = stage.rival(rival.name, rival, rival.bytes > kae.length);
        stage.show(rival.name.toLowerCase(), this.#part({ ...original, data: rival.data }), text);
      }
      const detail = { kae, original, rebuilt: images[0], rivals: found };
      stage.mode.dispatchEvent(new CustomEvent("shown", { detail }));
    } catch (error) {
      if (!stale()) this.tell(error.message);
    }
  }

  /** The part of an image that is shown. */
  #part({ data, height, width }) {
    const [rows, columns] = [Math.min(SIDE, height), Math.min(SIDE, width)];
    const top = Math.round(PLACE.y * (height - rows));
    const left = Math.round(PLACE.x * (width - columns));
    const part = new Uint8Array(3 * rows * columns);
    for (let y = 0; y < rows; y++) {
      const from = 3 * ((top + y) * width + left);
      part.set(data.subarray(from, from + 3 * columns), 3 * y * columns);
    }
    return { data: part, height: rows, width: columns };
  }
}
