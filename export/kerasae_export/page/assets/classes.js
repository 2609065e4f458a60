// What the picture shows, and what to show it as: the classes that a bundle's models may be told.

import { again } from "./jobs.js";
import { $, state } from "./page.js";

const UNTOLD = "not told";

/** Offer the classes, where the bundle has some. */
export function setUpClasses() {
  const names = state.manifest.labels?.names;
  if (!names) return;
  for (const id of ["shows", "show-as"]) {
    $(id).replaceChildren(
      new Option(UNTOLD, ""),
      ...names.map((name, number) => new Option(name, String(number))),
    );
  }
  $("classes").hidden = false;
  $("shows").addEventListener("change", () => {
    $("show-as").value = $("shows").value; // the code leaves out what the encoder was told
    tellAll();
  });
  $("show-as").addEventListener("change", tellAll);
  addEventListener("shown", () => {
    $("shows").disabled = !state.shown.original; // what was received is encoded already
    const { value, selectedOptions } = $("show-as");
    $("rebuilt-caption").textContent = value
      ? `Shown as ${selectedOptions[0].text}`
      : "Reconstruction";
  });
}

function tellAll() {
  dispatchEvent(new Event("told"));
  again();
}
