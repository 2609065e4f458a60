// The table of sizes, ours beside those of the browser's own encoders.

import { $, showError, state } from "./page.js";
import { PLAIN, rivals, searches } from "./rivals.js";
import * as say from "./text.js";

const PAUSE = 100; // milliseconds in which a slider may move on, and nothing is compared
const WRITTEN = "PNG, JPEG and WebP as this browser writes them, JPEG and WebP at ";
const NOTES = {
  bytes: `${WRITTEN}the finest setting that is no larger, or at their smallest.`,
  error: `${WRITTEN}the coarsest setting that is at least as good.`,
  plain: `${WRITTEN}setting ${PLAIN}: no other was tried on so large an image.`,
};

/**
 * The table of sizes: ours at once, the others as the browser has written them. Whoever wants to
 * know of these hears the event `compared`.
 */
export async function compare(current) {
  const { original, kae, psnr: ours } = state.shown;
  const raw = { name: "Raw", bytes: original.data.length, psnr: Infinity, note: "" };
  const own = { name: "kerasae", bytes: kae.length, psnr: ours, note: "", ours: true };
  const { equal } = state.takes;
  const same = state.rivals.of === original;
  listSizes([raw, ...(same ? state.rivals : []), own]);
  $("size-rows").classList.toggle("late", same);
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (!current()) return;
  const goal = equal === "bytes" ? { bytes: kae.length } : { psnr: ours };
  let others;
  try {
    others = await rivals($("original"), original, goal, () => !current());
  } catch (error) {
    if (current()) showError(error);
    return;
  }
  if (!current()) return;
  listSizes([raw, ...others, own]);
  $("sizes-note").textContent = NOTES[equal === "bytes" || searches(original) ? equal : "plain"];
  $("size-rows").classList.remove("late");
  state.rivals = Object.assign(others, { of: original });
  dispatchEvent(new Event("compared"));
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
