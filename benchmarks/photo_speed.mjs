// Times the JavaScript codec of photographs for benchmarks/photo_speed.py; prints JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hex, parseFamily, PhotoCodec, sha256 } from "../export/ports/js/index.js";

const folder = process.argv[2];
const [height, width, quality, rounds] = process.argv.slice(3).map(Number);
const family = new Uint8Array(readFileSync(join(folder, "family.json")));
const codec = new PhotoCodec([parseFamily(family).id], () => family);
const image = { data: new Uint8Array(readFileSync(join(folder, "pixels.bin"))), height, width };
const best = { load: Infinity, encode: Infinity, decode: Infinity };
let data = await codec.compress(image, { quality });
for (let i = 0; i < rounds; i++) {
  await time("load", () => parseFamily(family));
  await time("encode", async () => {
    data = await codec.compress(image, { quality });
  });
  await time("decode", () => codec.decompress(data));
}
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf-8"));
const megabytes = Math.round(peak / 102.4) / 10;
console.log(
  JSON.stringify({ ...best, megabytes, node: process.version, sha256: hex(sha256(data)) }),
);

async function time(name, job) {
  const start = process.cpuUsage();
  await job();
  const { user, system } = process.cpuUsage(start);
  best[name] = Math.min(best[name], (user + system) / 1e6);
}
