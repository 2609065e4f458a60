"""Runs side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_run_report import read

import kerasae.cli
from kerasae.run_comparison import compare_runs, comparison_page, differing, rows
from kerasae.runs import Run
from kerasae.training import TrainConfig

GOLDEN = Path(__file__).parent / "golden" / "runs"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs that differ by code and rate."""
    root = tmp_path_factory.mktemp("compared")
    for name, size, rate in (("small", 2, 1e-5), ("large", 8, 1e-2)):
        run = Run("undercomplete", {"code_size": size, "hidden": (8,)}, "digits", limit=60)
        config = TrainConfig(epochs=2, batch_size=20, learning_rate=rate, jit_compile=False)
        run.train(run.images(), config, root / name, progress=False)
    return [root / "small", root / "large"]


def test_the_better_run_comes_first(folders):
    entries = compare_runs(folders)
    assert [entry.name for entry in entries] == ["large", "small"]
    assert differing(entries) == ["code_size", "learning_rate"]
    head, table = rows(entries)
    assert head[:3] == ["run", "code_size", "learning_rate"]
    assert table[0][:3] == ["large", "8", "0.01"]
    assert table[1][head.index("parameters")] == f"{entries[1].summary['model']['parameters']:,}"
    for entry in entries:
        assert entry.best == min(entry.history["val_loss"])
    said = read(comparison_page(entries)).text
    assert "They differ by code_size, learning_rate." in said


def test_unfinished_and_old_runs_are_compared_by_what_they_hold(folders, tmp_path):
    broken = shutil.copytree(folders[0], tmp_path / "broken")
    for name in ("summary.json", "report.html", "model.keras"):
        (broken / name).unlink()
    entries = compare_runs([broken, GOLDEN / "finished", folders[1]])
    head, table = rows(entries)
    by_name = {row[0]: row for row in table}
    assert by_name["broken"][head.index("epoch")].endswith("of 2, not ended")
    assert by_name["finished"][head.index("PSNR, dB")] == ""
    read(comparison_page(entries))


def test_runs_of_one_name_are_told_apart(folders, tmp_path):
    other = shutil.copytree(folders[0], tmp_path / "small")
    names = {entry.name for entry in compare_runs([folders[0], other])}
    assert names == {str(folders[0]), str(other)}


def test_the_command_shows_a_table_and_writes_a_page(folders, tmp_path):
    out = tmp_path / "runs.html"
    done = CliRunner().invoke(kerasae.cli.main, ["compare", *map(str, folders), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "2 runs" in done.output
    assert "large" in done.output
    assert "<svg" in out.read_text()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "config.json").write_text("{"), "`RUN` must hold sound files"),
        (lambda run: (run / "history.csv").write_text("epoch,loss\n"), "must hold sound files"),
        (lambda run: (run / "history.csv").unlink(), "without history.csv"),
        (lambda run: (run / "summary.json").write_text("[]"), "summary.json holds no object"),
        (lambda run: (run / "history.csv").write_text("epoch,loss\n1,x\n"), "sound files"),
    ],
)
def test_what_is_no_run_is_named(damage, message, folders, tmp_path):
    run = shutil.copytree(folders[0], tmp_path / "run")
    damage(run)
    done = CliRunner().invoke(kerasae.cli.main, ["compare", str(run)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert str(run) in done.stderr
