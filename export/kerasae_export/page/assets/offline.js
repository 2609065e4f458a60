// Use without a network, and installing: both only where browsers allow them.

/**
 * Keep the page for use offline, and say in `line` what the browser allows.
 *
 * @param {HTMLElement} line
 * @param {HTMLButtonElement} button which installs the page, where it may
 */
export async function prepareOffline(line, button) {
  let prompt = null;
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    prompt = event;
    button.hidden = false;
  });
  button.addEventListener("click", async () => {
    button.hidden = true;
    await prompt?.prompt();
  });
  if (!isSecureContext) {
    line.textContent =
      "This page came over plain http, where browsers forbid offline use and installing: for " +
      "these two, open it by https or on localhost. All the rest works.";
    return;
  }
  if (!("serviceWorker" in navigator)) {
    line.textContent = "This browser offers no offline use here, as in a private window.";
    return;
  }
  line.textContent = "Keeping the page for use offline.";
  try {
    await navigator.serviceWorker.register(new URL("sw.js", document.baseURI));
    await navigator.serviceWorker.ready;
    line.textContent =
      "This page now works offline, too, and can be installed from the browser's menu as an app.";
    document.body.dataset.offline = "ready";
  } catch (error) {
    line.textContent = `This browser does not keep the page for use offline: ${error.message}`;
  }
}
