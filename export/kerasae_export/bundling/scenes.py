"""Pictures that are drawn by rule for models of photographs: a landscape, and faces."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

__all__ = ["draw_faces", "draw_landscape"]

Field = NDArray[np.float64]  # (height, width), or (height, width, 3) of a colour

_FINE = 3  # times as many rows and columns while a landscape is drawn
_GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as ITU-R BT.601 weighs them
_LARGE = 2**18  # pixels from which a landscape is drawn as it is: its edges are soft anyway
_HORIZON = 0.56
_HILLS = (
    ((0.72, 0.66, 0.68), 0.5, 0.1),
    ((0.42, 0.5, 0.42), 0.57, 0.09),
    ((0.24, 0.33, 0.17), 0.68, 0.07),
)
"""Colour, height of the ridge from above, and half of its rise, from far to near."""
_SUN = 0.66, 0.3  # of the width, of the height
_FEWEST = 20  # images whose mean says what they have in common
_ALIKE = 0.15  # of the variance of images is that of their mean, where they are cut out alike
_LIKE_A_FACE = 0.75  # correlation of their mean with a drawn face
_SKIN = np.array([0.75, 1.0, 1.2])  # powers that make a brightness red, green and blue
_ENOUGH = 32  # pixels of a side, to tell how large a face is and where
_LOOKS = ((-0.7, 0.02, 0.74), (0.6, -0.01, 0.62), (0.1, 0.05, 0.8), (-0.2, 0.0, 0.5))
"""Light, smile and brightness of the four faces that are drawn."""


def draw_landscape(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Draw hills in the light of a low sun: soft shades, haze, clouds, trees and grass.

    Returns:
        uint8 of shape (height, width, channels), with 1 or 3 channels; the same at every call.
    """
    fine = _FINE if height * width <= _LARGE else 1
    rows, columns = fine * height, fine * width
    y, x = np.mgrid[0:rows, 0:columns] / rows  # x to the width over the height
    aspect = columns / rows
    rng = np.random.default_rng(7)
    picture = _sky(x, y, aspect, rng)
    for colour, base, rise in _HILLS:
        ground = _noise((rows, columns), 5, rng)
        ridge = base - rise * (np.sin(5 * x[0] / aspect + 9 * base) + 2 * ground[0] - 1)
        if base == _HILLS[-1][1]:
            ridge = ridge - _trees(x[0], aspect, rng)
        below = _soft((y - ridge) * height)
        light = 0.9 + 0.9 * (ground - 0.5)
        haze = np.clip((y - ridge) / 0.35, 0, 1)[..., None] * (1 - base)
        hill = np.array(colour) * light[..., None] * (1 - haze) + haze * np.array(_HILLS[-1][0])
        picture = picture + below[..., None] * (hill - picture)
    picture = _meadow(picture, x, y, rng)
    small = picture.reshape(height, fine, width, fine, 3).mean(axis=(1, 3))
    return _pixels(small if channels == 3 else (small @ _GREY)[..., None])


def _sky(x: Field, y: Field, aspect: float, rng: np.random.Generator) -> Field:
    """Blue above, warm at the horizon, a sun, and clouds that are brighter towards it."""
    blend = np.clip(y / _HORIZON, 0, 1)[..., None] ** 1.3
    sky = (1 - blend) * np.array([0.3, 0.5, 0.78]) + blend * np.array([0.96, 0.85, 0.7])
    away = np.hypot(x - _SUN[0] * aspect, y - _SUN[1])
    cover = _noise(x.shape, 5, rng, stretch=2.5)
    cloud = np.clip((cover - 0.5) * 4, 0, 0.85)[..., None]
    white = (0.8 + 0.2 * np.exp(-3 * away))[..., None] * np.array([1.0, 0.97, 0.94])
    sky = sky + cloud * (white - sky)
    glow = 0.55 * np.exp(-away / 0.18) + _soft((0.055 - away) * 60)
    return sky + np.clip(glow, 0, 1)[..., None] * (np.array([1.0, 0.96, 0.82]) - sky)


def _trees(x: Field, aspect: float, rng: np.random.Generator) -> Field:
    """How far crowns rise over a ridge at each column."""
    rise = np.zeros_like(x)
    for _ in range(24):
        centre, wide, tall = rng.uniform((0, 0.012, 0.03), (aspect, 0.03, 0.1))
        crown = np.sqrt(np.clip(1 - ((x - centre) / wide) ** 2, 0, None))
        rise = np.maximum(rise, tall * crown)
    return rise


def _meadow(picture: Field, x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Grass in front, whose blades grow towards the eye."""
    edge = 0.78 + 0.04 * np.sin(3 * x + 1)
    near = np.clip((y - edge) / (1 - edge), 0, 1)
    blades = _noise(x.shape, 7, rng, stretch=0.6)
    light = 0.55 + 0.5 * near + (0.5 + near) * (blades - 0.5)
    grass = light[..., None] * np.array([0.56, 0.6, 0.26])
    return picture + _soft((y - edge) * 80)[..., None] * (grass - picture)


def draw_faces(images: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Draw four faces from the front where others have theirs, in two rows.

    Args:
        images: float32 (n, height, width, channels) in [0, 1], with 1 or 3 channels.

    Returns:
        uint8 (2 height, 2 width, channels); None if these images are fewer than 20, or have too
        little in common, or that is not like a face.
    """
    if len(images) < _FEWEST:
        return None
    grey = images.mean(axis=-1, dtype=np.float64)
    mean = grey.mean(axis=0)
    if mean.std() < 1e-6 or mean.var() < _ALIKE * grey.var():
        return None
    rows, columns = (min(side, _ENOUGH) for side in mean.shape)
    small = Image.fromarray(mean.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    y, x = _centred(rows, columns)
    shifts = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)
    best, likeness = (1.0, 0.0, 0.0, True), _LIKE_A_FACE
    for size, right, down, hair in itertools.product(
        (0.8, 0.9, 1.0, 1.15, 1.3), shifts, shifts, (True, False)
    ):
        face = _face((x - right) / size, (y - down) / size, hair)
        alike = float(np.corrcoef(face.ravel(), np.asarray(small).ravel())[0, 1])
        if alike > likeness:
            best, likeness = (size, right, down, hair), alike
    if likeness == _LIKE_A_FACE:
        return None
    size, right, down, hair = best
    y, x = _centred(*mean.shape)
    x, y = (x - right) / size, (y - down) / size
    four = [_face(x, y, hair, *look) for look in _LOOKS]
    picture = np.concatenate([np.concatenate(pair, axis=1) for pair in (four[:2], four[2:])])
    if images.shape[3] == 1:
        return _pixels(picture[..., None])
    return _pixels(picture[..., None] ** _SKIN)


def _centred(rows: int, columns: int) -> tuple[Field, Field]:
    """Y and x of the middle of each pixel, from -0.5 to 0.5."""
    y, x = np.mgrid[0:rows, 0:columns]
    return (y + 0.5) / rows - 0.5, (x + 0.5) / columns - 0.5


def _face(
    x: Field, y: Field, hair: bool, light: float = 0.0, smile: float = 0.0, skin: float = 0.7
) -> Field:
    """A face around (0, 0), about 1 high and 0.8 wide, shaded by soft spots.

    `hair` says whether a line of hair is seen above the forehead; `light` comes from the left, -1,
    to the right, 1; `skin` is its brightness.
    """
    shade = 1 + 0.8 * light * x - 1.6 * x**2 - 0.25 * (y + 0.1)
    face = skin * shade
    for side in (-1, 1):
        face = face + 0.08 * _spot(x, y, 0.2 * side, 0.06, 0.1, 0.08)  # cheek
        face = face - 0.16 * _spot(x, y, 0.17 * side, -0.09, 0.13, 0.08)  # socket
        face = face + 0.1 * _spot(x, y, 0.17 * side, -0.07, 0.07, 0.025)  # white of the eye
        face = face - 0.34 * _spot(x, y, 0.17 * side, -0.075, 0.035, 0.03)  # pupil
        brow = y + 0.17 - 0.5 * (x - 0.17 * side) ** 2
        face = face - 0.24 * _spot(x, brow, 0.18 * side, 0.0, 0.11, 0.028)
        face = face - 0.15 * _spot(x, y, 0.055 * side, 0.125, 0.035, 0.022)  # nostril
    away = np.sign(light)
    face = face - 0.1 * abs(away) * _spot(x, y, 0.06 * away, 0.02, 0.035, 0.12)  # side of the nose
    face = face - 0.08 * _spot(x, y, 0.0, 0.16, 0.09, 0.03)  # under the nose
    lips = y - 0.255 + 5 * smile * x**2
    face = face - 0.3 * _spot(x, lips, 0.0, 0.0, 0.13, 0.022)
    face = face - 0.1 * _spot(x, lips, 0.0, 0.03, 0.11, 0.03)
    face = face - 0.08 * _spot(x, y, 0.0, 0.36, 0.12, 0.025)  # above the chin
    picture = 0.35 - 0.2 * light * x  # what is behind
    neck = np.clip((0.24 - np.abs(x)) * 12, 0, 1) * np.clip((y - 0.2) * 8, 0, 1)
    picture = picture + neck * (0.55 * skin * shade - picture)
    head = _soft((1 - np.hypot(x / 0.46, (y + 0.08) / 0.52)) * 9)
    picture = picture + head * (0.16 + 0.1 * light * x - picture)
    middle, tall = (0.0, 0.475) if hair else (-0.05, 0.525)
    inside = _soft((1 - np.hypot(x / 0.385, (y - middle) / tall)) * 9)
    if hair:
        inside = inside * np.clip((y + 0.36 - 0.5 * x**2) * 12, 0, 1)
    picture = picture + inside * (face - picture)
    return np.clip(picture, 0, 1)


def _spot(x: Field, y: Field, right: float, down: float, wide: float, tall: float) -> Field:
    spot: Field = np.exp(-(((x - right) / wide) ** 2) - ((y - down) / tall) ** 2)
    return spot


def _soft(signed: ArrayLike) -> Field:
    """From 0 to 1 over an edge, the distance to which is in units of its softness."""
    return np.clip(np.asarray(signed, float) + 0.5, 0, 1)


def _noise(
    shape: tuple[int, ...], octaves: int, rng: np.random.Generator, stretch: float = 1.0
) -> Field:
    """Fractal noise in [0, 1], about 0.5: random values, smoothly joined, ever finer and weaker.

    `stretch` is how much longer its features are than high.
    """
    rows, columns = shape
    total, weight = np.zeros(shape), 0.0
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = rng.random((cells + 2, round(cells * columns / rows / stretch) + 2))
        y = np.linspace(0, cells, rows)
        x = np.linspace(0, grid.shape[1] - 2, columns)
        (top, down), (left, right) = ((np.floor(v).astype(int), v % 1) for v in (y, x))
        down, right = (t * t * (3 - 2 * t) for t in (down[:, None], right[None]))
        upper = grid[top][:, left] * (1 - right) + grid[top][:, left + 1] * right
        lower = grid[top + 1][:, left] * (1 - right) + grid[top + 1][:, left + 1] * right
        total += (upper * (1 - down) + lower * down) * 0.6**octave
        weight += 0.6**octave
    return total / weight


def _pixels(picture: Field) -> NDArray[np.uint8]:
    return np.floor(np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
