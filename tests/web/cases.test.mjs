// The JavaScript codec agrees with the Python one on cases that tests/test_web.py writes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const file = process.env.KERASAE_CASES;
const skip = file ? false : "run by tests/test_web.py, which sets KERASAE_CASES";
const { hashes = [], manifests = [], bundles = [] } = file
  ? JSON.parse(readFileSync(file))
  : {};

test("hashes", { skip }, (t) => {
  for (const { data, crc32, sha256 } of hashes) {
    const bytes = fromHex(data);
    assert.equal(kerasae.crc32(bytes), crc32);
    assert.equal(kerasae.hex(kerasae.sha256(bytes)), sha256);
    assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"));
  }
  t.diagnostic(`hashes: ${hashes.length}`);
});

test("changed manifests", { skip }, (t) => {
  for (const { text, bytes, what, good } of manifests) {
    const data = bytes === undefined ? text : fromHex(bytes);
    const parse = () => kerasae.parseManifest(data);
    if (good) assert.doesNotThrow(parse, what);
    else assert.throws(parse, kerasae.BundleError, what ?? text.slice(0, 200));
  }
  t.diagnostic(`manifests: ${manifests.length}`);
});

test("files, streams and images, good and damaged", { skip }, async (t) => {
  let count = 0;
  for (const { manifest, files, images, limit } of bundles) {
    const parsed = kerasae.parseManifest(manifest);
    const options = networks(parsed);
    const codec = new kerasae.Codec(parsed, options);
    const careful = new kerasae.Codec(parsed, { ...options, maxPixels: limit });
    for (const { data, stream, verdict } of files) {
      const found = judged(careful, fromHex(data), stream);
      assert.deepEqual(found, verdict, `${stream ? "stream" : "file"} ${data}`);
      count++;
    }
    for (const { pixels, height, width, quality, kae, rebuilt } of images) {
      const image = { data: fromHex(pixels), height, width };
      const data = await codec.compress(image, { quality });
      assert.equal(kerasae.hex(data), kae);
      const back = await codec.decompress(data);
      assert.deepEqual([back.height, back.width], [height, width]);
      assert.equal(kerasae.hex(back.data), rebuilt);
      const [again] = await codec.decompressMany(await codec.compressMany([image], { quality }));
      assert.deepEqual(again, back);
      count++;
    }
  }
  t.diagnostic(`cases: ${count}`);
});

/** What the codec says of some bytes: symbols, or the kind of the refusal. */
function judged(codec, data, stream) {
  try {
    const images = stream ? [...codec.unpackMany(data)] : [codec.unpack(data)];
    return images.map(({ symbols, height, width, quality }) => ({
      height,
      width,
      quality,
      symbols: [...symbols],
    }));
  } catch (error) {
    if (!(error instanceof kerasae.BitstreamError)) throw error;
    return error.name;
  }
}

/** Stand-ins for networks, as `Stub` in tests/test_web.py. */
function networks({ codec, encoder, decoder }) {
  const [tileHeight, tileWidth] = codec.tile;
  const depth = codec.code_shape.at(-1);
  const stride = tileWidth / (codec.layout === "grid" ? codec.code_shape[1] : 1);
  const down = tileHeight / stride;
  const across = tileWidth / stride;
  return {
    encoder(tile) {
      const code = kerasae.arrayFor(encoder.output);
      for (let y = 0, at = 0; y < down; y++) {
        for (let x = 0; x < across; x++) {
          for (let c = 0; c < depth; c++) {
            const from = (y * stride * tileWidth + x * stride + (c % stride)) * codec.channels;
            const value = tile[from + (c % codec.channels)];
            code[at++] =
              encoder.output.dtype === "uint8"
                ? (value + 3 * y + 5 * x) % 256
                : value * 4 - 1.5 + y / 8 + x / 16;
          }
        }
      }
      return code;
    },
    decoder(code) {
      const tile = kerasae.arrayFor(decoder.output);
      for (let y = 0, at = 0; y < tileHeight; y++) {
        for (let x = 0; x < tileWidth; x++) {
          const cell = Math.floor(y / stride) * across + Math.floor(x / stride);
          for (let c = 0; c < codec.channels; c++) {
            const value = code[cell * depth + (c % depth)];
            tile[at++] =
              decoder.output.dtype === "uint8" ? (value + 7 * y + x) % 256 : value / 4 + y / 64;
          }
        }
      }
      return tile;
    },
  };
}

function fromHex(text) {
  return new Uint8Array(Buffer.from(text, "hex"));
}
