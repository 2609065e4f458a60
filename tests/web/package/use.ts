// What an app does with the package, under strict types. Bundled by esbuild, it is run as well: it
// gets a family and gives what it found.

import {
  BitstreamError,
  BitstreamLimitError,
  Codec,
  type Manifest,
  parseFamily,
  parseManifest,
  PhotoCodec,
  verifyFiles,
} from "kerasae";

export async function photographs(family: Uint8Array): Promise<{ bytes: number; worst: number }> {
  const { id } = parseFamily(family);
  const codec = new PhotoCodec([id], async () => family);
  const [height, width] = [20, 33];
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => (7 * i) % 200);
  const file = await codec.compress({ data, height, width }, { quality: 90 });
  const rebuilt = await codec.decompress(file);
  const errors = Array.from(rebuilt.data, (level, i) => Math.abs(level - (data[i] ?? 0)));
  return { bytes: file.length, worst: Math.max(...errors) };
}

export function refused(data: Uint8Array, manifest: Uint8Array): string {
  try {
    const { symbols, quality } = codecOf(parseManifest(manifest)).unpack(data);
    return `${symbols.length} symbols of quality ${quality}`;
  } catch (error) {
    if (error instanceof BitstreamLimitError) return "limit";
    if (error instanceof BitstreamError) return error.name;
    throw error;
  }
}

export function codecOf(manifest: Manifest): Codec {
  return new Codec(manifest, { encoder: (values) => values, maxPixels: 2 ** 20 });
}

export async function stream(codec: Codec, data: Uint8Array): Promise<number> {
  let pixels = 0;
  for (const { height, width } of codec.unpackMany(data)) pixels += height * width;
  for (const { data: rebuilt } of await codec.decompressMany(data)) pixels += rebuilt.length;
  return pixels;
}

export function checked(manifest: Manifest, files: Record<string, Uint8Array>): number {
  verifyFiles(manifest, files);
  // @ts-expect-error: a quality is a number
  void codecOf(manifest).compress({ data: new Uint8Array(1), height: 1, width: 1 }, { quality: "1" });
  return manifest.codec.qualities.length;
}
