// The JavaScript codec reads and writes the golden photographs of version 2, byte for byte.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const FOLDER = new URL("../golden/photo/", import.meta.url);
const SHIPPED = new URL("../../export/kerasae_export/photo/families/", import.meta.url);

const read = (url) => new Uint8Array(readFileSync(url));
const { families, images, generated } = JSON.parse(
  readFileSync(new URL("photographs.json", FOLDER), "utf-8"),
);
const contents = Object.fromEntries(
  families.map(({ name, id }) => {
    const own = name === "small";
    return [id, read(own ? new URL("small.json", FOLDER) : new URL(`${name}/family.json`, SHIPPED))];
  }),
);
const codecs = Object.fromEntries(
  families.map(({ name, id }) => [name, new kerasae.PhotoCodec([id], () => contents[id])]),
);

for (const { name, id, sha256 } of families) {
  test(`the family ${name}`, () => {
    const family = kerasae.parseFamily(contents[id]);
    assert.equal(kerasae.hex(family.hash), sha256);
    assert.equal(family.id, id);
  });
}

for (const { family, name, height, width, quality, effort, classes, symbols } of images) {
  test(name, async () => {
    const data = read(new URL(`${name}.kae`, FOLDER));
    assert.equal(kerasae.familyId(data), codecs[family].ids[0]);
    assert.deepEqual(kerasae.readHead(data), { quality, height, width });
    const found = await codecs[family].unpack(data);
    assert.deepEqual([found.quality, found.height, found.width], [quality, height, width]);
    assert.deepEqual([...found.coded.classes], classes);
    assert.equal(kerasae.hex(kerasae.sha256(littleEndian(found.coded.symbols))), symbols);
    const rebuilt = await codecs[family].decompress(data);
    const expected = pixels(name, height, width);
    assert.equal(rebuilt.data.length, expected.length);
    assert(rebuilt.data.every((level, i) => Math.abs(level - expected[i]) <= 1));
    if (effort === 0) {
      const image = { data: pixels(`image-${height}x${width}`, height, width), height, width };
      assert.deepEqual(await codecs[family].compress(image, { quality }), data);
    }
  });
}

for (const { family, seed, height, width, quality, bytes, sha256 } of generated) {
  test(`${family}: the drawn image ${seed}`, async () => {
    const image = { data: drawn(seed, height, width), height, width };
    const data = await codecs[family].compress(image, { quality });
    assert.equal(data.length, bytes);
    assert.equal(kerasae.hex(kerasae.sha256(data)), sha256);
    const { data: rebuilt } = await codecs[family].decompress(data);
    assert.equal(rebuilt.length, image.data.length);
  });
}

/** The pixels of a PPM file. */
function pixels(name, height, width) {
  const content = read(new URL(`${name}.ppm`, FOLDER));
  return content.subarray(content.length - 3 * height * width);
}

function littleEndian(symbols) {
  const view = new DataView(new ArrayBuffer(2 * symbols.length));
  symbols.forEach((symbol, i) => view.setInt16(2 * i, symbol, true));
  return new Uint8Array(view.buffer);
}

/** As tests/golden/README.md says. */
function drawn(seed, height, width) {
  let state = seed;
  const data = new Uint8Array(3 * height * width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        state = (Math.imul(1103515245, state) + 12345) & 0x7fffffff;
        const ramp = (3 * x + 2 * y + 40 * c + Math.floor((x * y) / 64)) % 512;
        const value = Math.min(ramp, 511 - ramp) + ((state >> 16) % 17) - 8;
        data[at++] = Math.min(255, Math.max(0, value));
      }
    }
  }
  return data;
}
