// Times the JavaScript entropy coder for benchmarks/entropy.py; prints the best seconds as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tables } from "../export/ports/js/index.js";

const folder = process.argv[2];
const { tables, rounds } = JSON.parse(readFileSync(join(folder, "tables.json")));
const bytes = readFileSync(join(folder, "symbols.bin"));
const symbols = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const coder = new Tables(tables, tables.length);
const data = coder.encode(symbols);
const back = coder.decode(data, symbols.length);
if (!back.every((symbol, i) => symbol === symbols[i])) throw new Error("symbols differ");
const best = { encode: Infinity, decode: Infinity };
for (let i = 0; i < rounds; i++) {
  time("encode", () => coder.encode(symbols));
  time("decode", () => coder.decode(data, symbols.length));
}
console.log(JSON.stringify(best));

function time(name, job) {
  const start = performance.now();
  job();
  best[name] = Math.min(best[name], (performance.now() - start) / 1000);
}
