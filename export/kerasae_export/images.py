"""What an array of images is: type, layout and values, decided here for both packages.

`check_images` takes a set of images for a model, as float32; `check_picture` one for a codec, as
uint8 from 0 to 255; `check_numbers` any other array of numbers, as float64; `why_unit_range` says
whether a model needs values in [0, 1], and why. Needs NumPy only; a Keras model is asked for its
attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kerasae_export._unit_range import why_unit_range

__all__ = [
    "Sampled",
    "check_images",
    "check_numbers",
    "check_picture",
    "check_pictures",
    "fits",
    "limits",
    "why_unit_range",
]

Shape = Sequence[int | None]


class Sampled(Protocol):
    """A stream of images, of which a fixed seed chooses some; such as those of kerasae."""

    def sample(self, count: int) -> NDArray[np.float32]:
        """At most so many images, the same each time."""
        ...


_SLACK = 1e-5  # beyond [0, 1]: what rounding does to values that were scaled
_SAMPLE = 1000  # images of a stream
_OVERSHOOT = 0.25  # beyond [0, 1]: what resampling and noise do to images in [0, 1]
_BLOCK = 2**18  # values whose smallest and largest are taken in turn, while the cache holds them
_PICTURE_MODES = ("1", "L", "RGB")  # of Pillow, whose values are pixels and not, say, a palette's
_ONE = np.float32(1).view(np.uint32)


def check_images(
    argument: str,
    images: Any,
    *,
    shape: Shape | None = None,
    unit: str | None = None,
    advice: str = "",
    allow_empty: bool = False,
    missing: bool = False,
) -> NDArray[np.float32]:
    """Return images, or other inputs of a model, as finite float32 values.

    Pixels in uint8 from 0 to 255 become values in [0, 1], and booleans 0 and 1. A maximum of 1 in
    uint8 is refused: it may be a binary image, or one that is almost black. Other integers are
    refused, since nothing says which value is white. Inputs that are no images, those of another
    rank than three, keep their integers as numbers.

    Args:
        argument: Name of the argument, for messages.
        images: An array, anything that NumPy makes one of, or a list of Pillow's images; of a
            stream, which has a method `sample`, 1,000 images that a fixed seed chooses.
        shape: Of one image, (height, width, channels), or of one input; None stands for any side.
            By default any image.
        unit: What needs values in [0, 1]; None where any finite range will do.
        advice: Another way out for values outside of [0, 1], for the message.
        allow_empty: Whether there may be no image.
        missing: Whether there may be NaN, for a value that is missing.

    Returns:
        float32 (n, *shape).

    Raises:
        ValueError: If the type, the layout or the values are others. The message says what was
            found and, where one line of code mends it, which.

    Example:
        >>> import numpy as np
        >>> check_images("images", np.full((1, 2, 2, 1), 51, np.uint8)).ravel().tolist()
        [0.20000000298023224, 0.20000000298023224, 0.20000000298023224, 0.20000000298023224]
    """
    if hasattr(images, "sample") and hasattr(images, "as_source"):
        images = images.sample(_SAMPLE)
    array = _as_array(argument, images)
    _check_layout(argument, array, shape, allow_empty)
    if array.dtype.kind == "f" or not array.size:
        with np.errstate(over="ignore"):  # what float32 cannot hold is reported as infinite
            values = array.astype(np.float32, copy=False)
            return _check_values(argument, values, unit, advice, missing)
    if array.dtype.kind == "b":
        return array.astype(np.float32)
    low, high = int(array.min()), int(array.max())
    if shape is not None and len(shape) != 3 and (array.dtype != np.uint8 or high <= 1):
        return _check_values(argument, array.astype(np.float32), unit, advice)
    if array.dtype == np.uint8 and high != 1 and (shape is None or len(shape) == 3):
        return np.divide(array, np.float32(255), dtype=np.float32)
    name = argument.rpartition(".")[2]
    if array.dtype == np.uint8:
        other = f'`{name}.astype("float32")` for ' + ("0 and 1" if high == 1 else "numbers")
        raise ValueError(
            f"`{argument}` must say what its uint8 values mean: `{name} / 255` for pixels from 0 "
            f"to 255, or {other}. Received: uint8 values from {low} to {high}"
        )
    binary = low >= 0 and high <= 1
    line = f'{name}.astype("float32")' if binary else _into_unit_range(name, low, high)
    raise ValueError(
        f"`{argument}` must be floating point, or uint8 from 0 to 255; "
        f"`{line}` makes them so. Received: {array.dtype} values from {low} to {high}"
    )


def check_picture(argument: str, image: Any, *, channels: int) -> NDArray[np.uint8]:
    """Return one image of a codec, whose values are always pixels from 0 to 255.

    Args:
        argument: Name of the argument, for messages.
        image: uint8 (height, width, channels), or (height, width) for a grey one; an image of
            Pillow, grey or RGB.
        channels: Of the codec.

    Returns:
        uint8 (height, width, channels).

    Raises:
        ValueError: If the type or the layout is another; see `check_images`.

    Example:
        >>> import numpy as np
        >>> check_picture("image", np.ones((2, 3), np.uint8), channels=1).shape
        (2, 3, 1)
    """
    array = _as_array(argument, image)
    if array.ndim == 2 and channels == 1:
        array = array[..., None]
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == channels:
        return array
    line = ""
    shape: tuple[int, ...] = array.shape
    if array.ndim == 4 and fits(shape, (1, None, None, channels)):
        line = f"{argument}[0]"
    elif array.ndim == 3 and shape[0] == channels and shape[2] != channels:
        line = f"np.moveaxis({argument}, 0, -1)"
    elif channels == 3 and (array.ndim == 2 or (array.ndim == 3 and shape[2] == 1)):
        line = f"np.repeat({argument}.reshape(*{argument}.shape[:2], 1), 3, axis=-1)"
    elif array.ndim == 3 and shape[2] == channels and array.size:
        line = _to_pixels(argument, array)
    elif array.ndim == 3 and shape[2] == 4 and channels == 3:
        line = f"{argument}[..., :3]"
    found = f"{array.dtype} of shape {shape}"
    if array.dtype != np.uint8 and array.dtype.kind in "iuf" and array.size:
        found += f" from {array.min():g} to {array.max():g}"
    raise ValueError(
        f"`{argument}` must be uint8 of shape (height, width, {channels}), pixels from 0 to 255"
        f"{_mending(line)}. Received: {found}"
    )


def check_pictures(
    argument: str, images: Any, *, channels: int | None = None
) -> list[NDArray[np.uint8]]:
    """Return several images for codecs, each as `check_picture` does.

    Args:
        argument: Name of the argument, for messages.
        images: A sequence of images, or uint8 (n, height, width, channels).
        channels: Of the codec; by default those of the first image.

    Raises:
        ValueError: If it is one image, or one of them is not as `check_picture` wants it.
    """
    if isinstance(images, np.ndarray) and images.ndim == 3 and images.shape[2] in (channels, 1, 3):
        raise ValueError(
            f"`{argument}` must be several images; `{argument}[None]` holds one. "
            f"Received: {images.dtype} of shape {images.shape}"
        )
    try:
        each = list(images)
    except TypeError:
        kind = type(images).__name__
        raise ValueError(f"`{argument}` must be a list of images. Received: {kind}") from None
    if channels is None:
        shape: tuple[int, ...] = _as_array(f"{argument}[0]", each[0]).shape if each else ()
        channels = 3 if len(shape) > 2 and shape[2] == 3 else 1
    return [check_picture(f"{argument}[{i}]", x, channels=channels) for i, x in enumerate(each)]


def check_numbers(argument: str, values: Any) -> NDArray[np.float64]:
    """Return codes, scores or other numbers, finite or not, as float64.

    Args:
        argument: Name of the argument, for messages.
        values: An array of any shape, or what NumPy makes one of.

    Raises:
        ValueError: If they are no numbers, a list is ragged, or a masked array has gaps.

    Example:
        >>> check_numbers("codes", [[1, 2]]).dtype
        dtype('float64')
    """
    with np.errstate(over="ignore"):  # what float64 cannot hold is infinite
        return _as_array(argument, values).astype(float, copy=False)


def fits(shape: Sequence[int], pattern: Shape) -> bool:
    """Whether a shape is that of the pattern, where None is any number."""
    return len(shape) == len(pattern) and all(
        b in (None, a) for a, b in zip(shape, pattern, strict=True)
    )


def limits(values: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest value, both NaN where one is."""
    pairs = [(block.min(), block.max()) for block in _blocks(values)]
    low, high = np.array(pairs, float).T
    return float(low.min()), float(high.max())


def _as_array(argument: str, images: Any) -> NDArray[Any]:
    """Any array, or a list that makes one, of numbers."""
    name = argument.rpartition(".")[2]
    some = images if isinstance(images, (list, tuple)) else [images]
    modes = {x.mode for x in some if hasattr(x, "mode") and hasattr(x, "getbands")}
    odd = sorted(modes - {*_PICTURE_MODES})
    if odd:
        raise ValueError(
            f'`{argument}` must be grey or RGB; `convert("RGB")` of Pillow\'s image makes it so. '
            f"Received: an image of mode {odd[0]!r}"
        )
    if isinstance(images, np.ma.MaskedArray) and np.ma.is_masked(images):
        raise ValueError(
            f"`{argument}` must have a value everywhere; `{name}.filled(0)` fills the gaps. "
            "Received: a masked array"
        )
    try:
        array = np.asarray(images)
    except (TypeError, ValueError, RuntimeError):
        array = np.empty((), object)
        array[()] = images
    if array.dtype.kind == "V" and array.dtype.names is None and "float" in array.dtype.name:
        array = array.astype(np.float32)  # bfloat16
    if array.dtype.kind in "biuf":
        return array
    shapes = {np.shape(x) for x in some if hasattr(x, "shape") or hasattr(x, "getbands")}
    if isinstance(images, (list, tuple)) and len(shapes) > 1:
        raise ValueError(
            f"`{argument}` must hold images of one shape. "
            f"Received: shapes {' and '.join(map(str, sorted(shapes, key=str)[:2]))}"
        )
    found = array.dtype if array.ndim else type(images).__name__
    way = ""
    if hasattr(images, "train") and hasattr(images, "test"):
        way = f"; `{name}.test` is one of its splits"
    elif array.ndim and array.dtype.kind == "O":
        way = _mending(f"np.stack(list({name}))")
    raise ValueError(f"`{argument}` must be an array of numbers{way}. Received: {found}")


def _check_layout(
    argument: str, array: NDArray[Any], shape: Shape | None, allow_empty: bool
) -> None:
    """Refuse another shape, with the line for those that are common elsewhere."""
    wanted = (None, None, None) if shape is None else tuple(shape)
    found, name, line = array.shape, argument.rpartition(".")[2], ""
    first = shape is None and fits(found, (None, None, None, None)) and _channels_first(found)
    if fits(found, (None, *wanted)) and not first:
        if 0 in found[1:]:
            raise ValueError(f"`{argument}` must hold pixels. Received: shape {found}")
        if len(array) or allow_empty:
            return
        raise ValueError(f"`{argument}` must hold at least one image. Received: shape {found}")
    if len(wanted) == 3:
        height, width, channels = wanted
        grey = channels == 1 or (shape is None and found[-1:] not in ((1,), (3,)))
        if first or fits(found, (None, channels, height, width)):
            line = f"np.moveaxis({name}, 1, -1)"
        elif grey and fits(found, (None, height, width)):
            line = f"{name}[..., None]"
        elif fits(found, wanted):
            line = f"{name}[None]"
    sides = ("height", "width", "channels") if shape is None else wanted
    text = ", ".join("any" if side is None else str(side) for side in sides)
    raise ValueError(
        f"`{argument}` must have the shape (n, {text}){_mending(line)}. Received: shape {found}"
    )


def _channels_first(shape: tuple[int, ...]) -> bool:
    return shape[1] in (1, 3) and shape[3] > 4 and shape[2] > 4


def _check_values(
    argument: str,
    values: NDArray[np.float32],
    unit: str | None,
    advice: str,
    missing: bool = False,
) -> NDArray[np.float32]:
    """Refuse values that are not finite or, if something needs that, not in [0, 1]."""
    if not values.size or _in_unit_range(values):
        return values
    if missing and not np.isinf(values).any():
        known = np.nan_to_num(values, nan=0.0)
        if unit is not None and not _in_unit_range(known):
            _check_values(argument, known, unit, advice)
        return values
    low, high = limits(values)
    name = argument.rpartition(".")[2]
    if not np.isfinite([low, high]).all():
        bad = [not np.isfinite(image).all() for image in values]
        if missing:
            bad = [bool(np.isinf(row).any()) for row in values]
            raise ValueError(
                f"`{argument}` must be finite, or NaN where a value is missing. "
                f"Received: infinity in {sum(bad)} of {len(bad)}"
            )
        raise ValueError(
            f"`{argument}` must be finite; `{name}[np.isfinite({name}).all(axis="
            f"{tuple(range(1, values.ndim))})]` leaves out what is not. "
            f"Received: NaN or infinity in {sum(bad)} of {len(bad)}"
        )
    if unit is None or (low >= 0 and high <= 1):
        return values
    if low >= -_SLACK and high <= 1 + _SLACK:
        return np.clip(values, 0, 1)
    line = _into_unit_range(name, low, high)
    raise ValueError(
        f"`{argument}` must have values in [0, 1] for {unit}; `{line}` brings them there{advice}."
        f" Received: values from {low:g} to {high:g}"
    )


def _in_unit_range(values: NDArray[np.float32]) -> bool:
    """Whether all values are in [0, 1]; False where -0.0 is among them, too.

    As integers the bits of floats keep their order, negative ones come last, and so do infinity
    and NaN. So one look at each value tells, where the smallest and the largest need two.
    """
    return all(block.view(np.uint32).max() <= _ONE for block in _blocks(values))


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    if values.flags.c_contiguous:
        values = values.reshape(-1)
    rows = max(1, _BLOCK * len(values) // values.size)
    for first in range(0, len(values), rows):
        yield values[first : first + rows]


def _into_unit_range(name: str, low: float, high: float) -> str:
    """The line of code that brings values from `low` to `high` into [0, 1]."""
    line = f"({name} - {name}.min()) / ({name}.max() - {name}.min())"
    if low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT:
        line = f"np.clip({name}, 0, 1)"
    elif -1 - _SLACK <= low < 0 and high <= 1 + _SLACK:
        line = f"({name} + 1) / 2"
    elif low >= 0 and high <= 65535:
        line = f"{name} / {high if high <= 16 else 255 if high <= 255 else 65535:g}"
    return line


def _to_pixels(name: str, array: NDArray[Any]) -> str:
    """The line of code that makes uint8 pixels of another type; empty where that is not plain."""
    if array.dtype.kind == "b":
        return f"np.uint8({name}) * 255"
    low, high = limits(array)
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return f"np.uint8(np.round({name} * 255))"
    if array.dtype.kind == "f" and low >= -1 and high <= 1:
        return f"np.uint8(np.round(({name} + 1) * 127.5))"
    if low >= 0 and high <= 255:
        return f"np.uint8(np.round({name}))"
    return f"np.uint8({name} // 257)" if array.dtype == np.uint16 else ""


def _mending(line: str) -> str:
    return f"; `{line}` mends it" if line else ""
