// The page of photographs: the codec that needs no bundle.

import { connectCrops } from "./crops.js";
import { $, address, engine, state } from "./page.js";
import { atMost, MAX_PIXELS } from "./picture.js";
import { showLoading, start } from "./starting.js";

const SIZES = { auto: 2 ** 20, small: 2 ** 18, whole: Infinity };

start(async () => {
  const families = document.body.dataset.families.split(" ");
  const folder = address("families/");
  await engine.call("open", { families, folder }, showLoading);
  const sample = { url: address("page/cat.webp"), name: "cat.webp" };
  state.takes = { channels: 3, fit: (choice) => atMost(SIZES[choice]), sample, equal: "bytes" };
  $("size").append(
    new Option("at most 1 megapixel", "auto"),
    new Option("at most 1/4 megapixel", "small"),
    new Option(`as it is, up to ${MAX_PIXELS / 2 ** 20} megapixels`, "whole"),
  );
  $("quality").addEventListener("input", nameQuality);
  addEventListener("shown", nameQuality);
  connectCrops();
});

/** Say the quality that is asked for, or that a received file has, which no slider changes. */
function nameQuality() {
  const received = state.shown && !state.shown.original;
  $("quality").disabled = received;
  if (received) $("quality").value = state.shown.coded.quality;
  const text = received ? `${$("quality").value}, as received` : $("quality").value;
  $("quality-value").textContent = text;
}
