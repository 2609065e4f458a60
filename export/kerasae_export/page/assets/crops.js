// The same place of the original and of each codec, enlarged.

import { $, state } from "./page.js";
import { toCanvas } from "./picture.js";
import * as say from "./text.js";

const SIDE = 80; // pixels of a crop
const STEP = 0.05; // of the image, for an arrow key
const MIDDLE = { x: 0.5, y: 0.5 };
const OTHERS = ["JPEG", "WebP"];

let place = MIDDLE;
let image; // of which the crops are

/** Let the enlarged place be chosen on the images that are shown. */
export function connectCrops() {
  addEventListener("shown", () => {
    const { original } = state.shown;
    $("crops").hidden = !original;
    if (!original) return;
    if (original !== image) [image, place, state.rivals] = [original, MIDDLE, []];
    for (const name of OTHERS) figureOf(name).classList.add("late");
    draw(["Original", "kerasae"]);
  });
  addEventListener("compared", () => {
    for (const name of OTHERS) {
      figureOf(name).classList.remove("late");
      figureOf(name).hidden = !state.rivals.some((rival) => rival.name === name);
    }
    draw(OTHERS);
  });
  for (const id of ["original", "rebuilt"]) {
    const frame = $(id).parentElement;
    frame.tabIndex = 0;
    frame.role = "group";
    frame.ariaLabel = "The place that is enlarged: arrow keys move it";
    frame.addEventListener("click", ({ clientX, clientY }) => {
      if ($("stage").dataset.view !== "pair" || !state.shown?.original) return;
      const box = frame.getBoundingClientRect();
      move((clientX - box.left) / box.width, (clientY - box.top) / box.height);
    });
    frame.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
        event.key
      ];
      if (!by || !state.shown?.original) return;
      event.preventDefault();
      move(place.x + STEP * by[0], place.y + STEP * by[1]);
    });
  }
}

function move(x, y) {
  const inside = (value) => Math.min(1, Math.max(0, value));
  place = { x: inside(x), y: inside(y) };
  draw(["Original", "kerasae", ...OTHERS]);
}

function figureOf(name) {
  return $(`crop-${name.toLowerCase()}`);
}

/** Draw crops and their captions, and mark their place on the images. */
function draw(names) {
  const { original, rebuilt, kae, psnr } = state.shown;
  const { height, width } = original;
  const [rows, columns] = [Math.min(SIDE, height), Math.min(SIDE, width)];
  const top = start(place.y, height, rows);
  const left = start(place.x, width, columns);
  const style = $("stage").style;
  style.setProperty("--spot-left", `${(100 * left) / width}%`);
  style.setProperty("--spot-top", `${(100 * top) / height}%`);
  style.setProperty("--spot-width", `${(100 * columns) / width}%`);
  style.setProperty("--spot-height", `${(100 * rows) / height}%`);
  const found = {
    Original: { data: original.data },
    kerasae: { data: rebuilt.data, bytes: kae.length, psnr },
    ...Object.fromEntries(state.rivals.map((rival) => [rival.name, rival])),
  };
  for (const name of names) {
    const figure = figureOf(name);
    const one = found[name];
    if (!one) continue;
    const data = new Uint8Array(rows * columns * 3);
    for (let y = 0; y < rows; y++) {
      const from = ((top + y) * width + left) * 3;
      data.set(one.data.subarray(from, from + columns * 3), y * columns * 3);
    }
    toCanvas(figure.querySelector("canvas"), { data, height: rows, width: columns });
    const caption = figure.querySelector("figcaption span");
    const text = one.bytes ? `${say.bytes(one.bytes)}, ${say.decibels(one.psnr)}` : "";
    caption.textContent = text.replace(/ (?=byte|dB)/g, "\u00a0"); // lines end after the comma
  }
}

/** The first pixel of a crop around a place. */
function start(part, side, crop) {
  return Math.min(side - crop, Math.max(0, Math.round(part * side - crop / 2)));
}
