// Runs the package as it was installed, and the bundle that esbuild made of an app with it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { codecOf, photographs, refused, stream } from "./app.js";
import { BundleError, Codec, hex, PhotoCodec, parseFamily, parseManifest } from "kerasae";
import { fastTfliteRuns } from "kerasae/fast-tflite";
import { openModels, refuseWhatNoBrowserRuns } from "kerasae/litert";

const [family, manifest, kae, many] = process.argv.slice(2).map((p) => new Uint8Array(readFileSync(p)));

const found = await photographs(family);
assert.ok(found.bytes > 100 && found.worst < 40, JSON.stringify(found));
assert.match(refused(kae, manifest), /^\d+ symbols of quality \d+$/);
assert.equal(refused(kae.subarray(1), manifest), "CorruptBitstreamError");
const parsed = parseManifest(manifest);

// Stand-ins for models: the decoder gives its input's first value everywhere.
const edge = ({ dtype, shape }) => ({ dataType: dtype, dtype, shape });
const of = { uint8: Uint8Array, float32: Float32Array };
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const runs = [];
const model = (part, copy = {}) => ({
  inputs: [edge(part.input)],
  outputs: [edge(part.output)],
  async run([input]) {
    runs.push(input.byteLength);
    const values = new of[part.input.dtype](input);
    return [new of[part.output.dtype](size(part.output.shape)).fill(values[0]).buffer];
  },
  ...copy,
});
const { encoder, decoder } = fastTfliteRuns(parsed, {
  encoder: model(parsed.encoder),
  decoder: model(parsed.decoder),
});
const codec = new Codec(parsed, { encoder, decoder });
const rebuilt = await codec.decompress(kae);
const { channels } = parsed.codec;
assert.equal(rebuilt.data.length, channels * rebuilt.height * rebuilt.width);
const again = await codec.compress(rebuilt);
assert.equal(codec.unpack(again).height, rebuilt.height);
assert.ok(runs.length >= 2);
assert.ok((await stream(codec, many)) > 0);
const wide = new of[parsed.encoder.input.dtype](size(parsed.encoder.input.shape) + 3);
await encoder(wide.subarray(3)); // a view of a larger buffer is copied
assert.equal(runs.at(-1), wide.BYTES_PER_ELEMENT * (wide.length - 3));
for (const wrong of [
  { inputs: [] },
  { inputs: [{ dataType: "int8", shape: parsed.encoder.input.shape }] },
  { outputs: [{ dataType: parsed.encoder.output.dtype, shape: [1] }] },
]) {
  assert.throws(() => fastTfliteRuns(parsed, { encoder: model(parsed.encoder, wrong) }), BundleError);
}
const both = { ...parsed, decoder: { ...parsed.decoder, signature: "decode" } };
assert.throws(() => fastTfliteRuns(both, { decoder: model(parsed.decoder) }), /separate/);
assert.deepEqual(Object.keys(fastTfliteRuns(parsed, {})), []);

// LiteRT.js itself needs a browser, where the tests of the page run its adapter.
const broken = { loadAndCompile: async () => Promise.reject(new Error("no INT8.")) };
const files = { [parsed.encoder.file]: kae, [parsed.decoder.file]: kae };
await assert.rejects(openModels(broken, parsed, files), /browsers cannot feed/);
refuseWhatNoBrowserRuns(new TextDecoder().decode(manifest));
assert.throws(() => codecOf(parsed).unpack(new Uint8Array(3)), { name: "CorruptBitstreamError" });
assert.equal(new PhotoCodec([parseFamily(family).id], () => family).qualities, 100);
assert.equal(hex([1, 255]), "01ff");
console.log("passed");
