"""The front page in browsers: light, fast, still, accessible, and with Python's own bytes."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import DESKTOP, SECONDS
from built_site import REPOSITORY, module
from PIL import Image

from kerasae_export import Codec

pytestmark = pytest.mark.browser

DIGITS = REPOSITORY / "website" / "digits"
PAGES = ("", "notebooks/index.html", "notebooks/02_introduction.html", "docs/others.html")
FIREFOX = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
RESULT = """(name) => {
  const mode = document.querySelector(`.demo-mode[data-mode=${name}]`);
  const text = (data) => btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
  window.result = new Promise((done) => {
    mode.addEventListener("shown", ({ detail: { kae, original, symbols, rebuilt, rivals } }) => {
      const picture = ({ data, height, width }) => ({ data: text(data), height, width });
      done({
        kae: text(kae),
        original: picture(original),
        rebuilt: picture(rebuilt),
        symbols: symbols && Array.from(symbols),
        rivals: rivals.map(({ name, bytes, psnr }) => ({ name, bytes, psnr })),
      });
    }, { once: true });
  });
}"""


@pytest.fixture
def page(chromium: Any, served: Any) -> Any:
    """The front page, whose console must stay clean and which must ask nobody else."""
    context = chromium.new_context(**DESKTOP)
    opened = context.new_page()
    trouble: list[str] = []
    opened.set_default_timeout(SECONDS)
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and trouble.append(said.text))
    context.on(
        "request",
        lambda request: (
            request.url.startswith((served.url, "blob:", "data:")) or trouble.append(request.url)
        ),
    )
    opened.goto(served.url)
    yield opened
    context.close()
    assert not trouble


def result(page: Any) -> dict[str, Any]:
    found = page.evaluate("window.result")
    for name in ("original", "rebuilt"):
        data = np.frombuffer(base64.b64decode(found[name]["data"]), np.uint8)
        found[name] = data.reshape(found[name]["height"], found[name]["width"], -1)
    return found | {"kae": base64.b64decode(found["kae"])}


def test_a_slow_phone_uses_it_below_half_a_megabyte(chromium, served):
    """Processor four times slower, "slow 4G"; what the service worker keeps is counted.

    How soon, `website/check.py` measures, on a quiet machine.
    """
    found = module("check").first_visit(chromium, served)
    assert found["usable_ms"] > 0
    assert found["bytes"] < 500_000
    assert found["layout_shift"] == 0
    assert found["requests_elsewhere"] == 0
    assert not any("search_index" in path or "try/" in path for path, *_ in served.sent)


def test_photographs_have_the_bytes_of_python(page, served, tmp_path):
    from skimage.data import coffee

    picture = np.ascontiguousarray(coffee()[100:221, 150:350])
    Image.fromarray(picture).save(tmp_path / "coffee.png")
    photographs(page)
    said = page.locator("[data-mode=photo] .demo-begin small").inner_text()
    served.sent.clear()
    with page.expect_file_chooser():
        page.locator("[data-mode=photo] .demo-begin").click()
    wanted = ("try/", "assets/front/photo.js", "assets/front/stage.js")
    loaded = sum(size for path, _, size in served.sent if path.startswith(wanted))
    assert said == f"loads {loaded / 1e6:.1f} MB once"
    sample = result(page)
    told = json.loads((REPOSITORY / "website/pages/assets/front/stills.json").read_text())
    assert len(sample["kae"]) == told["photo"]["kerasae"]["bytes"]
    page.evaluate(RESULT, "photo")
    page.set_input_files(".demo-input", tmp_path / "coffee.png")
    found = result(page)
    codec = Codec.load()
    np.testing.assert_array_equal(found["original"], picture)
    assert found["kae"] == codec.compress(picture, quality=50, effort=0)
    assert np.abs(found["rebuilt"].astype(int) - codec.decompress(found["kae"])).max() <= 1
    for rival in found["rivals"][1:]:
        assert rival["name"] in ("JPEG", "WebP")
        caption = page.locator(
            f"[data-mode=photo] [data-name={rival['name'].lower()}] span"
        ).inner_text()
        assert f"{rival['bytes']:,}\u00a0bytes" in caption
        assert "setting" in caption


def test_a_drawn_digit_has_the_code_of_python(page, litert_js):
    """Drawn by keyboard alone, from the tab order on."""
    reach(page, "demo")
    page.keyboard.press("ArrowRight")  # to the photograph
    page.keyboard.press("ArrowLeft")  # and back
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".demo-pad:focus").wait_for(timeout=2 * SECONDS)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    page.evaluate(RESULT, "digit")
    page.keyboard.press("ArrowUp")
    found = result(page)
    codec = Codec.load(DIGITS)
    original = found["original"]
    assert original.shape == (28, 28, 1)
    assert 20 < (original > 128).sum() < 200
    expected = codec.encode(original).ravel()
    apart = np.abs(np.array(found["symbols"]) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() <= 0.1
    coded = codec.unpack(found["kae"])
    np.testing.assert_array_equal(coded.symbols.ravel(), found["symbols"])
    rebuilt = codec.decompress(found["kae"]).astype(int)
    tolerance = codec.manifest.pixel_tolerance
    assert np.abs(found["rebuilt"].astype(int) - rebuilt).max() <= tolerance
    assert page.locator("[data-mode=digit] .demo-bytes b").inner_text() == str(len(found["kae"]))


def photographs(page: Any) -> None:
    """Choose them, and listen to what is made of the first."""
    page.evaluate(RESULT, "photo")
    page.locator(".demo-modes label").nth(1).click()


def reach(page: Any, name: str) -> None:
    """Go on with the tab key until something of this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme, chromium, served, packages):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    for path in PAGES:
        page.goto(served.url + path)
        page.add_script_tag(path=packages / "axe-core" / "axe.min.js")
        found = page.evaluate("axe.run().then(({ violations }) => violations)")
        told = {each["id"]: [node["html"] for node in each["nodes"]] for each in found}
        assert not told, path
    context.close()


def test_axe_finds_nothing_at_the_codec_at_work(page, packages, litert_js):
    page.locator("[data-mode=digit] .demo-begin").click()
    page.locator(".demo-pad:focus").wait_for(timeout=2 * SECONDS)
    page.add_script_tag(path=packages / "axe-core" / "axe.min.js")
    axe = (
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))"
    )
    assert page.evaluate(axe) == []
    photographs(page)
    page.locator("[data-mode=photo] .demo-begin").click()
    result(page)
    assert page.evaluate(axe) == []


def test_the_search_fetches_its_index_when_it_is_opened(page, served):
    assert not any("search_index" in path for path, *_ in served.sent)
    page.locator(".md-search__input").click()
    page.keyboard.type("posterior collapse")
    page.locator(".md-search-result__item").first.wait_for()
    assert sum("search_index" in path for path, *_ in served.sent) == 1
    page.goto(page.locator(".md-search-result__link").first.get_attribute("href"))
    page.locator("mark").first.wait_for()  # the words are marked, as before


def test_the_whole_site_can_be_kept(chromium, site):
    """By a tap on a button that says its size; then the search works without a network, too."""
    context = chromium.new_context()
    page = context.new_page()
    with module("check").serving(site) as server:
        page.goto(server.url)
        button = page.locator(".keep button")
        button.filter(has_text=re.compile(r"offline use \(\d\d MB\)")).click(timeout=SECONDS)
        kept = page.locator(".keep").filter(has_text="The whole site is on this device")
        kept.wait_for(timeout=2 * SECONDS)
    page.goto(server.url + "api/builders.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("sparse")
    page.locator(".md-search-result__item").first.wait_for()
    context.close()


def test_it_works_offline_after_the_first_visit(chromium, site):
    context = chromium.new_context()
    page = context.new_page()
    with module("check").serving(site) as server:
        page.goto(server.url)
        page.locator("html[data-offline=ready]").wait_for(state="attached")
        page.goto(server.url + "notebooks/02_introduction.html")
        page.locator(".md-typeset h1").wait_for()
        page.goto(server.url)
        photographs(page)
        page.locator("[data-mode=photo] .demo-begin").click()
        result(page)
    page.goto(server.url)  # the server is gone
    assert page.locator(".demo-frame img").first.evaluate("(image) => image.naturalWidth") > 0
    photographs(page)
    page.locator("[data-mode=photo] .demo-begin").click()
    assert result(page)["kae"]
    page.goto(server.url + "notebooks/02_introduction.html")
    assert "Introduction" in page.locator("h1").first.inner_text()
    context.close()


def test_from_a_folder_there_are_recorded_pictures(chromium, site):
    page = chromium.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((site / "index.html").as_uri())
    assert page.locator(".demo-begin").count() == 0
    assert "Browsers run no codec from a folder" in page.locator(".demo-none").last.text_content()
    page.locator(".demo-modes label").nth(1).click()
    images = page.locator("[data-mode=photo] img")
    images.first.wait_for()
    images.last.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-mode=photo] img')].every((i) => i.naturalWidth)"
    )
    assert images.count() == 5
    assert not faults
    page.close()


def test_on_a_phone_pictures_fit_and_enlarge_and_tables_fold(chromium, served):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(served.url + "notebooks/02_introduction.html")
    picture = page.locator(".picture a.wide img").nth(3)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    picture.tap()
    big = page.locator("dialog.enlarged[open] img")
    big.wait_for()
    natural = big.evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    assert big.bounding_box()["width"] == natural > 600
    big.tap()
    assert big.bounding_box()["width"] <= 390
    page.keyboard.press("Escape")
    assert page.locator("dialog.enlarged[open]").count() == 0
    page.goto(served.url + "docs/fidelity.html")
    rows = page.locator("table tbody").first.locator("tr:visible")
    assert rows.count() == 6
    page.locator(".unfold").first.tap()
    assert rows.count() > 10
    context.close()


@pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed")
def test_firefox_has_the_same_bytes(served, packages, litert_js):
    """The front page's photograph and a stroke as digit, by WebDriver BiDi."""
    done = subprocess.run(
        ["node", str(REPOSITORY / "tests" / "web" / "firefox.mjs"), served.url],
        env=os.environ | {"NODE_PATH": str(packages), "FIREFOX": str(FIREFOX)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    codec = Codec.load()
    cat = REPOSITORY / "export/kerasae_export/page/assets/cat.webp"
    original = np.array(found["photo"]["original"], np.uint8).reshape(found["photo"]["shape"])
    with Image.open(cat) as picture:
        assert np.abs(original.astype(int) - np.asarray(picture.convert("RGB"))).max() <= 2
    assert bytes(found["photo"]["kae"]) == codec.compress(original, quality=50, effort=0)
    digits = Codec.load(DIGITS)
    drawn = np.array(found["digit"]["original"], np.uint8).reshape(28, 28, 1)
    expected = digits.encode(drawn).ravel()
    assert np.abs(digits.unpack(bytes(found["digit"]["kae"])).symbols.ravel() - expected).max() <= 1
    assert found["elsewhere"] == []
    assert found["errors"] == []
    assert Path(str(FIREFOX)).exists()
