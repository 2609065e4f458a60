// Pieces of a chapter that run in the browser: nothing of them is loaded before they are touched.
// No module, so that it runs from a folder, too, where browsers load none.

(() => {
  const here = document.currentScript.src;

  for (const box of document.querySelectorAll(".live")) {
    const begin = box.querySelector(".live-begin");
    const status = box.querySelector(".live-status");
    if (!begin) continue;
    if (location.protocol === "file:") {
      status.textContent =
        "Browsers run no models from a folder: python -m http.server in it, and this piece runs.";
      begin.remove();
      continue;
    }
    begin.addEventListener("click", async () => {
      const tell = (text) => {
        status.textContent = text;
      };
      begin.disabled = true;
      tell("Loading");
      try {
        const { open } = await import(new URL("live.js", here).href);
        await open(box, tell);
        begin.remove();
      } catch (error) {
        tell(error.message ?? String(error));
        begin.disabled = false;
      }
    });
  }
  document.documentElement.dataset.live = "ready";
})();
