// What the manifest says about the bundle, and the choices that follow from it.

import { $, address, state } from "./page.js";
import { atMost, MAX_PIXELS } from "./picture.js";
import * as say from "./text.js";

const MAX_TILES = 4096; // of an image of blocks, before it is brought to one tile
const SAMPLE = "golden/image.png";

/** What the codec of a bundle takes, and its sample; see `state.takes`. */
export function takesOf({ codec, files }) {
  const { tile, layout, channels } = codec;
  const [height, width] = tile;
  const fit = (choice, photographed) => (h, w) => {
    // Blocks are images of their own: a photograph, or what would be thousands, becomes one.
    const tiles = Math.ceil(h / height) * Math.ceil(w / width);
    const single = layout === "blocks" && (photographed || tiles > MAX_TILES);
    if (choice === "tile" || (choice === "auto" && single)) return { height, width, crop: true };
    return atMost({ auto: 2 ** 20, small: 2 ** 18, whole: Infinity }[choice])(h, w);
  };
  if (Object.hasOwn(files, SAMPLE)) {
    const sample = { url: address(`bundle/${SAMPLE}`), name: "sample.png", whole: true };
    return { channels, fit, sample, equal: "error" };
  }
  const data = new Uint8Array(height * width * channels).fill(128);
  const sample = { pixels: { data, height, width }, name: "plain grey" };
  return { channels, fit, sample, equal: "error" };
}

/** Name the bundle, and say what the self-check found. */
export function introduce(verdict) {
  const { facts, codec, scheme } = state.manifest;
  const [height, width] = codec.tile;
  document.title = `kerasae: ${facts.model ?? "autoencoder"}`;
  const kind = codec.channels === 1 ? "grey" : "colour";
  const about = facts.data ? `, trained on ${facts.data}` : "";
  $("bundle-line").textContent =
    `${facts.model ?? "autoencoder"} (${scheme})${about}: ${kind}, tiles of ${width} × ${height}`;
  $("check").textContent = verdict.text;
  $("check").title = verdict.detail;
  $("check").classList.toggle("bad", !verdict.good);
  $("check").hidden = false;
  if (!verdict.good) {
    $("warning").textContent =
      `The self-check failed: ${verdict.detail} ` +
      "Do not rely on what this page shows of this bundle.";
    $("warning").hidden = false;
  }
}

/** Offer the sizes and qualities that the bundle has. */
export function offerChoices() {
  const { codec } = state.manifest;
  const [height, width] = codec.tile;
  fillSelect($("size"), [
    ["auto", codec.layout === "blocks" ? "automatic" : "at most 1 megapixel"],
    ["small", "at most 1/4 megapixel"],
    ["whole", `as it is, up to ${MAX_PIXELS / 2 ** 20} megapixels`],
    ["tile", `one tile, ${width} × ${height}`],
  ]);
  const { length } = codec.qualities;
  fillSelect(
    $("quality"),
    codec.qualities.map((_, i) => {
      const note = i === 0 ? ", the smallest" : i === length - 1 ? ", the best" : "";
      return [String(i + 1), `${i + 1} of ${length}${note}`];
    }),
  );
  $("quality").value = String(length);
  $("quality-label").hidden = length === 1;
  $("invert-label").hidden = codec.channels !== 1;
}

function fillSelect(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

/** List what the bundle is, and how it started. */
export function listFacts(seconds, verdict) {
  const { manifest } = state;
  const { facts, codec, files, encoder, decoder } = manifest;
  const parts = [...new Set([encoder.file, decoder.file])];
  const tables = codec.qualities.reduce((sum, { tables: t }) => sum + t.length, 0);
  const rows = [
    ["Model", facts.model],
    ["Trained on", facts.data],
    ["Training images", facts.training_images && say.count(facts.training_images)],
    ["Parameters", facts.parameters && Object.values(facts.parameters).map(say.count).join(" + ")],
    ["Stored as", manifest.scheme],
    ...parts.map((file) => [file, say.bytes(files[file].bytes)]),
    ["Tile", `${say.size({ height: codec.tile[0], width: codec.tile[1] })} × ${codec.channels}`],
    ["Code of a tile", codec.code_shape.join(" × ")],
    ["Codebook", codec.codebook && `${say.count(codec.codebook)} entries`],
    ["Qualities", codec.qualities.length],
    ["Classes", manifest.labels?.names.join(", ")],
    ["Entropy tables", say.count(tables)],
    ["Bundle", manifest.bundle_hash.slice(0, 16)],
    ["Started in", `${seconds.toFixed(1)} s`],
  ];
  $("facts").replaceChildren(
    ...rows
      .filter(([, value]) => value)
      .map(([name, value]) => {
        const row = document.createElement("div");
        const term = document.createElement("dt");
        const text = document.createElement("dd");
        term.textContent = name;
        text.textContent = value;
        row.append(term, text);
        return row;
      }),
  );
  $("check-detail").textContent = `${verdict.text}: ${verdict.detail}`;
}
