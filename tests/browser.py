"""What the tests of the page share: LiteRT.js, Chromium, changed sites, and a page to drive."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kerasae_export import Codec
from kerasae_export.errors import SiteError
from kerasae_export.page.litertjs import find_litert_js
from kerasae_export.page.serve import PageServer
from kerasae_export.page.site import make_site
from kerasae_export.runtime.bundle_files import open_models, read_files

GOLDEN = Path(__file__).parent / "golden"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
SECONDS = 100_000  # milliseconds, for a busy machine

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Mobile Safari/537.36",
}

Site = dict[str, bytes]


@pytest.fixture(scope="session")
def litert_js() -> dict[str, bytes]:
    try:
        return find_litert_js(os.environ.get("LITERT_JS"))
    except SiteError as error:
        pytest.skip(f"LiteRT.js is not at hand: {error}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        # As root, as in a container, Chromium runs without its sandbox only.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site_of(litert_js: dict[str, bytes]) -> Callable[[str | Path], Site]:
    """The site of a golden bundle, or of a folder; a copy that may be changed."""
    made: dict[Path, Site] = {}

    def of(bundle: str | Path) -> Site:
        folder = GOLDEN / bundle / "bundle" if isinstance(bundle, str) else bundle
        if folder not in made:
            made[folder] = make_site(folder, litert_js)
        return dict(made[folder])

    return of


class Served:
    """A site on a port of its own, which stays the same when it is started again."""

    def __init__(self, site: Site) -> None:
        self.port = 0
        self.start(site)

    def start(self, site: Site) -> None:
        self.server = PageServer(site, port=self.port)
        self.port = self.server.server_port
        self.url = self.server.addresses[0]
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Site], Served]]:
    running: list[Served] = []

    def start(site: Site) -> Served:
        running.append(Served(site))
        return running[-1]

    yield start
    for served in running:
        served.stop()


class Reference:
    """LiteRT in Python: scales and zero points as its interpreter finds them in the files."""

    def __init__(self, folder: Path) -> None:
        manifest, files = read_files(folder)
        encoder, decoder = open_models(manifest, files)
        parts = {
            side: replace(getattr(manifest, side), input=model.input, output=model.output)
            for side, model in (("encoder", encoder), ("decoder", decoder))
        }
        self.codec = Codec(replace(manifest, **parts), encoder, decoder)
        self.channels = manifest.codec.channels
        self.step = max(1, int(np.ceil(decoder.output.scale * 255 - 1e-9)))  # levels of 255


def pattern(height: int, width: int, channels: int) -> np.ndarray:
    """A picture with edges, gradients and noise, each channel another one."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(5).integers(0, 40, (height, width))
    layers = [
        110 + 90 * np.sin(x / 7) + noise,
        (x * 255 // max(1, width - 1)) * (y % 16 > 4),
        np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2, 230, 20 + noise),
    ]
    order = layers if channels == 3 else [layers[2]]
    return np.clip(np.stack(order, axis=-1), 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def with_file(site: Site, name: str, content: bytes) -> Site:
    """The site with another file in its bundle, under hashes that fit."""
    manifest = json.loads(site["bundle/manifest.json"])
    manifest["files"][name] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    return {**site, f"bundle/{name}": content, "bundle/manifest.json": dumps(manifest)}


def with_manifest(site: Site, change: Callable[[Any], None]) -> Site:
    manifest = json.loads(site["bundle/manifest.json"])
    change(manifest)
    return {**site, "bundle/manifest.json": dumps(manifest)}


def dumps(content: Any) -> bytes:
    return json.dumps(content).encode()


class Screen:
    """The page in a browser: what a person does and sees there."""

    def __init__(self, page: Any, allowed: str) -> None:
        from playwright.sync_api import expect

        self.page, self.expect, self.allowed = page, expect, allowed
        page.set_default_timeout(SECONDS)
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.trouble.append(f"pageerror: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(f"{message.type}: {message.text}")

    def open(self, url: str, state: str = "ready") -> Screen:
        self.page.goto(url)
        self.see("body", state)
        if state != "ready":
            return self
        # The page is ready before its first picture is, which could be taken for the next one.
        told = self.page.locator("#source-line, #error").filter(has_text=re.compile(r"\S"))
        self.expect(told.first).to_be_attached(timeout=SECONDS)
        return self.settle()

    def see(self, selector: str, state: str) -> None:
        self.expect(self.page.locator(selector)).to_have_attribute(
            "data-state", state, timeout=SECONDS
        )

    def settle(self) -> Screen:
        """Wait until nothing is being computed."""
        done = self.page.locator("#result[aria-busy=false]")
        self.expect(done).to_have_count(1, timeout=SECONDS)
        return self

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def give(self, name: str, content: bytes, where: str = "#choose") -> Screen:
        """Choose a file."""
        mime = {"png": "image/png", "jpg": "image/jpeg"}.get(name[-3:], "application/octet-stream")
        # Without this, the state before could be taken for the one after.
        self.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
        self.page.set_input_files(where, {"name": name, "mimeType": mime, "buffer": content})
        return self

    def shown(self) -> Screen:
        """Wait until what was given is shown."""
        self.expect(self.page.locator("#source-line")).not_to_have_text("waiting", timeout=SECONDS)
        return self.settle()

    def choose(self, selector: str, value: str) -> Screen:
        self.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
        self.page.select_option(selector, value)
        return self.shown()

    def error(self) -> str:
        box = self.page.locator("#error")
        self.expect(box).to_be_visible(timeout=SECONDS)
        return box.inner_text()

    def pixels(self, canvas: str = "#rebuilt") -> np.ndarray:
        """What a canvas shows: uint8 (height, width, 3)."""
        found = self.page.evaluate(
            """(selector) => {
              const canvas = document.querySelector(selector);
              const { width, height } = canvas;
              const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
              let text = "";
              for (let i = 0; i < data.length; i += 4096) {
                text += String.fromCharCode(...data.subarray(i, i + 4096));
              }
              return { height, width, data: btoa(text) };
            }""",
            canvas,
        )
        data = np.frombuffer(base64.b64decode(found["data"]), np.uint8)
        return data.reshape(found["height"], found["width"], 4)[..., :3]

    def download(self, selector: str = "#download") -> tuple[str, bytes]:
        with self.page.expect_download() as waiting:
            self.page.click(selector)
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()

    def symbols(self) -> list[int]:
        return [int(n) for n in self.page.locator("#symbols").text_content().split()]


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core, from npm, by its hash."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which fetches axe-core, is not installed")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "pack", "axe-core@4.14.1", "--prefer-offline"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    archive = folder / "axe-core-4.14.1.tgz"
    if not archive.exists():
        pytest.skip(f"axe-core cannot be fetched: {done.stderr[-200:]}")
    digest = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == digest
    with tarfile.open(archive) as tar:
        member = tar.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def violations(one: Screen, axe: str) -> list[str]:
    one.page.evaluate(axe)
    found = one.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes']]}"
        for v in found["violations"]
    ]


@pytest.fixture
def screen(chromium: Any) -> Iterator[Callable[..., Screen]]:
    """Pages, all of which must keep to their server, and their consoles clean but for `allowed`."""
    contexts: list[Any] = []
    screens: list[Screen] = []

    def new(
        options: dict[str, Any] | None = None, *, within: Any = None, allowed: str = "(?!)"
    ) -> Screen:
        context = within
        if context is None:
            context = chromium.new_context(accept_downloads=True, **(options or DESKTOP))
            contexts.append(context)
        screens.append(Screen(context.new_page(), allowed))
        return screens[-1]

    yield new
    for context in contexts:
        context.close()
    for one in screens:
        for url in one.requests:
            assert re.match(r"(http://(127\.0\.0\.1|phone\.test):\d+/|blob:)", url), url
        assert not [heard for heard in one.trouble if not re.search(one.allowed, heard)]


def assert_like_python(screen: Screen, reference: Reference, image: np.ndarray) -> None:
    """The page's code and reconstruction are those of LiteRT in Python, within one step."""
    codec = reference.codec
    quality = int(screen.page.input_value("#quality"))
    _, kae = screen.download()
    coded = codec.unpack(kae)
    assert (coded.height, coded.width) == image.shape[:2]
    assert coded.quality == quality
    expected = codec.encode(image, quality=quality)
    apart = np.abs(coded.symbols.reshape(expected.shape) - expected)
    if not codec.manifest.codec.codebook:
        assert apart.max() <= 1
    assert (apart > 0).mean() <= 0.02
    assert kae == codec.pack(coded.symbols, *image.shape[:2], quality=quality)
    rebuilt = codec.decode(coded.symbols, *image.shape[:2], quality)
    shown = screen.pixels()
    assert shown.shape[:2] == image.shape[:2]
    distance = np.abs(shown.astype(int) - rebuilt.astype(int))
    assert distance.max() <= reference.step
    assert (distance > 0).mean() <= 0.02
