"""The arguments of load_images, its examples, and what its import costs."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import pytest

from kerasae.data import load_images, loading


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("image_size", value) for value in (0, -3, 2.5, True, (8,), (8, 0), (8, 8, 1), "8")),
        *(("channels", value) for value in (0, 2, 4, "rgb")),
        *(("validation_fraction", value) for value in (0, 1, -0.1, 1.5, float("nan"), "half")),
        *(("limit", value) for value in (0, 1, -5, 2.5, True)),
        *(("seed", value) for value in (-1, 0.5, None)),
    ],
)
def test_bad_arguments_are_named(argument: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^`{argument}` must be .*Received: {argument}="):
        load_images("digits", **{argument: value})


@pytest.mark.parametrize("source", ["", 3, None])
def test_bad_sources(source: Any) -> None:
    with pytest.raises(ValueError, match=r"`source` must be .*Received: source="):
        load_images(source)


def test_doctests() -> None:
    result = doctest.testmod(loading)
    assert result.attempted >= 5
    assert result.failed == 0


def test_import_is_light() -> None:
    code = (
        "import sys, kerasae.data; "
        "print(*({'keras', 'tensorflow', 'tensorflow_datasets', 'sklearn', 'skimage', 'scipy'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
