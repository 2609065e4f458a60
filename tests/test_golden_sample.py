"""A golden sample that is damaged fails one check, and no report that cannot be written is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kerasae_export import BundleError, Codec, verify_bundle
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.verification import ReportWarning, VerificationError
from kerasae_export.verification.checks import read_golden

BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"


@pytest.mark.parametrize("name", ["golden/image.png", "golden/reconstruction.png"])
def test_no_damage_to_a_picture_gives_a_traceback(name):
    codec = Codec.load(BUNDLE)
    _, files = read_files(BUNDLE)
    sound = files[name]
    refused = 0
    for at in range(len(sound)):
        flipped = sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :]
        for damaged in (sound[:at], flipped):
            try:
                read_golden({**files, name: damaged}, codec)
            except BundleError:
                refused += 1
    assert refused > len(sound)


@pytest.mark.parametrize("name", ["golden/symbols.json", "golden/image.kae"])
def test_a_missing_part_is_named(name):
    codec = Codec.load(BUNDLE)
    _, files = read_files(BUNDLE)
    del files[name]
    with pytest.raises(BundleError, match=name):
        read_golden(files, codec)


def test_results_outlive_a_report_that_cannot_be_written(tmp_path):
    bundle = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    before = sorted(path.name for path in bundle.iterdir())
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(ReportWarning, match="The report cannot be written to .*file: "):
        assert verify_bundle(bundle, report=False, report_folder=tmp_path / "file").passed
    verify_bundle(bundle, report=False, report_folder=tmp_path / "deep" / "report")
    assert [path.name for path in (tmp_path / "deep" / "report").iterdir()] == ["verification.json"]
    assert sorted(path.name for path in bundle.iterdir()) == before
    (bundle / "decoder.tflite").unlink(missing_ok=True)
    (bundle / "model.tflite").unlink(missing_ok=True)
    with (
        pytest.warns(ReportWarning),
        pytest.raises(VerificationError, match="fails the check of its files"),
    ):
        verify_bundle(bundle, report=False, report_folder=tmp_path / "file")
