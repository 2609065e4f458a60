// The JavaScript codec runs the conformance set, as export/ports/conformance/README.md says.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as kerasae from "../../export/ports/js/index.js";

const root = new URL("../../export/ports/conformance/", import.meta.url);
const bytesOf = (name) => new Uint8Array(readFileSync(new URL(name, root)));
const textOf = (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
const index = JSON.parse(textOf(bytesOf("index.json")));

const WORDS = {
  CorruptBitstreamError: "corrupt",
  BitstreamVersionError: "version",
  BitstreamBundleError: "bundle",
  BitstreamLimitError: "limit",
  BitstreamError: "other",
};

const manifests = new Map(
  index.bundles.map(({ name, folder }) => {
    const manifest = kerasae.parseManifest(textOf(bytesOf(`${folder}/manifest.json`)));
    const names = [...new Set([manifest.encoder.file, manifest.decoder.file])];
    const files = names.map((file) => [file, bytesOf(`${folder}/${file}`)]);
    kerasae.verifyFiles(manifest, Object.fromEntries(files));
    return [name, manifest];
  }),
);

test("bundles", () => {
  for (const { name, bundle_hash } of index.bundles) {
    assert.equal(manifests.get(name).bundle_hash, bundle_hash);
  }
});

test("manifests", (t) => {
  for (const { name, file, section } of index.manifests) {
    const parse = () => kerasae.parseManifest(bytesOf(file));
    if (section) assert.throws(parse, kerasae.BundleError, name);
    else parse();
  }
  t.diagnostic(`manifests: ${index.manifests.length}`);
});

test("files", (t) => {
  for (const { name, bundle, file, kind, limits = {}, images, symbols, error } of index.files) {
    const codec = new kerasae.Codec(manifests.get(bundle), {
      maxPixels: limits.max_pixels,
      maxImages: limits.max_images,
      maxExpansion: limits.max_expansion,
    });
    const data = bytesOf(file);
    const found = judged(codec, data, kind);
    if (error) {
      assert.equal(found, error, name);
      continue;
    }
    assert.ok(Array.isArray(found), `${name}: ${found}`);
    const raw = bytesOf(symbols);
    const kept = new Int32Array(raw.buffer, 0, raw.length / 4);
    let at = 0;
    let k = 0;
    for (const { count, height, width, quality } of images) {
      for (let i = 0; i < count; i++, k++) {
        const image = found[k];
        assert.deepEqual([image.height, image.width, image.quality], [height, width, quality], name);
        assert.ok(image.symbols.every((s) => s === kept[at++ % kept.length]), name);
      }
    }
    assert.equal(k, found.length, name);
    const again =
      kind === "stream"
        ? codec.packMany(found)
        : codec.pack(found[0].symbols, found[0].height, found[0].width, found[0]);
    assert.ok(Buffer.from(again).equals(data), name);
  }
  t.diagnostic(`files: ${index.files.length}`);
});

test("values", (t) => {
  for (const edge of index.values) {
    const levels = kerasae.arrayFor({ ...edge, shape: [256] });
    for (let p = 0; p < 256; p++) levels[p] = kerasae.quantise(p / 255, edge);
    assert.deepEqual([...levels], edge.inputs);
    const outputs = kerasae.arrayFor({ ...edge, shape: [edge.outputs.length] });
    outputs.set(edge.outputs);
    assert.deepEqual(
      Array.from(outputs, (value) => kerasae.pixelOf(value, edge)),
      edge.pixels,
    );
    for (const { mantissa, exponent, symbols, sample, sample_inputs } of edge.steps) {
      const [step] = kerasae.stepsOf({ step: { mantissas: [mantissa], exponent } });
      const found = [...outputs].map((v) => kerasae.symbolOf(kerasae.dequantise(v, edge), step));
      assert.deepEqual(found.map((s) => s + 0), symbols.map((s) => s + 0));
      const inputs = kerasae.arrayFor({ ...edge, shape: [sample.length] });
      sample.forEach((s, i) => (inputs[i] = kerasae.quantise(s * step, edge)));
      assert.deepEqual([...inputs], sample_inputs);
    }
  }
  t.diagnostic(`values: ${index.values.length}`);
});

test("spans", (t) => {
  for (const { cells, tile, margin, spans } of index.spans) {
    const found = kerasae.spans(cells, tile, margin).map((s) => [s.origin, s.start, s.stop]);
    assert.deepEqual(found, spans);
  }
  t.diagnostic(`spans: ${index.spans.length}`);
});

test("families", (t) => {
  for (const { name, file, section, family_hash } of index.families) {
    const parse = () => kerasae.parseFamily(bytesOf(file));
    if (section) assert.throws(parse, kerasae.BundleError, name);
    else if (family_hash) assert.equal(kerasae.hex(parse().hash), family_hash);
    else parse();
  }
  t.diagnostic(`families: ${index.families.length}`);
});

test("photographs", async (t) => {
  const contents = Object.fromEntries(
    index.families.map(({ name, file }) => [name, bytesOf(file)]),
  );
  for (const { name, family, file, limits = {}, error, ...expected } of index.photographs) {
    const content = contents[family];
    const { id } = kerasae.parseFamily(content);
    const options = { maxPixels: limits.max_pixels, maxExpansion: limits.max_expansion };
    const codec = new kerasae.PhotoCodec([id], () => content, options);
    const data = bytesOf(file);
    let found;
    try {
      found = await codec.unpack(data);
    } catch (refusal) {
      if (!(refusal instanceof kerasae.BitstreamError)) throw refusal;
      assert.equal(WORDS[refusal.name], error, name);
      continue;
    }
    assert.equal(error, undefined, name);
    const { quality, height, width } = found;
    assert.deepEqual([height, width, quality], [expected.height, expected.width, expected.quality]);
    const { symbols, classes } = found.coded;
    assert.equal(sha256Of(littleEndian(symbols)), expected.symbols, name);
    assert.equal(sha256Of(classes), expected.classes, name);
    const columns = Math.ceil(width / 16);
    kerasae.predictLowest(symbols, Math.ceil(height / 16), columns);
    const payload = kerasae.packPhoto(found.family, symbols, classes, columns, quality);
    const written = kerasae.writePhoto({ quality, height, width }, payload, found.family.hash);
    assert.equal(Buffer.from(written).equals(data), expected.written, name);
    const rebuilt = await codec.decompress(data);
    assert.equal(rebuilt.data.length, 3 * height * width);
    if (!expected.image) continue;
    const pixels = bytesOf(expected.pixels);
    assert.ok(rebuilt.data.every((level, i) => Math.abs(level - pixels[i]) <= 1), name);
    const image = { data: bytesOf(expected.image), height, width };
    assert.ok(Buffer.from(await codec.compress(image, { quality })).equals(data), name);
  }
  t.diagnostic(`photographs: ${index.photographs.length}`);
});

function littleEndian(symbols) {
  const view = new DataView(new ArrayBuffer(2 * symbols.length));
  symbols.forEach((symbol, i) => view.setInt16(2 * i, symbol, true));
  return new Uint8Array(view.buffer);
}

function sha256Of(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The images of some bytes, or the word for the refusal. */
function judged(codec, data, kind) {
  try {
    return kind === "stream" ? [...codec.unpackMany(data)] : [codec.unpack(data)];
  } catch (error) {
    if (!(error instanceof kerasae.BitstreamError)) throw error;
    return WORDS[error.name];
  }
}
