"""Calls of data sets and training."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

import kerasae
from kerasae import data
from random_calls.arguments import ANYTHING, Drawing, array, bad_array
from random_calls.arguments import images as good_images
from random_calls.models import RECIPES
from random_calls.registry import Call, scratch, target

_NUMBER = itertools.count()

CONFIG: dict[str, Any] = {
    "epochs": [1, 2, np.int64(1)],
    "batch_size": [2, 128, np.int32(4)],
    "learning_rate": [1e-3, np.float32(0.01), np.float64(1e-4), 1],
    "schedule": ["constant", "cosine"],
    "seed": [0, 2**32 - 1, np.uint8(3), np.int64(2)],
    "patience": [None, 1, np.int64(2)],
    "jit_compile": [False, np.False_],
    "steps_per_execution": ["auto", 1, np.int64(2)],
    "keep": ["best", "last"],
    "flip": [True, False, np.True_],
    "optimizer": [None, "adamw", "SGD", "lion"],
    "optimizer_options": [
        {},
        {"weight_decay": 1e-3},
        {"clipnorm": np.float32(1)},
        {"use_ema": True},
    ],
    "gradient_accumulation_steps": [1, 2, np.int64(1)],
    "plateau_factor": [0.5, np.float32(0.1)],
    "plateau_patience": [1, np.int64(2)],
    "monitor": ["val_loss", "loss"],
    "mode": ["min", "max"],
    "mixed_precision": [None, "bfloat16"],
    "pictures_every": [None, 1, np.int64(2)],
}


def _config(draw: Drawing) -> dict[str, Any]:
    return {name: draw(good) for name, good in CONFIG.items() if draw.sure(st.booleans())}


@target("kerasae.TrainConfig", batch=50)
def _(draw: Drawing) -> Call:
    def round_trip(config: Any) -> float:
        again = kerasae.TrainConfig.from_json(config.to_json())
        assert again == config, "from_json(to_json()) is another configuration"
        return config.learning_rate

    return Call(
        kerasae.TrainConfig,
        (),
        _config(draw) | draw.some(jit_compile=lambda: draw([True, "auto"])),
        round_trip,
    )


@target("kerasae.TrainConfig.from_json", batch=50, names=tuple(CONFIG))
def _(draw: Drawing) -> Call:
    texts = ["{}", '{"epochs": 3}', '{"keep": "last", "patience": null}']
    bad = st.one_of(
        st.sampled_from(
            ["", "[]", "3", "null", '{"x": 1}', '{"epochs": "3"}', '{"epochs": NaN}', "{"]
        ),
        ANYTHING,
    )
    return Call(kerasae.TrainConfig.from_json, (draw(texts, bad),), {}, lambda c: c.learning_rate)


def _splits(draw: Drawing, shape: tuple[int, ...]) -> list[Any]:
    counts = [draw.sure(some) for some in ((2, 5), (1, 2), (0, 2))]
    return [
        draw(
            good_images((n, *shape)) if n else st.just(np.zeros((0, *shape))),
            bad_array((max(n, 1), *shape)),
        )
        for n in counts
    ]


@target("kerasae.Images", batch=30, names=("train", "validation", "test"))
def _(draw: Drawing) -> Call:
    return Call(
        kerasae.Images, _splits(draw, draw.sure(((4, 4, 1), (6, 3, 3), (8, 8, 1)))), {}, _facts
    )


def _facts(images: Any) -> Any:
    images.summary()
    repr(images)
    return images.train, images.validation, images.test


@target("kerasae.Images.of_classes", batch=30)
def _(draw: Drawing) -> Call:
    images = kerasae.load_images("digits", limit=200)
    return Call(images.of_classes, (draw([["1"], [0, 3], "7", 2, ("9", "8")]),), {}, _facts)


@target("kerasae.Sequences", batch=30)
def _(draw: Drawing) -> Call:
    shape = draw.sure(((6, 2), (4, 1)))
    splits = [draw(array((n, *shape), 0, 1), bad_array((n, *shape))) for n in (4, 2, 2)]
    return Call(
        kerasae.Sequences,
        splits,
        draw.some(loss=lambda: draw(["mse", "binary_crossentropy"])),
        _sequence_facts,
    )


def _sequence_facts(sequences: Any) -> Any:
    sequences.summary()
    repr(sequences)
    return sequences.train, sequences.validation, sequences.test


def _data_for(draw: Drawing, name: str) -> Any:
    if name == "recurrent":
        made = [draw.sure(array((n, 6, 2), 0, 1)) for n in (4, 2, 2)]
        return draw(st.just(kerasae.Sequences(*[np.asarray(x, np.float32) for x in made])))
    splits = [draw.sure(good_images((n, 8, 8, 1))) for n in (5, 2, 1)]
    labels = {}
    if name == "segmentation":
        labels = {
            f"{split}_labels": np.random.default_rng(0).integers(0, 3, (n, 8, 8)).astype(np.uint8)
            for split, n in (("train", 5), ("validation", 2), ("test", 1))
        }
    return draw(
        st.builds(lambda: kerasae.Images(*splits, **labels)), st.one_of(_odd_data(), ANYTHING)
    )


def _odd_data() -> st.SearchStrategy[Any]:
    rng = np.random.default_rng(0)
    values = rng.random((6, 8, 8, 1))
    return st.sampled_from(
        [
            kerasae.Images(values * 255, values[:2], values[:2]),
            kerasae.Images(values * 2 - 1, values[:2], values[:2]),
            kerasae.Images(values, values[:0], values[:0]),
            kerasae.Images(values[:0], values[:1], values[:0]),
            kerasae.Images(values[:, :4], values[:2, :4], values[:0, :4]),
            kerasae.Images(
                values, values, values, train_labels=np.zeros(6), validation_labels=np.zeros(6)
            ),
            kerasae.Images(values * 1e30, values * 1e30, values),
            values,
            [values, values],
        ]
    )


@target("kerasae.train", batch=2, strict=False)
def _(draw: Drawing) -> Call:
    name = draw.sure(sorted(RECIPES))
    good = st.builds(
        lambda: kerasae.build(name.split()[0], **{"input_shape": (8, 8, 1), **RECIPES[name]})
    )
    config = draw(
        st.builds(
            lambda options: kerasae.TrainConfig(**options),
            st.fixed_dictionaries({}, optional={n: st.sampled_from(g) for n, g in CONFIG.items()}),
        )
    )
    options: dict[str, Any] = {"progress": draw([False])}
    if draw.sure(st.booleans()):
        options["out"] = draw([scratch() / f"run{next(_NUMBER)}"])
        options["resume"] = draw.flag()
    return Call(
        kerasae.train, (draw(good), _data_for(draw, name), config), options, lambda h: h.history
    )


@target("kerasae.Between", batch=50)
def _(draw: Drawing) -> Call:
    low, high = draw([1, 0.5, np.float64(2)]), draw([3, 4.5, np.int64(7)])
    return Call(kerasae.Between, (low, high), draw.some(log=draw.flag), lambda b: b.high)


@target("kerasae.sweep", batch=1, strict=False, names=("architecture", "source"))
def _(draw: Drawing) -> Call:
    values = draw([[2], [2, 3], (2, np.int64(3))])
    config = draw(st.builds(lambda: kerasae.TrainConfig(epochs=1, jit_compile=False)))
    options = draw.some(
        measure=lambda: draw(["val_loss", "psnr"]),
        samples=lambda: draw([None, 1, 2]),
        seed=draw.seed,
        jobs=lambda: draw([1]),
    )
    out = scratch() / f"sweep{next(_NUMBER)}"
    return Call(
        kerasae.sweep,
        (draw(["undercomplete"]), draw(["digits"]), draw([out]), {"code_size": values}),
        {"hyperparameters": {"hidden": [4]}, "config": config, "limit": 40, "progress": False}
        | options,
        lambda found: [result.val_loss for result in found.ranked],
    )


def _tracked(name: Any, folder: Any, **options: Any) -> int:
    with kerasae.tracker(name, folder, **options) as callback:
        return int(callback is not None)


@target("kerasae.tracker", batch=5, strict=False, names=("name", "project", "config"))
def _(draw: Drawing) -> Call:
    folder = scratch() / f"tracked{next(_NUMBER)}"
    options = draw.some(project=lambda: draw(["p"]), config=lambda: draw([{}, {"a": 1}]))
    return Call(_tracked, (draw(["tensorboard"]), folder), options)


@target("kerasae.connect_hosts", strict=False, names=("KERAS_BACKEND",))
def _(draw: Drawing) -> Call:
    """Never an address that somebody could wait for."""
    options = draw.some(processes=lambda: draw([2]), process_id=lambda: draw([0, 1]))
    return Call(kerasae.connect_hosts, (draw.sure("nowhere"),), options)


@target("kerasae.pretrained_cards")
def _(draw: Drawing) -> Call:
    return Call(kerasae.pretrained_cards, (), {}, lambda cards: len(cards))


@target("kerasae.load_pretrained", batch=2)
def _(draw: Drawing) -> Call:
    names = sorted(kerasae.pretrained_cards())
    return Call(kerasae.load_pretrained, (draw(names),), {}, lambda model: model.count_params())


@target("kerasae.save_pretrained", batch=3, strict=False)
def _(draw: Drawing) -> Call:
    folder = scratch() / f"stored{next(_NUMBER)}"
    card = lambda: draw([{}, {"summary": "small"}, {"training": {"epochs": np.int64(3)}}])  # noqa: E731
    return Call(
        kerasae.save_pretrained,
        (draw.model("undercomplete", "convolutional"), draw([folder])),
        draw.some(card=card),
        lambda made: made["bytes"],
    )


@target("kerasae.pretrain_layerwise", batch=2, strict=False)
def _(draw: Drawing) -> Call:
    good = st.builds(
        lambda hidden, tied: kerasae.build_undercomplete(
            input_shape=(8, 8, 1), hidden=hidden, code_size=3, tied=tied
        ),
        st.sampled_from([(4,), (5, 4)]),
        st.booleans(),
    )
    options = {"progress": False} | draw.some(
        corruption=lambda: draw([None, "gaussian", "masking"]), level=draw.number
    )
    config = draw(st.builds(lambda: kerasae.TrainConfig(epochs=1, jit_compile=False)))
    return Call(
        kerasae.pretrain_layerwise,
        (draw(good), _data_for(draw, "undercomplete"), config),
        options,
        lambda hs: [h.history for h in hs],
    )


_KINDS = (
    "grey",
    "colour",
    "alpha",
    "palette",
    "binary",
    "16 bit",
    "classes",
    "damaged",
    "sizes",
)


def folder_of_images(draw: Drawing, *kinds: str) -> Any:
    """A folder of one of these kinds, or of any."""
    return draw(st.builds(_folder, st.sampled_from(kinds or _KINDS)))


def _folder(kind: str) -> Path:
    """A folder of tiny image files, some of them odd."""
    folder = scratch() / f"folder {kind}"
    if folder.exists():
        return folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        pixels = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
        modes = {"grey": "L", "alpha": "RGBA", "palette": "P", "binary": "1"}
        picture = Image.fromarray(pixels).convert(modes.get(kind, "RGB"))
        if kind == "16 bit":
            picture = Image.fromarray(rng.integers(0, 65536, (9, 7), dtype=np.uint16))
        place = folder / ("ab"[number % 2] if kind == "classes" else "")
        place.mkdir(exist_ok=True)
        picture.save(place / f"{number}.png")
    if kind == "damaged":
        (folder / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        (folder / "7.jpg").write_bytes(b"")
    if kind == "sizes":
        Image.new("RGB", (3, 20)).save(folder / "8.png")
    return folder


@target("kerasae.load_images", batch=8, strict=False)
def _(draw: Drawing) -> Call:
    folders = st.builds(_folder, st.sampled_from(_KINDS))
    source = draw(
        st.one_of(
            st.sampled_from(["digits", "faces", "nonfaces", "photos", "textures"]), folders, folders
        )
    )
    options = draw.some(
        image_size=lambda: draw([None, 8, (5, 6), np.int64(7), [4, 4]]),
        channels=lambda: draw([None, 1, 3, np.int64(1)]),
        validation_fraction=lambda: draw.number(0.1, 0.5),
        limit=lambda: draw([None, 50, np.int64(60)]),
        seed=draw.seed,
    )
    return Call(kerasae.load_images, (source,), options, _facts)


@target("kerasae.load_sequences", batch=8, strict=False)
def _(draw: Drawing) -> Call:
    options = draw.some(
        length=lambda: draw([None, 8, np.int64(16)]),
        limit=lambda: draw([None, 60, np.int64(80)]),
        validation_fraction=lambda: draw.number(0.1, 0.5),
        seed=draw.seed,
    )
    return Call(kerasae.load_sequences, (draw(sorted(data.SEQUENCES)),), options, _sequence_facts)


@target("kerasae.data.photograph")
def _(draw: Drawing) -> Call:
    return Call(data.photograph, (draw(data.PHOTOGRAPHS),))


@target("kerasae.data.melody_wave")
def _(draw: Drawing) -> Call:
    names = ("C4", "D4", "rest")
    notes = draw(array((5, 3), 0, 1), bad_array((5, 3)))
    return Call(
        data.melody_wave,
        (notes, draw([names])),
        draw.some(step=draw.number, rate=lambda: draw.whole(1000, 9000)),
    )


@target("kerasae.data.sound_wave")
def _(draw: Drawing) -> Call:
    return Call(
        data.sound_wave,
        (draw(array((5, 128), 0, 1), bad_array((5, 128))),),
        draw.some(rounds=lambda: draw.whole(1, 5), seed=draw.seed),
    )
