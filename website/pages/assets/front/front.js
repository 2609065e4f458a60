// The codec on the front page, before a visitor begins: which of the two is shown, and what to load.
// No module, so that it runs from a folder, too, where browsers load none.

(() => {
  const here = document.currentScript.src;
  const box = document.getElementById("try");
  const status = box.querySelector(".demo-status");
  const modeOf = (name) => box.querySelector(`.demo-mode[data-mode=${name}]`);
  const begun = {}; // the name of a mode: the promise of its module, begun

  for (const input of box.querySelectorAll("input[name=demo]")) {
    input.addEventListener("change", () => choose(input.value));
    if (input.checked) choose(input.value); // browsers keep the choice over a reload
  }

  function choose(name) {
    for (const mode of box.querySelectorAll(".demo-mode")) mode.hidden = mode.dataset.mode !== name;
    status.textContent = "";
  }

  if (location.protocol === "file:") {
    for (const button of box.querySelectorAll(".demo-begin")) {
      const note = document.createElement("p");
      note.className = "demo-none";
      note.textContent =
        "Recorded. Browsers run no codec from a folder: python -m http.server in it, and it runs.";
      button.replaceWith(note);
    }
    return;
  }

  /** Load a mode's module and let it begin; once. */
  function begin(name) {
    begun[name] ??= (async () => {
      const mode = modeOf(name);
      const button = mode.querySelector(".demo-begin");
      button.disabled = true;
      const tell = (text) => {
        status.textContent = text;
      };
      tell("Loading");
      try {
        const { start } = await import(new URL(`${name}.js`, here).href);
        const started = await start(mode, new URL(box.dataset[name], document.baseURI).href, tell);
        button.remove();
        return started;
      } catch (error) {
        tell(error.message ?? String(error));
        button.disabled = false;
        delete begun[name];
        return null;
      }
    })();
    return begun[name];
  }

  for (const name of ["photo", "digit"]) {
    const button = modeOf(name).querySelector(".demo-begin");
    button?.addEventListener("click", async () => (await begin(name))?.first());
  }

  // Whoever drops a photograph has begun.
  const files = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  box.addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    box.classList.add("demo-over");
  });
  box.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!box.contains(relatedTarget)) box.classList.remove("demo-over");
  });
  box.addEventListener("drop", async (event) => {
    box.classList.remove("demo-over");
    if (!files(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    box.querySelector("input[value=photo]").click();
    if (file) (await begin("photo"))?.take(file);
  });
  document.documentElement.dataset.front = "ready";
})();
