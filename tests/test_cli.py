"""The commands through their real entry points, as a user types them."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kerasae
import kerasae.cli
import kerasae.quickstart
from kerasae.builders import BUILDERS
from kerasae.cli.quickstart import _verdict
from kerasae.cli.training import assignment
from kerasae.runs import Run, load_model
from kerasae_export import Codec
from kerasae_export.bundling.bundle import sample_image
from kerasae_export.cli import run as run_kae
from kerasae_export.evaluation.comparison import Entry
from kerasae_export.files.batch import write_png
from kerasae_export.format.manifest import SCHEMES

BIN = Path(sys.executable).parent


def call(program: str, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [BIN / program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def inside(*arguments: object, status: int = 0) -> click.testing.Result:
    """The command `kerasae` in this process, which saves the seconds in which Keras starts."""
    done = CliRunner().invoke(kerasae.cli.main, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output
    return done


@pytest.mark.slow
def test_the_whole_way_by_hand(tmp_path):
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    train = (
        "train", "undercomplete", "--data", "digits", "--out", run, "--code-size", 8,
        "--hidden", "32,16", "--loss", "mse", "--epochs", 20, "--set", "activation=tanh",
    )  # fmt: skip
    done = call("kerasae", *train)
    assert "epoch 20/20" in done.stdout
    assert "loss on the test images (359)" in done.stdout
    assert not done.stderr
    saved = json.loads((run / "run.json").read_text())
    assert saved["hyperparameters"]["hidden"] == [32, 16]
    assert saved["hyperparameters"]["activation"] == "tanh"

    call("kerasae", "export", run, "--out", bundle)
    facts = json.loads((bundle / "manifest.json").read_text())["facts"]
    assert facts["architecture"] == "undercomplete"
    assert facts["training"]["epochs_run"] == 20

    done = inside("verify", bundle, "--run", run)
    assert len(re.findall(r"^ *ok ", done.stdout, re.MULTILINE)) == 21
    assert "Keras against TF Lite on 359 images" in done.stdout
    assert "Largest error of a layer: " in done.stdout
    assert f"report: {bundle / 'verification.html'}" in done.stdout
    assert "all 21 checks passed" in (bundle / "verification.html").read_text()
    joint = tmp_path / "joint"
    inside("export", run, "--scheme", "dynamic", "--signatures", "both", "--out", joint)
    manifest = json.loads((joint / "manifest.json").read_text())
    assert (manifest["scheme"], manifest["decoder"]["signature"]) == ("dynamic", "decode")
    inside("verify", joint, "--run", run)

    image = np.floor(kerasae.load_images("digits").test[0] * 255 + 0.5).astype(np.uint8)
    write_png(tmp_path / "digit.png", image)
    for program in ("kerasae", "kae"):
        out = tmp_path / program
        done = call(program, "compress", tmp_path / "digit.png", "--bundle", bundle, "--out", out)
        assert "1 file, " in done.stdout
        call(program, "decompress", out, "--bundle", bundle, "--out", out)
    pictures = [np.asarray(Image.open(tmp_path / p / "digit.png")) for p in ("kerasae", "kae")]
    np.testing.assert_array_equal(*pictures)
    files = [(tmp_path / p / "digit.kae").read_bytes() for p in ("kerasae", "kae")]
    assert files[0] == files[1]

    model = bundle / "decoder.tflite"
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    done = inside("verify", bundle, status=1)
    assert "decoder.tflite is not the file" in done.stderr
    assert re.search(r"FAILED .* files ", done.stdout)
    assert "1 of 1 checks failed" in (bundle / "verification.html").read_text()

    done = inside(*train, status=2)
    assert "`--out` must not hold a run already, unless `--resume` is set" in done.stderr
    inside(*train, "--resume")


def test_help_tells_of_all_commands():
    text = call("kerasae", "--help").stdout
    for command in [
        "quickstart",
        "list",
        "train",
        "prior",
        "sample",
        "export",
        "verify",
        "evaluate",
        "compress",
        "decompress",
        "serve",
    ]:
        assert f"\n  {command} " in text
    assert "--bundle" in call("kerasae", "compress", "--help").stdout
    assert kerasae.__version__ in call("kerasae", "--version").stdout
    assert kerasae.__version__ in call("kae", "--version").stdout


def test_help_says_what_each_option_is():
    from kerasae.cli import main

    for name, command in main.commands.items():
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (name, parameter)
    for name in ("compress", "decompress", "serve"):
        options = call("kae", name, "--help").stdout.partition("arguments:\n")[2]
        assert not re.search(r"^  \S+(?: \S+)*\n(?!    )", options, re.MULTILINE), name


def test_help_answers_at_once():
    """What takes seconds to import stays away: Keras, TensorFlow, and all that is not needed."""
    program = (
        "import sys; sys.argv = ['kerasae', '--help']\n"
        "from kerasae.cli import entry\n"
        "try: entry()\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'tensorflow', 'numpy', 'matplotlib', 'PIL'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_verdict_is_that_of_the_numbers():
    def entry(codec: str, size: int, psnr: float) -> Entry:
        return Entry(codec, size, 1, psnr, 0.9, "", ())

    entries = [
        entry("PNG", 900, math.inf),
        entry("JPEG", 200, 28.3),
        entry("WebP", 80, 30.0),
        entry("kerasae", 100, 28.0),
    ]
    assert _verdict(entries) == (
        "kerasae at 28.00 dB: 50% fewer bytes than JPEG (28.30 dB), "
        "25% more bytes than WebP (30.00 dB, its nearest setting up)."
    )


def test_list_names_what_there_is():
    shown = call("kerasae", "list").stdout
    for name in (
        "undercomplete",
        "convolutional",
        "digits",
        "photos",
        "faces",
        "melodies",
        *SCHEMES,
    ):
        assert name in shown
    for name, builder in BUILDERS.items():
        assert builder.group != "other", name
        title = f"Architectures: {builder.group}"
        part = shown[shown.index(title) + len(title) :].partition("Architectures: ")[0]
        assert re.search(rf"^ *{name} ", part, re.MULTILINE), name


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "cnn", "--data", "digits", "--out", "x"], 2, "`ARCH` must be one of"),
        (["train", "undercomplete", "--data", "nonsense", "--out", "x"], 2, "`--data` must be"),
        (
            ["train", "rate_distortion", "--data", "melodies", "--out", "x"],
            2,
            "`--data` must hold images for the architecture rate_distortion",
        ),
        (
            ["train", "convolutional", "--data", "wine", "--out", "x"],
            2,
            "`--data` must hold images for the architecture convolutional",
        ),
        (
            ["train", "tabular", "--data", "digits", "--out", "x"],
            2,
            "`--data` must hold a table for the architecture tabular",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--label", "a"],
            2,
            "`--label` is for tables",
        ),
        (
            ["train", "recurrent", "--data", "digits", "--out", "x"],
            2,
            "`--data` must hold sequences for the architecture recurrent",
        ),
        (
            ["train", "recurrent", "--data", "series", "--out", "x", "--image-size", "8"],
            2,
            "`--image-size` and `--channels` are for images",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--code-size", "64"],
            2,
            "`--code-size` must be smaller than the 64 values",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--hidden", "a,b"],
            2,
            "`--hidden` must be integers",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--set", "depth=3"],
            2,
            "takes the hyperparameters",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--set", "hidden=8,b"],
            2,
            "`--hidden` must hold positive integers. Received: hidden=[8, 'b']",
        ),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "x", "--set", "input_shape=8"],
            2,
            "`--set` cannot set input_shape: the data give it",
        ),
        (
            [
                *("train", "undercomplete", "--data", "digits", "--out", "x"),
                *("--hidden", "8", "--set", "hidden=16"),
            ],
            2,
            "`--set` must not set hidden a second time",
        ),
        (["train", "undercomplete", "--out", "x"], 2, "Missing option '--data'"),
        (["export", ".", "--out", "b"], 2, "that `kerasae train` has finished"),
        (["export", ".", "--out", "b", "--scheme", "int3"], 2, "`--scheme` must be one of"),
        (["export", ".", "--out", "b", "--signatures", "one"], 2, "'one' is not one of 'separate'"),
        (["export", ".", "--out", "b", "--step-loss", "1;2"], 2, "`--step-loss` must be numbers"),
        (["export", ".", "--out", "b", "--also", "pdf"], 2, "'pdf' is not 'onnx'"),
        (["export", ".", "--out", "b", "--batch", "x"], 2, "'x' is not a valid integer"),
        (["verify", "nowhere"], 1, "`BUNDLE` must be a bundle's folder"),
        (
            ["evaluate", "b", "--data", "digits", "--out", "o", "--codecs", "JPEG,GIF"],
            2,
            "`--codecs` must be among JPEG, WebP, AVIF, JPEG 2000, PCA, PNG",
        ),
        (
            ["evaluate", "b", "--data", "digits", "--out", "o", "--limit", "0"],
            2,
            "`--limit` must be a positive integer. Received: limit=0",
        ),
        (
            ["evaluate", "b", "--data", "digits", "--out", "o"],
            1,
            "`BUNDLE` must be a bundle's folder",
        ),
        (["verify", ".", "--data", "digits"], 2, "`--data` needs the model of `--run`"),
        (
            ["compress", "x.png", "--bundle", "nowhere", "--out", "y"],
            1,
            "`--bundle` must be a bundle's folder",
        ),
        (
            ["train", "undercomplete", "--data", "./crops", "--out", "x"],
            2,
            "`--data` must be an existing folder. Received: data='./crops'",
        ),
        (
            ["compress", "x.png", "--out", "y", "--quality", "400"],
            2,
            "`--quality` must be from 1 to 100. Received: 400",
        ),
        (["compress", "x.png"], 2, "required: --out"),
        (
            ["compress", "x", "--bundle", "b", "--out", "y", "--threads", "0"],
            2,
            "--threads: must be",
        ),
        (["compress", "x", "--bundle", "b", "--out", "y", "--jobs", "two"], 2, "--jobs: must be"),
        (["quickstart", "--out", "taken"], 2, "`--out` must not exist, be empty"),
    ],
)
def test_mistakes_get_one_sentence(arguments, status, message, tmp_path, monkeypatch):
    """In this process: a new one for each would take seconds to import Keras."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    done = CliRunner().invoke(kerasae.cli.main, arguments)
    assert done.exit_code == status, done.output
    assert message in done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hidden=16,32", (16, 32)),
        ("hidden=[16, 32]", [16, 32]),
        ("levels=8, 5,5", (8, 5, 5)),
        ("names=relu,elu", ["relu", "elu"]),
        ("tied=true", True),
        ("tied=True", True),
        ("capacity=None", None),
        ("level=.5", 0.5),
        ("beta=1e-3", 1e-3),
        ("code=spatial", "spatial"),
        ("code=", ""),
    ],
)
def test_hyperparameters_are_read_as_people_write_them(text, value):
    assert assignment(text) == (text.partition("=")[0], value)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("given", "hidden"), [("hidden=16,8", [16, 8]), ("hidden=16", [16])])
def test_hidden_layers_may_be_set_like_the_others(given, hidden, tmp_path):
    run = ["train", "denoising", "--data", "digits", "--limit", "20", "--epochs", "1"]
    more = ["--set", "base=undercomplete", "--code-size", "4", "--set", given]
    done = CliRunner().invoke(kerasae.cli.main, [*run, *more, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    saved = json.loads((tmp_path / "run" / "run.json").read_text())
    assert saved["hyperparameters"]["hidden"] == hidden
    names = [layer.name for layer in load_model(tmp_path / "run").get_layer("encoder").layers]
    assert [name.rpartition("_")[2] for name in names if name.startswith("encode_")] == [
        str(i) for i in range(1, len(hidden) + 1)
    ]


@pytest.mark.slow
def test_sequences_train_with_the_loss_that_suits_them(tmp_path):
    run = tmp_path / "run"
    options = ("--epochs", 1, "--limit", 40, "--set", "cell=conv1d", "--hidden", "8")
    done = CliRunner().invoke(
        kerasae.cli.main,
        ["train", "recurrent", "--data", "melodies", "--out", str(run), *map(str, options)],
    )
    assert done.exit_code == 0, done.output
    assert "melodies: 32 steps of 27, 36 train, 4 validation, 40 test" in done.stdout
    assert "loss on the test sequences (40)" in done.stdout
    assert "kerasae export" not in done.stdout  # bundles hold images
    model = load_model(run)
    assert model.loss == "categorical_crossentropy"
    assert np.isfinite(model.predict(Run.load(run).images().test, verbose=0)).all()
    done = CliRunner().invoke(
        kerasae.cli.main, ["export", str(run), "--out", str(tmp_path / "bundle")]
    )
    assert done.exit_code == 2
    assert "`model` must encode images of a fixed shape" in done.stderr


def test_files_may_be_of_a_lower_quality(tmp_path, capsys):
    bundle = Path(__file__).parent / "golden" / "grid" / "bundle"
    write_png(tmp_path / "x.png", sample_image(60, 50, 3))
    common = ["compress", str(tmp_path / "x.png"), "--bundle", str(bundle)]
    sizes = []
    for more in (["--quality", "1"], ["--quality", "3"], []):
        out = tmp_path / "-".join(["out", *more])
        assert run_kae([*common, "--out", str(out), *more]) == 0
        sizes.append((out / "x.kae").stat().st_size)
    assert sizes[0] < 0.8 * sizes[1] == 0.8 * sizes[2]
    assert run_kae([*common, "--out", str(tmp_path / "no"), "--quality", "4"]) == 2
    assert "`--quality` must be from 1 to 3" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_bad_file_is_named_and_the_rest_is_done(photo_bundle, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    write_png(source / "good.png", sample_image(10, 10, 3))
    (source / "bad.png").write_bytes(b"no image")
    done = call("kae", "compress", source, "--bundle", photo_bundle, "--out", tmp_path, status=1)
    assert "bad.png: it cannot be read as an image" in done.stderr
    assert "1 file, " in done.stdout
    assert "1 of 2 failed" in done.stderr
    assert (tmp_path / "good.kae").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    done = call("kae", "decompress", empty, "--bundle", photo_bundle, "--out", empty, status=1)
    assert "no files to work on" in done.stderr


def test_an_interrupted_command_of_kae_ends_as_kae_does(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kerasae_export.cli.report", stop)
    done = CliRunner().invoke(kerasae.cli.main, ["compress", "x", "--out", "o"])
    assert (done.exit_code, done.stderr) == (
        130,
        "kerasae: interrupted; no file is half-written.\n",
    )


class Interrupted:
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        self.epoch, self.begin = epoch, kerasae.training.checkpoint.TrainingState.on_epoch_begin

    def __call__(self, state, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt
        self.begin(state, epoch, logs)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("epoch", "message"),
    [(0, "no epoch was finished, so there is nothing"), (1, "the same command with --resume")],
)
def test_an_interrupted_training_says_whether_it_can_go_on(epoch, message, tmp_path, monkeypatch):
    stop = Interrupted(epoch)
    monkeypatch.setattr(
        kerasae.training.checkpoint.TrainingState, "on_epoch_begin", lambda *a: stop(*a)
    )
    options = ["--data", "digits", "--limit", "20", "--epochs", "2", "--hidden", "4"]
    run = ["train", "undercomplete", "--code-size", "2", *options, "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(kerasae.cli.main, run)
    assert (done.exit_code, done.stderr.startswith(f"kerasae: interrupted; {message}")) == (
        130,
        True,
    )
    stop.epoch = None
    assert CliRunner().invoke(kerasae.cli.main, [*run, "--resume"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["export", ".", "--out", "b"], "kerasae.runs.Run.load"),
        (["verify", "b"], "kerasae_export.verification.verify_bundle"),
        (["quickstart", "--data", "digits"], "kerasae.quickstart.quickstart"),
        (
            ["evaluate", "b", "--data", "digits", "--out", "o"],
            "kerasae.codec_comparison.compare_bundles",
        ),
    ],
)
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted; no file is half-written."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device."),
        (MemoryError(), 1, "the memory does not suffice."),
    ],
)
def test_what_stops_a_command_is_called_what_it_is(
    arguments, place, error, status, message, tmp_path, monkeypatch
):
    """There is nothing to resume where nothing was trained."""

    def stop(*_, **__):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, stop)
    done = CliRunner().invoke(kerasae.cli.main, arguments)
    assert (done.exit_code, done.stderr) == (status, f"kerasae: {message}\n")
    assert not list(tmp_path.iterdir())


def check_quickstart(out: Path, shown: str, images: int) -> dict:
    report = json.loads((out / "report.json").read_text())
    codecs = [entry["codec"] for entry in report["files"]]
    assert codecs == ["raw", "PNG", "JPEG", "WebP", "kerasae"]
    for entry in report["files"]:
        assert f"{entry['bytes']:,}" in shown
        assert entry["seconds_to_send"] == pytest.approx(8 * entry["bytes"] / 9600)
    files = sorted((out / "kae").iterdir())
    assert len(files) == images == report["files"][-1]["images"]
    assert sum(f.stat().st_size for f in files) == report["files"][-1]["bytes"]
    assert len(list((out / "reconstructed").iterdir())) == images
    with Image.open(out / "report.png") as picture:
        assert picture.size[0] > 800
    parity = report["measurements"]["parity"]
    assert parity["psnr_keras"] - parity["psnr_tflite"] < 0.3
    for line in shown[shown.index("Next:") :].splitlines()[1:]:
        command = line.strip().split("#")[0].split()
        assert (BIN / command[0]).exists()
    return report


@pytest.mark.weekly  # before each change the one on a folder runs
def test_quickstart_on_digits(tmp_path):
    """That on photographs is the first command of the README; see test_readme.py."""
    out = tmp_path / "quickstart"
    shown = call("kerasae", "quickstart", "--data", "digits", "--out", out).stdout
    report = check_quickstart(out, shown, 200)
    ours, webp = (
        next(e for e in report["files"] if e["codec"] == name) for name in ("kerasae", "WebP")
    )
    assert ours["bytes"] < webp["bytes"] / 2
    assert (out / "test.kae").stat().st_size == report["together"][-1]["bytes"]


@pytest.mark.slow
def test_quickstart_on_a_folder_of_ones_own(tmp_path, monkeypatch):
    recipe = kerasae.quickstart._recipe

    def shorter(images):
        return replace(recipe(images), pixels=6e6)  # 54 epochs in place of 200

    monkeypatch.setattr(kerasae.quickstart, "_recipe", shorter)
    source = tmp_path / "own"
    source.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        size = tuple(int(n) for n in rng.integers(60, 120, 2))
        write_png(source / f"{i}.png", sample_image(*size, 3))
    (source / "broken.png").write_bytes(b"")
    out = tmp_path / "out"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shown = inside("quickstart", "--data", source, "--out", out).output
    assert any("were skipped: broken.png" in str(w.message) for w in caught)
    check_quickstart(out, shown, len(list((out / "kae").iterdir())))
    text = (out / "bundle" / "manifest.json").read_text()
    assert str(tmp_path) not in text  # a bundle travels; the paths of this machine do not


@pytest.mark.weekly
def test_quickstart_on_mnist_keeps_its_promises(tfds_folder, tmp_path):
    """The figures that the README states, on the real test set."""
    from kerasae_export import Codec

    os.environ["TFDS_DATA_DIR"] = str(tfds_folder)
    out = tmp_path / "mnist"
    shown = call("kerasae", "quickstart", "--data", "mnist", "--out", out).stdout
    report = check_quickstart(out, shown, 200)
    parity = report["measurements"]["parity"]
    assert parity["psnr_keras"] - parity["psnr_codec"] <= 0.3
    ours, webp = (
        next(e for e in report["files"] if e["codec"] == name) for name in ("kerasae", "WebP")
    )
    assert ours["bytes"] <= webp["bytes"] / 2

    codec = Codec.load(out / "bundle")
    images = np.floor(kerasae.load_images("mnist").test * 255 + 0.5).astype(np.uint8)
    assert len(images) == 10_000
    symbols = np.concatenate([codec.encode(image) for image in images])
    stream = (out / "test.kae").read_bytes()
    assert len(codec.decompress_many(stream)) == 10_000
    assert len(stream) <= 1.01 * codec.manifest.codec.best.coder.bits(symbols).sum() / 8
    shutil.rmtree(out)


@pytest.mark.slow
def test_bundles_are_evaluated_beside_other_codecs(tmp_path):
    """Two bundles for two rates, end to end; what is written agrees with what is printed."""
    for name, lmbda in (("low", 0.001), ("high", 0.02)):
        run = tmp_path / f"run-{name}"
        inside(
            "train", "rate_distortion", "--data", "digits", "--out", run,
            "--code-size", 16, "--hidden", 64, "--set", "network=dense", "--set", f"lmbda={lmbda}",
            "--epochs", 40, "--batch-size", 64, "--learning-rate", 0.01,
        )  # fmt: skip
        inside("export", run, "--out", tmp_path / name)
    out = tmp_path / "out"
    done = inside(
        "evaluate", tmp_path / "low", tmp_path / "high", "--data", "digits",
        "--out", out, "--files", 20, "--limit", 100, "--codecs", "jpeg, WebP,pca,PNG",
    )  # fmt: skip
    content = json.loads((out / "evaluation.json").read_text())
    assert content["bundles"] == ["low", "high"]
    for sentence in content["sentences"]:
        assert sentence in done.stdout
    points = content["points"]
    assert {p["codec"] for p in points} == {"kerasae", "JPEG", "WebP", "PCA", "PNG"}
    assert {p["images"] for p in points if p["arrangement"] == "files"} == {20}
    assert {p["images"] for p in points if p["arrangement"] == "together"} == {100}
    low, high = (p for p in points if p["codec"] == "kerasae" and p["arrangement"] == "together")
    assert low["bytes"] < 0.9 * high["bytes"]
    assert low["psnr"] < high["psnr"] - 0.5
    jpeg = next(c for c in content["comparisons"] if c["codec"] == "JPEG")
    assert jpeg["bd_rate"]["psnr"] < -50  # a file of 8 x 8 pixels is nearly all container
    with Image.open(out / "evaluation.png") as picture:
        assert picture.width > 800

    images = kerasae.load_images("digits").test[:100]
    digits = list(np.floor(images * 255 + 0.5).astype(np.uint8))
    assert len(Codec.load(tmp_path / "low").compress_many(digits)) == low["bytes"]


def test_a_table_is_trained_by_the_name_of_a_dense_architecture(tmp_path, eager):
    rows = ["id,size,kind"] + [f"{i},{i % 7}.5,{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    run = tmp_path / "run"
    given = ["train", "undercomplete", "--data", str(tmp_path / "t.csv"), "--drop", "id"]
    options = ["--code-size", "1", "--hidden", "4", "--epochs", "1", "--out", str(run)]
    found = CliRunner().invoke(kerasae.cli.main, [*given, *options])
    assert found.exit_code == 0, found.output
    assert "1 number and 1 category, 29 train, 3 validation, 8 test rows" in found.output
    assert json.loads((run / "run.json").read_text())["table"] == {"drop": ["id"]}
    assert load_model(run).output_shape == (None, 2)
