"""Options of the commands that train: the data, the model, and how."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.options import DATA_HELP, seed_option

if TYPE_CHECKING:
    from kerasae.training import TrainConfig

__all__ = [
    "assignment",
    "config_of",
    "data_options",
    "hyperparameters_of",
    "model_options",
    "training_options",
    "value_of",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _together(*options: Decorator) -> Decorator:
    """Options as one decorator, listed by `--help` in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


data_options = _together(
    click.option(
        "--data",
        required=True,
        help=f"{DATA_HELP} For sequence architectures: melodies, sounds, series, beats, or a file; "
        "for a table: breast_cancer, machines, wine, or a file that ends in .csv, .parquet or "
        ".npy.",
    ),
    click.option("--image-size", type=int, help="Side to resize or crop the images to."),
    click.option("--channels", type=click.Choice(["1", "3"]), help="Grey or colour."),
    click.option("--limit", type=int, help="Use at most this many images."),
)

model_options = _together(
    click.option("--code-size", type=int, help="Values in the code."),
    click.option("--hidden", help="Layers of the encoder, such as 128,64."),
    click.option("--activation", help="Activation of the hidden layers."),
    click.option(
        "--loss",
        help="binary_crossentropy, mse, ssim, ms_ssim, charbonnier, focal_frequency or a name of "
        "Keras; or a sum, such as 'mse + 0.1*ssim'. For sequences also categorical_crossentropy; "
        "for segmentation cross_entropy, dice or cross_entropy+dice.",
    ),
    click.option(
        "--set",
        "extra",
        multiple=True,
        metavar="NAME=VALUE",
        help="Other hyperparameters, such as code=spatial or levels=8,5,5.",
    ),
)

training_options = _together(
    click.option(
        "--epochs", type=int, default=20, show_default=True, help="Passes over the training images."
    ),
    click.option("--batch-size", type=int, default=128, show_default=True, help="Images per step."),
    click.option(
        "--learning-rate",
        type=float,
        default=1e-3,
        show_default=True,
        help="Step size of the optimizer, at the start of the schedule or after the warm-up.",
    ),
    click.option(
        "--schedule",
        type=click.Choice(["cosine", "constant", "plateau"]),
        default="cosine",
        show_default=True,
        help="Whether the learning rate falls to zero along a cosine, stays, or is halved where "
        "nothing gets better.",
    ),
    click.option(
        "--warmup-epochs",
        type=float,
        default=0,
        help="Epochs in which the rate of cosine or constant first rises. Default: none.",
    ),
    click.option("--optimizer", help="An optimizer of Keras, such as adamw. Default: adam."),
    click.option(
        "--optimizer-option",
        "optimizer_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="Its options as in Keras, such as weight_decay=1e-4 or global_clipnorm=1.",
    ),
    click.option("--weight-decay", type=float, help="Short for the option weight_decay."),
    click.option("--clip-norm", type=float, help="Short for the option global_clipnorm."),
    click.option(
        "--ema", is_flag=True, help="Short for the option use_ema: keep the mean of the weights."
    ),
    click.option(
        "--accumulate",
        type=int,
        default=1,
        help="Steps whose gradients make one update. Default: 1.",
    ),
    click.option(
        "--mixed-precision",
        type=click.Choice(["float16", "bfloat16"]),
        help="Compute in half precision, on a GPU that has units for it.",
    ),
    click.option(
        "--monitor",
        default="val_loss",
        show_default=True,
        help="The measure that decides which epoch is best and when to stop.",
    ),
    click.option(
        "--mode",
        type=click.Choice(["min", "max"]),
        default="min",
        show_default=True,
        help="Whether a better measure is lower or higher.",
    ),
    click.option("--patience", type=int, help="Stop after this many epochs without progress."),
    click.option(
        "--keep",
        type=click.Choice(["best", "last"]),
        default="best",
        show_default=True,
        help="Weights of the best epoch, or of the last one.",
    ),
    click.option(
        "--flip", is_flag=True, help="Mirror half of the images, drawn anew in each epoch."
    ),
    click.option(
        "--pictures-every",
        type=int,
        help="Epochs between two pictures of what the model does, which end as a filmstrip.",
    ),
    seed_option(),
)

_GIVEN_ELSEWHERE = {"input_shape": "the data give it", "learning_rate": "it has an option"}
_SHORT = {"weight_decay": "weight_decay", "clip_norm": "global_clipnorm", "ema": "use_ema"}


def config_of(options: Mapping[str, Any]) -> TrainConfig:
    """The configuration of `training_options`.

    Raises:
        ValueError: If a value breaks its rule, or an option is given twice.
    """
    from kerasae.training import TrainConfig

    chosen: dict[str, Any] = {}
    for text in options["optimizer_options"]:
        name, value = assignment(text, "--optimizer-option")
        chosen[name] = value
    for option, name in _SHORT.items():
        if options[option]:
            if name in chosen:
                raise ValueError(
                    f"`--{option.replace('_', '-')}` must not set {name} a second time. "
                    f"Received: {name}={chosen[name]}"
                )
            chosen[name] = options[option]
    same = (
        "epochs", "batch_size", "learning_rate", "schedule", "warmup_epochs", "optimizer",
        "mixed_precision", "monitor", "mode", "patience", "keep", "flip", "pictures_every", "seed",
    )  # fmt: skip
    return TrainConfig(
        optimizer_options=chosen,
        gradient_accumulation_steps=options["accumulate"],
        **{name: options[name] for name in same},
    )


def hyperparameters_of(architecture: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters of `model_options`.

    Raises:
        ValueError: If the architecture is unknown, or an option is given twice.
    """
    hidden = options["hidden"]
    hyperparameters: dict[str, Any] = {
        name: value
        for name, value in (
            ("code_size", options["code_size"]),
            ("hidden", None if hidden is None else _integers("--hidden", hidden)),
            ("activation", options["activation"]),
            ("loss", options["loss"]),
        )
        if value is not None
    }
    for name, value in map(assignment, options["extra"]):
        if name in _GIVEN_ELSEWHERE:
            raise ValueError(f"`--set` cannot set {name}: {_GIVEN_ELSEWHERE[name]}.")
        if name in hyperparameters:
            raise ValueError(f"`--set` must not set {name} a second time. Received: {name}={value}")
        hyperparameters[name] = value
    from kerasae.builders import BUILDERS

    if architecture not in BUILDERS:
        raise ValueError(f"`ARCH` must be one of {', '.join(BUILDERS)}. Received: {architecture}")
    defaults = [pair for each in BUILDERS.values() for pair in each.hyperparameters.items()]
    lists = {name for name, default in defaults if isinstance(default, tuple)}
    for name in lists & hyperparameters.keys():
        if isinstance(hyperparameters[name], int):
            hyperparameters[name] = [hyperparameters[name]]  # as `--hidden 64`
    return hyperparameters


def assignment(text: str, option: str = "--set") -> tuple[str, Any]:
    """NAME=VALUE, the value as `value_of` takes it.

    Raises:
        ValueError: If it is none.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"`{option}` must be NAME=VALUE. Received: {text}")
    return name, value_of(value)


def value_of(text: str) -> Any:
    """A value as JSON or as Python writes it, a list as values with commas between, else text."""
    for read in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError):
            return read(text)
    if "," in text:
        return [value_of(part.strip()) for part in text.split(",") if part.strip()]
    return text


def _integers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(
            f"`{option}` must be integers with commas between, such as 128,64. Received: {text}"
        ) from None
