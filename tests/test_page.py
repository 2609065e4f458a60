"""The page in Chromium: the bundle's own models, the codec's own bytes, on desktop and phone."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from browser import (
    CHROMIUM,
    DESKTOP,
    GOLDEN,
    PHONE,
    SECONDS,
    Reference,
    Site,
    assert_like_python,
    pattern,
    png,
    violations,
    with_file,
    with_manifest,
)
from PIL import Image

import kerasae
from kerasae_export import export_bundle
from kerasae_export.files.pictures import read_image

pytestmark = pytest.mark.browser

SIZES = {"grid": (61, 75), "blocks": (21, 30), "indices": (50, 41)}


@pytest.fixture(scope="session")
def references() -> dict[str, Reference]:
    return {name: Reference(GOLDEN / name / "bundle") for name in SIZES}


@pytest.fixture(scope="session")
def generative_model(digits: kerasae.Images) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=4, hidden=(16,))
    model.fit(digits.train, digits.train, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="session")
def generative_bundle(
    generative_model: keras.Model, digits: kerasae.Images, tmp_path_factory: Any
) -> Path:
    """A variational model, both halves in one file."""
    folder = tmp_path_factory.mktemp("generative") / "bundle"
    how = {"calibration": digits.train, "signatures": "both"}
    return export_bundle(generative_model, folder, **how)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))


def golden(name: str, file: str) -> bytes:
    return (GOLDEN / name / file).read_bytes()


def grey(pixels: np.ndarray) -> np.ndarray:
    assert (pixels[..., 0] == pixels[..., 1]).all()
    return pixels[..., :1]


# The same code, the same image, the same bytes


@pytest.mark.parametrize(
    ("name", "device"),
    [*((name, DESKTOP) for name in SIZES), ("grid", PHONE)],
    ids=[*SIZES, "on a phone"],
)
def test_code_and_reconstruction_are_those_of_python(
    name, device, screen, serve, site_of, references
):
    reference = references[name]
    image = pattern(*SIZES[name], reference.channels)
    one = screen(device).open(serve(site_of(name)).url)
    assert one.text("#check") == "Self-check passed"
    one.give("photo.png", png(image)).shown()
    assert_like_python(one, reference, image)
    for quality in range(1, reference.codec.qualities):
        assert_like_python(one.choose("#quality", str(quality)), reference, image)


def test_the_numbers_shown_are_right(screen, serve, site_of, references):
    """Bytes, ratio and PSNR of ours; the others as large as they say, and at least as good."""
    codec = references["grid"].codec
    image = pattern(90, 120, 3)
    one = screen().open(serve(site_of("grid")).url).give("photo.png", png(image)).shown()
    rows = one.page.locator("#size-rows tr")
    one.expect(rows).to_have_count(5, timeout=SECONDS)
    _, kae = one.download()
    _, rebuilt = one.download("#download-png")
    with Image.open(io.BytesIO(rebuilt)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(pixels, one.pixels())
    found = psnr(image, pixels)
    assert one.text("#stat-bytes") == f"{len(kae):,}"
    assert one.text("#stat-psnr") == f"{found:.1f} dB"
    assert one.text("#stat-ratio") == f"{image.size / len(kae):.1f} ×"
    for stat in ("#stat-encode", "#stat-decode"):
        assert re.fullmatch(r"[\d.]+ m?s", one.text(stat))
    table = dict(row.split("\t", 1) for row in rows.all_inner_texts())
    assert list(table) == ["Raw", "PNG", "JPEG", "WebP", "kerasae"]
    assert table["Raw"].split() == [f"{image.size:,}", "exact"]
    assert table["kerasae"].split() == [f"{len(kae):,}", f"{found:.1f}", "dB"]
    assert table["PNG"].split()[1] == "exact"
    for rival in ("JPEG", "WebP"):
        assert float(table[rival].split()[1]) >= round(found, 1)
        assert 100 < int(table[rival].split()[0].replace(",", "")) < image.size
    # All that the bundle's own section says is in its manifest.
    manifest = json.loads((GOLDEN / "grid" / "bundle" / "manifest.json").read_text())
    facts = one.text("#facts")
    assert manifest["bundle_hash"][:16] in facts
    for file in ("encoder.tflite", "decoder.tflite"):
        assert f"{manifest['files'][file]['bytes']:,} bytes" in facts
    assert f"{codec.qualities}" in facts


def test_every_number_about_the_bundle_comes_from_the_manifest(screen, serve, site_of):
    def change(manifest: Any) -> None:
        manifest["facts"] |= {"model": "<b>mine</b>", "data": "moths", "training_images": 12345}
        manifest["facts"]["parameters"] = {"encoder": 777, "decoder": 888}
        manifest["scheme"] = "int8"

    one = screen().open(serve(with_manifest(site_of("blocks"), change)).url)
    assert "<b>mine</b> (int8), trained on moths: grey, tiles of 8 × 8" in one.text("#bundle-line")
    for value in ("12,345", "777 + 888", "moths"):
        assert value in one.text("#facts")


@pytest.mark.parametrize("name", SIZES)
def test_what_python_wrote_is_decoded(name, screen, serve, site_of, references):
    """And written again, to the byte, from the symbols that the page has read."""
    reference = references[name]
    one = screen(PHONE).open(serve(site_of(name)).url)
    vectors = json.loads(golden(name, "vectors.json"))
    for case in vectors["images"][:3]:
        kae = golden(name, f"{case['name']}.kae")
        one.give(f"{case['name']}.kae", kae).shown()
        assert one.symbols() == case["symbols"][:4096]
        rebuilt = reference.codec.decompress(kae)
        distance = np.abs(one.pixels().astype(int) - rebuilt.astype(int))
        assert distance.max() <= reference.step
        assert one.download() == (f"{case['name']}.kae", kae)
        assert one.text("#stat-psnr") == "–"
        assert "without an original" in one.text("#source-line")


def test_a_stream_of_images_is_shown_as_one(screen, serve, site_of, references):
    codec = references["blocks"].codec
    images = [pattern(8, 8, 1), 255 - pattern(8, 8, 1), pattern(8, 8, 1)[::-1], pattern(8, 8, 1)]
    stream = codec.compress_many([np.ascontiguousarray(image) for image in images])
    one = screen().open(serve(site_of("blocks")).url).give("test.kae", stream).shown()
    assert "a stream of 4 images" in one.text("#source-line")
    expected = codec.decompress_many(stream)
    shown = grey(one.pixels())
    tiles = [shown[y : y + 8, x : x + 8] for y in (0, 8) for x in (0, 8)]
    for tile, image in zip(tiles, expected, strict=True):
        assert np.abs(tile.astype(int) - image.astype(int)).max() <= 2


def test_a_photo_goes_to_the_page_and_back(screen, serve, site_of, references):
    """Python -> page -> Python, on a photograph."""
    from skimage import data

    codec = references["grid"].codec
    photo = np.ascontiguousarray(data.chelsea()[40:200, 100:310])
    one = screen().open(serve(site_of("grid")).url)
    sent = codec.compress(photo)
    one.give("cat.kae", sent).shown()
    received = one.pixels()
    tolerance = codec.manifest.pixel_tolerance
    assert np.abs(received.astype(int) - codec.decompress(sent).astype(int)).max() <= tolerance
    one.give("cat.png", png(photo)).shown()
    name, back = one.download()
    assert name == "cat.kae"
    assert abs(len(back) - len(sent)) <= 0.02 * len(sent)
    rebuilt = codec.decompress(back)
    assert np.abs(one.pixels().astype(int) - rebuilt.astype(int)).max() <= tolerance
    straight = psnr(photo, codec.decompress(sent))
    assert psnr(photo, rebuilt) == pytest.approx(straight, abs=0.05)


def test_a_browser_without_relaxed_simd_takes_the_other_build(screen, serve, site_of, references):
    site = site_of("grid")
    name = "litert/2.5.3/index.js"
    found = b"tryWasm(WASM_RELAXED_SIMD_CHECK)"
    assert site[name].count(found) == 1
    site[name] = site[name].replace(found, b"Promise.resolve({ supported: false })")
    image = pattern(61, 75, 3)
    one = screen().open(serve(site).url).give("photo.png", png(image)).shown()
    assert any(url.endswith("compat_internal.wasm") for url in one.requests)
    assert_like_python(one, references["grid"], image)


def test_one_file_with_two_signatures(screen, serve, site_of, generative_bundle):
    image = pattern(20, 20, 1)
    one = screen().open(serve(site_of(generative_bundle)).url)
    one.give("a.png", png(image)).shown()
    assert_like_python(one, Reference(generative_bundle), image)


def test_float_edges(screen, serve, site_of, generative_model, digits, tmp_path):
    how = {"scheme": "float32", "calibration": digits.train}
    bundle = export_bundle(generative_model, tmp_path / "b", **how)
    image = pattern(20, 20, 1)
    one = screen().open(serve(site_of(bundle)).url).give("a.png", png(image)).shown()
    assert_like_python(one, Reference(bundle), image)


# What must be caught


def change_scale(site: Site) -> Site:
    def change(manifest: Any) -> None:
        manifest["encoder"]["output"]["scale"] *= 1.2

    return with_manifest(site, change)


def change_decoder_scale(site: Site) -> Site:
    def change(manifest: Any) -> None:
        manifest["decoder"]["output"]["scale"] *= 1.2

    return with_manifest(site, change)


def change_zero_point(site: Site) -> Site:
    def change(manifest: Any) -> None:
        manifest["decoder"]["input"]["zero_point"] += 4

    return with_manifest(site, change)


def swap_channels(site: Site) -> Site:
    before, after = b"data[at++] = r;", b"data[at++] = b;"
    assert site["page/picture.js"].count(before) == 1
    swapped = site["page/picture.js"].replace(b"data[at++] = b;", b"data[at++] = R;")
    swapped = swapped.replace(before, after).replace(b"= R;", b"= r;")
    return {**site, "page/picture.js": swapped}


def shift_symbols(site: Site) -> Site:
    before = b"Math.floor(value / step + 0.5)"
    assert site["codec/values.js"].count(before) == 1
    return {
        **site,
        "codec/values.js": site["codec/values.js"].replace(before, b"Math.floor(value / step)"),
    }


@pytest.mark.parametrize(
    "mutate", [change_scale, change_decoder_scale, change_zero_point, swap_channels, shift_symbols]
)
def test_a_mutation_is_caught(mutate, screen, serve, site_of, references):
    """Both by the comparison above and by the page itself."""
    image = pattern(*SIZES["grid"], 3)
    one = screen().open(serve(mutate(site_of("grid"))).url)
    assert one.text("#check") == "Self-check failed"
    assert "Do not rely on what this page shows" in one.text("#warning")
    one.give("photo.png", png(image)).shown()
    with pytest.raises(AssertionError):
        assert_like_python(one, references["grid"], image)


def edited(content: bytes, edit: Callable[[Any, Any], None]) -> bytes:
    """A TF Lite file with a change to the tensor of its input."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    graph = model.subgraphs[0]
    edit(schema, graph.tensors[graph.inputs[0]])
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def int8_input(schema: Any, tensor: Any) -> None:
    tensor.type = schema.TensorType.INT8


def any_batch(schema: Any, tensor: Any) -> None:
    tensor.shapeSignature = [-1, *tensor.shape[1:]]


ENCODER, DECODER, MANIFEST = "encoder.tflite", "decoder.tflite", "bundle/manifest.json"


def set_field(*path: Any, value: Any) -> Callable[[Site], Site]:
    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = value

    return lambda site: with_manifest(site, change)


UNSUPPORTED = {
    "int8 edges": (
        set_field("encoder", "input", "dtype", value="int8"),
        r"`encoder\.input` is int8, which browsers cannot feed: export the bundle again with uint8",
    ),
    "int8 edges in the file": (
        lambda s: with_file(s, ENCODER, edited(s[f"bundle/{ENCODER}"], int8_input)),
        r"is int8, which browsers cannot feed: export the bundle again with uint8 edges",
    ),
    "dynamic batch": (
        set_field("encoder", "input", "shape", value=[-1, 8, 8, 1]),
        r"`encoder\.input` takes a batch of any size, which browsers cannot run: export",
    ),
    "dynamic batch in the file": (
        lambda s: with_file(s, ENCODER, edited(s[f"bundle/{ENCODER}"], any_batch)),
        r"takes a batch of any size, which browsers cannot run: export the bundle again",
    ),
    "mismatched hash": (
        lambda s: {**s, f"bundle/{DECODER}": s[f"bundle/{DECODER}"][:-1] + b"\xff"},
        r"decoder\.tflite is not the file that manifest\.json lists: its hash differs\.",
    ),
    "mismatched bundle hash": (
        set_field("bundle_hash", value="0" * 64),
        r"`bundle_hash` does not match the decoder and the codec part\.",
    ),
    "truncated model": (
        lambda s: {**s, f"bundle/{ENCODER}": s[f"bundle/{ENCODER}"][:-500]},
        r"encoder\.tflite is not the file that manifest\.json lists: its hash differs\.",
    ),
    "truncated model under a hash that fits": (
        lambda s: with_file(s, ENCODER, s[f"bundle/{ENCODER}"][:1000]),
        r"encoder\.tflite cannot be loaded by LiteRT\.js: it is damaged, or has operators",
    ),
    "another shape than the manifest's": (
        lambda s: with_file(
            s, ENCODER, edited(s[f"bundle/{ENCODER}"], lambda _, t: setattr(t, "type", 0))
        ),
        r"(`encoder\.input` does not match encoder\.tflite|cannot be loaded by LiteRT\.js)",
    ),
    "missing model": (
        lambda s: {k: v for k, v in s.items() if k != f"bundle/{DECODER}"},
        r"decoder\.tflite could not be loaded: it is missing on the server\.",
    ),
    "no JSON": (lambda s: {**s, MANIFEST: b"{"}, r"manifest\.json is not valid JSON: "),
    "another version": (
        set_field("format_version", value=3),
        r"manifest\.json is of format version 3; this code reads 1 and 2\.",
    ),
    "missing LiteRT.js": (
        lambda s: {k: v for k, v in s.items() if not k.endswith("internal.wasm")},
        r"litert_wasm_internal\.wasm could not be loaded: it is missing on the server\.",
    ),
    "damaged LiteRT.js": (
        lambda s: {k: v[:5000] if k.endswith("internal.wasm") else v for k, v in s.items()},
        r"LiteRT\.js cannot start in this browser: ",
    ),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_an_unsupported_bundle_is_refused_in_a_sentence(case, screen, serve, site_of):
    change, message = UNSUPPORTED[case]
    one = screen(allowed="Failed to load resource|Error: 404")
    one.open(serve(change(site_of("blocks"))).url, "failed")
    said = one.error()
    assert re.search(message, said), said
    assert said.count("\n") == 0
    assert not one.page.locator("#app").is_visible()


def huge() -> bytes:
    """A PNG of a few bytes that claims 900 million pixels."""
    head = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def crc_of(name: str, body: bytes) -> bytes:
    """A `.kae` file with a checksum that fits."""
    digest = json.loads(golden(name, "bundle/manifest.json"))["bundle_hash"]
    return body + zlib.crc32(body, zlib.crc32(bytes.fromhex(digest))).to_bytes(4, "little")


def test_files_that_are_off_are_refused_in_a_sentence(screen, serve, site_of):
    kae = golden("blocks", "image-0-quality-1.kae")
    other = golden("grid", "image-0-quality-1.kae")
    cases = {
        "empty.png": (b"", r"empty\.png is empty\."),
        "broken.png": (png(pattern(50, 50, 3))[:200] + b"x" * 50, r"broken\.png cannot be read as"),
        "notes.png": (b"These are no pixels.", r"notes\.png cannot be read as an image: it is"),
        "huge.png": (huge(), r"huge\.png has 30000 x 30000 pixels, over the 67108864 that this"),
        "cut.kae": (kae[:-3], r"damaged or truncated: its checksum does not match\."),
        "flip.kae": (kae[:7] + bytes([kae[7] ^ 1]) + kae[8:], r"damaged or truncated: its check"),
        "other.kae": (other, r"other\.kae: the bitstream was made with bundle \w{4}, "),
        "new.kae": (
            kae[:2] + b"\x09" + kae[3:],
            r"new\.kae: the bitstream is of version 9; this code",
        ),
        "text.kae": (
            b"not a kae file",
            r"text\.kae: the data is not a kerasae bitstream: it has 14",
        ),
        "large.kae": (
            crc_of("blocks", kae[:5] + bytes.fromhex("808004") * 2 + b"\x00"),
            r"large\.kae: the bitstream claims 1 x 65536 x 65536 pixels, over the 16777216 "
            r"that are allowed\.$",
        ),
        "none.kae": (b"", r"none\.kae: the data is not a kerasae bitstream: it has 0 b"),
    }
    one = screen().open(serve(site_of("blocks")).url)
    for name, (content, message) in cases.items():
        one.page.set_input_files(
            "#choose", {"name": name, "mimeType": "image/png", "buffer": content}
        )
        one.expect(one.page.locator("#error")).to_have_text(re.compile(message), timeout=SECONDS)
        one.settle()
    one.give("good.kae", kae).shown()  # and all is well again
    assert not one.page.locator("#error").is_visible()


def test_large_images_are_brought_to_size(screen, serve, site_of):
    one = screen().open(serve(site_of("grid")).url)
    one.choose("#size", "small")
    one.give("large.png", png(pattern(500, 600, 3))).shown()
    assert "560 × 467 pixels, from 600 × 500" in one.text("#source-line")
    one.choose("#size", "tile")
    assert "32 × 32 pixels, from 600 × 500" in one.text("#source-line")
    one.choose("#size", "whole")
    assert one.text("#source-line") == "large.png: 600 × 500 pixels"
    wide = png(np.zeros((4200, 4200, 3), np.uint8))
    one.page.set_input_files("#choose", {"name": "w.png", "mimeType": "image/png", "buffer": wide})
    assert re.search(r"w\.png has 4200 x 4200 pixels, over the 16777216 that this", one.error())
    # A photo for models of tiny images becomes one of them; else thousands of tiles.
    one = screen().open(serve(site_of("blocks")).url)
    one.give("large.png", png(pattern(600, 700, 3))).shown()
    assert "8 × 8 pixels, from 700 × 600" in one.text("#source-line")
    one.give("small.png", png(pattern(60, 70, 3))).shown()
    assert one.text("#source-line") == "small.png: 70 × 60 pixels"
    one.give("IMG.png", png(pattern(60, 70, 3)), "#photograph").shown()
    assert "8 × 8 pixels, from 70 × 60" in one.text("#source-line")


def test_files_are_read_as_python_reads_them(screen, serve, site_of, tmp_path):
    """Upright, transparency over white, colour to grey and grey to colour."""
    image = pattern(30, 50, 3)
    clear = np.concatenate([image, np.full((30, 50, 1), 255, np.uint8)], axis=-1)
    clear[5:20, 5:20, 3] = 0
    clear[5:20, 25:40, 3] = 100
    exif = Image.Exif()
    exif[274] = 6  # lies on its side
    pictures = {
        "colour.png": (Image.fromarray(image), {}, 0),
        "grey.png": (Image.fromarray(image[..., 0]), {}, 0),
        "palette.png": (Image.fromarray(image).quantize(16), {}, 0),
        "clear.png": (Image.fromarray(clear), {}, 2),
        "side.jpg": (Image.fromarray(image), {"exif": exif, "quality": 95, "subsampling": 0}, 4),
        "plain.webp": (Image.fromarray(image), {"lossless": True}, 0),
    }
    for name, channels in (("grid", 3), ("blocks", 1)):
        one = screen().open(serve(site_of(name)).url)
        for file, (picture, how, tolerance) in pictures.items():
            picture.save(tmp_path / file, **how)
            expected = read_image(tmp_path / file, channels).astype(int)
            one.give(file, (tmp_path / file).read_bytes()).shown()
            shown = one.pixels("#original")[..., :channels]
            assert shown.shape == expected.shape, file
            assert np.abs(shown - expected).max() <= tolerance, file


# Ways in and out


def test_drop_and_photograph_and_sample(screen, serve, site_of, references):
    image = pattern(40, 40, 3)
    one = screen(PHONE).open(serve(site_of("grid")).url)
    assert one.page.get_attribute("#photograph", "capture") == "environment"
    one.give("IMG.png", png(image), "#photograph").shown()
    assert one.pixels().shape == image.shape
    drop = """([name, hex]) => {
      const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name));
      const fire = (kind) => document.body.dispatchEvent(
        new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      fire("dragover");
      const veiled = !document.querySelector("#drop-veil").hidden;
      document.querySelector("#source-line").textContent = "waiting";
      fire("drop");
      return veiled;
    }"""
    kae = golden("grid", "image-1-quality-2.kae")
    assert one.page.evaluate(drop, ["sent.kae", kae.hex()])
    one.shown()
    assert one.download() == ("sent.kae", kae)
    assert not one.page.locator("#drop-veil").is_visible()
    assert one.page.evaluate(drop, ["photo", png(image).hex()])
    one.shown()
    assert_like_python(one, references["grid"], image)
    one.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    one.page.click("#sample")
    one.shown()
    assert "sample.png" in one.text("#source-line")


def test_drawing_with_pointer_and_keyboard(screen, serve, site_of, references):
    reference = references["blocks"]
    one = screen().open(serve(site_of("blocks")).url)
    page = one.page
    page.click("#draw")
    assert page.get_attribute("#draw", "aria-expanded") == "true"
    page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + side * 0.5, y + side * 0.1)
    page.mouse.down()
    page.mouse.move(x + side * 0.5, y + side * 0.9, steps=5)
    page.mouse.up()
    one.shown()
    drawn = grey(one.pixels("#original"))
    assert drawn.shape == (8, 8, 1)
    assert drawn[1:7, 3:5].mean() > 60 > 5 > drawn[:, [0, 1, 6, 7]].mean()
    assert_like_python(one, reference, drawn)

    page.click("#clear")
    page.focus("#pad")
    page.keyboard.press("Space")
    for _ in range(24):
        page.keyboard.press("ArrowRight")
    one.settle()
    one.expect(page.locator("#source-line")).to_contain_text("drawing.png: 8 × 8")
    page.wait_for_timeout(200)
    one.settle()
    line = grey(one.pixels("#original"))[..., 0]
    assert line[3:5, 4:7].mean() > 60 > 5 > line[:, :3].mean()
    page.click("#swap")  # black on white, and a fresh sheet
    page.wait_for_timeout(200)
    one.settle()
    assert one.pixels("#original").min() == 255


def test_views_by_keyboard(screen, serve, site_of):
    one = screen().open(serve(site_of("grid")).url)
    page = one.page
    page.focus("input[name=view][value=pair]")
    page.keyboard.press("ArrowRight")
    one.expect(page.locator("#cut-label")).to_be_visible()
    page.focus("#cut")
    page.keyboard.press("ArrowLeft")
    assert (
        page.evaluate("document.querySelector('#stage').style.getPropertyValue('--cut')") == "49%"
    )
    box = page.locator("#rebuilt").bounding_box()
    place = {"x": box["width"] * 0.25, "y": box["height"] * 0.5}
    page.locator("#rebuilt-figure .frame").click(position=place)
    assert page.input_value("#cut") == "25"
    page.focus("input[name=view][value=slider]")
    page.keyboard.press("ArrowRight")
    one.expect(page.locator("#gain-label")).to_be_visible()
    one.expect(page.locator("#rebuilt")).to_be_hidden()
    page.select_option("#gain", "16")
    expected = np.abs(one.pixels("#original").astype(int) - one.pixels("#rebuilt"))
    np.testing.assert_array_equal(one.pixels("#difference"), np.minimum(255, 16 * expected))
    assert f"the largest is {expected.max()} of 255" in one.text("#difference-caption")


def test_the_bytes_are_shown_by_their_parts(screen, serve, site_of):
    one = screen().open(serve(site_of("grid")).url)
    kae = golden("grid", "image-0-quality-3.kae")
    one.give("a.kae", kae).shown()
    assert bytes.fromhex(one.text("#bytes").replace(" ", "")) == kae
    parts = {
        name: one.page.locator(f"#bytes .part-{name}").inner_text().replace(" ", "")
        for name in ("magic", "bundle", "quality", "size", "crc")
    }
    assert parts["magic"] == "ae6b01"
    assert parts["bundle"] == json.loads(golden("grid", "bundle/manifest.json"))["bundle_hash"][:4]
    assert (parts["quality"], parts["size"]) == ("03", bytes([61, 50]).hex())
    assert parts["crc"] == kae[-4:].hex()
    assert one.pixels("#code-map").std() > 10


# Sending


def test_a_link_carries_the_image(screen, serve, site_of):
    served = serve(site_of("blocks"))
    sender = screen().open(served.url)
    sender.give("a.png", png(pattern(16, 24, 1))).shown()
    _, kae = sender.download()
    link = sender.page.input_value("#link")
    assert link.startswith(f"{served.url}#kae=")
    receiver = screen(PHONE).open(link)
    np.testing.assert_array_equal(receiver.pixels(), sender.pixels())
    assert receiver.download()[1] == kae
    assert receiver.page.locator("#sizes").is_hidden()
    assert not any("kae=" in url for url in receiver.requests)
    # In the tab that is open already.
    receiver.page.evaluate("location.hash = ''")
    receiver.give("b.png", png(pattern(8, 8, 1))).shown()
    receiver.page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    receiver.page.evaluate("(hash) => { location.hash = hash }", link.partition("#")[2])
    receiver.shown()
    assert receiver.download()[1] == kae
    receiver.page.evaluate("location.hash = 'kae=a*b'")
    assert "The link is damaged" in receiver.error()
    receiver.page.evaluate("(hash) => { location.hash = hash }", link.partition("#")[2][:-6])
    receiver.expect(receiver.page.locator("#error")).to_contain_text("its checksum does not match")


def test_what_is_too_long_for_a_link_is_sent_as_a_file(screen, serve, site_of):
    noise = np.random.default_rng(0).integers(0, 256, (500, 800, 3), np.uint8)
    one = screen().open(serve(site_of("grid")).url).give("noise.png", png(noise)).shown()
    _, kae = one.download()
    assert len(kae) > 2**15
    assert one.page.input_value("#link") == ""
    assert one.page.locator("#copy").is_disabled()
    assert f"The file has {len(kae):,} bytes, too many for a link" in one.text("#link-note")


def test_the_link_is_copied(chromium, screen, serve, site_of):
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    one = screen(within=context).open(serve(site_of("blocks")).url)
    one.page.click("#copy")
    one.expect(one.page.locator("#copy")).to_have_text("Copied")
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert copied == one.page.input_value("#link")
    context.close()


# Generating


def test_sliders_and_samples(screen, serve, site_of, generative_bundle):
    reference = Reference(generative_bundle)
    one = screen(PHONE).open(serve(site_of(generative_bundle)).url)
    page = one.page
    assert "trained to be normally distributed" in one.text("#explore-note")
    assert page.locator("#sliders input").count() == 4
    before = one.pixels("#preview")
    seen = []
    for _ in range(3):
        page.click("#draw-sample")
        page.wait_for_timeout(150)
        seen.append(one.pixels("#preview"))
    assert any((a != before).any() for a in seen)
    first = page.locator("#sliders input").first
    first.focus()
    value = first.input_value()
    page.keyboard.press("ArrowRight" if value != first.get_attribute("max") else "ArrowLeft")
    assert first.input_value() != value
    page.wait_for_timeout(150)
    page.evaluate("document.querySelector('#source-line').textContent = 'waiting'")
    page.click("#use")
    one.shown()
    np.testing.assert_array_equal(one.pixels(), one.pixels("#preview"))
    _, kae = one.download()
    coded = reference.codec.unpack(kae)
    sliders = [
        int(v) for v in page.locator("#sliders input").evaluate_all("e => e.map(x => x.value)")
    ]
    assert sorted(coded.symbols.ravel().tolist()) == sorted(sliders)
    rebuilt = reference.codec.decompress(kae)
    assert np.abs(grey(one.pixels()).astype(int) - rebuilt.astype(int)).max() <= reference.step
    page.click("#reset-code")
    page.wait_for_timeout(150)
    zero = reference.codec.decode(np.zeros((1, 4), int), 8, 8)
    distance = np.abs(grey(one.pixels("#preview")).astype(int) - zero.astype(int))
    assert distance.max() <= reference.step


def test_other_bundles_say_that_they_were_not_trained_for_it(screen, serve, site_of):
    one = screen().open(serve(site_of("blocks")).url)
    assert "was not trained to generate" in one.text("#explore-note")
    one = screen().open(serve(site_of("grid")).url)
    assert one.page.locator("#explore").is_hidden()


# Offline


def test_it_works_without_its_server(screen, serve, site_of, references):
    served = serve(site_of("grid"))
    one = screen().open(served.url)
    one.expect(one.page.locator("body[data-offline=ready]")).to_have_count(1, timeout=SECONDS)
    assert "now works offline" in one.text("#offline")
    served.stop()
    one.page.reload()
    one.see("body", "ready")
    one.settle()
    image = pattern(40, 50, 3)
    one.give("photo.png", png(image)).shown()
    assert_like_python(one, references["grid"], image)
    # The server is back with another bundle: that one is shown, not the kept one.
    served.start(site_of("blocks"))
    one.page.reload()
    one.see("body", "ready")
    one.expect(one.page.locator("#bundle-line")).to_contain_text("grey")


def test_it_can_be_installed(screen, serve, site_of):
    one = screen(PHONE).open(serve(site_of("grid")).url)
    session = one.page.context.new_cdp_session(one.page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert json.loads(found["data"])["display"] == "standalone"
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [e["errorId"] for e in errors if e["errorId"] != "in-incognito"] == []


def test_plain_http_from_another_machine(chromium, screen, serve, site_of, references):
    """As a phone sees it: no offline use, and the page says so; all the rest works."""
    served = serve(site_of("blocks"))
    served.server.asked = "phone.test"  # the name that `--host` would have given
    mapped = chromium.browser_type.launch(
        executable_path=CHROMIUM,
        chromium_sandbox=False,
        args=["--host-resolver-rules=MAP phone.test 127.0.0.1"],
    )
    context = mapped.new_context(**PHONE, accept_downloads=True)
    one = screen(within=context)
    one.open(f"http://phone.test:{served.port}/")
    assert one.page.evaluate("isSecureContext") is False
    assert "browsers forbid offline use and installing" in one.text("#offline")
    image = pattern(16, 16, 1)
    one.give("photo.png", png(image)).shown()
    assert_like_python(one, references["blocks"], image)
    one.page.click("#copy")  # without the clipboard's interface
    one.expect(one.page.locator("#copy")).to_have_text("Copied")
    mapped.close()


# For everybody


@pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(options, screen, serve, site_of, axe):
    one = screen(options).open(serve(site_of("blocks")).url)
    one.expect(one.page.locator("#size-rows tr")).to_have_count(5, timeout=SECONDS)

    def clean() -> None:
        for scheme in ("dark", "light"):
            one.page.emulate_media(color_scheme=scheme)
            assert violations(one, axe) == [], scheme

    clean()
    one.page.click("#draw")
    one.page.locator("#views label").nth(1).click()
    one.page.locator("details summary").click()
    clean()
    one.page.locator("#views label").nth(2).click()
    one.page.set_input_files(
        "#choose", {"name": "x.png", "mimeType": "image/png", "buffer": b"no image"}
    )
    one.error()
    clean()


@pytest.mark.parametrize("name", ["grid", "blocks"])
def test_nothing_is_wider_than_the_screen(name, screen, serve, site_of):
    one = screen().open(serve(site_of(name)).url)
    one.expect(one.page.locator("#size-rows tr")).to_have_count(5, timeout=SECONDS)
    one.page.click("#draw")
    for width in (1280, 800, 360, 320):
        one.page.set_viewport_size({"width": width, "height": 700})
        for view in range(3):
            one.page.locator("#views label").nth(view).click()
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        small = one.page.evaluate(
            """() => [...document.querySelectorAll("button, .button, select, summary")]
              .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24)
              .map((e) => e.outerHTML)"""
        )
        assert small == []  # or fingers miss them


def test_everything_is_reached_by_the_keyboard(screen, serve, site_of):
    one = screen().open(serve(site_of("blocks")).url)
    reached = []
    for _ in range(60):
        one.page.keyboard.press("Tab")
        reached.append(
            one.page.evaluate("document.activeElement?.id || document.activeElement?.name")
        )
    wanted = ["choose", "photograph", "draw", "sample", "size", "invert", "view", "download"]
    wanted += ["download-png", "link", "copy", "draw-sample", "reset-code", "use", "licence"]
    assert [w for w in wanted if w not in reached] == []


# The command


def test_the_command_serves_until_it_is_stopped(screen, litert_js, tmp_path):  # which is cached
    command = [sys.executable, "-m", "kerasae_export.cli", "serve", GOLDEN / "blocks" / "bundle"]
    where = ["--litert-js", os.environ["LITERT_JS"]] if "LITERT_JS" in os.environ else []
    process = subprocess.Popen(
        [*command, "--port", "0", *where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    line = process.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+/", line)[0]
    one = screen().open(url)
    assert one.text("#check") == "Self-check passed"
    one.page.context.close()
    # Read first: what comes after it in one piece would be lost to `communicate`.
    assert process.stdout.readline() == "Ctrl-C ends it.\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=100)
    assert (process.returncode, out, errors) == (0, "\n", "")


def test_a_built_site_works_in_a_folder_of_any_host(screen, tmp_path, litert_js, site_of):
    """From a server that knows nothing of it, below a path."""
    import http.server
    import threading

    from kerasae_export.page.site import write_site

    write_site(site_of("blocks"), tmp_path / "www" / "some" / "where")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "www"))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        one = screen().open(f"http://127.0.0.1:{server.server_port}/some/where/")
        assert one.text("#check") == "Self-check passed"
        one.expect(one.page.locator("body[data-offline=ready]")).to_have_count(1, timeout=SECONDS)
        # Its own policy holds there, too.
        blocked = one.page.evaluate(
            "fetch('http://example.invalid/').then(() => 'sent', (error) => error.message)"
        )
        assert blocked == "Failed to fetch"
        policy = one.page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
        assert "default-src 'none'" in policy
        one.trouble.clear()
        one.requests = [url for url in one.requests if "example" not in url]
        one.page.context.close()
        server.shutdown()
        thread.join()
