"""A table drawn by rule: machines, their numbers and categories, and what is odd about some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ODD", "machines"]

ODD = ("speed", "power", "temperature", "vibration", "cooling")
"""The columns of which one is odd in every other row of the test set."""

_MAKERS = ("Arno", "Brenta", "Cecina")
_COOLING = ("air", "water")
_MISSING = 0.03  # of the numbers


def machines(count: int, odd: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.object_]]:
    """Columns of so many machines at work.

    The load is drawn, and the maker, which decides the gearing, and the cooling. The rest follows:
    speed from load and gearing, power from speed and load, temperature from power and cooling,
    vibration from speed and hours of work, each with a little noise.

    Args:
        count: Rows.
        odd: (count,), 0 for a normal row, else 1 + the index in `ODD` of the column that is not
            what the others say.
        seed: Of every draw.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(5, count))
    maker, cooling = rng.integers(0, 3, count), rng.integers(0, 2, count)
    load = rng.beta(2.0, 2.0, count)
    hours = rng.gamma(2.0, 9000.0, count)
    speed = (900 + 600 * maker) * (1 - 0.25 * load) + 12 * noise[0]
    power = 40 + 0.9 * speed * load + 15 * noise[1]
    temperature = 22 + power * np.where(cooling == 0, 0.06, 0.02) + 1.2 * noise[2]
    vibration = 2e-4 * (1 + 1e-3 * speed + 2e-5 * hours) * np.exp(0.05 * noise[3])
    numbers = {
        "load": load,
        "hours": hours,
        "speed": speed,
        "power": power,
        "temperature": temperature,
        "vibration": vibration,
    }
    for name in ODD[:4]:
        which = odd == 1 + ODD.index(name)
        # A value that some machine has, but not this one: half the spread of the column away.
        away = np.where(noise[4] < 0, -1.5, 1.5) * numbers[name].std()
        numbers[name] = np.where(which, numbers[name] + away, numbers[name])
    numbers["vibration"] = np.maximum(numbers["vibration"], 1e-5)
    cooling = np.where(odd == 1 + ODD.index("cooling"), 1 - cooling, cooling)
    gone = rng.random((len(numbers), count)) < _MISSING
    columns: dict[str, NDArray[np.object_]] = {"maker": np.array(_MAKERS, object)[maker]}
    columns["cooling"] = np.array(_COOLING, object)[cooling]
    for hidden, (name, values) in zip(gone, numbers.items(), strict=True):
        odd_here = name in ODD and (odd == 1 + ODD.index(name))
        columns[name] = np.where(hidden & ~np.asarray(odd_here), np.nan, values)
    return columns
