"""Train the codec of photographs that ships with the package.

    python benchmarks/train_photo_codec.py PHOTOGRAPHS [--out FOLDER] [--rounds N]

PHOTOGRAPHS is the folder of the Debian packages that `benchmarks/photo/pictures.py` names. Starts
from the analytic lapped transform, fits its matrices, then classes, levels, contexts and tables in
rounds, each of them coding the training photographs at all kinds of steps with the family of the
round before. After each round the family is saved, and a second call goes on from
there. Prints rate and distortion on the validation photographs.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from photo.pictures import training_photographs, validation_photographs
from photo.tables import (
    Counts,
    count,
    fit_class_tables,
    fit_levels,
    fit_tables,
)
from photo.transforms import colours, fitted, lapped

from kerasae_export.format.family import CELL, CHANNELS, QUALITIES, Family
from kerasae_export.photo.codec import MULTIPLIER, TRIES, PhotoCodec
from kerasae_export.photo.decisions import Tradeoff, decide, lowest, round_symbols
from kerasae_export.photo.refinement import refine
from kerasae_export.photo.transform import COEFFICIENT_UNIT, Transform

SEED = 0
CLASSES = 64
NEIGHBOURS = 12
BANDS = 5
STEPS = np.array([2, 3.5, 6, 9, 13, 18, 24, 32, 42, 56, 75, 100, 130, 175, 240, 330])
THINNED = 3  # one cell in so many begins the classes
TURNS = 10
EVERY = 8  # each photograph is coded at one step in so many in a round
MEMORY = 0.7  # of what a round counted, so much counts in the next
MAPS = 6  # rounds whose maps of classes count
CORNERS = {1: 400, 25: 130, 50: 64, 75: 30, 90: 13, 100: 2}  # quality: step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/photo_codec"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / "log.jsonl"
    done = len(log.read_text().splitlines()) if log.exists() else 0
    start = time.monotonic()
    photographs = training_photographs(options.photographs)
    validation = validation_photographs(options.photographs)
    print(f"{len(photographs)} photographs, {sum(p.size for p in photographs) / 3e6:.1f} MP")
    if done:
        family = Family.from_json((options.out / "family.json").read_bytes())
        state = dict(np.load(options.out / "state.npz"))
    else:
        colour = colours(photographs)
        block, overlap = fitted(*lapped(CELL), colour, photographs, SEED)
        state = {"colour": colour, "block": block, "overlap": overlap}
        family = None
    transform = Transform(state["colour"], state["block"], state["overlap"])
    coded = [Coded(p, transform) for p in photographs]
    print(f"{time.monotonic() - start:.0f} s: transformed", flush=True)
    for index in range(done, options.rounds):
        if family is None:
            counts = first_counts(coded, index)
        else:
            counts = later_counts(coded, family, state["alive"], index)
            remember(counts, state, index)
        print(f"{time.monotonic() - start:.0f} s: counted", flush=True)
        content, state["alive"] = fit(counts, state, coded, index)
        family = Family.from_json(content)
        points = validate(family, validation)
        line = {"round": index, "seconds": time.monotonic() - start, "validation": points}
        np.savez(options.out / "state.npz", **state)
        (options.out / "family.json").write_bytes(content)
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


class Coded:
    """A training photograph as coefficients."""

    def __init__(self, photograph: np.ndarray, transform: Transform) -> None:
        self.size = photograph.shape[:2]
        self.rows, self.columns = (-(-n // CELL) for n in self.size)
        self.coefficients = transform.forward(photograph) / np.float32(COEFFICIENT_UNIT)


def step_of_quality() -> np.ndarray:
    """The step of each quality, geometric between the corners."""
    quality = np.arange(1, QUALITIES + 1)
    return np.exp(np.interp(quality, list(CORNERS), np.log(list(CORNERS.values()))))


def band_of(step: float) -> int:
    """The range of the quality whose step is closest."""
    return int(np.argmin(np.abs(np.log(step_of_quality() / step)))) * BANDS // QUALITIES


def passes(coded: list[Coded], index: int):
    """The photographs, each at some of the steps, and every one at others in the next round."""
    for i, photograph in enumerate(coded):
        for step in STEPS[(i + 3 * index) % EVERY :: EVERY]:
            yield photograph, step


def remember(counts: Counts, state: dict, index: int) -> None:
    """Add what earlier rounds counted, at other steps, and keep it for the next.

    Classes keep their numbers from round to round; levels do not: contexts are counted anew.
    """
    for name in ("magnitudes", "gain"):
        values = getattr(counts, name)
        values += MEMORY * state.get(name, 0)
        state[name] = values.copy()
    shapes = [(index, band, *grid.shape) for band, grid in counts.maps]
    cells = [grid.ravel() for _, grid in counts.maps]
    counts.maps.extend(maps_of(state))
    recent = state["shapes"][:, 0] > index - MAPS if "shapes" in state else np.zeros(0, bool)
    kept = [grid.ravel() for (_, grid), new in zip(maps_of(state), recent, strict=True) if new]
    state["shapes"] = np.array([*shapes, *state.get("shapes", np.zeros((0, 4), int))[recent]])
    state["cells"] = np.concatenate([*cells, *kept])


def maps_of(state: dict) -> list[tuple[int, np.ndarray]]:
    """The maps of classes that earlier rounds left, each with its band."""
    maps, at = [], 0
    for _, band, rows, columns in state.get("shapes", ()):
        grid = state["cells"][at : at + rows * columns].reshape(rows, columns)
        maps.append((int(band), grid))
        at += rows * columns
    return maps


def first_counts(coded: list[Coded], index: int) -> Counts:
    """Classes by expectation and maximisation over symbols rounded with a dead zone."""
    pieces = []
    for photograph, step in passes(coded, index):
        pieces.append(magnitudes_of(photograph, step)[1][::THINNED])
    generous = maximise(np.concatenate(pieces))
    del pieces
    counts = Counts.empty(CLASSES)
    alive = np.ones((CLASSES, CHANNELS), np.uint8)
    for photograph, step in passes(coded, index):
        symbols, magnitude = magnitudes_of(photograph, step)
        own = cheapest(magnitude, *generous).astype(np.uint8)
        scaled = photograph.coefficients / np.float32(step)
        count(counts, scaled, symbols, own, alive)
        counts.maps.append((band_of(step), own.reshape(photograph.rows, photograph.columns)))
    return counts


def magnitudes_of(photograph: Coded, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Symbols rounded with a dead zone, and their magnitudes, uint8 (cells, 768)."""
    scaled = photograph.coefficients / np.float32(step)
    symbols = np.copysign(np.floor(np.abs(scaled) + np.float32(0.36)), scaled).astype(np.int16)
    symbols[:: CELL * CELL] = lowest(scaled, photograph.rows, photograph.columns)[:: CELL * CELL]
    return symbols, np.minimum(np.abs(symbols.T), 255).astype(np.uint8)


def cheapest(
    magnitude: np.ndarray, some: np.ndarray, more: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """The class of each cell by the costs that `maximise` found."""
    result = np.empty(len(magnitude), np.int64)
    for first in range(0, len(magnitude), 4096):
        piece = magnitude[first : first + 4096].astype(np.float32)
        cost = np.minimum(piece, 1) @ some + np.maximum(piece - 1, 0) @ more + constant
        result[first : first + 4096] = cost.argmin(1)
    return result


def maximise(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs of a symbol that is not 0, of each further magnitude, and of a cell, by class.

    Each channel of a class has a probability of 0 and a geometric tail; cells go to the class
    of least cost, and classes are fitted to their cells, in turns.
    """
    cells = len(magnitude)
    some = np.minimum(magnitude, 1).astype(np.float32)
    energy = np.log1p(magnitude.sum(1, dtype=np.float64))
    order = np.argsort(np.argsort(energy + np.random.default_rng(SEED).normal(0, 0.05, cells)))
    classes = order * CLASSES // cells
    for _ in range(TURNS):
        member = np.zeros((CLASSES, cells), np.float32)
        member[classes, np.arange(cells)] = 1
        size = member.sum(1, keepdims=True)
        n = member @ some
        e = np.stack([magnitude[classes == k].sum(0, dtype=np.float64) for k in range(CLASSES)]) - n
        p = np.clip((n + 0.02) / (size + 1), 1e-5, 0.98)
        tail = np.clip((e + 0.05) / (e + n + 0.5), 1e-4, 0.995)
        none, one, again = -np.log2(1 - p), -np.log2(p / 2 * (1 - tail)), -np.log2(tail)
        share = (size[:, 0] + 1) / (size.sum() + CLASSES)
        order = np.argsort(((n + e) / np.maximum(size, 1)).sum(1))  # class 0 is the emptiest
        costs = (
            (one - none)[order].T.astype(np.float32),
            again[order].T.astype(np.float32),
            (none.sum(1) - np.log2(share))[order].astype(np.float32),
        )
        classes = cheapest(magnitude, *costs)
    return costs


def later_counts(coded: list[Coded], family: Family, alive: np.ndarray, index: int) -> Counts:
    """What the family decides about the photographs."""
    counts, tradeoff = Counts.empty(CLASSES), Tradeoff(family, MULTIPLIER)
    everything = family.with_classes(alive)
    transform = Transform(family.colour, family.block, family.overlap)
    for photograph, step in passes(coded, index):
        scaled = photograph.coefficients / np.float32(step)
        band = band_of(step)
        chosen = decide(family, scaled, photograph.rows, photograph.columns, band, tradeoff, TRIES)
        wanted = scaled.copy()
        refine(family, transform, scaled, chosen, photograph.size, tradeoff, wanted)
        symbols = chosen.symbols
        round_symbols(everything, wanted, symbols, chosen.classes, tradeoff)
        count(counts, wanted, symbols, chosen.classes, family.classes)
        counts.maps.append((band, chosen.classes.reshape(photograph.rows, photograph.columns)))
    return counts


def fit(counts: Counts, state: dict, coded: list[Coded], index: int) -> tuple[bytes, np.ndarray]:
    """The family of what was counted, and its levels as if all channels were coded."""
    classes, alive = fit_levels(counts, MULTIPLIER)
    if not index:  # contexts were counted without levels
        again = Counts.empty(CLASSES)
        maps = iter(counts.maps)
        for photograph, step in passes(coded, index):
            scaled = photograph.coefficients / np.float32(step)
            count(again, scaled, magnitudes_of(photograph, step)[0], next(maps)[1].ravel(), classes)
        again.maps.extend(counts.maps)
        counts = again
    levels, tables, rebuild, costs = fit_tables(counts)
    groups, frequencies = fit_class_tables(counts.maps, CLASSES, neighbours=NEIGHBOURS, bands=BANDS)
    content = Family.to_json(
        colour=state["colour"],
        block=state["block"],
        overlap=state["overlap"],
        steps=step_of_quality(),
        classes=classes,
        levels=levels,
        costs=costs,
        tables=tables,
        rebuild=rebuild,
        groups=groups,
        neighbours=NEIGHBOURS,
        bands=BANDS,
        class_frequencies=frequencies,
    )
    return content, alive


def validate(family: Family, photographs: list[np.ndarray]) -> list[tuple[float, float]]:
    """Mean bits a pixel and mean PSNR of the validation photographs, at some qualities."""
    codec, points = PhotoCodec([family]), []
    for quality in (5, 20, 40, 60, 80):
        rates, psnr = [], []
        for photograph in photographs:
            data = codec.compress(photograph, quality=quality)
            error = np.mean((codec.decompress(data).astype(float) - photograph) ** 2)
            rates.append(8 * len(data) / (photograph.size / 3))
            psnr.append(10 * np.log10(255**2 / error))
        points.append((round(float(np.mean(rates)), 4), round(float(np.mean(psnr)), 3)))
    return points


if __name__ == "__main__":
    main()
