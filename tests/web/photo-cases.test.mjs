// The JavaScript codec of photographs agrees with the Python one on cases that
// tests/test_web_photo.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const file = process.env.KERASAE_CASES;
const skip = file ? false : "run by tests/test_web_photo.py, which sets KERASAE_CASES";
const { families, images, files, changed, limit } = file
  ? JSON.parse(readFileSync(file))
  : { families: {}, images: [], files: [], changed: [], limit: 1 };

const load = (id) => new TextEncoder().encode(families[id]);

test("images", { skip }, async (t) => {
  for (const { family, pixels, height, width, quality, kae } of images) {
    const codec = new kerasae.PhotoCodec([family], load);
    const image = { data: fromHex(pixels), height, width };
    const data = await codec.compress(image, { quality });
    assert.equal(kerasae.hex(data), kae, `${height} x ${width}, quality ${quality}`);
  }
  t.diagnostic(`images: ${images.length}`);
});

test("files, good and damaged", { skip }, async (t) => {
  const codec = new kerasae.PhotoCodec(Object.keys(families), load, { maxPixels: limit });
  for (const { data, verdict } of files) {
    let found;
    let rebuilt;
    try {
      ({ found, rebuilt } = await judged(codec, fromHex(data)));
    } catch (error) {
      if (!(error instanceof kerasae.BitstreamError)) throw error;
      found = error.name;
    }
    const { rebuilt: expected, ...rest } = typeof verdict === "string" ? {} : verdict;
    assert.deepEqual(found, typeof verdict === "string" ? verdict : rest, data.slice(0, 400));
    if (expected !== undefined) {
      const pixels = fromHex(expected);
      assert.equal(rebuilt.length, pixels.length);
      assert(rebuilt.every((level, i) => Math.abs(level - pixels[i]) <= 1), data.slice(0, 400));
    }
  }
  t.diagnostic(`files: ${files.length}`);
});

test("changed families", { skip }, (t) => {
  for (const { text, good } of changed) {
    const content = new TextEncoder().encode(text);
    if (good) kerasae.parseFamily(content);
    else assert.throws(() => kerasae.parseFamily(content), kerasae.BundleError, text.slice(0, 200));
  }
  t.diagnostic(`families: ${changed.length}`);
});

async function judged(codec, data) {
  const { coded, quality, height, width } = await codec.unpack(data);
  const view = new DataView(new ArrayBuffer(2 * coded.symbols.length));
  coded.symbols.forEach((symbol, i) => view.setInt16(2 * i, symbol, true));
  const symbols = kerasae.hex(kerasae.sha256(new Uint8Array(view.buffer)));
  const found = { quality, height, width, symbols, classes: [...coded.classes] };
  return { found, rebuilt: (await codec.decompress(data)).data };
}

function fromHex(text) {
  return new Uint8Array(Buffer.from(text, "hex"));
}
