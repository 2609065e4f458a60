"""Optimizers and schedules of Keras, by name and as JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from kerasae import _arguments

__all__ = ["OPTIMIZERS", "check_optimizer", "check_schedule", "plain_options"]

_WRAPPERS = ("lossscaleoptimizer", "multioptimizer", "optimizer")

OPTIMIZERS = {
    name.lower(): each
    for name, each in sorted(vars(keras.optimizers).items())
    if inspect.isclass(each)
    and issubclass(each, keras.optimizers.Optimizer)
    and name.lower() not in _WRAPPERS
}
"""The classes by their names in lower case."""

_SCHEDULES = ("constant", "cosine", "plateau")
_OWN_FIELDS = {
    "learning_rate": "`learning_rate`",
    "gradient_accumulation_steps": "`gradient_accumulation_steps`",
    "loss_scale_factor": "`mixed_precision`",
    "name": "`optimizer`",
}


def plain_options(options: Any) -> dict[str, Any]:
    """Options as JSON gives them back.

    Raises:
        ValueError: If they are no dict, or hold what JSON cannot.
    """
    given = dict(_arguments.mapping("optimizer_options", options))
    try:
        plain: dict[str, Any] = json.loads(
            json.dumps(given, default=lambda value: value.tolist(), allow_nan=False)
        )
    except (TypeError, ValueError, AttributeError):
        raise ValueError(
            "`optimizer_options` must hold numbers, texts, truth values and lists of them. "
            f"Received: optimizer_options={given!r}"
        ) from None
    return plain


def check_optimizer(name: Any, options: Mapping[str, Any]) -> None:
    """Refuse an optimizer that Keras does not have, and options that it does not take.

    Without a name the options are those that all optimizers share, and any others that the one of
    the model has are found when it is compiled.

    Raises:
        ValueError: If the name or an option is unknown, or has a field of its own.
    """
    for option, home in _OWN_FIELDS.items():
        if option in options:
            raise ValueError(
                f"`optimizer_options` must not hold {option!r}, which {home} of the configuration "
                f"decides. Received: {option}={options[option]!r}"
            )
    if name is None:
        return
    if not isinstance(name, str) or name.lower() not in OPTIMIZERS:
        raise ValueError(
            f"`optimizer` must be one of {', '.join(OPTIMIZERS)}. Received: optimizer={name!r}"
        )
    known = inspect.signature(OPTIMIZERS[name.lower()]).parameters
    takes = [each for each in known if each not in (*_OWN_FIELDS, "kwargs")]
    unknown = sorted(set(options) - set(takes))
    if unknown:
        raise ValueError(
            f"`optimizer_options` must be options of {name}: {', '.join(takes)}. "
            f"Received: {', '.join(unknown)}"
        )


def check_schedule(schedule: Any) -> str | dict[str, Any]:
    """The schedule by its name, or as Keras serialises it.

    Raises:
        ValueError: If it is neither, or cannot be serialised.
    """
    if isinstance(schedule, LearningRateSchedule):
        try:
            serialised: dict[str, Any] = json.loads(
                json.dumps(keras.saving.serialize_keras_object(schedule))
            )
            keras.saving.deserialize_keras_object(serialised)
        except (TypeError, ValueError, NotImplementedError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(
                "`schedule` must be one that Keras can serialise, such as a registered class with "
                f"`get_config`. Received: {type(schedule).__name__}: {reason}"
            ) from None
        return serialised
    if isinstance(schedule, Mapping):
        try:
            found = keras.saving.deserialize_keras_object(dict(schedule))
        except (TypeError, ValueError, KeyError, AttributeError):
            found = None
        if isinstance(found, LearningRateSchedule):
            return dict(schedule)
    if not isinstance(schedule, str) or schedule not in _SCHEDULES:
        raise ValueError(
            f"`schedule` must be one of {', '.join(map(repr, _SCHEDULES))}, or a schedule of "
            f"`keras.optimizers.schedules`. Received: schedule={schedule!r}"
        )
    return schedule
