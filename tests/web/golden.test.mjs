// The JavaScript codec reads and writes the golden files byte for byte.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const GOLDEN = new URL("../golden/", import.meta.url);

for (const name of readdirSync(GOLDEN).sort()) {
  const folder = new URL(`${name}/`, GOLDEN);
  const read = (file) => new Uint8Array(readFileSync(new URL(file, folder)));
  const parsed = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
  let vectors;
  try {
    vectors = parsed(read("vectors.json"));
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") continue; // not of a bundle
    throw error;
  }
  const manifest = kerasae.parseManifest(new TextDecoder().decode(read("bundle/manifest.json")));
  const codec = new kerasae.Codec(manifest);
  const files = Object.keys(manifest.files);
  const contents = Object.fromEntries(files.map((file) => [file, read(`bundle/${file}`)]));

  test(`${name}: the files of the bundle have their hashes`, () => {
    kerasae.verifyFiles(manifest, contents);
  });

  const bundled = parsed(contents["golden/symbols.json"]);
  for (const [image, data] of [
    ...vectors.images.map((image) => [image, read(`${image.name}.kae`)]),
    [{ name: "golden/image", ...bundled }, contents["golden/image.kae"]],
  ]) {
    test(`${name}: ${image.name}.kae`, () => {
      same(codec.unpack(data), image);
      assert.deepEqual(codec.pack(image.symbols, image.height, image.width, image), data);
    });
  }

  test(`${name}: stream.kae`, () => {
    const stream = read("stream.kae");
    assert(kerasae.isStream(stream));
    const coded = [...codec.unpackMany(stream)];
    assert.equal(coded.length, vectors.stream.length);
    coded.forEach((image, i) => same(image, vectors.stream[i]));
    assert.deepEqual(codec.packMany(coded), stream);
  });

  for (const { seed, symbols: count, height, width, quality, sha256 } of vectors.generated) {
    test(`${name}: ${count} symbols from the seed ${seed}`, () => {
      const symbols = generated(seed, count, codec.spec.codebook);
      const data = codec.pack(symbols, height, width, { quality });
      assert.equal(kerasae.hex(kerasae.sha256(data)), sha256);
      assert.deepEqual(codec.unpack(data).symbols, symbols);
    });
  }
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
