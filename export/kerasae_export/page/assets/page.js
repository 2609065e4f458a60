// What all parts of the page share: its elements, its worker, and what it shows.

import { Client } from "./client.js";
import * as say from "./text.js";

export const $ = (id) => document.getElementById(id);
export const address = (path) => new URL(path, document.baseURI).href;

export const engine = new Client(address("page/worker.js"));

export const state = {
  manifest: null,
  source: null, // the image that was last chosen: {blob, name} or {pixels, name}
  shown: null, // {name, line, kae, original, rebuilt, coded, encode, decode, psnr}
  job: 0, // a newer one makes the older ones stop
};

/**
 * Do a job, with its progress and its error shown; a newer job makes it stop.
 *
 * @returns {Promise<() => boolean>} whether its result is there and still the latest
 */
export async function work(job) {
  const mine = ++state.job;
  const current = () => mine === state.job;
  const tell = (what) => (progress) => {
    if (!current()) return;
    const { done, total } = progress;
    $("work-bar").hidden = false;
    $("work-bar").value = total ? done / total : 0;
    const label = `${what}: ${say.count(done)} of ${say.count(total)} tiles`;
    $("work-bar").setAttribute("aria-label", label); // not announced each time
  };
  $("result").setAttribute("aria-busy", "true");
  $("error").hidden = true;
  try {
    await job(current, tell);
    return current;
  } catch (error) {
    if (current()) showError(error);
    return () => false;
  } finally {
    if (current()) {
      $("work-bar").hidden = true;
      $("result").setAttribute("aria-busy", "false");
    }
  }
}

/** Show what went wrong, as one sentence. */
export function showError(error) {
  const box = $("error");
  box.textContent = error?.message ?? String(error);
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}
