// Whether this browser computes what was exported: the bundle's golden sample tells.

import { engine } from "./page.js";
import { apart, asItIs, readPicture } from "./picture.js";
import * as say from "./text.js";

const MOVED = 0.1; // share of the golden symbols that another kernel may move by one

/** Run the bundle's golden sample: it tells whether this browser computes what was exported. */
export async function checkItself({ manifest, golden }) {
  const file = (name) => golden[`golden/${name}`];
  if (!["image.png", "symbols.json", "image.kae", "reconstruction.png"].every(file)) {
    return {
      good: true,
      text: "No sample to check by",
      detail: "The bundle has no golden sample.",
    };
  }
  const expected = JSON.parse(new TextDecoder().decode(file("symbols.json")));
  const { channels, codebook } = manifest.codec;
  const png = (name) =>
    readPicture(new Blob([file(name)], { type: "image/png" }), { name, channels, fit: asItIs });
  const { symbols } = await engine.call("encode", {
    ...(await png("image.png")),
    quality: expected.quality,
  });
  const { images } = await engine.call("decode", { kae: file("image.kae") });
  const moved = apart(symbols, expected.symbols);
  const stored = apart(images[0].symbols, expected.symbols);
  const pixels = apart(images[0].data, (await png("reconstruction.png")).data);
  const good =
    symbols.length === expected.symbols.length &&
    moved.count <= MOVED * symbols.length &&
    (codebook > 0 || moved.most <= 1) &&
    stored.count === 0 &&
    pixels.most <= manifest.pixel_tolerance;
  const detail =
    `${say.count(moved.count)} of ${say.count(symbols.length)} symbols differ from the golden ` +
    `sample's, by up to ${moved.most}, and pixels by up to ${pixels.most} of 255, where ` +
    `${manifest.pixel_tolerance} are allowed.`;
  return { good, text: good ? "Self-check passed" : "Self-check failed", detail };
}
