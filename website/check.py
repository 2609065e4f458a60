"""What the front page costs a visitor, measured in headless Chromium.

    python website/check.py [build/site] [--out benchmarks/results/front_page.json]

The site is served from a sub-path, compressed as hosts of static sites do, to a phone whose
processor is slowed down four times and whose network has 1.6 Mbit/s and 150 ms (Lighthouse's "slow
4G"). Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import json
import mimetypes
import os
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["PHONE", "first_visit", "serving"]

FOLDER = "/some/where/"  # the sub-path
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
SLOW_CPU = 4
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 2e5, "uploadThroughput": 9e4}
VISITS = 5
_SMALL = (".html", ".css", ".js", ".json", ".svg", ".txt", ".xml", ".wasm")  # when compressed

WATCH = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => {
  window.painted = list.getEntries().at(-1).startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
(function look() {
  const button = document.querySelector(".demo-begin, .demo-none");
  const shown = ".demo-mode:not([hidden]) img:not([loading=lazy])";
  const stills = [...document.querySelectorAll(shown)];
  const there =
    document.documentElement?.dataset.front === "ready" &&
    button?.getBoundingClientRect().height > 0 &&
    stills.length && stills.every((image) => image.complete && image.naturalWidth) &&
    performance.getEntriesByName("first-contentful-paint").length;
  // A turn of the event loop: whoever taps now is answered.
  if (there) setTimeout(() => (window.usable = performance.now()));
  else setTimeout(look, 16);
})();
"""
"""Usable: painted, the recorded pictures there, and a tap on the button is heard."""


class _Handler(SimpleHTTPRequestHandler):
    """A host of static files: under a sub-path, with gzip, and counting."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.split("?")[0].split("#")[0]
        file = Path(self.directory, path.removeprefix(FOLDER))
        file = file / "index.html" if path.endswith("/") else file
        if not path.startswith(FOLDER) or not file.is_file():
            self.send_error(404)
            return
        body = plain = file.read_bytes()
        self.send_response(200)
        if file.suffix in _SMALL:
            body = gzip.compress(plain, 6)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("X-Size", str(len(plain)))
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.send_header("Content-Type", "text/javascript" if file.suffix == ".js" else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)
        self.server.sent.append((path.removeprefix(FOLDER), len(body), len(plain)))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Of a site, with what it has sent: path, bytes on the wire, bytes of the file."""

    daemon_threads = True
    sent: list[tuple[str, int, int]]

    @property
    def url(self) -> str:
        """Of the front page."""
        return f"http://127.0.0.1:{self.server_port}{FOLDER}"


@contextmanager
def serving(site: Path, port: int = 0) -> Iterator[Server]:
    """Serve a site on this machine."""
    server = Server(("127.0.0.1", port), partial(_Handler, directory=str(site)))
    server.sent = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def first_visit(browser: Any, server: Server, *, slow: bool = True) -> dict[str, float]:
    """Open the front page on a slow phone that has never seen it; milliseconds and bytes."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    server.sent.clear()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.add_init_script(WATCH)
    if slow:
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", NETWORK)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_CPU})
    page.goto(server.url)
    page.wait_for_function("window.usable")
    before = sum(size for _, size, _ in server.sent)
    page.locator("html[data-offline=ready]").wait_for(state="attached", timeout=60_000)
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(500)
    measured = {
        "usable_ms": page.evaluate("window.usable"),
        "largest_paint_ms": page.evaluate("window.painted"),
        "layout_shift": page.evaluate("window.shifted"),
        "bytes_until_usable": before,
        "bytes": sum(size for _, size, _ in server.sent),
        "bytes_uncompressed": sum(size for *_, size in server.sent),
        "requests_elsewhere": sum(not url.startswith(server.url) for url in asked),
    }
    context.close()
    return measured


def main() -> None:
    """Do it from the command line."""
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, nargs="?", default=root / "build" / "site")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()

    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, serving(options.site.resolve()) as server:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            chromium_sandbox=False,
        )
        visits = [first_visit(browser, server) for _ in range(VISITS)]
        browser.close()
    result: dict[str, Any] = {"command": "python website/check.py", "visits": VISITS}
    for name in visits[0]:
        values = [visit[name] for visit in visits]
        result[name] = {"median": statistics.median(values), "most": max(values)}
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
