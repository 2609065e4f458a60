// The ways out: files and links.

import { linkTo } from "./link.js";
import { $, state } from "./page.js";
import * as say from "./text.js";

const MAX_LINK = 2 ** 15; // bytes of a file that goes into a link

/** Let the buttons save, copy and share. */
export function connectSending() {
  $("download").addEventListener("click", () => save(state.shown.kae, `${state.shown.name}.kae`));
  $("download-png").addEventListener("click", async () => {
    const blob = await new Promise((resolve) => $("rebuilt").toBlob(resolve, "image/png"));
    save(blob, `${state.shown.name}.png`);
  });
  $("copy").addEventListener("click", copyLink);
  $("share").addEventListener("click", () => {
    const shared = navigator.share({ title: "An image", url: $("link").value });
    shared.catch(() => {}); // they changed their mind
  });
}

function save(content, name) {
  const link = document.createElement("a");
  const type = name.endsWith(".png") ? "image/png" : "application/octet-stream";
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Show the link that holds a file. */
export function showLink(kae) {
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
