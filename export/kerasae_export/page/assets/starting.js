// How a page starts: the codec is opened, and then there is something to see.

import { connectInput, receiveFromAddress, showSample } from "./input.js";
import { prepareOffline } from "./offline.js";
import { $, showError } from "./page.js";
import { connectViews } from "./result.js";
import { connectSending } from "./sending.js";
import * as say from "./text.js";

/**
 * Start the page.
 *
 * @param {() => Promise<void>} open opens the codec and sets up what belongs to it
 */
export async function start(open) {
  try {
    await open();
    connectInput();
    connectViews();
    connectSending();
    $("loading").hidden = true;
    $("app").hidden = false;
    prepareOffline($("offline"), $("install"));
    document.body.dataset.state = "ready";
    if (!(await receiveFromAddress())) await showSample();
  } catch (error) {
    document.body.dataset.state = "failed";
    $("loading").hidden = true;
    showError(error);
  }
}

/** Show how far the loading of the codec is. */
export function showLoading({ stage, done, total }) {
  const size = total > 1e5 ? `, ${say.megabytes(done)} of ${say.megabytes(total)} MB` : "";
  $("loading-text").textContent = `${stage[0].toUpperCase()}${stage.slice(1)}${size}`;
  $("loading-bar").value = total ? done / total : 0;
}
