// The page: opens the bundle and puts its parts to work.

import { introduce, listFacts, offerChoices } from "./bundle.js";
import { connectInput, receiveFromAddress, showSample } from "./input.js";
import { setUpExplorer, setUpPad } from "./making.js";
import { prepareOffline } from "./offline.js";
import { $, address, engine, showError, state } from "./page.js";
import { connectViews } from "./result.js";
import { checkItself } from "./selfcheck.js";
import { connectSending } from "./sending.js";
import * as say from "./text.js";

start();

async function start() {
  try {
    const litert = address(document.body.dataset.litert);
    const opened = await engine.call("open", { bundle: address("bundle/"), litert }, showLoading);
    state.manifest = opened.manifest;
    $("loading-text").textContent = "Checking the models";
    const verdict = await checkItself(opened);
    introduce(verdict);
    offerChoices();
    listFacts(opened.seconds, verdict);
    connectInput();
    connectViews();
    connectSending();
    setUpPad();
    setUpExplorer();
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

function showLoading({ stage, done, total }) {
  const size = total > 1e5 ? `, ${say.megabytes(done)} of ${say.megabytes(total)} MB` : "";
  $("loading-text").textContent = `${stage[0].toUpperCase()}${stage.slice(1)}${size}`;
  $("loading-bar").value = total ? done / total : 0;
}
