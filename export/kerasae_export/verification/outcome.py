"""The outcome of a verification: checks, measurements, and the tolerances."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from kerasae_export.errors import BundleError
from kerasae_export.format.numbers import plain

__all__ = [
    "TOLERANCES",
    "Check",
    "ReportWarning",
    "Tolerance",
    "Verification",
    "VerificationError",
    "tolerance",
]


@dataclass(frozen=True)
class Tolerance:
    """How far a measured value may differ.

    Attributes:
        limit: The largest value that passes, by scheme where it depends on that.
        unit: What the limit counts.
        what: What it bounds, and the reason for the limit.
    """

    limit: float | dict[str, float]
    unit: str
    what: str


TOLERANCES = MappingProxyType(
    {
        "symbols_moved": Tolerance(
            0.1,
            "of all symbols",
            "Symbols that are not those of the golden sample, or not the same with XNNPACK, "
            "with the optimised and with the reference kernels. Integer kernels round differently; "
            "whoever reads a file takes its symbols as they are.",
        ),
        "symbol_distance": Tolerance(
            1,
            "step",
            "How far any of these symbols is from its twin. Two steps would be no matter of "
            "rounding.",
        ),
        "cross_kernel_loss": Tolerance(
            0.1,
            "dB",
            "PSNR lost when one kernel encodes and another one decodes, against XNNPACK "
            "on both sides: what a phone may see of what a server has written.",
        ),
        "keras_difference": Tolerance(
            {
                "float32": 1e-3,
                "float16": 1e-2,
                "dynamic": 0.05,
                "int8": 0.05,
                "int16x8": 0.05,
                "mixed": 0.05,
            },
            "of the range",
            "How far codes and pixels are from those of Keras: float32 and float16 at the worst "
            "value, the others, which round on purpose, on average.",
        ),
        "psnr_loss": Tolerance(
            {
                "float32": 0.01,
                "float16": 0.05,
                "dynamic": 0.3,
                "int8": 0.3,
                "int16x8": 0.3,
                "mixed": 0.3,
            },
            "dB",
            "Pooled PSNR that the TF Lite files cost against Keras.",
        ),
        "ssim_loss": Tolerance(
            {
                "float32": 0.001,
                "float16": 0.002,
                "dynamic": 0.01,
                "int8": 0.01,
                "int16x8": 0.01,
                "mixed": 0.01,
            },
            "",
            "Mean SSIM that the TF Lite files cost against Keras.",
        ),
        "rounding_loss": Tolerance(
            0.5,
            "dB",
            "Pooled PSNR that the whole codec may cost beyond `psnr_loss` and what rounding the "
            "code was allowed to cost at export: the steps were chosen on other images, and the "
            "same noise costs more where an image is rebuilt better.",
        ),
    }
)
"""What the checks allow, all but `pixel_tolerance`, which a bundle's own manifest states."""


def tolerance(name: str, scheme: str = "") -> float:
    """The limit of a tolerance, for a scheme where it depends on that.

    Example:
        >>> tolerance("psnr_loss", "int8")
        0.3
    """
    limit = TOLERANCES[name].limit
    return limit[scheme] if isinstance(limit, dict) else limit


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What.
        passed: Whether it held.
        detail: One sentence with the measured value and the limit.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify_bundle`.

    Attributes:
        bundle: The bundle hash, or `""` if the manifest could not be read.
        checks: Every `Check` that was made; after a failure that makes the later ones impossible,
            these are missing.
        measurements: Sizes, operators, latencies, memory and, with a model, differences,
            qualities and the errors of the layers.
    """

    bundle: str
    checks: tuple[Check, ...]
    measurements: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> str:
        """The text of `verification.json`."""
        content = {
            "bundle": self.bundle,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
            "tolerances": {name: asdict(value) for name, value in TOLERANCES.items()},
            "measurements": self.measurements,
        }
        return json.dumps(plain(content), indent=1, allow_nan=False) + "\n"


class VerificationError(BundleError):
    """A bundle is outside the tolerances.

    Attributes:
        verification: All checks, and what was measured before one made the rest impossible.
    """

    def __init__(self, message: str, verification: Verification) -> None:
        super().__init__(message)
        self.verification: Verification = verification


class ReportWarning(UserWarning):
    """The files that record a verification cannot be written."""
