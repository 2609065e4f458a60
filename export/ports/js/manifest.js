// `manifest.json`, which is untrusted input: every field is checked, errors name the field.

import { BundleError } from "./errors.js";
import { hex, sha256 } from "./hash.js";
import { isWhole, parseJson } from "./json.js";

const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_SIDE = 8192;
const MAX_VALUES = 2 ** 24;
const MAX_TABLES = 2 ** 16;
const TABLE_BITS = 12;
const MAX_ENTRIES = 2049;
const MAX_FILES = 64;
const MAX_CLASSES = 4096;
const MAX_LETTERS = 64; // of the name of a class
const MAX_BUNDLE_BYTES = 2 ** 30;
// Those of each version of the format.
const SCHEMES = { 1: ["float32", "float16", "dynamic", "int8"], 2: ["int16x8", "mixed"] };
const SIGNATURES = { encoder: "encode", decoder: "decode" };

/**
 * Parse and check a manifest (FORMAT.md, section 1).
 *
 * @param {Uint8Array | string} data the content of `manifest.json`
 * @returns {object} its content, as it is written
 * @throws {BundleError} if a field breaks its rule
 */
export function parseManifest(data) {
  const known = typeof data === "string" || data instanceof Uint8Array;
  if (!known || data.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(`manifest.json must be a text of at most ${MAX_MANIFEST_BYTES} bytes.`);
  }
  let content;
  try {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    content = parseJson(typeof data === "string" ? data : strict.decode(data));
  } catch (error) {
    throw new BundleError(`manifest.json is not valid JSON: ${error.message}.`);
  }
  const root = new Fields(content, "");
  root.choice("format", ["kerasae-bundle"]);
  const version = root.integer("format_version", 0, 2 ** 31);
  if (!Object.hasOwn(SCHEMES, version)) {
    throw new BundleError(
      `manifest.json is of format version ${version}; this code reads 1 and 2.`,
    );
  }
  root.choice("scheme", SCHEMES[version]);
  root.digest("bundle_hash");
  root.integer("pixel_tolerance", 0, 255);
  root.object("facts");
  checkCodec(root.object("codec"));
  checkFiles(root.object("files"));
  for (const [name, signature] of Object.entries(SIGNATURES)) {
    checkPart(root.object(name), content, signature);
  }
  checkEdges(content, "");
  if (Object.hasOwn(content, "labels")) checkLabels(root.object("labels"), content);
  return content;
}

/**
 * Check that files are those that the manifest lists, and that its hash is that of the bundle.
 *
 * @param {object} manifest what `parseManifest` gave
 * @param {Object<string, Uint8Array>} files contents by name; those of encoder and decoder at least
 * @throws {BundleError} if one is missing or another
 */
export function verifyFiles(manifest, files) {
  for (const part of [manifest.encoder, manifest.decoder]) {
    if (!Object.hasOwn(files, part.file)) {
      throw new BundleError(`${part.file} is missing from the bundle.`);
    }
  }
  for (const [name, content] of Object.entries(files)) {
    const listed = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
    if (listed?.bytes !== content.length || listed.sha256 !== hex(sha256(content))) {
      throw new BundleError(`${name} is not the file that manifest.json lists: its hash differs.`);
    }
  }
  if (hex(bundleHash(manifest.codec, files[manifest.decoder.file])) !== manifest.bundle_hash) {
    throw new BundleError(
      "manifest.json: `bundle_hash` does not match the decoder and the codec part.",
    );
  }
}

/** SHA-256 over the SHA-256 of the decoder's file and the canonical JSON of the codec part. */
export function bundleHash(codec, decoder) {
  const json = new TextEncoder().encode(canonical(codec));
  const joined = new Uint8Array(32 + json.length);
  joined.set(sha256(decoder));
  joined.set(json, 32);
  return sha256(joined);
}

/** JSON with sorted keys and no white space, of integers, strings, lists and objects. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const fields = Object.keys(value).sort();
    return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(Object.is(value, -0) ? 0 : value);
}

/** The shape of the code at the edges of the models; one index a position has no axis of its own. */
export function codeEdge(codec) {
  const single = codec.codebook && codec.code_shape.at(-1) === 1;
  return [1, ...(single ? codec.code_shape.slice(0, -1) : codec.code_shape)];
}

function product(sizes) {
  return sizes.reduce((a, b) => a * b, 1);
}

function checkCodec(fields) {
  fields.only(
    "channels code_shape codebook group layout margin qualities stride table_bits tile",
  );
  if (fields.integer("channels", 1, 3) === 2) throw fields.error("channels", "1 or 3");
  fields.integer("table_bits", TABLE_BITS, TABLE_BITS);
  const tile = fields.integers("tile", 1, MAX_SIDE, 2, 2);
  const shape = fields.integers("code_shape", 1, MAX_VALUES, 1, 4);
  if (product(shape) > MAX_VALUES) throw fields.error("code_shape", "of at most 2^24 values");
  const codebook = fields.integer("codebook", 0, 2 ** 24);
  const channels = shape.at(-1);
  const layout = fields.choice("layout", ["grid", "blocks"]);
  const stride = fields.integer("stride", 1, MAX_SIDE);
  const margin = fields.integer("margin", 0, MAX_SIDE);
  const group = fields.integer("group", 1, MAX_SIDE);
  const fits =
    layout === "grid"
      ? shape.length === 3 &&
        tile.every((side, i) => side === shape[i] * stride && shape[i] > 2 * margin)
      : stride === 1 && margin === 0 && group === 1;
  if (!fits) throw fields.error("layout", "such that the other sizes agree with it");

  const qualities = fields.list("qualities", 1, codebook ? 1 : 64);
  let count = 0;
  qualities.forEach((item, i) => {
    const quality = new Fields(item, `${fields.path}qualities[${i}].`);
    checkQuality(quality, channels, layout, codebook);
    count += item.tables.length;
  });
  if (count > MAX_TABLES) throw fields.error("qualities", `of at most ${MAX_TABLES} tables`);
}

function checkQuality(fields, channels, layout, codebook) {
  fields.only("classes step tables");
  const classes = fields.integer("classes", 1, layout === "grid" ? 64 : 1);
  const step = fields.object("step");
  step.only("exponent mantissas");
  const exponent = step.integer("exponent", -149, 104);
  const mantissas = step.integers("mantissas", 1, 2 ** 24 - 1, channels, channels);
  if (codebook && (exponent !== 0 || mantissas.some((mantissa) => mantissa !== 1))) {
    throw fields.error("step", "1 where there is a codebook");
  }
  if (classes * channels > MAX_TABLES) {
    throw fields.error("classes", `such that there are at most ${MAX_TABLES} tables`);
  }
  fields.list("tables", classes * channels, classes * channels).forEach((item, i) => {
    const table = new Fields(item, `${fields.path}tables[${i}].`);
    table.only("frequencies offset");
    table.integer("offset", -(2 ** 30), 2 ** 30);
    const frequencies = table.integers("frequencies", 1, 4096, 2, MAX_ENTRIES);
    if (frequencies.reduce((a, b) => a + b, 0) !== 4096) {
      throw table.error("frequencies", "of the sum 4096");
    }
  });
}

function checkPart(fields, content, signature) {
  checkListed(fields, content);
  const both = content.encoder?.file === content.decoder?.file;
  if (both !== Object.hasOwn(fields.content, "signature")) {
    throw fields.error("signature", "given if encoder and decoder are of one file, and only then");
  }
  if (both) fields.choice("signature", [signature]);
  for (const name of ["input", "output"]) checkEdge(fields.object(name));
}

function checkListed(fields, content) {
  const file = fields.text("file");
  checkName(file);
  if (!Object.hasOwn(content.files, file)) {
    throw new BundleError(`manifest.json: \`files\` must list ${JSON.stringify(file)}.`);
  }
}

function checkEdge(edge) {
  edge.integers("shape", 1, MAX_VALUES, 1, 8);
  edge.choice("dtype", ["float32", "uint8", "int32"]);
  edge.integer("zero_point", 0, 255);
  const scale = edge.content.scale;
  if (!(typeof scale === "number" && scale > 1e-30 && scale < 1e30)) {
    throw edge.error("scale", "a positive number");
  }
}

/** The models that are told a class, and the names of the classes. */
function checkLabels(fields, content) {
  const names = fields.list("names", 1, MAX_CLASSES);
  if (!names.every(isClassName) || new Set(names).size < names.length) {
    throw fields.error("names", `different names of at most ${MAX_LETTERS} characters`);
  }
  fields.integer("pixel_tolerance", 0, 255);
  for (const side of ["encoder", "decoder"]) {
    const part = fields.object(side);
    checkListed(part, content);
    for (const name of ["input", "label", "output"]) checkEdge(part.object(name));
    const { shape, dtype } = part.content.label;
    if (canonical(shape) !== canonical([1, names.length]) || dtype === "int32") {
      throw part.error("label", `float32 or uint8 of shape [1,${names.length}]`);
    }
  }
  checkEdges({ codec: content.codec, ...fields.content }, fields.path);
}

function isClassName(name) {
  if (typeof name !== "string" || /[\p{Cc}\p{Cs}]/u.test(name)) return false;
  const letters = [...name].length;
  return letters >= 1 && letters <= MAX_LETTERS;
}

function checkEdges({ codec, encoder, decoder }, where) {
  const image = [1, ...codec.tile, codec.channels];
  for (const [name, edge, shape] of [
    ["encoder.input", encoder.input, image],
    ["encoder.output", encoder.output, codeEdge(codec)],
    ["decoder.input", decoder.input, codeEdge(codec)],
    ["decoder.output", decoder.output, image],
  ]) {
    if (canonical(edge.shape) !== canonical(shape)) {
      throw new BundleError(`manifest.json: \`${where}${name}.shape\` must be [${shape}].`);
    }
    const indices = codec.codebook > 0 && shape !== image;
    if ((edge.dtype === "int32") !== indices) {
      const rule = indices ? "int32" : "float32 or uint8";
      throw new BundleError(`manifest.json: \`${where}${name}.dtype\` must be ${rule}.`);
    }
  }
}

function checkFiles(fields) {
  const names = Object.keys(fields.content);
  let total = 0;
  for (const name of names) {
    checkName(name);
    const entry = fields.object(name);
    entry.digest("sha256");
    total += entry.integer("bytes", 0, MAX_BUNDLE_BYTES);
  }
  if (names.length > MAX_FILES || total > MAX_BUNDLE_BYTES) {
    throw new BundleError(
      `manifest.json: \`files\` must list at most ${MAX_FILES} files of ${MAX_BUNDLE_BYTES} bytes ` +
        `in all. Received: ${names.length} of ${total}`,
    );
  }
}

/** Names stay inside the bundle: plain characters, at most one folder deep. */
function checkName(name) {
  const part = "[A-Za-z0-9_-][A-Za-z0-9._-]*";
  if (name.length > 120 || !new RegExp(`^${part}(/${part})?$`).test(name)) {
    throw new BundleError(
      `manifest.json must name files inside the bundle. Received: ${JSON.stringify(name)}`,
    );
  }
}

/** Checked access to the fields of a JSON object. */
export class Fields {
  constructor(content, path, file = "manifest.json") {
    if (content === null || typeof content !== "object" || Array.isArray(content)) {
      throw new BundleError(`${file}: \`${path.slice(0, -1)}\` must be an object.`);
    }
    this.content = content;
    this.path = path;
    this.file = file;
  }

  error(name, rule) {
    const value = JSON.stringify(this.content[name]) ?? "nothing";
    const short = value.length > 80 ? `${value.slice(0, 77)}...` : value;
    return new BundleError(
      `${this.file}: \`${this.path}${name}\` must be ${rule}. Received: ${short}`,
    );
  }

  /** Refuse fields that this code does not know, where the bundle hash covers all of them. */
  only(names) {
    const unknown = Object.keys(this.content).find((name) => !names.split(" ").includes(name));
    if (unknown !== undefined) {
      const short = JSON.stringify(unknown.slice(0, 60));
      throw new BundleError(`${this.file}: ${short} in \`${this.path}\` is not a known field.`);
    }
  }

  get(name, rule, accept) {
    const value = Object.hasOwn(this.content, name) ? this.content[name] : undefined;
    if (!accept(value)) throw this.error(name, rule);
    return value;
  }

  object(name) {
    const content = this.get(name, "an object", isObject);
    return new Fields(content, `${this.path}${name}.`, this.file);
  }

  list(name, least, most) {
    const accept = (v) => Array.isArray(v) && v.length >= least && v.length <= most;
    return this.get(name, `a list of ${least} to ${most}`, accept);
  }

  text(name) {
    return this.get(name, "a string", (v) => typeof v === "string");
  }

  choice(name, choices) {
    return this.get(name, `one of ${choices.join(", ")}`, (v) => choices.includes(v));
  }

  integer(name, low, high) {
    const accept = (v) => isInteger(v, low, high) && isWhole(this.content, name);
    return this.get(name, `an integer from ${low} to ${high}`, accept);
  }

  integers(name, low, high, least, most) {
    const values = this.list(name, least, most);
    if (!values.every((v, i) => isInteger(v, low, high) && isWhole(values, i))) {
      throw this.error(name, `integers from ${low} to ${high}`);
    }
    return values;
  }

  digest(name) {
    const accept = (v) => typeof v === "string" && /^[0-9a-f]{64}$/.test(v);
    return this.get(name, "64 lower-case hexadecimal digits", accept);
  }
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isInteger(value, low, high) {
  return Number.isInteger(value) && value >= low && value <= high;
}
