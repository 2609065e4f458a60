// What the JavaScript readers say of bytes: a line in, "MANIFEST KIND HEX", a line out.
// Started by guided_fuzz.py with a file that holds the manifests, and the families of photographs.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import {
  BitstreamError,
  BundleError,
  Codec,
  crc32,
  parseManifest,
  PhotoCodec,
} from "../../export/ports/js/index.js";

const { manifests, families, maxPixels } = JSON.parse(readFileSync(process.argv[2]));
const codecs = manifests.map((text) => new Codec(parseManifest(text), { maxPixels }));
const load = (id) => new TextEncoder().encode(families[id]);
const photographs = new PhotoCodec(Object.keys(families), load, { maxPixels });

async function verdict(codec, kind, data) {
  try {
    if (kind === "photo") {
      const { coded, quality, height, width } = await photographs.unpack(data);
      const { length } = (await photographs.decompress(data)).data;
      if (length !== 3 * height * width) return `crash ${length} values`;
      const parts = [Int32Array.from(coded.symbols), Int32Array.from(coded.classes)];
      const sums = parts.map((part) => crc32(new Uint8Array(part.buffer)));
      return `${height}x${width}q${quality}:${sums.join(":")}`;
    }
    if (kind === "manifest") {
      parseManifest(data);
      return "fine";
    }
    const images = kind === "stream" ? [...codec.unpackMany(data)] : [codec.unpack(data)];
    return images
      .map(({ symbols, height, width, quality }) => {
        const bytes = new Uint8Array(symbols.buffer, symbols.byteOffset, symbols.byteLength);
        return `${height}x${width}q${quality}:${crc32(bytes)}`;
      })
      .join(" ");
  } catch (error) {
    if (error instanceof BitstreamError || error instanceof BundleError) return error.name;
    return `crash ${error.stack}`.replaceAll("\n", " ");
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [which, kind, hex] = line.split(" ");
  const data = new Uint8Array(Buffer.from(hex ?? "", "hex"));
  process.stdout.write(`${await verdict(codecs[Number(which)], kind, data)}\n`);
}
