"""What is refused by functions beside those whose tests are about more: each in its sentence."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from click.testing import CliRunner
from flatbuffer_models import ENCODER, changed
from PIL import Image

import kerasae
from kerasae import _arguments, _inference, evaluation, quickstart, samplers
from kerasae.applications.anomaly import CodeDistance, _codes
from kerasae.cli import main
from kerasae.data.shards import _image_of
from kerasae.data.tfds import _Reader
from kerasae.plots.codes import _classes
from kerasae.training import TrainConfig
from kerasae.training.batches import Batches
from kerasae_export import encoder
from kerasae_export.atomic import replacing_folder
from kerasae_export.bundling import arguments
from kerasae_export.conversion import resizing
from kerasae_export.conversion.checks import _whole_numbers
from kerasae_export.errors import BundleError
from kerasae_export.evaluation.bjontegaard import rate_at
from kerasae_export.evaluation.measure import measure
from kerasae_export.evaluation.quality import mean_ms_ssim
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.structure import check_counts
from kerasae_export.sandbox import run_limited


def plain(outputs: int = 16) -> keras.Model:
    """From images of 4 by 4 pixels over codes of 2 values to so many values."""
    image, code = keras.Input((4, 4, 1)), keras.Input((2,))
    flat = keras.layers.Flatten()(image)
    down = keras.Model(image, keras.layers.Dense(2)(flat), name="encoder")
    value = keras.layers.Dense(outputs)(code)
    if outputs == 16:
        value = keras.layers.Reshape((4, 4, 1))(value)
    up = keras.Model(code, value, name="decoder")
    return keras.Model(image, up(down(image)), name="plain")


def two_outputs() -> keras.Model:
    image = keras.Input((4, 4, 1))
    return keras.Model(image, [image, image])


IMAGES = np.zeros((2, 4, 4, 1), np.float32)
CASES = {
    "a ragged array": (
        lambda: _arguments.array("x", [[1], [1, 2]]),
        "`x` must be an array, or a list that makes one. Received: list",
    ),
    "labels of two axes": (
        lambda: _arguments.labels("y", [[1]]),
        "`y` must be finite numbers or texts of the shape (n,). Received: int64 of shape (1, 1)",
    ),
    "labels that are not finite": (
        lambda: _arguments.labels("y", [np.nan]),
        "`y` must be finite numbers or texts of the shape (n,). Received: float64 of shape (1,)",
    ),
    "a name that is a number": (
        lambda: _arguments.text("name", 3),
        "`name` must be a name. Received: name=3",
    ),
    "codes of another length": (
        lambda: _inference.decode(plain(), np.zeros((2, 3))),
        "codes must have the shape (n, *(2,)) that `model` makes. Received: shape (2, 3)",
    ),
    "a decoder of other things": (
        lambda: _inference.image_decoder(plain(5)),
        "`model` must decode to images of its input shape (4, 4, 1). "
        "Received: model='plain', which gives (5,)",
    ),
    "a distance of other codes": (
        lambda: CodeDistance(np.eye(3, 2))(np.zeros((4, 3))),
        "`codes` must have 2 values each, like those of normal images. Received: 3",
    ),
    "two codes": (
        lambda: _codes(two_outputs(), IMAGES),
        "`model` must have a single code of real numbers for this kind of score. "
        "Received: ['float32 (4, 4, 1)', 'float32 (4, 4, 1)']",
    ),
    "crops beyond the photographs": (
        lambda: kerasae.load_images("photos", image_size=5000),
        "`image_size` must be at most (",
    ),
    "a negative seed": (
        lambda: kerasae.load_images("digits", seed=-1),
        "`seed` must be an integer >= 0. Received: seed=-1",
    ),
    "a record without the feature": (
        lambda: _image_of(b"", "image"),
        "the record has no feature 'image'",
    ),
    "codes without channels": (
        lambda: evaluation.code_rate([1.0]),
        "`codes` must be finite values of the shape (n, ..., channels). Received: shape (1,)",
    ),
    "labels of other codes": (
        lambda: evaluation.linear_probe([[1.0]], [1, 2], [[1.0]], [1]),
        "`train_codes` must have the shape (n, ...) and `train_labels` (n,). "
        "Received: shapes (1, 1) and (2,)",
    ),
    "masks without a hole": (
        lambda: evaluation.hole_error(IMAGES, IMAGES, np.zeros((4, 4), bool)),
        "`masks` must be booleans of the shape (2, 4, 4), or (4, 4) for all images, with a hole. "
        "Received: bool of the shape (4, 4)",
    ),
    "predictions of another shape": (
        lambda: evaluation.confusion_matrix([[0, 1]], [[0]], classes=2),
        "`labels` and `predictions` must have one shape. Received: (1, 2) and (1, 1)",
    ),
    "labels of no images": (
        lambda: evaluation.median_frequency_weights([[0, 1]], classes=2),
        "`labels` must have the shape (n, height, width). Received: (1, 2)",
    ),
    "labels of a plot that are complex": (
        lambda: _classes([1j], None, 1),
        "`labels` must be numbers or texts. Received: complex128",
    ),
    "directions of another length": (
        lambda: samplers.slerp([1.0], [1.0, 2.0], 0.5),
        "`first` and `second` must have one shape. Received: (1,) and (2,)",
    ),
    "negative deviations": (
        lambda: samplers.traverse(plain(), np.zeros(2), deviations=[-1.0, 1.0]),
        "`deviations` must be 2 finite values, none negative. Received: deviations=[-1.0, 1.0]",
    ),
    "sequences that are flipped": (
        lambda: Batches(np.zeros((4, 5, 2)), np.zeros((4, 5, 2)), TrainConfig(flip=True)),
        "`flip` needs images (n, height, width, channels). Received: shape (4, 5, 2)",
    ),
    "no calibration": (
        lambda: arguments.check_images(plain(), None),
        "`calibration` must hold real images of shape (n, height, width, channels) in [0, 1], "
        "from which the ranges and entropy tables are taken. Received: calibration=None",
    ),
    "indices of another shape": (
        lambda: _whole_numbers(
            SimpleNamespace(shape=(None, 3), dtype="int32"), np.zeros((2, 4)), "`x` must hold some"
        ),
        "`x` must hold some. Received: shape (2, 4)",
    ),
    "a tail that is a text": (
        lambda: encoder(plain(), tail="no"),
        "`tail` must be True or False. Received: tail='no'",
    ),
    "a quality that is no number": (
        lambda: rate_at([10, 40], [30, 36], "33"),
        "`wanted` must be a number. Received: wanted='33'",
    ),
    "an arrangement of another name": (
        lambda: measure([], np.zeros((1, 4, 4, 1), np.uint8), arrangement="mixed"),
        "`arrangement` must be one of ",
    ),
    "images too small for five scales": (
        lambda: mean_ms_ssim(IMAGES, IMAGES),
        "`images` and `reconstructions` must be of one shape (n, height, width, channels), sides "
        "of 176 or more. Received: shapes (2, 4, 4, 1) and (2, 4, 4, 1)",
    ),
    "no families": (
        lambda: PhotoCodec([]),
        "`families` must hold one or more. Received: none",
    ),
    "a quality in decibels that is no number": (
        lambda: PhotoCodec.load().compress(np.zeros((4, 4, 3), np.uint8), target_psnr=True),
        "`target_psnr` must be a number of decibels above 0. Received: target_psnr=True",
    ),
}


@pytest.mark.parametrize(("call", "sentence"), CASES.values(), ids=CASES)
def test_a_wrong_argument_is_named_with_its_rule(call, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        call()


def test_a_package_has_no_other_names():
    with pytest.raises(AttributeError, match=r"^module 'kerasae' has no attribute 'nothing'$"):
        kerasae.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="^module 'kerasae_export' has no attribute 'nothing'"):
        sys.modules["kerasae_export"].nothing  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shards", "IN", "--out", "OUT", "--megabytes", "0"], "`--megabytes` must be a positive"),
        (
            ["train", "undercomplete", "--data", "digits", "--out", "OUT", "--hidden", "64,x"],
            "`--hidden` must be integers with commas between, such as 128,64. Received: 64,x",
        ),
    ],
)
def test_a_command_says_which_option_is_wrong(arguments, said, tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "in" / "a.png")
    names = {"IN": str(tmp_path / "in"), "OUT": str(tmp_path / "out")}
    done = CliRunner().invoke(main, [names.get(word, word) for word in arguments])
    assert done.exit_code != 0
    shown = " ".join(f"{done.output} {done.exception}".split())
    assert said in shown
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_is_no_quickstart(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="^`--out` must not exist, be empty, or hold a quickstart"):
        quickstart._prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_more_classes_than_colours_and_markers_are_refused():
    with pytest.raises(ValueError, match=r"^`labels` must hold at most \d+ classes\. Received: 99"):
        _classes(list(range(100, 199)), None, 99)


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "target"

    def write():
        with replacing_folder(target, replace=False) as new:
            (new / "mine").write_text("x")
            target.mkdir()
            (target / "theirs").write_text("y")

    with pytest.raises(FileExistsError, match="it exists"):
        write()
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_system_without_limits_has_no_sandbox(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    sentence = f"`sandbox` needs a system with limits of processes. Received: {sys.platform}"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        run_limited([sys.executable, "-c", "pass"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RuntimeError("no\nmemory"), "the runtime cannot resize it to 1 x "),
        (np.zeros((1, 1, 1, 1)), "it gives something else than Keras."),
        (np.full((9, 9, 9, 9), np.nan), "it gives something else than Keras."),
    ],
)
def test_a_file_that_computes_something_else_in_other_sizes_is_refused(answer, reason, monkeypatch):
    details = {"quantization": (0.0, 0), "dtype": np.float32}

    class Runner:
        def __init__(self, **_):
            pass

        def get_signature_runner(self, key):
            return self

        def get_input_details(self):
            return {"input": details}

        def get_output_details(self):
            return {"output_0": details}

        def __call__(self, input):
            if isinstance(answer, Exception):
                raise answer
            wanted = answer if answer.size == 1 else np.full(input.shape, np.nan)
            return {"output_0": wanted.astype(np.float32)}

    monkeypatch.setattr(resizing, "Interpreter", Runner)
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.ReLU()(image))
    with pytest.raises(ValueError, match=reason):
        resizing.check_resized(b"", "key", model, ["input"], dynamic_batch=False, exact=True)


def test_images_of_another_type_of_numbers_are_no_source():
    class Feature:
        np_dtype, shape = np.float32, (4, 4, 1)

    tfds = SimpleNamespace(features=SimpleNamespace(Image=Feature))
    builder = SimpleNamespace(info=SimpleNamespace(features={"image": Feature()}))
    sentence = "`source` must hold 8 or 16-bit images. Received: source='x' with float32 pixels"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        _Reader(tfds, builder, "x", None)


def test_a_model_of_a_codec_has_one_output():
    def twice(model):
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]
        model.signatureDefs = None

    with pytest.raises(BundleError, match=r"have one input and one output\. Received: 1 and 2$"):
        LiteModel(changed(twice, ENCODER))


@pytest.mark.parametrize("what", ["variant", "external"])
def test_tensors_are_plain(what):
    def change(model):
        tensor = model.subgraphs[0].tensors[0]
        if what == "variant":
            tensor.variantTensors = [schema.VariantSubTypeT()]
        else:
            tensor.externalBuffer = 1

    with pytest.raises(BundleError, match=r"^A model's tensors must be plain\.$"):
        check_counts(changed(change, ENCODER))
