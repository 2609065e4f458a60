// The two jobs of the page: an image to its file and back, and a received file to its image.

import { forgetAddress } from "./link.js";
import { $, engine, state, work } from "./page.js";
import { asItIs, MAX_PIXELS, mosaicOf, readPicture } from "./picture.js";
import { present } from "./result.js";
import { compare } from "./sizes.js";
import * as say from "./text.js";

let count = 0; // of the images that were read
let last = {}; // the one that was read last: another quality reads no file again

/** Encode an image, decode its file, and show both. */
export async function show(source) {
  if (!source) return;
  // Strokes of a drawing are of one picture.
  if (source !== state.source && !(source.pixels && state.source?.pixels)) forgetClasses();
  state.source = source;
  state.received = null;
  forgetAddress();
  const still = await work(async (current, tell) => {
    const original = await read(source);
    if (!current()) return;
    const quality = Number($("quality").value);
    const { id, data, height, width } = original;
    const image = { id, data, height, width, quality, label: told("shows") };
    const encoded = await engine.call("encode", image, tell("Encoding"));
    if (!current()) return;
    const decoded = await engine.call(
      "decode",
      { kae: encoded.kae, label: told("show-as") },
      tell("Decoding"),
    );
    if (!current()) return;
    const [rebuilt] = decoded.images;
    const scaled = original.from.height !== height || original.from.width !== width;
    const was = scaled ? `, from ${say.size(original.from)}` : "";
    present({
      name: source.name.replace(/\.[^.]*$/, "") || "image",
      line: `${source.name}: ${say.size(original)} pixels${was}`,
      kae: encoded.kae,
      original,
      rebuilt,
      coded: rebuilt,
      encode: encoded.milliseconds,
      decode: decoded.milliseconds,
    });
  });
  if (still()) compare(still);
}

/** Decode a `.kae` file that came from somewhere else. */
export async function receive(kae, name) {
  forgetClasses(state.received?.kae === kae ? ["shows"] : undefined);
  state.source = null;
  state.received = { kae, name };
  await work(async (current, tell) => {
    let decoded;
    try {
      decoded = await engine.call("decode", { kae, label: told("show-as") }, tell("Decoding"));
    } catch ({ message }) {
      const sentence = message.replace(/; raise `\w+` if you trust it/, ""); // for programs
      throw new Error(`${name}: ${sentence[0].toLowerCase()}${sentence.slice(1)}`);
    }
    if (!current()) return;
    const { images } = decoded;
    const many = images.length > 1;
    const rebuilt = many ? mosaicOf(images, state.takes.channels) : images[0];
    const what = many
      ? `a stream of ${say.count(images.length)} images`
      : `${say.size(rebuilt)} pixels`;
    present({
      name: name.replace(/\.[^.]*$/, "") || "received",
      line: `${name}: ${what}, received without an original to compare with`,
      kae,
      original: null,
      rebuilt,
      coded: images[0],
      decode: decoded.milliseconds,
    });
  });
}

/** The same picture or file once more, after a choice has changed. */
export async function again() {
  if (state.received) await receive(state.received.kae, state.received.name);
  else await show(state.source);
}

/** The number of the class that is chosen; null for none, and on pages without classes. */
export function told(id) {
  const chosen = $(id)?.value;
  return chosen ? Number(chosen) : null;
}

/** What was told of another picture is not told of this one. */
function forgetClasses(choosers = ["shows", "show-as"]) {
  for (const id of choosers) if ($(id)) $(id).value = "";
}

/** An image in the chosen size. */
async function read(source) {
  const how = `${$("size").value} ${$("invert")?.checked}`;
  if (last.source !== source || last.how !== how) {
    last = { source, how, image: await readAnew(source) };
  }
  return last.image;
}

async function readAnew(source) {
  const { channels, fit: fitter } = state.takes;
  const fit = source.whole ? asItIs : fitter($("size").value, source.photographed);
  const image = source.blob
    ? await readPicture(source.blob, { name: source.name, channels, fit })
    : { ...source.pixels, from: source.pixels };
  if (image.height * image.width > MAX_PIXELS) {
    throw new RangeError(
      `${source.name} has ${image.width} x ${image.height} pixels, over the ${MAX_PIXELS} ` +
        "that this page encodes: choose a smaller size.",
    );
  }
  if (channels === 1 && $("invert").checked && source.blob && !source.whole) {
    image.data = image.data.map((value) => 255 - value);
  }
  return { ...image, id: ++count };
}
