"""Procedural street scenes with a class for each pixel, behind `load_images("streets")`.

A camera at a height of 1.4 m looks along a street of random houses, trees, cars and people, which
are painted from far to near with Pillow, at three times the size. A pixel's colour is the mean of
its nine samples, and its label is the class of more than half of them. Pixels without such a class,
and those of the bonnet of the camera's own car, are unlabelled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CLASSES = (
    "sky",
    "building",
    "road",
    "pavement",
    "tree",
    "car",
    "pedestrian",
    "pole",
    "unlabelled",
)
SKY, BUILDING, ROAD, PAVEMENT, TREE, CAR, PEDESTRIAN, POLE, UNLABELLED = range(len(CLASSES))

_SAMPLES = 3  # along each side of a pixel
_SEED = 2009
_FOCAL, _CAMERA = 0.9, 1.4  # in heights of the image; in metres, as all lengths in a scene
_KERB, _FRONT, _END = 3.6, 6.6, 90.0  # half the road, half the street, how far it goes
_HAZE = 110.0

Colour = tuple[int, int, int]
Point = tuple[float, float, float]  # metres: to the right, up, ahead

_WALLS: tuple[Colour, ...] = (
    (178, 92, 74), (205, 178, 138), (148, 156, 166), (224, 214, 196), (120, 108, 104),
    (196, 140, 100), (164, 176, 158), (90, 100, 118),
)  # fmt: skip
_PAINTS: tuple[Colour, ...] = (
    (186, 38, 38), (34, 74, 150), (232, 232, 236), (40, 42, 48), (140, 146, 152), (214, 168, 44),
    (30, 104, 84),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (200, 60, 60), (52, 78, 160), (236, 196, 70), (60, 64, 72), (110, 160, 110), (214, 214, 218),
    (140, 70, 140),
)  # fmt: skip
_LIGHTS: tuple[tuple[Colour, Colour, float], ...] = (
    ((96, 150, 222), (206, 226, 242), 1.0),  # zenith, horizon, brightness: clear
    ((150, 162, 176), (212, 216, 220), 0.86),  # overcast
    ((110, 120, 176), (246, 198, 150), 0.8),  # evening
)


@functools.lru_cache(maxsize=1024)
def street(index: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The street of an index: pixels (height, width, 3) and labels (height, width), uint8.

    The same index gives the same street at every size of one aspect ratio.
    """
    rng = np.random.default_rng([_SEED, index])
    scene = _Scene(rng, size)
    _houses(scene, rng)
    _ground(scene, rng)
    things: list[tuple[float, Callable[[], None]]] = []
    for side in (-1, 1):
        things += _along(scene, rng, side)
    things += _traffic(scene, rng)
    for _, paint in sorted(things, key=lambda thing: -thing[0]):
        paint()
    _bonnet(scene, rng)
    return scene.finish(rng)


class _Scene:
    """A picture and its labels, painted in perspective."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self.size = size
        self.height, self.width = size[0] * _SAMPLES, size[1] * _SAMPLES
        self.horizon = rng.uniform(0.4, 0.5)
        self.vanishing = 0.5 * self.width / self.height + rng.uniform(-0.12, 0.12)
        zenith, self.haze, self.light = _LIGHTS[rng.choice(len(_LIGHTS), p=(0.5, 0.3, 0.2))]
        self.lit = int(rng.choice((-1, 1)))  # the side of the street that the sun is on
        self.picture = self._sky(rng, zenith)
        self.labels = Image.new("L", (self.width, self.height), SKY)
        self._drawings = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.labels)

    def polygon(self, points: Sequence[Point], colour: Colour, label: int | None) -> None:
        """Paint an area; without a label it is a detail of something that has been painted."""
        flat = [self._project(point) for point in points]
        seen = self._seen(colour, min(z for _, _, z in points))
        self._drawings[0].polygon(flat, fill=seen)
        if label is not None:
            self._drawings[1].polygon(flat, fill=label)

    def disc(self, centre: Point, radius: float, colour: Colour, label: int | None) -> None:
        """Paint a circle that faces the camera."""
        x, y = self._project(centre)
        r = radius * _FOCAL * self.height / centre[2]
        box = (x - r, y - r, x + r, y + r)
        self._drawings[0].ellipse(box, fill=self._seen(colour, centre[2]))
        if label is not None:
            self._drawings[1].ellipse(box, fill=label)

    def upright(
        self, x: float, z: float, width: float, low: float, high: float, colour: Colour,
        label: int | None,
    ) -> None:  # fmt: skip
        """Paint a rectangle that faces the camera."""
        left, right = x - width / 2, x + width / 2
        corners = [(left, low, z), (right, low, z), (right, high, z), (left, high, z)]
        self.polygon(corners, colour, label)

    def ellipse(self, box: tuple[float, float, float, float], colour: Colour, label: int) -> None:
        """Paint an ellipse given in heights of the image."""
        scaled = [side * self.height for side in box]
        self._drawings[0].ellipse(scaled, fill=colour)
        self._drawings[1].ellipse(scaled, fill=label)

    def finish(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Reduce to the size of the image."""
        small = np.asarray(self.picture.reduce(_SAMPLES), np.float32) * self.light
        small += rng.normal(0, 4, small.shape)
        blocks = np.asarray(self.labels).reshape(self.size[0], _SAMPLES, self.size[1], _SAMPLES)
        samples = np.sort(blocks.transpose(1, 3, 0, 2).reshape(-1, *self.size), axis=0)
        middle = samples[len(samples) // 2]  # the class of more than half, if there is one
        labels = np.where(2 * (samples == middle).sum(axis=0) > len(samples), middle, UNLABELLED)
        finished = np.clip(small, 0, 255).astype(np.uint8), labels.astype(np.uint8)
        for array in finished:
            array.setflags(write=False)  # it is kept
        return finished

    def _project(self, point: Point) -> tuple[float, float]:
        x, y, z = point
        return (
            (self.vanishing + _FOCAL * x / z) * self.height,
            (self.horizon - _FOCAL * (y - _CAMERA) / z) * self.height,
        )

    def _seen(self, colour: Colour, distance: float) -> Colour:
        return _mixed(colour, self.haze, 1 - np.exp(-distance / _HAZE))

    def _sky(self, rng: np.random.Generator, zenith: Colour) -> Image.Image:
        y, x = np.linspace(0, 1, self.height), np.linspace(0, 1, self.width)
        ramp = np.clip(y / self.horizon, 0, 1)[:, None, None]
        pixels = (1 - ramp) * np.array(zenith) + ramp * np.array(self.haze)
        clouds = np.zeros((self.height, self.width))
        for _ in range(rng.integers(0, 9)):
            row, column = rng.uniform(0, 0.35), rng.uniform(0, 1)
            tall, wide = rng.uniform(0.01, 0.04), rng.uniform(0.05, 0.2)
            clouds += np.outer(
                np.exp(-np.square((y - row) / tall)), np.exp(-np.square((x - column) / wide))
            )
        cover = 0.8 * np.clip(clouds, 0, 1)[..., None]
        return Image.fromarray(((1 - cover) * pixels + cover * 248).astype(np.uint8))


def _houses(scene: _Scene, rng: np.random.Generator) -> None:
    """The far end of the street, then house by house towards the camera, on both sides."""
    far = rng.uniform(4, 12)
    if rng.random() < 0.5:
        scene.upright(0, _END, 60, 0, far, (120, 118, 122), BUILDING)
    else:
        for x in np.arange(-30, 31, 4.0):
            scene.disc((x, 1.5, _END), rng.uniform(3, 5), (70, 96, 62), TREE)
    for side in (-1, 1):
        edges = [1.0]
        while edges[-1] < _END:
            edges.append(edges[-1] + rng.uniform(5, 14))
        for near, end in zip(edges[-2::-1], edges[:0:-1], strict=True):
            if rng.random() < 0.14:
                _hedge(scene, rng, side, near, end)
            else:
                _house(scene, rng, side, near, end)


def _house(scene: _Scene, rng: np.random.Generator, side: int, near: float, end: float) -> None:
    x, high = side * _FRONT, rng.integers(2, 6) * 3.0 + rng.uniform(0.5, 1.5)
    wall = _varied(rng, _WALLS[rng.integers(len(_WALLS))])
    front = _mixed(wall, (0, 0, 0), 0.08 if side == scene.lit else 0.34)
    gable = _mixed(wall, (0, 0, 0), 0.22)
    scene.upright(x + side * 5, near, 10, 0, high, gable, BUILDING)
    scene.polygon(_wall(x, near, end, 0, high), front, BUILDING)
    scene.polygon(_wall(x, near, end, high - 0.4, high), _mixed(front, (0, 0, 0), 0.25), None)
    if near > 45:
        return
    glass = _mixed((58, 74, 92), (250, 226, 150), rng.choice((0.0, 0.0, 0.35)))
    shop = _varied(rng, _PAINTS[rng.integers(len(_PAINTS))])
    for z in np.arange(near + 0.7, end - 1.3, 2.4):
        for low in np.arange(3.8, high - 1.8, 3.0):
            scene.polygon(_wall(x, z, z + 1.2, low, low + 1.6), glass, None)
    if rng.random() < 0.5:
        scene.polygon(_wall(x, near + 0.4, end - 0.4, 0.5, 2.3), glass, None)
        scene.polygon(_wall(x, near + 0.4, end - 0.4, 2.4, 3.0), shop, None)
    else:
        for z in np.arange(near + 0.7, end - 1.3, 2.4):
            low = 0.0 if rng.random() < 0.25 else 0.9  # a door, or a window
            colour = shop if low == 0 else glass
            scene.polygon(_wall(x, z, z + 1.1, low, 2.4), colour, None)


def _hedge(scene: _Scene, rng: np.random.Generator, side: int, near: float, end: float) -> None:
    """A gap between houses: a garden with a hedge and trees."""
    scene.polygon(_wall(side * 12, near, end, 0, 3), (66, 92, 58), TREE)
    for z in np.arange(end - 1.5, near, -3.0):
        _tree(scene, rng, side * rng.uniform(8.5, 10), z, rng.uniform(0.9, 1.3))
    scene.polygon(_wall(side * _FRONT, near, end, 0, 1.1), (58, 100, 52), TREE)


def _ground(scene: _Scene, rng: np.random.Generator) -> None:
    grey = int(rng.integers(78, 106))
    asphalt, slabs = (grey, grey, grey + 4), _varied(rng, (166, 158, 150))
    for side in (-1, 1):
        scene.polygon(_flat(side * _KERB, side * _FRONT, 0.5, _END), slabs, PAVEMENT)
        joint = _mixed(slabs, (0, 0, 0), 0.14)
        for z in np.arange(2.0, 20.0, 1.5):
            scene.polygon(_flat(side * _KERB, side * _FRONT, z, z + 0.06), joint, None)
    scene.polygon(_flat(-_KERB, _KERB, 0.5, _END), asphalt, ROAD)
    for side in (-1, 1):
        kerb = _flat(side * _KERB, side * (_KERB + 0.18), 0.5, _END)
        scene.polygon(kerb, _mixed(slabs, (255, 255, 255), 0.35), PAVEMENT)
    for _ in range(rng.integers(0, 4)):  # patches of newer asphalt
        x, z = rng.uniform(-3, 2), rng.uniform(2, 18)
        patch = _mixed(asphalt, (30, 30, 32), 0.3)
        scene.polygon(_flat(x, x + rng.uniform(0.6, 1.6), z, z + rng.uniform(0.8, 3)), patch, None)
    white, first = (226, 224, 216), rng.uniform(0, 4)
    for z in np.arange(1.0 + first, 60.0, 4.0):
        scene.polygon(_flat(-0.07, 0.07, z, z + 1.8), white, None)
    if rng.random() < 0.35:
        z = rng.uniform(5, 14)
        for x in np.arange(-3.4, 3.3, 0.9):
            scene.polygon(_flat(x, x + 0.45, z, z + 2.6), white, None)


def _along(
    scene: _Scene, rng: np.random.Generator, side: int
) -> list[tuple[float, Callable[[], None]]]:
    """What stands on one pavement: trees, poles and people."""
    things: list[tuple[float, Callable[[], None]]] = []
    spacing, leafy = rng.uniform(7, 13), rng.random() < 0.7
    for z in np.arange(rng.uniform(5, 10), 60.0, spacing):
        if leafy:
            large = rng.uniform(0.8, 1.2)
            tree = functools.partial(_tree, scene, rng, side * 4.4, float(z), large)
            things.append((float(z), tree))
        where = float(z + spacing * rng.uniform(0.35, 0.65))
        pole = functools.partial(_pole, scene, side, where, rng.random(), int(rng.integers(3)))
        things.append((where, pole))
    for z in 4.5 + 26 * rng.random(rng.integers(0, 6)) ** 1.5:
        x = side * rng.uniform(4.7, 6.1)
        things.append((float(z), functools.partial(_person, scene, rng, x, float(z))))
    return things


def _traffic(scene: _Scene, rng: np.random.Generator) -> list[tuple[float, Callable[[], None]]]:
    """Cars that drive or are parked, and now and then somebody who crosses."""
    things: list[tuple[float, Callable[[], None]]] = []
    for side in (-1, 1):
        for x, chance, step in ((side * 1.6, 0.3, 9.0), (side * 2.75, 0.45, 6.0)):
            for z in np.arange(rng.uniform(5, 9), 50.0, step):
                if rng.random() < chance * (x > 0 or z > 6):
                    car = functools.partial(_car, scene, rng, x, float(z), oncoming=side < 0)
                    things.append((float(z), car))
    if rng.random() < 0.3:
        z = rng.uniform(7, 16)
        things.append((z, functools.partial(_person, scene, rng, rng.uniform(-3, 3), z)))
    return things


def _tree(scene: _Scene, rng: np.random.Generator, x: float, z: float, large: float) -> None:
    scene.upright(x, z, 0.28 * large, 0, 2.6 * large, (88, 66, 48), TREE)
    leaf = _varied(rng, (74, 122, 58))
    for i in range(9):
        angle = rng.uniform(0, 2 * np.pi)
        up = 3.6 * large + 0.9 * np.sin(angle)
        shade = _mixed(leaf, (20, 40, 20), 0.5 - 0.055 * i)
        radius = large * rng.uniform(0.55, 0.95)
        scene.disc((x + 0.9 * np.cos(angle), up + 0.06 * i, z), radius, shade, TREE)


def _pole(scene: _Scene, side: int, z: float, kind: float, colour: int) -> None:
    x, grey = side * 3.95, (92, 96, 100)
    if kind < 0.6:  # a street lamp
        scene.upright(x, z, 0.15, 0, 5.2, grey, POLE)
        scene.upright(x - side * 0.6, z, 1.3, 5.1, 5.25, grey, POLE)
        scene.upright(x - side * 1.1, z, 0.4, 4.98, 5.12, (240, 236, 214), POLE)
    else:  # a road sign
        scene.upright(x, z, 0.12, 0, 2.6, grey, POLE)
        paint = ((30, 84, 170), (190, 36, 40), (236, 190, 50))[colour]
        scene.disc((x, 2.5, z), 0.38, (240, 240, 240), POLE)
        scene.disc((x, 2.5, z), 0.31, paint, POLE)


def _person(scene: _Scene, rng: np.random.Generator, x: float, z: float) -> None:
    tall, stride = rng.uniform(0.9, 1.05), rng.uniform(0.08, 0.2)
    coat, legs = (_varied(rng, _CLOTHES[rng.integers(len(_CLOTHES))]) for _ in range(2))
    skin = _mixed((236, 196, 164), (92, 60, 42), rng.random())
    for step in (-stride, stride):
        foot = [(x + step - 0.1, 0.0, z), (x + step + 0.1, 0.0, z)]
        hip = [(x + 0.14, 0.9 * tall, z), (x - 0.14, 0.9 * tall, z)]
        scene.polygon([*foot, *hip], _mixed(legs, (0, 0, 0), 0.35), PEDESTRIAN)
    scene.upright(x, z, 0.52, 0.8 * tall, 1.48 * tall, coat, PEDESTRIAN)
    scene.disc((x, 1.62 * tall, z), 0.16, skin, PEDESTRIAN)


def _car(scene: _Scene, rng: np.random.Generator, x: float, z: float, *, oncoming: bool) -> None:
    paint, long = _varied(rng, _PAINTS[rng.integers(len(_PAINTS))]), 4.0
    scene.polygon(_flat(x - 1.1, x + 1.1, z - 0.1, z + long), (38, 38, 42), None)  # its shadow
    inner = x - np.sign(x) * 0.85
    flank, glass = _mixed(paint, (0, 0, 0), 0.3), (52, 64, 78)
    scene.polygon(_wall(inner, z, z + long, 0.3, 0.88), flank, CAR)
    for along in (0.7, long - 0.8):
        scene.polygon(_wall(inner, z + along - 0.32, z + along + 0.32, 0, 0.6), (24, 24, 26), CAR)
    roof = [(inner, 0.88, z + 0.4), (inner, 0.88, z + 3), (inner, 1.42, z + 2.4)]
    scene.polygon([*roof, (inner, 1.42, z + 0.9)], glass, CAR)
    base = [(x - 0.8, 0.88, z + 0.3), (x + 0.8, 0.88, z + 0.3)]
    top = [(x + 0.62, 1.42, z + 0.8), (x - 0.62, 1.42, z + 0.8)]
    scene.polygon([*base, *top], paint, CAR)
    pane = [(x - 0.68, 0.94, z + 0.3), (x + 0.68, 0.94, z + 0.3)]
    scene.polygon([*pane, (x + 0.52, 1.34, z + 0.8), (x - 0.52, 1.34, z + 0.8)], glass, None)
    for wheel in (-0.65, 0.65):
        scene.upright(x + wheel, z, 0.28, 0, 0.4, (24, 24, 26), CAR)
    scene.upright(x, z, 1.72, 0.26, 0.9, paint, CAR)
    scene.upright(x, z, 0.5, 0.4, 0.54, (236, 236, 220), None)  # its number plate
    light = (255, 244, 190) if oncoming else (214, 30, 34)
    for lamp in (-0.68, 0.68):
        scene.upright(x + lamp, z, 0.26, 0.62, 0.78, light, None)


def _bonnet(scene: _Scene, rng: np.random.Generator) -> None:
    """The car that carries the camera: part of no class."""
    if rng.random() < 0.6:
        middle = scene.width / scene.height / 2 + rng.uniform(-0.08, 0.08)
        top, paint = rng.uniform(0.9, 0.96), _PAINTS[rng.integers(len(_PAINTS))]
        dark = _mixed(paint, (16, 16, 20), 0.55)
        scene.ellipse((middle - 0.75, top, middle + 0.75, 1.5), dark, UNLABELLED)


def _wall(x: float, near: float, end: float, low: float, high: float) -> list[Point]:
    """A rectangle along the street."""
    return [(x, low, near), (x, low, end), (x, high, end), (x, high, near)]


def _flat(left: float, right: float, near: float, end: float) -> list[Point]:
    """A rectangle on the ground."""
    return [(left, 0.0, near), (right, 0.0, near), (right, 0.0, end), (left, 0.0, end)]


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _varied(rng: np.random.Generator, colour: Colour) -> Colour:
    red, green, blue = np.clip(np.array(colour) + rng.normal(0, 10, 3), 0, 255).astype(int)
    return int(red), int(green), int(blue)
