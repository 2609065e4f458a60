// The page of a bundle: opens it and puts the parts to work.

import { introduce, listFacts, offerChoices, takesOf } from "./bundle.js";
import { setUpClasses } from "./classes.js";
import { showCode } from "./code.js";
import { setUpExplorer, setUpPad } from "./making.js";
import { $, address, engine, state } from "./page.js";
import { checkItself } from "./selfcheck.js";
import { showLoading, start } from "./starting.js";

start(async () => {
  const litert = address(document.body.dataset.litert);
  const opened = await engine.call("open", { bundle: address("bundle/"), litert }, showLoading);
  state.manifest = opened.manifest;
  state.takes = takesOf(opened.manifest);
  $("loading-text").textContent = "Checking the models";
  const verdict = await checkItself(opened);
  introduce(verdict);
  offerChoices();
  listFacts(opened.seconds, verdict);
  addEventListener("shown", showCode);
  setUpClasses();
  setUpPad();
  setUpExplorer();
});
