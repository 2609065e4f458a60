"""By how much decoders differ: counted against NumPy, on codes drawn from the tables."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kerasae_export.bundling.kernels import differences_of, pixel_tolerance
from kerasae_export.format.entropy import Table
from kerasae_export.format.manifest import Edge, Manifest
from kerasae_export.format.spec import Quality
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.kernel_differences import affordable, compare_decoders, drawn_codes
from kerasae_export.runtime.litemodel import KERNELS, LiteModel
from kerasae_export.verification import VerificationError, verify_bundle

GOLDEN = Path(__file__).parent / "golden"


class Fake:
    """A decoder that gives its input back, changed, as pixels of 8 bits."""

    input = output = Edge((1, 2, 3, 1), "uint8", 1 / 255, 0)

    def __init__(self, change=lambda values: values):
        self._change = change

    def __call__(self, values):
        return self._change(values.copy())


def test_differences_are_those_of_the_farthest_two():
    def more(values):
        values[0, 0] += 2
        return values

    def less(values):
        values[0, 0, 0] -= 5
        return values

    codes = np.full((4, 2, 3, 1), 100 / 255)
    found = compare_decoders([Fake(), Fake(more), Fake(less)], codes)
    assert (found.codes, found.largest) == (4, 7)
    assert found.pixels == {0: 4 * 3, 2: 4 * 2, 7: 4}
    assert found.worst == {7: 4}
    assert pixel_tolerance(found) == 8
    assert found.to_dict()["pixels"] == {"0": 12, "2": 8, "7": 4}
    alike = compare_decoders([Fake()] * 3, codes)
    assert (alike.worst, pixel_tolerance(alike)) == ({0: 4}, 2)
    assert pixel_tolerance(replace(found, worst={255: 1})) == 255


@pytest.mark.parametrize(("macs", "expected"), [(10, 1000), (10**6, 100), (10**9, 32), (None, 32)])
def test_large_decoders_get_fewer_codes(macs, expected):
    assert affordable(macs, 10**8, 1000) == expected


def test_codes_are_drawn_from_the_tables_of_one_class():
    tables = [
        Table(-1, (1024, 2048, 1023, 1)), Table(5, (4095, 1)),
        Table(100, (4095, 1)), Table(-7, (2048, 2047, 1)),
    ]  # fmt: skip
    quality = Quality((1 << 22, 1 << 23), -23, 2, tuple(tables))
    spec = SimpleNamespace(code_shape=(6, 4, 2), codebook=0)
    codes = drawn_codes(spec, quality, 300, 0)
    assert codes.shape == (300, 6, 4, 2)
    symbols = codes / quality.steps
    first = symbols[..., 1] == 5
    assert (first.all(axis=(1, 2)) | ~first.any(axis=(1, 2))).all()
    one, two = symbols[first[:, 0, 0]], symbols[~first[:, 0, 0]]
    assert min(len(one), len(two)) > 100
    shares = [(one[..., 0] == symbol).mean() for symbol in (-1, 0, 1)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)
    assert set(np.unique(two[..., 0])) == {100}
    assert set(np.unique(two[..., 1])) == {-7, -6}
    np.testing.assert_array_equal(codes, drawn_codes(spec, quality, 300, 0))
    assert (codes != drawn_codes(spec, quality, 300, 1)).any()


@pytest.mark.parametrize("name", ["grid", "blocks", "indices"])
def test_every_set_of_kernels_runs_a_real_decoder(name):
    manifest, files = read_files(GOLDEN / name / "bundle")
    part, spec = manifest.decoder, manifest.codec
    codes = drawn_codes(spec, spec.best, 20, 3)
    decoders = {
        kernels: LiteModel(files[part.file], signature=part.signature, kernels=kernels)
        for kernels in KERNELS
    }
    found = compare_decoders([*decoders.values()], codes)
    assert sum(found.pixels.values()) == 20 * np.prod(part.output.shape)
    assert found.largest > 0  # they are different kernels
    for alone in decoders.values():
        assert compare_decoders([alone, alone], codes).largest == 0
    again = differences_of(files[part.file], part.signature, spec, [codes])
    assert again.codes > 100
    assert again.largest >= 1


def test_a_promise_that_other_kernels_break_fails_the_verification(tmp_path, digit_bundle):
    folder = shutil.copytree(digit_bundle, tmp_path / "b")
    path = folder / "manifest.json"
    manifest = Manifest.from_json(path.read_bytes())
    seen = manifest.facts["pixel_differences"]
    assert manifest.pixel_tolerance == max(2, seen["largest"] + 1)
    assert f"{seen['codes']:,} codes" in (folder / "README.md").read_text()
    path.write_text(replace(manifest, pixel_tolerance=0).to_json())
    with pytest.raises(VerificationError) as caught:
        verify_bundle(folder, report=False)
    (check,) = (c for c in caught.value.verification.checks if c.name == "pixels of all kernels")
    assert not check.passed
    assert "0 levels may. Exporting the model again measures what" in check.detail
