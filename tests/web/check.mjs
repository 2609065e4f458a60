// Holds the JavaScript codec to golden files and to cases that Python wrote.
//
//     node check.mjs golden FOLDER...        the golden bundles
//     node check.mjs cases FILE              see tests/test_web.py
//
// Prints what was checked as JSON; throws at the first difference.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as kerasae from "../../export/ports/js/index.js";

const [command, ...paths] = process.argv.slice(2);
const checked = command === "golden" ? golden(paths) : await cases(paths[0]);
console.log(JSON.stringify(checked));

function golden(folders) {
  let files = 0;
  for (const folder of folders) {
    const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
    const text = new TextDecoder().decode(read("bundle/manifest.json"));
    const manifest = kerasae.parseManifest(text);
    const names = Object.keys(manifest.files);
    const contents = Object.fromEntries(names.map((name) => [name, read(`bundle/${name}`)]));
    kerasae.verifyFiles(manifest, contents);
    const codec = new kerasae.Codec(manifest);
    const vectors = JSON.parse(new TextDecoder().decode(read("vectors.json")));
    const bundled = JSON.parse(new TextDecoder().decode(contents["golden/symbols.json"]));
    const images = vectors.images.map((image) => [image, read(`${image.name}.kae`)]);
    for (const [image, data] of [...images, [bundled, contents["golden/image.kae"]]]) {
      same(codec.unpack(data), image);
      assert.deepEqual(codec.pack(image.symbols, image.height, image.width, image), data);
      files++;
    }
    const stream = read("stream.kae");
    assert(kerasae.isStream(stream));
    const coded = [...codec.unpackMany(stream)];
    assert.equal(coded.length, vectors.stream.length);
    coded.forEach((image, i) => same(image, vectors.stream[i]));
    assert.deepEqual(codec.packMany(coded), stream);
    for (const { seed, symbols: count, height, width, quality, sha256 } of vectors.generated) {
      const symbols = generated(seed, count, codec.spec.codebook);
      const data = codec.pack(symbols, height, width, { quality });
      assert.equal(kerasae.hex(kerasae.sha256(data)), sha256);
      assert.deepEqual(codec.unpack(data).symbols, symbols);
      files++;
    }
  }
  return { files };
}

function same(image, { symbols, height, width, quality }) {
  assert.deepEqual([...image.symbols], symbols);
  assert.deepEqual([image.height, image.width, image.quality], [height, width, quality]);
}

/** As tests/golden/README.md says. */
function generated(seed, count, codebook) {
  let x = seed;
  return Int32Array.from({ length: count }, () => {
    x = (Math.imul(1103515245, x) + 12345) & 0x7fffffff;
    const high = x >> 16;
    if (codebook) return high % codebook;
    return high % 997 === 0 ? x - 2 ** 30 : (high % 9) - 4;
  });
}

async function cases(file) {
  const { hashes, manifests, bundles } = JSON.parse(readFileSync(file));
  for (const { data, crc32, sha256 } of hashes) {
    const bytes = fromHex(data);
    assert.equal(kerasae.crc32(bytes), crc32);
    assert.equal(kerasae.hex(kerasae.sha256(bytes)), sha256);
    assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"));
  }
  for (const { text, good } of manifests) {
    if (good) kerasae.parseManifest(text);
    else assert.throws(() => kerasae.parseManifest(text), kerasae.BundleError, text.slice(0, 200));
  }
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
  return { hashes: hashes.length, manifests: manifests.length, cases: count };
}

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
