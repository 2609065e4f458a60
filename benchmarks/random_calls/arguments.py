"""Random arguments, valid and invalid: numbers, arrays, images, and the models of a pool."""

from __future__ import annotations

import datetime
import decimal
import fractions
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st
from PIL import Image

from random_calls.models import IMAGE_MODELS, OTHERS, RECIPES, SHAPE, model, other_model

__all__ = ["ANYTHING", "Drawing", "describe"]


class Unusable:
    """An array of some library that cannot be turned into one of NumPy's."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("can't convert a device tensor to numpy")


class Tensor:
    """An array of some library, which NumPy can make one of."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.shape = values.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.values, dtype)

    def __len__(self) -> int:
        return len(self.values)


ANYTHING = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            np.True_,
            0,
            -1,
            -(10**30),
            0.0,
            -0.5,
            2.5,
            float("nan"),
            float("inf"),
            -float("inf"),
            np.float32("nan"),
            np.float16("inf"),
            np.int8(-3),
            1j,
            "",
            "x",
            "3",
            "`x`",
            "\0",
            b"x",
            (),
            (0,),
            (1, "a"),
            ((1, 2), (3,)),
            frozenset({1}),
            decimal.Decimal(2),
            decimal.Decimal("nan"),
            fractions.Fraction(1, 2),
            datetime.date(2000, 1, 1),
            Path("nowhere"),
            object,
            Ellipsis,
            NotImplemented,
            len,
        ]
    ),
    st.builds(
        lambda make: make(),
        st.sampled_from(
            [
                list,
                dict,
                object,
                Unusable,
                lambda: [1, "a"],
                lambda: [None],
                lambda: [[1.0, 2.0], [3.0]],
                lambda: {"a": 1},
                lambda: np.array([1, 2]),
                lambda: np.array(3),
                lambda: np.array("x"),
                lambda: np.array([1, None]),
                lambda: np.array([1j, 2j]),
                lambda: np.array(["2000-01-01"], "datetime64[D]"),
                lambda: np.zeros(2, [("a", "i4")]),
                lambda: np.zeros((0, 3)),
                lambda: np.zeros((2, 0, 3)),
                lambda: np.array([np.nan, 1.0]),
                lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
                lambda: iter([1, 2]),
                lambda: range(3),
                lambda: Image.new("P", (8, 8)),
                lambda: keras.ops.ones((2, 2)),
            ]
        ),
    ),
    st.integers(-5, 5),
    st.floats(-2, 2),
    st.text(max_size=3),
)


def _form(values: np.ndarray, kind: str) -> Any:
    """The same numbers in another form, that NumPy can make an array of."""
    made: dict[str, Any] = {
        "float64": lambda: values.astype(np.float64),
        "float16": lambda: values.astype(np.float16),
        "big-endian": lambda: values.astype(">f4"),
        "long double": lambda: values.astype(np.longdouble),
        "Fortran": lambda: np.asfortranarray(values),
        "reversed": lambda: np.flip(values),
        "strided": lambda: np.repeat(values, 2, axis=-1)[..., ::2],
        "list": values.tolist,
        "tuple": lambda: tuple(values),
        "masked": lambda: np.ma.masked_array(values, np.zeros(values.shape, bool)),
        "tensor": lambda: Tensor(values),
        "Keras": lambda: keras.ops.convert_to_tensor(values),
        "variable": lambda: keras.Variable(values),
    }
    if kind == "read-only":
        values = values.copy()
        values.flags.writeable = False
        return values
    return made[kind]() if kind in made else values


FORMS = (
    "float32",
    "float64",
    "float16",
    "big-endian",
    "long double",
    "Fortran",
    "read-only",
    "reversed",
    "strided",
    "list",
    "tuple",
    "masked",
    "tensor",
    "Keras",
    "variable",
)


def array(shape: tuple[int, ...], low: float = -3.0, high: float = 3.0) -> st.SearchStrategy[Any]:
    """Finite numbers of a shape, in all forms that they may come in."""

    def make(seed: int, content: str, form: str) -> Any:
        rng = np.random.default_rng(seed)
        values = rng.uniform(low, high, shape).astype(np.float32)
        if content == "low":
            values[...] = low
        elif content == "high":
            values[...] = high
        elif content == "ends":
            values = np.where(values > (low + high) / 2, high, low).astype(np.float32)
        elif content == "tiny":
            values = (np.zeros(shape) + np.float32(1e-42) + max(low, 0)).astype(np.float32)
        return _form(np.clip(values, low, high), form)

    contents = st.sampled_from(["random", "random", "random", "low", "high", "ends", "tiny"])
    return st.builds(make, st.integers(0, 2**32), contents, st.sampled_from(FORMS))


def images(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Images in [0, 1] in all forms, uint8 from 0 to 255, and booleans."""

    def whole(seed: int, dtype: str) -> Any:
        rng = np.random.default_rng(seed)
        if dtype == "bool":
            return rng.random(shape) > 0.5
        values = rng.integers(0, 256, shape, dtype=np.uint8)
        values.flat[:1] = 255
        return values

    return st.one_of(
        array(shape, 0.0, 1.0),
        st.builds(whole, st.integers(0, 2**32), st.sampled_from(["bool", "uint8"])),
    )


def bad_array(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """What is no array of finite numbers in [0, 1] of the shape, or of no shape at all."""

    def make(seed: int, kind: str) -> Any:
        rng = np.random.default_rng(seed)
        values = rng.random(shape).astype(np.float32)
        first = np.zeros(shape, bool)
        first.flat[:1] = True
        options: dict[str, Any] = {
            "nan": lambda: np.where(first, np.nan, values),
            "inf": lambda: np.where(first, np.inf, values).astype(np.float16),
            "beyond float32": lambda: np.where(first, 1e300, values.astype(float)),
            "0..255": lambda: values * 255,
            "-1..1": lambda: values * 2 - 1,
            "uint16": lambda: np.uint16(values * 65535),
            "int64": lambda: np.int64(values * 10),
            "int8": lambda: np.int8(values * 100),
            "binary uint8": lambda: np.uint8(values > 0.5),
            "object": lambda: values.astype(object),
            "objects": lambda: np.full(shape, None),
            "complex": lambda: values + 1j,
            "text": lambda: values.astype(str),
            "datetime": lambda: np.zeros(shape, "datetime64[s]"),
            "structured": lambda: np.zeros(shape, [("r", "f4")]),
            "masked": lambda: np.ma.masked_array(values, first),
            "no images": lambda: values[:0],
            "no rows": lambda: values[:, :0] if values.ndim > 1 else values[:0],
            "channels first": lambda: np.moveaxis(values, -1, min(1, values.ndim - 1)),
            "flat": lambda: values.reshape(-1),
            "one more axis": lambda: values[None],
            "one axis less": lambda: values[0],
            "twice": lambda: np.concatenate([values, values], axis=-1),
            "scalar": lambda: np.float32(0.5),
            "ragged": lambda: [values.tolist(), [1.0]],
            "Pillow": lambda: Image.new("RGBA", (8, 8)),
            "unusable": Unusable,
        }
        return options[kind]()

    kinds = st.sampled_from(
        [
            "nan",
            "inf",
            "beyond float32",
            "0..255",
            "-1..1",
            "uint16",
            "int64",
            "int8",
            "binary uint8",
            "object",
            "objects",
            "complex",
            "text",
            "datetime",
            "structured",
            "masked",
            "no images",
            "no rows",
            "channels first",
            "flat",
            "one more axis",
            "one axis less",
            "twice",
            "scalar",
            "ragged",
            "Pillow",
            "unusable",
        ]
    )
    return st.one_of(st.builds(make, st.integers(0, 2**32), kinds), ANYTHING)


class Drawing:
    """Draws the arguments of one call, and knows whether all of them are valid.

    Every second call has valid arguments only; in the others one argument of three may be
    anything.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._wild = data.draw(st.booleans())
        self.valid = True

    def __call__(self, good: Any, bad: st.SearchStrategy[Any] = ANYTHING) -> Any:
        """A value of the strategy (or one of the values), or now and then a bad one."""
        if self._wild and self._data.draw(st.integers(0, 2)) == 0:
            self.valid = False
            return self._data.draw(bad)
        return self.sure(good)

    def sure(self, good: Any) -> Any:
        """A valid value in any case."""
        return self._data.draw(
            good if isinstance(good, st.SearchStrategy) else st.sampled_from(good)
        )

    def doubtful(self) -> None:
        """Note that the arguments may not fit each other."""
        self.valid = False

    def some(self, **makers: Any) -> dict[str, Any]:
        """Some of these keyword arguments, each drawn by its function."""
        return {name: make() for name, make in makers.items() if self.sure(st.booleans())}

    def model(self, *names: str) -> keras.Model:
        """A model of the pool, of these names; or another, or none."""
        others = st.one_of(
            st.builds(model, st.sampled_from(sorted(RECIPES))),
            st.builds(model, st.sampled_from(sorted(RECIPES))),
            st.builds(other_model, st.sampled_from(OTHERS)),
            ANYTHING,
        )
        return self(st.builds(model, st.sampled_from(names or IMAGE_MODELS)), others)

    def images(self, count: Any = (1, 2, 5), shape: tuple[int, ...] = SHAPE) -> Any:
        """Some images, by default of the shape that the models of the pool take."""
        full = (self.sure(count), *shape)
        return self(images(full), bad_array(full))

    def values(self, shape: tuple[int, ...], low: float = -3.0, high: float = 3.0) -> Any:
        """Finite numbers of a shape."""
        return self(array(shape, low, high), bad_array(shape))

    def integers(self, shape: tuple[int, ...], below: int) -> Any:
        """Integers from 0, in several types."""

        def make(seed: int, dtype: str) -> Any:
            values = np.random.default_rng(seed).integers(0, below, shape)
            return values.tolist() if dtype == "list" else values.astype(dtype)

        types = st.sampled_from(["int64", "int32", "uint8", "list", ">i2"])
        return self(st.builds(make, st.integers(0, 2**32), types), bad_array(shape))

    def masks(self, shape: tuple[int, ...]) -> Any:
        """Booleans, with a hole."""

        def make(seed: int) -> Any:
            values = np.random.default_rng(seed).random(shape) > 0.6
            values.flat[:1] = True
            return values

        return self(st.builds(make, st.integers(0, 2**32)), bad_array(shape))

    def whole(self, low: int = 1, high: int = 4) -> Any:
        """An integer, Python's or NumPy's."""
        types = st.sampled_from([int, np.int64, np.int32, np.uint16])
        return self(st.builds(lambda kind, value: kind(value), types, st.integers(low, high)))

    def number(self, low: float = 0.001, high: float = 1.0) -> Any:
        """A floating number, Python's or NumPy's."""
        types = st.sampled_from([float, np.float64, np.float32, np.float16])
        return self(st.builds(lambda kind, value: kind(value), types, st.floats(low, high)))

    def seed(self) -> Any:
        """A seed."""
        huge = st.sampled_from([2**32, 2**64, -1])
        return self(st.integers(0, 2**32 - 1), st.one_of(huge, ANYTHING))

    def flag(self) -> Any:
        """True or False."""
        return self([True, False, np.True_])


def describe(value: Any) -> str:
    """An argument in few words."""
    if isinstance(value, np.ndarray) and value.size > 6:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                ends = f" from {value.min()} to {value.max()}"
            except (TypeError, ValueError):
                ends = ""
        kind = "masked " if isinstance(value, np.ma.MaskedArray) else ""
        return f"<{kind}{value.dtype} {value.shape}{ends}>"
    if isinstance(value, keras.Model):
        return f"<model {getattr(value, 'trained_for_test', value.name)}>"
    if isinstance(value, Tensor):
        return f"<tensor {describe(value.values)}>"
    if isinstance(value, (list, tuple)):
        text = ", ".join(describe(one) for one in value[:3]) + (", ..." if len(value) > 3 else "")
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {describe(one)}" for key, one in value.items()) + "}"
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - any repr may be broken
        text = f"<{type(value).__name__}: {error}>"
    return text if len(text) < 200 else text[:200] + "..."
