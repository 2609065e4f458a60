// What came back, in three views, with its numbers.

import { $, state } from "./page.js";
import { apart, differenceOf, psnr, toCanvas } from "./picture.js";
import { showLink } from "./sending.js";
import * as say from "./text.js";

/** Let the views be chosen. */
export function connectViews() {
  document.querySelectorAll("input[name=view]").forEach((input) => {
    input.addEventListener("change", arrange);
  });
  $("cut").addEventListener("input", () => setCut(Number($("cut").value)));
  $("gain").addEventListener("change", arrange);
  dragCut($("rebuilt-figure"));
}

/** Show a result; whoever wants to know of it hears the event `shown`. */
export function present(shown) {
  const { original, rebuilt, kae } = shown;
  const drawn = state.shown?.original; // another quality leaves it as it is
  state.shown = shown;
  const { channels } = state.takes;
  toCanvas($("rebuilt"), rebuilt);
  if (original && original !== drawn) toCanvas($("original"), original);
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
  showLink(kae);
  for (const id of ["download", "download-png"]) $(id).disabled = false;
  dispatchEvent(new Event("shown"));
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
    $("difference-caption").textContent =
      `Difference, ${gain} times; the largest is ${most} of 255`;
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
