// What the codec of photographs does apart from its bytes: steps, progress, refusals.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const SMALL = new Uint8Array(readFileSync(new URL("../golden/photo/small.json", import.meta.url)));
const { id } = kerasae.parseFamily(SMALL);
const codecOf = (options) => new kerasae.PhotoCodec([id], () => SMALL, options);

test("of one analysis come files of several qualities, and progress", async () => {
  const codec = codecOf();
  const data = Uint8Array.from({ length: 6000 }, (_, i) => (7 * i + (i >> 5)) % 256);
  const image = { data, height: 40, width: 50 };
  const told = [];
  const analysed = await codec.analyse(image, { tell: (...how) => told.push(how) });
  assert.deepEqual(told, [[1, 3], [2, 3], [3, 3]]);
  for (const quality of [10, 90]) {
    const file = codec.write(analysed, { quality });
    assert.deepEqual(file, await codec.compress(image, { quality }));
    told.length = 0;
    const rebuilt = await codec.decompress(file, { tell: (...how) => told.push(how) });
    assert.deepEqual([rebuilt.height, rebuilt.width, rebuilt.quality], [40, 50, quality]);
    assert.deepEqual(told, [[1, 3], [2, 3], [3, 3]]);
  }
  assert.throws(() => codec.write(analysed, { quality: 0 }), /`quality` must be an integer from 1/);
});

test("what is no image is refused as the codec of a bundle refuses it", async () => {
  const codec = codecOf({ maxPixels: 8 });
  const data = new Uint8Array(24);
  for (const [image, message] of [
    [{ data, height: 3, width: 3 }, "The image must have 1 to 8 pixels. Received: 3 x 3"],
    [{ data, height: 0, width: 3 }, "The image must have 1 to 8 pixels. Received: 0 x 3"],
    [{ data, height: 2, width: 2 }, "The image's data must be 12 bytes. Received: 24"],
    [{ data: [...data], height: 2, width: 4 }, "The image's data must be 24 bytes. Received: 24"],
  ]) {
    await assert.rejects(codec.compress(image), { name: "RangeError", message });
  }
});
