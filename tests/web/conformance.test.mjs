// The JavaScript codec runs the conformance set, as export/ports/conformance/README.md says.

import assert from "node:assert/strict";
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

/** The images of some bytes, or the word for the refusal. */
function judged(codec, data, kind) {
  try {
    return kind === "stream" ? [...codec.unpackMany(data)] : [codec.unpack(data)];
  } catch (error) {
    if (!(error instanceof kerasae.BitstreamError)) throw error;
    return WORDS[error.name];
  }
}
