"""The pieces of chapters that run in the browser: what they compute is what Python computes."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from browser import SECONDS
from built_site import REPOSITORY

pytestmark = pytest.mark.browser

LIVE = REPOSITORY / "website" / "live"
NEAR = 0.02  # kernels of LiteRT.js and of LiteRT round the inputs of a layer each for itself
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LISTEN = """(name) => {
  const box = document.querySelector(`.live[data-live=${name}]`);
  box.addEventListener("shown", ({ detail }) => {
    window.shown = Object.fromEntries(
      Object.entries(detail).map(([key, value]) => [key, Array.from(value, (v) =>
        typeof v === "number" ? v : Array.from(v))]),
    );
  });
}"""


def places(site: Path) -> dict[str, str]:
    """The page of each piece."""
    return {
        name: f"notebooks/{path.name}"
        for path in sorted(site.glob("notebooks/*.html"))
        for name in re.findall(r'data-live="([^"]*)"', path.read_text(encoding="utf-8"))
    }


class Live:
    """A piece, begun."""

    def __init__(self, page: Any, name: str) -> None:
        self.page, self.name = page, name
        self.box = page.locator(f".live[data-live={name}]")

    def begin(self) -> Live:
        self.page.evaluate(LISTEN, self.name)
        self.box.locator(".live-begin").click()
        self.page.locator(f".live[data-live={self.name}][data-state=ready]").wait_for()
        return self

    def shown(self) -> dict[str, np.ndarray]:
        """What it showed since it was last asked, once it has."""
        self.page.wait_for_function("window.shown")
        found = self.page.evaluate("window.shown")
        self.page.evaluate("window.shown = null")
        return {key: np.array(value, np.float32) for key, value in found.items()}

    def drag(self, canvas: int, *points: tuple[float, float]) -> None:
        """A stroke, in units of the canvas's side."""
        target = self.box.locator("canvas").nth(canvas)
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        mouse = self.page.mouse
        for i, (x, y) in enumerate(points):
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
            if not i:
                mouse.down()
        mouse.up()


def computed(model: str, values: np.ndarray) -> np.ndarray:
    """What Python's LiteRT makes of the values of one input."""
    interpreter = Interpreter(model_path=str(LIVE / f"{model}.tflite"))
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(given["index"], np.reshape(values, given["shape"]).astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(made["index"]).ravel()


@pytest.fixture
def opened(chromium: Any, served: Any, site: Path, litert_js: Path) -> Any:
    """Opens the page of a piece; the console stays clean, and nobody else is asked."""
    pages, trouble = [], []

    def open_page(name: str, viewport: dict[str, int] = WIDE, **context: Any) -> Live:
        browser = chromium.new_context(viewport=viewport, **context)
        page = browser.new_page()
        pages.append(browser)
        page.set_default_timeout(SECONDS)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((served.url, "blob:", "data:"))
                or trouble.append(request.url)
            ),
        )
        page.goto(served.url + places(site)[name])
        page.locator("html[data-live=ready]").wait_for()
        return Live(page, name)

    yield open_page
    for browser in pages:
        browser.close()
    assert not trouble


@pytest.fixture
def names(site: Path) -> dict[str, str]:
    return places(site)


def test_each_piece_is_on_a_page(names, monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "website"))  # whose modules import each other
    assert set(names) == set(importlib.import_module("live").PIECES)


def test_nothing_is_loaded_before_a_piece_is_touched(opened, names, served):
    for name in names:
        served.sent.clear()
        live = opened(name)
        live.box.scroll_into_view_if_needed()
        still = live.box.locator(".live-still img")
        assert still.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200
        asked = [path for path, *_ in served.sent]
        loaded = [p for p in asked if p.endswith((".tflite", ".wasm")) or "live.js" in p]
        assert not loaded, name
        told = live.box.locator(".live-begin small").inner_text()
        served.sent.clear()
        live.begin()
        size = sum(n for path, _, n in served.sent if path.endswith((".tflite", ".wasm", ".js")))
        megabytes = float(re.fullmatch(r"loads ([\d.]+) MB once", told)[1])
        assert size / 1e6 == pytest.approx(megabytes, abs=0.15)


def test_a_digit_is_cleaned(opened):
    live = opened("denoise").begin()
    first = live.shown()
    np.testing.assert_allclose(first["output"], computed("denoiser", first["spoilt"]), atol=NEAR)
    live.drag(0, (0.2, 0.8), (0.8, 0.8))
    second = live.shown()
    assert (second["clean"] != first["clean"]).any()
    np.testing.assert_allclose(second["output"], computed("denoiser", second["spoilt"]), atol=NEAR)
    slider = live.box.locator("input[type=range]")
    slider.focus()
    live.page.keyboard.press("Home")
    still = live.shown()
    np.testing.assert_array_equal(still["spoilt"], still["clean"])
    live.box.locator("button", has_text="Nothing").click()
    assert not live.shown()["clean"].any()


def test_a_code_is_a_digit(opened):
    live = opened("plane").begin()
    live.shown()
    live.box.locator("canvas").first.focus()
    for _ in range(4):
        live.page.keyboard.press("ArrowRight")
    live.page.keyboard.press("ArrowUp")
    live.page.wait_for_function("window.shown && window.shown.code[1] > 0")
    found = live.shown()
    np.testing.assert_allclose(found["code"], [0.6, 0.15], atol=1e-6)
    np.testing.assert_allclose(found["output"], computed("plane-decoder", found["code"]), atol=NEAR)
    live.drag(0, (0.5, 0.5), (0.95, 0.05))
    live.page.wait_for_function("window.shown && window.shown.code[1] > 2.2")
    assert live.shown()["code"] == pytest.approx([2.25, 2.25], abs=0.05)


def test_a_walk_begins_and_ends_at_its_digits(opened):
    live = opened("walk").begin()
    live.shown()
    slider = live.box.locator("input[type=range]")
    for key, end in (("Home", 0), ("End", 1)):
        slider.focus()
        live.page.keyboard.press(key)
        live.page.wait_for_function(
            "end => window.shown && window.shown.code.every("
            "(v, i) => Math.abs(v - window.shown.codes[end][i]) < 1e-5)",
            arg=end,
        )
        found = live.shown()
        wanted = computed("vae-decoder", found["codes"][end])
        np.testing.assert_allclose(found["output"], wanted, atol=NEAR)
    live.box.locator("button", has_text="random").click()
    found = live.shown()
    assert 0.5 < found["code"].std() < 1.6
    np.testing.assert_allclose(found["output"], computed("vae-decoder", found["code"]), atol=NEAR)


def test_what_is_rubbed_out_is_filled_and_the_rest_stays(opened):
    live = opened("fill").begin()
    first = live.shown()
    missing = first["given"] < 0
    assert 50 < missing.sum() < 400
    np.testing.assert_allclose(first["output"], computed("inpainter", first["given"]), atol=NEAR)
    np.testing.assert_array_equal(first["result"][~missing], first["given"][~missing])
    live.drag(0, (0.3, 0.2), (0.7, 0.2))
    assert (live.shown()["given"] < 0).sum() > missing.sum()
    live.box.locator("button", has_text="Clear").click()
    assert not (live.shown()["given"] < 0).any()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pieces_fit_a_phone_and_axe_finds_nothing(scheme, opened, names, packages):
    for name in names:
        live = opened(name, PHONE, color_scheme=scheme, has_touch=True).begin()
        width = live.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], name
        live.page.add_script_tag(path=packages / "axe-core" / "axe.min.js")
        axe = """axe.run(".live").then(({ violations }) =>
          violations.map(({ id, nodes }) => [id, nodes[0].html]))"""
        assert live.page.evaluate(axe) == [], name
        canvas = live.box.locator("canvas").first
        live.page.evaluate("window.shown = null")
        canvas.scroll_into_view_if_needed()
        canvas.tap(position={"x": 30, "y": 30})
        live.shown()
