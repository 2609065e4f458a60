"""The page of a bundle whose models may be told a class: two choosers, and what they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from browser import DESKTOP, PHONE, SECONDS, png, violations, with_manifest
from labelled import NAMES, labelled_bundle, labelled_model, pictures

from kerasae_export import Codec

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In int8, whose label is in uint8, too."""
    target = tmp_path_factory.mktemp("classes") / "bundle"
    return labelled_bundle(labelled_model(), target, scheme="int8")


def choose(screen, selector: str, label: str):
    screen.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    screen.page.select_option(selector, label=label)
    return screen.shown()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_chosen_class_is_shown_at_once(device, folder, screen, serve, site_of, axe):
    codec = Codec.load(folder)
    image = np.uint8(255 * pictures()[0][1] + 0.5)  # light to the left
    one = screen(device).open(serve(site_of(folder)).url)
    one.give("left.png", png(image)).shown()
    for selector in ("#shows", "#show-as"):
        chooser = one.page.locator(selector)
        assert chooser.locator("option").all_inner_texts() == ["not told", *NAMES]
        assert chooser.input_value() == ""
        assert chooser.evaluate("node => node.labels.length") == 1
    assert_like(one, codec, image, None, None)
    choose(one, "#shows", "left")
    assert one.page.input_value("#show-as") == "1"  # the code does not say what was told
    assert_like(one, codec, image, "left", "left")
    choose(one, "#show-as", "right")
    assert one.page.input_value("#shows") == "1"
    assert one.text("#rebuilt-caption") == "Shown as right"
    assert_like(one, codec, image, "left", "right")
    left, right = one.pixels()[..., 0].reshape(6, 2, 3).mean(axis=(0, 2))
    assert right > left + 60
    choose(one, "#show-as", "not told")
    assert_like(one, codec, image, "left", None)
    assert "dark, left, right" in one.text("#facts")
    # What other codecs take is faded until it is of this picture.
    one.expect(one.page.locator(".late")).to_have_count(0, timeout=SECONDS)
    assert violations(one, axe) == []
    width = one.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0


def assert_like(screen, codec: Codec, image: np.ndarray, told: str | None, shown: str | None):
    """The file and the picture are those of Python, within one step and one level of int8."""
    _, kae = screen.download()
    coded = codec.unpack(kae)
    symbols = codec.encode(image, label=told)
    assert np.abs(coded.symbols - symbols).max() <= 1
    rebuilt = codec.decode(coded.symbols, 6, 6, label=shown)
    distance = np.abs(screen.pixels()[..., :1].astype(int) - rebuilt)
    assert distance.max() <= codec.manifest.labels.pixel_tolerance + 1


def test_what_was_received_is_shown_as_a_class_and_another_picture_is_told_anew(
    folder, screen, serve, site_of
):
    codec = Codec.load(folder)
    image = np.uint8(255 * pictures()[0][1] + 0.5)
    one = screen().open(serve(site_of(folder)).url)
    choose(one, "#shows", "dark")
    one.give("left.kae", codec.compress(image, label="left")).shown()
    assert one.page.input_value("#show-as") == one.page.input_value("#shows") == ""
    assert one.page.locator("#shows").is_disabled()
    one.page.locator("#show-as").focus()
    one.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    one.page.keyboard.press("ArrowDown")  # with the keyboard: dark
    one.shown()
    assert one.text("#rebuilt-caption") == "Shown as dark"
    assert one.pixels().mean() < 80
    choose(one, "#show-as", "left")
    assert one.pixels()[:, :3].mean() > 150
    preview = one.page.locator("#preview-caption")
    one.expect(preview).not_to_have_text("", timeout=SECONDS)
    one.page.click("#sample")
    one.expect(one.page.locator("#shows")).to_be_enabled(timeout=SECONDS)
    assert one.page.input_value("#show-as") == ""


def test_the_explorer_shows_codes_as_the_class(folder, screen, serve, site_of):
    one = screen().open(serve(site_of(folder)).url)
    means = {}
    for name in ("left", "right"):
        choose(one, "#show-as", name)
        one.page.evaluate("document.querySelector('#preview-caption').textContent = ''")
        one.page.click("#reset-code")
        one.expect(one.page.locator("#preview-caption")).not_to_have_text("", timeout=SECONDS)
        means[name] = one.pixels("#preview")[..., 0].reshape(6, 2, 3).mean(axis=(0, 2))
    assert means["left"][0] > means["left"][1] + 60
    assert means["right"][1] > means["right"][0] + 60
    one.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    one.page.click("#use")
    one.shown()
    np.testing.assert_array_equal(one.pixels(), one.pixels("#preview"))


def test_without_classes_the_page_has_no_choosers(screen, serve, site_of):
    one = screen().open(serve(site_of("blocks")).url)
    for selector in ("#classes", "#shows", "#show-as"):
        assert one.page.locator(selector).is_hidden()
    assert one.text("#rebuilt-caption") == "Reconstruction"


def test_a_damaged_or_exchanged_file_of_labels_is_told(folder, screen, serve, site_of):
    site = site_of(folder)
    damaged = {**site, "bundle/decoder_label.tflite": site["bundle/decoder_label.tflite"][:-1]}
    one = screen(allowed="hash").open(serve(damaged).url, "failed")
    assert "decoder_label.tflite is not the file that manifest.json lists" in one.error()

    def exchange(manifest):
        manifest["labels"]["encoder"]["file"] = "encoder.tflite"

    one = screen().open(serve(with_manifest(site, exchange)).url, "failed")
    assert "encoder.tflite must have two inputs, of which one is `label`" in one.error()
