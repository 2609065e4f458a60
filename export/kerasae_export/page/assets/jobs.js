// The two jobs of the page: an image to its file and back, and a received file to its image.

import { forgetAddress } from "./link.js";
import { $, engine, state, work } from "./page.js";
import { asItIs, MAX_PIXELS, mosaicOf, readPicture } from "./picture.js";
import { present } from "./result.js";
import { compare } from "./sizes.js";
import * as say from "./text.js";

const MAX_TILES = 4096; // of an image of blocks, before it is brought to one tile

/** Encode an image, decode its file, and show both. */
export async function show(source) {
  if (!source) return;
  state.source = source;
  forgetAddress();
  const still = await work(async (current, tell) => {
    const original = await read(source);
    if (!current()) return;
    const quality = Number($("quality").value);
    const { data, height, width } = original;
    const encoded = await engine.call("encode", { data, height, width, quality }, tell("Encoding"));
    if (!current()) return;
    const decoded = await engine.call("decode", { kae: encoded.kae }, tell("Decoding"));
    if (!current()) return;
    const [rebuilt] = decoded.images;
    const scaled = original.from.height !== height || original.from.width !== width;
    const was = scaled ? `, from ${say.size(original.from)}` : "";
    present({
      name: source.name.replace(/\.[^.]*$/, "") || "image",
      line: `${source.name}: ${say.size(original)} pixels${was}`,
      kae: encoded.kae,
      original: { data, height, width },
      rebuilt,
      coded: rebuilt,
      encode: encoded.milliseconds,
      decode: decoded.milliseconds,
    });
  });
  if (still()) await compare(still);
}

/** Decode a `.kae` file that came from somewhere else. */
export async function receive(kae, name) {
  state.source = null;
  await work(async (current, tell) => {
    let decoded;
    try {
      decoded = await engine.call("decode", { kae }, tell("Decoding"));
    } catch ({ message }) {
      const sentence = message.replace(/; raise `\w+` if you trust it/, ""); // for programs
      throw new Error(`${name}: ${sentence[0].toLowerCase()}${sentence.slice(1)}`);
    }
    if (!current()) return;
    const { images } = decoded;
    const many = images.length > 1;
    const rebuilt = many ? mosaicOf(images, state.manifest.codec.channels) : images[0];
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

/** Read an image in the chosen size. */
async function read(source) {
  const { channels } = state.manifest.codec;
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
  return image;
}

/** The size to bring an image to. */
function fitter(choice, photographed) {
  const { tile, layout } = state.manifest.codec;
  return (height, width) => {
    // Blocks are images of their own: a photograph, or what would be thousands, becomes one.
    const tiles = Math.ceil(height / tile[0]) * Math.ceil(width / tile[1]);
    const single = layout === "blocks" && (photographed || tiles > MAX_TILES);
    if (choice === "tile" || (choice === "auto" && single)) {
      return { height: tile[0], width: tile[1], crop: true };
    }
    const most = { auto: 2 ** 20, small: 2 ** 18, whole: Infinity }[choice];
    const scale = Math.min(1, Math.sqrt(most / (height * width)));
    const side = (n) => Math.max(1, Math.floor(n * scale));
    return { height: side(height), width: side(width), crop: false };
  };
}
