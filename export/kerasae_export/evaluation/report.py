"""Comparisons at equal quality from the measurements, in numbers and in words."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from kerasae_export.evaluation.bjontegaard import bd_rate, front, rate_at
from kerasae_export.evaluation.coders import BundleCoder
from kerasae_export.evaluation.measure import ARRANGEMENTS, Point
from kerasae_export.format.numbers import plain

__all__ = ["OURS", "Comparison", "Evaluation", "Match", "short_names"]

OURS = BundleCoder.name
"""The name that a bundle's codec has among the others, `"kerasae"`."""

_MEASURES = ("psnr", "ssim", "ms_ssim")


@dataclass(frozen=True)
class Match:
    """Another codec at the quality of one of our points.

    Attributes:
        setting: Of our point.
        psnr: Of our point, in dB.
        ours: Bytes an image that we take.
        theirs: Bytes an image that the other takes, interpolated between its settings; None where
            it does not reach the quality.
        floor: Whether that is its lowest setting, which is better than was asked.
    """

    setting: str
    psnr: float
    ours: float
    theirs: float | None
    floor: bool


@dataclass(frozen=True)
class Comparison:
    """Ours beside one other codec, in one arrangement.

    Attributes:
        arrangement: A key of `ARRANGEMENTS`.
        codec: The other.
        bd_rate: `"psnr"`, `"ssim"` and `"ms_ssim"` -> mean difference of our rate at equal quality,
            in per cent, over the range that both cover; negative where ours is lower, None where
            there is no common range.
        matches: The other at the quality of each of our points.
    """

    arrangement: str
    codec: str
    bd_rate: dict[str, float | None]
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Evaluation:
    """All measurements of one or more bundles on a set of images, and their comparison.

    Attributes:
        data: Name of the images.
        shape: (height, width, channels) of the first of them.
        bundles: Names of the bundles.
        points: The measurements.
        left_out: A sentence for each codec that could not be measured.
    """

    data: str
    shape: tuple[int, ...]
    bundles: tuple[str, ...]
    points: tuple[Point, ...]
    left_out: tuple[str, ...] = ()

    def of(self, arrangement: str, codec: str | None = None) -> list[Point]:
        """Give the points of an arrangement, of one codec or of all.

        Args:
            arrangement: A key of `ARRANGEMENTS`.
            codec: Name of a codec; None for all.
        """
        return [p for p in self.points if p.arrangement == arrangement and codec in (None, p.codec)]

    def codecs(self, arrangement: str) -> list[str]:
        """Give the names of the codecs of an arrangement, in order of measurement.

        Args:
            arrangement: A key of `ARRANGEMENTS`.
        """
        return list(dict.fromkeys(p.codec for p in self.of(arrangement)))

    def best(self, arrangement: str, codec: str, measure: str = "psnr") -> list[Point]:
        """Give the points of a codec on its Pareto front, in order of rate.

        Args:
            arrangement: A key of `ARRANGEMENTS`.
            codec: Name of the codec.
            measure: What counts as quality: `"psnr"`, `"ssim"` or `"ms_ssim"`. A point without it
                is left out.
        """
        points = [p for p in self.of(arrangement, codec) if getattr(p, measure) is not None]
        kept = front([p.bytes for p in points], [getattr(p, measure) for p in points]).tolist()
        found = {(p.bytes, getattr(p, measure)): p for p in reversed(points)}
        return [found[rate, quality] for rate, quality in kept]

    def comparisons(self) -> list[Comparison]:
        """Ours beside each other lossy codec, in each arrangement."""
        return [
            self._compare(arrangement, codec)
            for arrangement in ARRANGEMENTS
            for codec in self.codecs(arrangement)
            if codec != OURS and any(p.psnr is not None for p in self.of(arrangement, codec))
        ]

    def _compare(self, arrangement: str, codec: str) -> Comparison:
        def curve(name: str, measure: str) -> tuple[list[float], list[float]]:
            points = [p for p in self.of(arrangement, name) if getattr(p, measure) is not None]
            return [p.bytes_per_image for p in points], [getattr(p, measure) for p in points]

        bd = {m: bd_rate(*curve(codec, m), *curve(OURS, m)) for m in _MEASURES}
        rates, quality = curve(codec, "psnr")
        matches = tuple(
            Match(
                p.setting,
                p.psnr,
                p.bytes_per_image,
                rate_at(rates, quality, p.psnr),
                bool(p.psnr < front(rates, quality)[0, 1]),
            )
            for p in self.best(arrangement, OURS)
            if p.psnr is not None
        )
        return Comparison(arrangement, codec, bd, matches)

    def sentences(self) -> list[str]:
        """Where ours wins and where it loses, in words, the losses first."""
        lost: list[str] = []
        won: list[str] = []
        for comparison in self.comparisons():
            for sentence, loses in _judge(comparison):
                (lost if loses else won).append(sentence)
        lost += [s for a in ARRANGEMENTS if self.of(a, OURS) for s in self._limits(a)]
        if not lost:
            lost = ["kerasae loses to no codec that was measured, at no quality that it offers."]
        return [*lost, *won, *self.left_out]

    def _limits(self, arrangement: str) -> list[str]:
        """What other codecs can do in an arrangement and ours cannot: high quality, speed."""
        ours = self.best(arrangement, OURS)
        if not ours:
            return []
        how, best, sentences = ARRANGEMENTS[arrangement], ours[-1].psnr or math.inf, []
        farther = {
            c: max((p.psnr or 0) for p in self.of(arrangement, c))
            for c in self.codecs(arrangement)
            if c != OURS
        }
        names = [f"{c} {psnr:.1f}" for c, psnr in farther.items() if psnr > best + 0.05]
        if names:
            sentences.append(
                f"{how.capitalize()}: kerasae ends at {best:.1f} dB; "
                f"others go on (best measured, in dB: {', '.join(names)})."
            )
        exact = [p for p in self.of(arrangement) if p.lossless and p.codec != OURS]
        if exact:
            least = min(exact, key=lambda p: p.bytes)
            sentences.append(
                f"{how.capitalize()}: kerasae cannot be lossless; {least.codec} is, for "
                f"{_short(least.bytes_per_image)} bytes an image."
            )
        for field, verb in (("encode_ms", "encode"), ("decode_ms", "decode")):
            mine = min(getattr(p, field) for p in ours)
            times = {
                c: min(getattr(p, field) for p in self.of(arrangement, c))
                for c in farther
                if any(p.psnr is not None for p in self.of(arrangement, c))
            }
            faster = [f"{c} {_short(t)}" for c, t in times.items() if t < mine]
            if faster:
                sentences.append(
                    f"{how.capitalize()}: kerasae takes {_short(mine)} ms to {verb} an image; "
                    f"faster are (ms): {', '.join(faster)}."
                )
        return sentences

    def to_json(self) -> str:
        """The text of `evaluation.json`."""
        content = {
            "data": self.data,
            "shape": list(self.shape),
            "bundles": list(self.bundles),
            "sentences": self.sentences(),
            "comparisons": [asdict(c) for c in self.comparisons()],
            "points": [_row(p) for p in self.points],
        }
        return json.dumps(plain(content), indent=1) + "\n"

    def to_csv(self) -> str:
        """The text of `evaluation.csv`: a row for each point."""
        text = io.StringIO()
        names = [f.name for f in fields(Point) if f.name != "pictures"]
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows(_row(p) for p in self.points)
        return text.getvalue()


def _judge(comparison: Comparison) -> list[tuple[str, bool]]:
    """Sentences about a comparison, each with whether ours loses."""
    how, other = ARRANGEMENTS[comparison.arrangement].capitalize(), comparison.codec
    reached = [m for m in comparison.matches if m.theirs is not None]
    beyond = [m for m in comparison.matches if m.theirs is None]
    judged = []
    for loses in (True, False):
        matches = [m for m in reached if (m.ours > (m.theirs or 0)) == loses]
        if matches:
            verb = "loses to" if loses else "beats"
            few = [matches[i] for i in sorted({0, len(matches) // 2, len(matches) - 1})]
            each = "; ".join(map(_match, few))
            judged.append((f"{how}: kerasae {verb} {other}, bytes an image: {each}.", loses))
    if beyond:
        each = ", ".join(f"{m.psnr:.1f} dB ({_short(m.ours)} bytes)" for m in beyond)
        judged.append((f"{how}: kerasae reaches {each}, which {other} does not.", False))
    for measure, name in (("ssim", "SSIM"), ("ms_ssim", "MS-SSIM")):
        value = comparison.bd_rate[measure]
        if value is not None and value > 0:
            sentence = (
                f"{how}: judged by {name}, kerasae loses to {other}: {value:+.0f} % bytes at equal "
                f"{name} (BD-rate)."
            )
            judged.append((sentence, True))
    return judged


def _match(match: Match) -> str:
    assert match.theirs is not None
    percent = 100 * (match.ours / match.theirs - 1)
    floor = " at its lowest setting, which is better" if match.floor else ""
    return (
        f"at {match.psnr:.1f} dB {_short(match.ours)} against {_short(match.theirs)}{floor} "
        f"({percent:+.0f} %)"
    )


def _row(point: Point) -> dict[str, Any]:
    digits = {"bytes_per_image": 2, "bits_per_pixel": 4, "psnr": 3, "ssim": 4, "ms_ssim": 4}
    digits |= {"encode_ms": 3, "decode_ms": 3}
    row = {f.name: getattr(point, f.name) for f in fields(Point) if f.name != "pictures"}
    return {
        name: value if value is None or name not in digits else round(value, digits[name])
        for name, value in row.items()
    }


def _short(value: float) -> str:
    """A number with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def short_names(paths: Sequence[str]) -> list[str]:
    """The last parts of paths, as many as are needed to tell them apart.

    Example:
        >>> short_names(["runs/a/bundle", "runs/b/bundle"])
        ['a/bundle', 'b/bundle']
    """
    parts = [path.replace("\\", "/").rstrip("/").split("/") for path in paths]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(p[-depth:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)
