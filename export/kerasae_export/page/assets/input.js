// The ways in: files, camera, sample, drop, paste, and the address.

import { fromText, inside } from "./link.js";
import { receive, show } from "./jobs.js";
import { $, latestOnly, showError, state } from "./page.js";
import { MAX_BYTES } from "./picture.js";
import * as say from "./text.js";

/** Let the controls take images and files. */
export function connectInput() {
  for (const id of ["choose", "photograph"]) {
    $(id).addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = ""; // so that the same file can be chosen again
      if (file) take(file, id === "photograph");
    });
  }
  $("sample").addEventListener("click", showSample);
  for (const id of ["size", "invert"]) {
    $(id)?.addEventListener("change", () => show(state.source));
  }
  $("quality").addEventListener("input", latestOnly(() => show(state.source)));
  connectDrop();
  document.addEventListener("paste", ({ clipboardData }) => {
    const [file] = clipboardData?.files ?? [];
    if (file) take(file);
  });
  addEventListener("hashchange", receiveFromAddress);
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
  } else if (coded) {
    await receive(new Uint8Array(await file.arrayBuffer()), file.name);
  } else {
    await show({ blob: file, name: file.name || "the pasted image", photographed });
  }
}

/** Show the sample that comes with the page. */
export async function showSample() {
  const { url, ...source } = state.takes.sample;
  if (!url) {
    await show(source);
    return;
  }
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`The sample could not be loaded: ${response.status}.`);
    await show({ ...source, blob: await response.blob() });
  } catch (error) {
    showError(error);
  }
}

/** Decode the file that the address holds; false if there is none. */
export async function receiveFromAddress() {
  const text = inside(location.hash);
  if (text === null) return false;
  const kae = fromText(text);
  if (kae) await receive(kae, "the link");
  else
    showError(new Error("The link is damaged: what follows its # is no text that holds a file."));
  return true;
}
