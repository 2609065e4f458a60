// Images that are made on the page: drawn, or out of a changed code.

import { Explorer, hasSliders } from "./explore.js";
import { again, show, told } from "./jobs.js";
import { forgetAddress } from "./link.js";
import { Pad } from "./pad.js";
import { $, engine, latestOnly, showError, state } from "./page.js";
import { fromCanvas, toCanvas } from "./picture.js";
import * as say from "./text.js";

let explorer;

/** Let an image be drawn. */
export function setUpPad() {
  const { tile, layout, channels } = state.manifest.codec;
  const [height, width] = layout === "blocks" ? tile : [256, 256];
  const scale = 256 / Math.max(height, width);
  const size = [Math.round(height * scale), Math.round(width * scale)];
  const tools = { ink: $("ink"), pen: $("pen"), swap: $("swap"), clear: $("clear") };
  const colours = channels === 1 ? ["#ffffff", "#000000"] : ["#1d4ed8", "#ffffff"];
  new Pad($("pad"), tools, drawn).reset(...size, ...colours);
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

/** Let the code be changed, where it has few enough values. */
export function setUpExplorer() {
  if (!hasSliders(state.manifest)) return;
  explorer = new Explorer(state.manifest, $("sliders"), preview);
  $("explore").hidden = false;
  $("explore-note").textContent = explorer.generative
    ? "Codes of this model were trained to be normally distributed: a random one gives a new image."
    : "Each value of the code has a slider over the range that real images use. This model was " +
      "not trained to generate: a sample takes each value by itself, from the entropy tables.";
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
    state.received = { kae, name: "changed-code.kae" };
    await again(); // shown as the class that is chosen
    $("result").scrollIntoView({ block: "start" });
  });
  addEventListener("shown", () => {
    const { coded } = state.shown;
    if (coded.symbols.length !== explorer.count) return;
    explorer.follow(coded);
    preview();
  });
  addEventListener("told", preview);
  explorer.middle();
  preview();
}

function renderCode() {
  const [height, width] = state.manifest.codec.tile;
  const quality = state.manifest.codec.qualities.length;
  const image = { symbols: explorer.symbols, height, width, quality };
  return engine.call("render", { ...image, label: told("show-as") });
}

/** Show the image of the sliders. */
const preview = latestOnly(async () => {
  try {
    const { data, kae, milliseconds } = await renderCode();
    const [height, width] = state.manifest.codec.tile;
    toCanvas($("preview"), { data, height, width });
    $("preview-caption").textContent = `${say.bytes(kae.length)}, ${say.time(milliseconds)}`;
  } catch (error) {
    showError(error);
  }
});
