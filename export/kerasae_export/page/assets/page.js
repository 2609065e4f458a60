// What all parts of the page share: its elements, its worker, and what it shows.

import { Client } from "./client.js";

export const $ = (id) => document.getElementById(id);
export const address = (path) => new URL(path, document.baseURI).href;

export const engine = new Client(address("page/worker.js"), document.body.dataset.engine);

export const state = {
  takes: null, // what the codec takes, and how it is compared: {channels, fit, sample, equal}
  manifest: null, // of the bundle, if there is one
  source: null, // the image that was last chosen: {blob, name} or {pixels, name}
  received: null, // the file that was last received, if no image was chosen since: {kae, name}
  rivals: [], // what `rivals` found for what is shown
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
    const label = `${what}: ${Math.round((100 * done) / (total || 1))} %`;
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

/**
 * A job for a slider: while one of it runs, only the latest next one waits.
 *
 * @param {() => Promise<void>} job
 * @returns {() => Promise<void>}
 */
export function latestOnly(job) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await job();
      }
    } finally {
      running = false;
    }
  };
}

/** Show what went wrong, as one sentence. */
export function showError(error) {
  const box = $("error");
  box.textContent = error?.message ?? String(error);
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}
