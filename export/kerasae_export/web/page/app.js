// The page: what its controls do, and what they show.

import { Client } from "./client.js";
import { drawCode, showBytes } from "./codeview.js";
import { Explorer, hasSliders } from "./explore.js";
import { fromText, inside, linkTo } from "./link.js";
import { Pad } from "./pad.js";
import {
  apart,
  differenceOf,
  fromCanvas,
  MAX_BYTES,
  mosaicOf,
  psnr,
  readPicture,
  toCanvas,
} from "./picture.js";
import { PLAIN, rivals, searches } from "./rivals.js";
import { prepareOffline } from "./offline.js";
import * as say from "./text.js";

const $ = (id) => document.getElementById(id);
const address = (path) => new URL(path, document.baseURI).href;

const MAX_PIXELS = 2 ** 24; // as the engine has it
const MAX_TILES = 4096; // of an image of blocks, before it is brought to one tile
const MAX_LINK = 2 ** 15; // bytes of a file that goes into a link
const MOVED = 0.1; // share of the golden symbols that another kernel may move by one

const NOTES = {
  true: "PNG, JPEG and WebP as this browser writes them, JPEG and WebP at the coarsest setting that is at least as good.",
  false: `PNG, JPEG and WebP as this browser writes them, JPEG and WebP at setting ${PLAIN}: no other was tried on so large an image.`,
};

const engine = new Client(address("page/worker.js"));
const state = {
  manifest: null,
  source: null, // the image that was last chosen: {blob, name} or {pixels, name}
  shown: null, // {name, kae, original, rebuilt, coded}
  job: 0, // a newer one makes the older ones stop
};
let explorer;
let pad;

start();

async function start() {
  try {
    const litert = address(document.body.dataset.litert);
    const opened = await engine.call("open", { bundle: address("bundle/"), litert }, showLoading);
    state.manifest = opened.manifest;
    $("loading-text").textContent = "Checking the models";
    const verdict = await checkItself(opened);
    setUp(opened, verdict);
    document.body.dataset.state = "ready";
    if (!(await receiveFromAddress())) await showSample();
  } catch (error) {
    document.body.dataset.state = "failed";
    $("loading").hidden = true;
    showError(error);
  }
}

function showLoading({ stage, done, total }) {
  const size = total > 1e5 ? `, ${say.megabytes(done)} of ${say.megabytes(total)} MB` : "";
  $("loading-text").textContent = `${stage[0].toUpperCase()}${stage.slice(1)}${size}`;
  $("loading-bar").value = total ? done / total : 0;
}

/** Run the bundle's golden sample: it tells whether this browser computes what was exported. */
async function checkItself({ manifest, golden }) {
  const file = (name) => golden[`golden/${name}`];
  if (!["image.png", "symbols.json", "image.kae", "reconstruction.png"].every(file)) {
    return { good: true, text: "No sample to check by", detail: "The bundle has no golden sample." };
  }
  const expected = JSON.parse(new TextDecoder().decode(file("symbols.json")));
  const { channels, codebook } = manifest.codec;
  const png = (name) =>
    readPicture(new Blob([file(name)], { type: "image/png" }), { name, channels, fit: asItIs });
  const { symbols } = await engine.call("encode", { ...(await png("image.png")), quality: expected.quality });
  const { images } = await engine.call("decode", { kae: file("image.kae") });
  const moved = apart(symbols, expected.symbols);
  const stored = apart(images[0].symbols, expected.symbols);
  const pixels = apart(images[0].data, (await png("reconstruction.png")).data);
  const good =
    symbols.length === expected.symbols.length &&
    moved.count <= MOVED * symbols.length &&
    (codebook > 0 || moved.most <= 1) &&
    stored.count === 0 &&
    pixels.most <= manifest.pixel_tolerance;
  const detail =
    `${say.count(moved.count)} of ${say.count(symbols.length)} symbols differ from the golden ` +
    `sample's, by up to ${moved.most}, and pixels by up to ${pixels.most} of 255, where ` +
    `${manifest.pixel_tolerance} are allowed.`;
  return { good, text: good ? "Self-check passed" : "Self-check failed", detail };
}

function asItIs(height, width) {
  return { height, width, crop: false };
}

function setUp({ manifest, seconds }, verdict) {
  const { facts, codec, scheme } = manifest;
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
      `The self-check failed: ${verdict.detail} Do not rely on what this page shows of this bundle.`;
    $("warning").hidden = false;
  }
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
  setUpPad();
  setUpExplorer();
  listFacts(seconds, verdict);
  connect();
  $("loading").hidden = true;
  $("app").hidden = false;
  prepareOffline($("offline"), $("install"));
}

function fillSelect(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

function listFacts(seconds, verdict) {
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

// What goes in

function connect() {
  for (const id of ["choose", "photograph"]) {
    $(id).addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = ""; // so that the same file can be chosen again
      if (file) take(file, id === "photograph");
    });
  }
  $("sample").addEventListener("click", showSample);
  for (const id of ["size", "quality", "invert"]) $(id).addEventListener("change", () => show(state.source));
  document.querySelectorAll("input[name=view]").forEach((input) => {
    input.addEventListener("change", arrange);
  });
  $("cut").addEventListener("input", () => setCut(Number($("cut").value)));
  $("gain").addEventListener("change", arrange);
  dragCut($("rebuilt-figure"));
  connectDrop();
  document.addEventListener("paste", ({ clipboardData }) => {
    const [file] = clipboardData?.files ?? [];
    if (file) take(file);
  });
  addEventListener("hashchange", receiveFromAddress);
  $("download").addEventListener("click", () => save(state.shown.kae, `${state.shown.name}.kae`));
  $("download-png").addEventListener("click", async () => {
    const blob = await new Promise((resolve) => $("rebuilt").toBlob(resolve, "image/png"));
    save(blob, `${state.shown.name}.png`);
  });
  $("copy").addEventListener("click", copyLink);
  $("share").addEventListener("click", () => {
    navigator.share({ title: "An image", url: $("link").value }).catch(() => {}); // they changed their mind
  });
}

function connectDrop() {
  const veil = $("drop-veil");
  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

/** A file of any kind: an image to encode, or a `.kae` file to decode. */
async function take(file, photographed = false) {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const coded = /\.kae$/i.test(file.name) || (head[0] === 0xae && [0x6b, 0x73].includes(head[1]));
  if (coded && file.size > MAX_BYTES) {
    showError(new Error(`${file.name} has ${say.bytes(file.size)}, more than this page reads.`));
  } else if (coded) await receive(new Uint8Array(await file.arrayBuffer()), file.name);
  else await show({ blob: file, name: file.name || "the pasted image", photographed });
}

async function showSample() {
  const name = "golden/image.png";
  if (!Object.hasOwn(state.manifest.files, name)) {
    const { tile, channels } = state.manifest.codec;
    const [height, width] = tile;
    const data = new Uint8Array(height * width * channels).fill(128);
    await show({ pixels: { data, height, width }, name: "plain grey" });
    return;
  }
  try {
    const response = await fetch(address(`bundle/${name}`));
    if (!response.ok) throw new Error(`The bundle's sample could not be loaded: ${response.status}.`);
    await show({ blob: await response.blob(), name: "sample.png", whole: true });
  } catch (error) {
    showError(error);
  }
}

/** The size to bring an image to. */
function fitter(choice, photographed) {
  const { tile, layout } = state.manifest.codec;
  return (height, width) => {
    // Blocks are images of their own: a photograph, or what would be thousands, becomes one.
    const tiles = Math.ceil(height / tile[0]) * Math.ceil(width / tile[1]);
    const single = layout === "blocks" && (photographed || tiles > MAX_TILES);
    if (choice === "tile" || (choice === "auto" && single)) {
      return { height: tile[0], width: tile[1], crop: true };
    }
    const most = { auto: 2 ** 20, small: 2 ** 18, whole: Infinity }[choice];
    const scale = Math.min(1, Math.sqrt(most / (height * width)));
    const side = (n) => Math.max(1, Math.floor(n * scale));
    return scale < 1 ? { height: side(height), width: side(width), crop: false } : asItIs(height, width);
  };
}

async function read(source) {
  const { channels } = state.manifest.codec;
  const fit = source.whole ? asItIs : fitter($("size").value, source.photographed);
  const image = source.blob
    ? await readPicture(source.blob, { name: source.name, channels, fit })
    : { ...source.pixels, from: source.pixels };
  if (image.height * image.width > MAX_PIXELS) {
    throw new RangeError(
      `${source.name} has ${image.width} x ${image.height} pixels, over the ${MAX_PIXELS} that this ` +
        "page encodes: choose a smaller size.",
    );
  }
  if (channels === 1 && $("invert").checked && source.blob && !source.whole) {
    image.data = image.data.map((value) => 255 - value);
  }
  return image;
}

/** Encode an image, decode its file, and show both. */
async function show(source) {
  if (!source) return;
  state.source = source;
  forgetAddress();
  await work(async (current, tell) => {
    const original = await read(source);
    if (!current()) return;
    const quality = Number($("quality").value);
    const { data, height, width } = original;
    const encoded = await engine.call("encode", { data, height, width, quality }, tell("Encoding"));
    if (!current()) return;
    const decoded = await engine.call("decode", { kae: encoded.kae }, tell("Decoding"));
    if (!current()) return;
    const [rebuilt] = decoded.images;
    const scaled = original.from.height !== height || original.from.width !== width;
    const was = scaled ? `, from ${say.size(original.from)}` : "";
    present({
      name: source.name.replace(/\.[^.]*$/, "") || "image",
      line: `${source.name}: ${say.size(original)} pixels${was}`,
      kae: encoded.kae,
      original: { data, height, width },
      rebuilt,
      coded: rebuilt,
      encode: encoded.milliseconds,
      decode: decoded.milliseconds,
    });
    await compare(current);
  });
}

/** Decode a `.kae` file that came from somewhere else. */
async function receive(kae, name) {
  state.source = null;
  await work(async (current, tell) => {
    let decoded;
    try {
      decoded = await engine.call("decode", { kae }, tell("Decoding"));
    } catch ({ message }) {
      const sentence = message.replace("; raise `maxPixels` if you trust it", ""); // for programs
      throw new Error(`${name}: ${sentence[0].toLowerCase()}${sentence.slice(1)}`);
    }
    if (!current()) return;
    const { images } = decoded;
    const many = images.length > 1;
    const rebuilt = many ? mosaicOf(images, state.manifest.codec.channels) : images[0];
    const what = many ? `a stream of ${say.count(images.length)} images` : `${say.size(rebuilt)} pixels`;
    present({
      name: name.replace(/\.[^.]*$/, "") || "received",
      line: `${name}: ${what}, received without an original to compare with`,
      kae,
      original: null,
      rebuilt,
      coded: images[0],
      decode: decoded.milliseconds,
    });
  });
}

/** Do a job, with its progress and its error shown; a newer job makes it stop. */
async function work(job) {
  const mine = ++state.job;
  const current = () => mine === state.job;
  const tell = (what) => (progress) => {
    if (!current()) return;
    const { done, total } = progress;
    $("work-bar").hidden = false;
    $("work-bar").value = total ? done / total : 0;
    $("status").textContent = `${what}: ${say.count(done)} of ${say.count(total)} tiles`;
  };
  $("result").setAttribute("aria-busy", "true");
  $("error").hidden = true;
  try {
    await job(current, tell);
  } catch (error) {
    if (current()) showError(error);
  } finally {
    if (current()) {
      $("work-bar").hidden = true;
      $("result").setAttribute("aria-busy", "false");
    }
  }
}

function showError(error) {
  const box = $("error");
  box.textContent = error?.message ?? String(error);
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}

// What is shown

function present(shown) {
  state.shown = shown;
  const { original, rebuilt, kae, coded } = shown;
  const { channels } = state.manifest.codec;
  toCanvas($("rebuilt"), rebuilt);
  if (original) toCanvas($("original"), original);
  const stage = $("stage");
  stage.classList.toggle("alone", !original);
  stage.style.setProperty("--ratio", rebuilt.width / rebuilt.height);
  $("views").hidden = !original;
  $("source-line").textContent = shown.line;
  const raw = rebuilt.height * rebuilt.width * channels;
  shown.psnr = original ? psnr(original.data, rebuilt.data) : null;
  $("stat-bytes").textContent = say.count(kae.length);
  $("stat-ratio").textContent = say.times(raw / kae.length);
  $("stat-psnr").textContent = original ? say.decibels(shown.psnr) : "–";
  $("stat-encode").textContent = original ? say.time(shown.encode) : "–";
  $("stat-decode").textContent = say.time(shown.decode);
  $("rebuilt").setAttribute("aria-label", `Reconstruction, ${say.size(rebuilt)} pixels`);
  $("original").setAttribute("aria-label", `Original, ${say.size(rebuilt)} pixels`);
  const quality = original ? `, PSNR ${say.decibels(shown.psnr)}` : "";
  $("status").textContent = `Done: ${say.bytes(kae.length)}${quality}.`;
  $("sizes").hidden = !original;
  arrange();
  showCode(coded, kae);
  showLink(kae);
  for (const id of ["download", "download-png"]) $(id).disabled = false;
  if (explorer && coded.symbols.length === explorer.count) {
    explorer.symbols = coded.symbols;
    preview();
  }
}

/** Show what the chosen view needs. */
function arrange() {
  const { original, rebuilt } = state.shown ?? {};
  const view = document.querySelector("input[name=view]:checked").value;
  const alone = !original;
  $("stage").dataset.view = alone ? "pair" : view;
  $("cut-label").hidden = alone || view !== "slider";
  $("gain-label").hidden = alone || view !== "difference";
  if (!alone && view === "difference") {
    const gain = Number($("gain").value);
    toCanvas($("difference"), differenceOf(original, rebuilt, gain));
    const { most } = apart(original.data, rebuilt.data);
    $("difference-caption").textContent = `Difference, ${gain} times; the largest is ${most} of 255`;
    $("difference").setAttribute("aria-label", $("difference-caption").textContent);
  }
}

function setCut(percent) {
  $("cut").value = percent;
  $("stage").style.setProperty("--cut", `${percent}%`);
}

/** The line between the two images follows finger or mouse. */
function dragCut(figure) {
  const move = (event) => {
    const box = $("rebuilt").getBoundingClientRect();
    setCut(Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width)));
  };
  figure.addEventListener("pointerdown", (event) => {
    if ($("stage").dataset.view !== "slider") return;
    figure.setPointerCapture(event.pointerId);
    move(event);
  });
  figure.addEventListener("pointermove", (event) => {
    if (figure.hasPointerCapture(event.pointerId)) move(event);
  });
}

/** The table of sizes: ours at once, the others as the browser has written them. */
async function compare(current) {
  const { original, kae, psnr: ours } = state.shown;
  const raw = { name: "Raw", bytes: original.data.length, psnr: Infinity, note: "" };
  const own = { name: "kerasae", bytes: kae.length, psnr: ours, note: "", ours: true };
  listSizes([raw, own]);
  const others = await rivals($("original"), original, ours, () => !current());
  if (!current()) return;
  listSizes([raw, ...others, own]);
  $("sizes-note").textContent = NOTES[searches(original)];
}

function listSizes(rows) {
  // Raw and PNG, which lose nothing, would make all other bars alike: theirs may leave the scale.
  const most = 1.1 * Math.max(...rows.filter((row) => row.psnr < Infinity).map((row) => row.bytes));
  $("size-rows").replaceChildren(
    ...rows.map(({ name, bytes, psnr: quality, note, ours }) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = name;
      head.title = note;
      const cell = (text) => {
        const td = document.createElement("td");
        td.className = "number";
        td.textContent = text;
        return td;
      };
      const drawn = document.createElement("td");
      drawn.className = "wide";
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.style.setProperty("--part", `${Math.min(100, (100 * bytes) / most)}%`);
      bar.classList.toggle("beyond", bytes > most);
      drawn.append(bar);
      row.classList.toggle("ours", Boolean(ours));
      row.append(head, cell(say.count(bytes)), cell(say.decibels(quality)), drawn);
      return row;
    }),
  );
}

function showCode(coded, kae) {
  const { codec } = state.manifest;
  const { symbols } = coded;
  let [low, high] = [Infinity, -Infinity];
  for (const symbol of symbols) {
    low = Math.min(low, symbol);
    high = Math.max(high, symbol);
  }
  const what = codec.codebook ? `indices of ${say.count(codec.codebook)}` : "symbols";
  const line =
    `${say.count(symbols.length)} ${what} from ${low} to ${high}, ` +
    `${((8 * kae.length) / symbols.length).toFixed(2)} bits each in a file of ${say.bytes(kae.length)}.`;
  $("code-line").textContent = line;
  const shape = drawCode($("code-map"), codec, coded);
  $("code-map").parentElement.hidden = !shape;
  $("code-map").setAttribute("aria-label", `The code as a picture: ${line}`);
  $("code-caption").textContent = !shape
    ? "There are too many symbols to draw."
    : (shape.maps > 1 ? `${shape.maps} maps, one a channel. ` : shape.tiles > 1 ? "A row is a tile. " : "") +
      (codec.codebook
        ? "Each square is one index, each index one colour."
        : "Each square is one symbol: blue below zero, orange above.");
  const few = Array.from(symbols.subarray(0, 4096)).join(" ");
  $("symbols").textContent = symbols.length > 4096 ? `${few} …` : few;
  showBytes($("bytes"), $("bytes-legend"), kae, codec.qualities.length);
}

// What goes out

function save(content, name) {
  const link = document.createElement("a");
  const type = name.endsWith(".png") ? "image/png" : "application/octet-stream";
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function showLink(kae) {
  const fits = kae.length <= MAX_LINK;
  $("link").value = fits ? linkTo(kae) : "";
  $("copy").disabled = !fits;
  $("share").hidden = !(fits && navigator.share);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  $("link-note").textContent = !fits
    ? `The file has ${say.bytes(kae.length)}, too many for a link: send the file.`
    : local
      ? "The bytes are behind the #, which no server sees. This address leads to this machine only."
      : "The bytes are behind the #, which no server sees. Whoever opens the link decodes them.";
}

async function copyLink() {
  const input = $("link");
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    input.select(); // over plain http there is no clipboard, but still this
    document.execCommand("copy");
  }
  $("copy").textContent = "Copied";
  $("status").textContent = "The link was copied.";
  setTimeout(() => {
    $("copy").textContent = "Copy";
  }, 2000);
}

async function receiveFromAddress() {
  const text = inside(location.hash);
  if (text === null) return false;
  const kae = fromText(text);
  if (kae) await receive(kae, "the link");
  else showError(new Error("The link is damaged: what follows its # is no text that holds a file."));
  return true;
}

/** Drop a received file from the address when something else is shown. */
function forgetAddress() {
  if (inside(location.hash) !== null) history.replaceState(null, "", location.href.split("#")[0]);
}

// Drawing and exploring

function setUpPad() {
  const { tile, layout, channels } = state.manifest.codec;
  const [height, width] = layout === "blocks" ? tile : [256, 256];
  const scale = 256 / Math.max(height, width);
  const size = [Math.round(height * scale), Math.round(width * scale)];
  pad = new Pad($("pad"), { ink: $("ink"), pen: $("pen"), swap: $("swap"), clear: $("clear") }, drawn);
  const reset = () => pad.reset(...size, ...(channels === 1 ? ["#ffffff", "#000000"] : ["#1d4ed8", "#ffffff"]));
  reset();
  $("draw").addEventListener("click", () => {
    const open = $("pad-area").hidden;
    $("pad-area").hidden = !open;
    $("draw").setAttribute("aria-expanded", String(open));
    if (open) $("pad").focus();
  });
  function drawn() {
    const canvas = document.createElement("canvas");
    [canvas.height, canvas.width] = [height, width];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage($("pad"), 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    show({ pixels: { data: fromCanvas(data, channels), height, width }, name: "drawing.png" });
  }
}

function setUpExplorer() {
  if (!hasSliders(state.manifest)) return;
  explorer = new Explorer(state.manifest, $("sliders"), preview);
  $("explore").hidden = false;
  $("explore-note").textContent = explorer.generative
    ? "Codes of this model were trained to be normally distributed: a random one gives a new image."
    : "Each value of the code has a slider over the range that real images use. This model was not " +
      "trained to generate: a sample takes each value by itself, from the bundle's entropy tables.";
  $("more-sliders").hidden = explorer.all;
  $("more-sliders").textContent = `Show all ${explorer.count}`;
  $("more-sliders").addEventListener("click", () => {
    explorer.show(true);
    $("more-sliders").hidden = true;
  });
  $("draw-sample").addEventListener("click", () => {
    explorer.sample();
    preview();
  });
  $("reset-code").addEventListener("click", () => {
    explorer.middle();
    preview();
  });
  $("use").addEventListener("click", async () => {
    const { kae } = await renderCode();
    forgetAddress();
    await receive(kae, "changed-code.kae");
    $("result").scrollIntoView({ block: "start" });
  });
  explorer.middle();
  preview();
}

function renderCode() {
  const [height, width] = state.manifest.codec.tile;
  const quality = state.manifest.codec.qualities.length;
  return engine.call("render", { symbols: explorer.symbols, height, width, quality });
}

let pending = false;
let again = false;

/** Show the image of the sliders; while one is computed, only the latest next one waits. */
async function preview() {
  if (pending) {
    again = true;
    return;
  }
  pending = true;
  try {
    do {
      again = false;
      const { data, kae, milliseconds } = await renderCode();
      const [height, width] = state.manifest.codec.tile;
      toCanvas($("preview"), { data, height, width });
      $("preview-caption").textContent = `${say.bytes(kae.length)}, ${say.time(milliseconds)}`;
    } while (again);
  } catch (error) {
    showError(error);
  } finally {
    pending = false;
  }
}
