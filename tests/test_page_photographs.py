"""The page of photographs in Chromium: Python's own bytes, beside JPEG and WebP of equal bytes."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
from browser import DESKTOP, PHONE, SECONDS, Screen, Site, png
from PIL import Image

from kerasae_export import Codec
from kerasae_export.page.site import make_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site() -> Site:
    return make_site()


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec.load()


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.coffee()[100:221, 150:350])


@pytest.fixture
def opened(screen, serve, site) -> Callable[..., Screen]:
    def open(how: dict | None = None) -> Screen:
        return compared(screen(how).open(serve(site).url))

    return open


def compared(one: Screen) -> Screen:
    """Wait until the other formats have been written."""
    rows = one.page.locator("#size-rows:not(.late) tr")
    one.expect(rows).to_have_count(5, timeout=2 * SECONDS)
    one.expect(one.page.locator(".crops .late")).to_have_count(0, timeout=SECONDS)
    return one


def slide(one: Screen, quality: int) -> Screen:
    """Move the slider there in one go, as a finger does."""
    one.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    one.page.locator("#quality").fill(str(quality))
    return one.shown()


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_file_is_that_of_python_and_so_are_its_pixels(device, opened, codec, photograph):
    one = opened(device)
    one.give("coffee.png", png(photograph)).shown()
    np.testing.assert_array_equal(one.pixels("#original"), photograph)
    for quality in (50, 3, 98):
        if quality != 50:
            slide(one, quality)
        assert one.text("#quality-value") == str(quality)
        name, kae = one.download()
        assert name == "coffee.kae"
        assert kae == codec.compress(photograph, quality=quality, effort=0)
        rebuilt = codec.decompress(kae).astype(int)
        apart = np.abs(one.pixels().astype(int) - rebuilt)
        assert apart.max() <= 1  # what FORMAT.md allows two decoders
        assert (apart > 0).mean() < 0.001
        assert one.text("#stat-bytes") == f"{len(kae):,}"
        assert one.text("#stat-psnr") == f"{psnr(photograph, one.pixels()):.1f} dB"


def test_the_others_have_no_more_bytes_and_a_larger_error(opened, photograph):
    one = opened().give("coffee.png", png(photograph)).shown()
    compared(slide(one, 85))
    rows = one.page.locator("#size-rows tr").all_inner_texts()
    table = {row.split("\t")[0]: row.split("\t")[1:] for row in rows}
    assert list(table) == ["Raw", "PNG", "JPEG", "WebP", "kerasae"]
    size = {name: int(cells[0].replace(",", "")) for name, cells in table.items()}
    error = {name: float(table[name][1].split()[0]) for name in ("JPEG", "WebP", "kerasae")}
    for rival in ("JPEG", "WebP"):
        assert 0.7 * size["kerasae"] < size[rival] <= size["kerasae"]
        assert error[rival] < error["kerasae"]
        caption = one.text(f"#crop-{rival.lower()} span").replace("\u00a0", " ")
        assert caption == f"{size[rival]:,} bytes, {error[rival]} dB"


def test_crops_are_of_one_place_which_can_be_moved(opened, photograph):
    one = opened().give("coffee.png", png(photograph)).shown()
    compared(one)

    def place() -> tuple[int, int]:
        crop = one.pixels("#crop-original canvas")
        assert crop.shape == (80, 80, 3)
        windows = np.lib.stride_tricks.sliding_window_view(photograph, crop.shape)[..., 0, :, :, :]
        ((y, x),) = np.argwhere((windows == crop).all(axis=(2, 3, 4)))
        rebuilt = one.pixels()[y : y + 80, x : x + 80]
        np.testing.assert_array_equal(one.pixels("#crop-kerasae canvas"), rebuilt)
        for rival in ("jpeg", "webp"):
            assert 15 < psnr(one.pixels(f"#crop-{rival} canvas"), crop) < 50
        return int(y), int(x)

    assert place() == (21, 60)  # (121 - 80) / 2, (200 - 80) / 2
    box = one.page.locator("#rebuilt").bounding_box()
    one.page.locator("#rebuilt-figure .frame").click(position={"x": box["width"] - 4, "y": 4})
    assert place() == (0, 120)
    one.page.locator("#original-figure .frame").focus()
    for _ in range(20):
        one.page.keyboard.press("ArrowLeft")
    assert place() == (0, 0)


def test_a_slider_that_is_dragged_ends_where_it_is_left(opened, codec, photograph):
    one = opened().give("coffee.png", png(photograph)).shown()
    slider = one.page.locator("#quality")
    slider.focus()
    for _ in range(25):
        one.page.keyboard.press("ArrowRight")
    expected = codec.compress(photograph, quality=75, effort=0)
    one.expect(one.page.locator("#stat-bytes")).to_have_text(f"{len(expected):,}", timeout=SECONDS)
    assert compared(one.settle()).download()[1] == expected


def test_what_python_wrote_is_opened_and_says_its_quality(opened, codec, photograph):
    kae = codec.compress(photograph, quality=33)  # of effort 1
    one = opened(PHONE).give("sent.kae", kae).shown()
    assert one.text("#source-line").startswith("sent.kae: 200 × 121 pixels, received without")
    assert one.text("#quality-value") == "33, as received"
    assert one.page.locator("#quality").is_disabled()
    assert one.page.locator("#crops").is_hidden()
    assert np.abs(one.pixels().astype(int) - codec.decompress(kae).astype(int)).max() <= 1
    assert one.download() == ("sent.kae", kae)
    one.give("coffee.png", png(photograph)).shown()
    assert one.page.locator("#quality").is_enabled()
    assert one.text("#quality-value") == "33"


def test_a_link_carries_a_photograph(screen, opened, photograph):
    sender = opened().give("a.png", png(photograph)).shown()
    _, kae = sender.download()
    receiver = screen(PHONE).open(sender.page.input_value("#link"))
    np.testing.assert_array_equal(receiver.pixels(), sender.pixels())
    assert receiver.download()[1] == kae


def test_files_that_are_off_are_refused_in_a_sentence(opened, codec, photograph):
    kae = codec.compress(photograph[:20, :20], effort=0)
    cases = {
        "cut.kae": (kae[:-3], r"damaged or truncated: its checksum does not match\.$"),
        "other.kae": (kae[:3] + b"\0\0" + kae[5:], r"other\.kae: the bitstream was made with fam"),
        "old.kae": (b"\xaek\1" + kae[3:], r"old\.kae: the file was made with a bundle, and only"),
        "many.kae": (b"\xaes\1" + kae[3:], r"many\.kae: the file was made with a bundle, and o"),
        "new.kae": (b"\xaek\x09" + kae[3:], r"new\.kae: the bitstream is of version 9; this code"),
        "none.kae": (b"", r"none\.kae: the data is not a kerasae bitstream: it has 0 b"),
        "notes.png": (b"These are no pixels.", r"notes\.png cannot be read as an image: it is"),
    }
    one = opened()
    for name, (content, message) in cases.items():
        one.page.set_input_files(
            "#choose", {"name": name, "mimeType": "image/png", "buffer": content}
        )
        one.expect(one.page.locator("#error")).to_have_text(re.compile(message), timeout=SECONDS)
        one.settle()


def test_a_photograph_of_12_megapixels_is_brought_to_one(opened):
    """And in the meantime the page answers."""
    y, x = np.mgrid[0:3000, 0:4000].astype(np.int32)
    buffer = io.BytesIO()
    Image.fromarray(np.uint8((x // 16 + y // 16) % 256)).save(buffer, "JPEG")
    one = opened()
    one.page.evaluate(
        """() => {
          let last = performance.now();
          window.began = last;
          window.longest = 0;
          const beat = () => {
            const now = performance.now();
            window.longest = Math.max(window.longest, now - last);
            last = now;
            setTimeout(beat);
          };
          beat();
        }"""
    )
    one.give("IMG.jpg", buffer.getvalue(), "#photograph").shown()
    assert one.text("#source-line") == "IMG.jpg: 1,182 × 886 pixels, from 4,000 × 3,000"
    longest, whole = one.page.evaluate("[window.longest, performance.now() - window.began]")
    assert longest < whole / 3


def test_it_works_without_its_server(screen, serve, site, codec, photograph):
    served = serve(site)
    one = screen().open(served.url)
    one.expect(one.page.locator("body[data-offline=ready]")).to_have_count(1, timeout=SECONDS)
    served.stop()
    one.page.reload()
    one.see("body", "ready")
    one.settle()
    one.give("coffee.png", png(photograph)).shown()
    assert one.download()[1] == codec.compress(photograph, quality=50, effort=0)
    assert not any("litert" in url for url in one.requests)


def test_nothing_is_wider_than_the_screen(opened):
    one = opened()
    for width in (1280, 800, 360, 320):
        one.page.set_viewport_size({"width": width, "height": 700})
        for view in range(3):
            one.page.locator("#views label").nth(view).click()
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_reached_by_the_keyboard(opened):
    one = opened()
    reached = []
    for _ in range(30):
        one.page.keyboard.press("Tab")
        reached.append(
            one.page.evaluate(
                """() => {
                  const { id, name, ariaLabel } = document.activeElement ?? {};
                  return id || name || ariaLabel;
                }"""
            )
        )
    wanted = ["choose", "photograph", "sample", "size", "view", "quality", "download", "copy"]
    wanted.append("The place that is enlarged: arrow keys move it")
    assert [w for w in wanted if w not in reached] == []


def test_it_can_be_installed(screen, serve, site):
    one = screen(PHONE).open(serve(site).url)
    found = one.page.context.new_cdp_session(one.page).send("Page.getAppManifest")
    assert found["errors"] == []
    assert json.loads(found["data"])["name"] == "kerasae: photographs"
