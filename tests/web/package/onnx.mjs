// The codec with the ONNX models of a bundle, whose folder is the argument, in ONNX Runtime for the web.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";
import { BundleError, Codec, hex, parseManifest, verifyFiles } from "kerasae";
import { openOnnx } from "kerasae/onnx";

const [bundle] = process.argv.slice(2);
const read = (name) => new Uint8Array(readFileSync(`${bundle}/${name}`));
const manifest = parseManifest(read("manifest.json"));
const names = readdirSync(bundle).filter((name) => /\.(onnx|tflite)$/.test(name));
const files = Object.fromEntries(names.map((name) => [name, read(name)]));
verifyFiles(manifest, files);

const opened = await openOnnx(ort, manifest, files);
const codec = new Codec(opened.manifest, opened);
const kae = read("golden/image.kae");
const golden = JSON.parse(new TextDecoder().decode(read("golden/symbols.json")));
assert.deepEqual([...codec.unpack(kae).symbols], golden.symbols);
const image = await codec.decompress(kae);
const again = await codec.decompressMany(await codec.compressMany([image, image]));
assert.equal(again.length, 2);

await assert.rejects(openOnnx(ort, { ...manifest, onnx: undefined }, files), BundleError);
await assert.rejects(openOnnx(ort, manifest, {}), /encoder.onnx is missing/);
const broken = { ...files, "encoder.onnx": new Uint8Array(9) };
await assert.rejects(openOnnx(ort, manifest, broken), /cannot be loaded by ONNX Runtime/);
const swapped = { ...files, "encoder.onnx": files["decoder.onnx"] };
const wrong = await openOnnx(ort, manifest, swapped);
await assert.rejects(new Codec(wrong.manifest, wrong).compress(image));
console.log(hex(image.data)); // Python compares them
