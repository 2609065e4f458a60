// What the front page shows of a result: four pictures, the file as dots, and the numbers.

/**
 * @param {HTMLElement} mode the part of the page that shows it
 * @param {{toCanvas: Function, say: object}} parts of the codec's own page
 */
export class Stage {
  constructor(mode, { toCanvas, say }) {
    Object.assign(this, { mode, toCanvas, say });
  }

  figure(name) {
    return this.mode.querySelector(`figure[data-name=${name}]`);
  }

  /** The canvas in a frame, which takes the place of the recorded picture. */
  canvas(frame) {
    const found = frame.querySelector("canvas");
    if (found) return found;
    const image = frame.querySelector("img");
    const canvas = document.createElement("canvas");
    canvas.role = "img";
    canvas.ariaLabel = image.alt;
    image.replaceWith(canvas);
    return canvas;
  }

  /** Draw pixels into a figure and say what they are. */
  show(name, pixels, caption) {
    const figure = this.figure(name);
    figure.classList.remove("demo-late");
    if (pixels) this.toCanvas(this.canvas(figure.querySelector(".demo-frame")), pixels);
    // Lines end after a comma, not within a number and its unit.
    const text = caption.replace(/ (?=byte|dB)/g, "\u00a0");
    figure.querySelector("figcaption span").textContent = text;
  }

  /** Mark a figure as of the picture before. */
  late(...names) {
    for (const name of names) this.figure(name).classList.add("demo-late");
  }

  /** Ours: its size, of how many bytes, and a line about it. */
  file(bytes, raw, line) {
    const box = this.mode.querySelector(".demo-file");
    box.querySelector(".demo-bytes b").textContent = this.say.count(bytes);
    box.querySelector(".demo-bytes span").textContent = `instead of ${this.say.count(raw)} for the pixels`;
    box.querySelector(".demo-line").textContent = line;
  }

  /** Each byte of a file as a dot, blue for 0 to orange for 255. */
  dots(kae) {
    const columns = Math.ceil(Math.sqrt(3 * kae.length));
    const height = Math.ceil(kae.length / columns);
    const data = new Uint8Array(3 * columns * height).fill(255);
    kae.forEach((byte, i) => data.set(colour(byte / 255), 3 * i));
    const frame = this.mode.querySelector(".demo-file .demo-frame");
    this.toCanvas(this.canvas(frame), { data, height, width: columns });
  }

  /** What a rival's caption says: its setting, bytes and error. */
  rival(name, { bytes, psnr, note }, least) {
    const setting = note.replace("setting ", "");
    const how = least ? `at its smallest, setting ${setting} of 100` : `setting ${setting} of 100`;
    return `${how}: ${this.say.bytes(bytes)}, ${this.say.decibels(psnr)}`;
  }
}

/** Blue to light grey to orange. */
function colour(t) {
  const end = t < 0.5 ? [37, 99, 235] : [234, 108, 20];
  const weight = Math.abs(2 * t - 1);
  return end.map((value) => Math.round(236 + (value - 236) * weight));
}

/** A button in the row of controls. */
export function button(text, done) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "md-button";
  made.textContent = text;
  made.addEventListener("click", done);
  return made;
}

/** A link to the codec's own page, which shows more. */
export function whole(folder, text) {
  const link = document.createElement("a");
  link.href = `${folder}index.html`;
  link.textContent = text;
  return link;
}
