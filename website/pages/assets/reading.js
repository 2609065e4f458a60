// On every page: pictures enlarge on a tap, long tables fold on a phone, and the site is kept for use
// without a network.

(() => {
  const PHONE = "(max-width: 44.9375em)";
  const SHOWN = 6; // rows of a folded table
  const LONG = 10; // rows from which a table is folded

  const phone = matchMedia(PHONE);

  // Pictures, which are links to themselves: those work without this, too.
  const box = document.createElement("dialog");
  box.className = "enlarged";
  const close = document.createElement("button");
  Object.assign(close, { type: "button", textContent: "Close", autofocus: true });
  const picture = document.createElement("img");
  const room = document.createElement("div");
  room.tabIndex = 0;
  room.append(picture);
  box.append(close, room);
  close.addEventListener("click", () => box.close());
  picture.addEventListener("click", () => box.classList.toggle("whole"));
  box.addEventListener("click", ({ target }) => target === box && box.close());

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href$='.png']");
    const small = link?.querySelector("img");
    if (!small || event.ctrlKey || event.metaKey || event.shiftKey || !box.showModal) return;
    event.preventDefault();
    if (!box.isConnected) document.body.append(box);
    Object.assign(picture, { src: link.href, alt: small.alt });
    box.ariaLabel = small.alt;
    box.classList.toggle("whole", phone.matches); // there the page shows the whole already
    box.showModal();
  });

  // What the theme adds: buttons beside code are no landmarks, and what scrolls can be reached.
  const mend = () => {
    for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) nav.role = "none";
    for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
      if (wrap.scrollWidth > wrap.clientWidth || wrap.querySelector("table")) wrap.tabIndex = 0;
    }
  };
  mend();
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });

  // Tables. Of those with long texts each row is a list on a phone; long ones fold.
  for (const table of document.querySelectorAll(".md-typeset table:has(td.long, td.longer)")) {
    const names = [...table.querySelectorAll("thead th, thead td")].map((th) => th.textContent);
    if (names.length < 3) continue;
    table.classList.add("stacked");
    for (const cell of table.querySelectorAll("tbody td")) {
      cell.dataset.name = names[cell.cellIndex] ?? "";
    }
  }
  for (const table of document.querySelectorAll(".md-typeset table:is(:not([class]), .stacked)")) {
    const rows = [...table.querySelectorAll("tbody > tr")];
    if (rows.length <= LONG) continue;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "unfold" });
    button.textContent = `Show all ${rows.length} rows`;
    const fold = (folded) => {
      rows.slice(SHOWN).forEach((row) => (row.hidden = folded));
      button.hidden = !folded;
    };
    const after = table.closest(".md-typeset__scrollwrap") ?? table;
    after.insertAdjacentElement("afterend", button);
    button.addEventListener("click", () => {
      fold(false);
      rows[SHOWN].querySelector("a")?.focus({ preventScroll: true });
    });
    fold(phone.matches);
    phone.addEventListener("change", () => fold(phone.matches));
    // Whoever comes by a link, or prints, gets all of it.
    const asked = () => rows.some((row) => row.querySelector(":target")) && fold(false);
    addEventListener("hashchange", asked);
    addEventListener("beforeprint", () => fold(false));
    asked();
  }

  // Without a network: what was seen is kept, and all of it where that is wished.
  if (!("serviceWorker" in navigator) || !/^https?:$/.test(location.protocol)) return;
  const base = new URL(JSON.parse(document.getElementById("__config").textContent).base, location);
  const root = base.href.replace(/\/?$/, "/");
  addEventListener("load", () => setTimeout(keep, 1500)); // first the page itself
  async function keep() {
    try {
      await navigator.serviceWorker.register(`${root}sw.js`, { scope: root });
      const worker = (await navigator.serviceWorker.ready).active;
      document.documentElement.dataset.offline = "ready";
      const line = document.querySelector(".keep");
      if (line) offer(line, worker);
    } catch {
      // Private windows and old browsers: the site works without it.
    }
  }
  function offer(line, worker) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "md-button" });
    line.hidden = false;
    line.append(button);
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (!data.kept && !data.bytes) return;
      const size = `${Math.round(data.bytes / 1e6)} MB`;
      button.textContent = data.kept
        ? data.kept < data.files
          ? `Keeping: ${data.kept} of ${data.files} files`
          : "The whole site is on this device"
        : `Keep the whole site for offline use (${size})`;
      button.disabled = Boolean(data.kept);
    });
    button.addEventListener("click", () => worker.postMessage("keep"));
    worker.postMessage("size");
  }
})();
