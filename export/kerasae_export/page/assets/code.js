// The code of the image that is shown, and its file.

import { drawCode, showBytes } from "./codeview.js";
import { $, state } from "./page.js";
import * as say from "./text.js";

/** Show the symbols and the bytes of what is shown. */
export function showCode() {
  const { coded, kae } = state.shown;
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
    `${((8 * kae.length) / symbols.length).toFixed(2)} bits each ` +
    `in a file of ${say.bytes(kae.length)}.`;
  $("code-line").textContent = line;
  const shape = drawCode($("code-map"), codec, coded);
  $("code-map").parentElement.hidden = !shape;
  $("code-map").setAttribute("aria-label", `The code as a picture: ${line}`);
  $("code-caption").textContent = !shape
    ? "There are too many symbols to draw."
    : (shape.maps > 1
        ? `${shape.maps} maps, one a channel. `
        : shape.tiles > 1
          ? "A row is a tile. "
          : "") +
      (codec.codebook
        ? "Each square is one index, each index one colour."
        : "Each square is one symbol: blue below zero, orange above.");
  const few = Array.from(symbols.subarray(0, 4096)).join(" ");
  $("symbols").textContent = symbols.length > 4096 ? `${few} …` : few;
  showBytes($("bytes"), $("bytes-legend"), kae, codec.qualities.length);
}
