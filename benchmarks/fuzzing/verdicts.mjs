// What the JavaScript reader says of bytes: a line in, "MANIFEST KIND HEX", a line out.
// Started by guided_fuzz.py with a file that holds the manifests.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { BitstreamError, BundleError, Codec, crc32, parseManifest } from "../../export/ports/js/index.js";

const { manifests, maxPixels } = JSON.parse(readFileSync(process.argv[2]));
const codecs = manifests.map((text) => new Codec(parseManifest(text), { maxPixels }));

function verdict(codec, kind, data) {
  try {
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
  process.stdout.write(`${verdict(codecs[Number(which)], kind, data)}\n`);
}
