"""What the packages have by name, as tables: architectures, data sets, schemes, tolerances."""

from __future__ import annotations

from collections.abc import Mapping

from kerasae.builders import BUILDERS
from kerasae.data import EMBEDDED
from kerasae.data.sequences import SEQUENCES
from kerasae_export.format.manifest import ALL_SCHEMES
from kerasae_export.verification import TOLERANCES, Tolerance

__all__ = ["fill"]


def fill(page: str) -> str:
    """Put each table where its mark is."""
    tables = {
        "builders": _table(
            ("name", "kind", "what it is"),
            *(
                (f"[`{b.name}`][kerasae.build_{b.name}]", f"`{b.kind}`", b.summary)
                for b in BUILDERS.values()
            ),
        ),
        "images": _described(EMBEDDED),
        "sequences": _described(SEQUENCES),
        "schemes": _described(ALL_SCHEMES),
        "tolerances": _table(
            ("name", "limit", "what it bounds"),
            *((f"`{name}`", _limit(each), each.what) for name, each in TOLERANCES.items()),
        ),
    }
    for name, table in tables.items():
        page = page.replace(f"<!-- {name} -->", table)
    return page


def _described(register: Mapping[str, str]) -> str:
    return _table(("name", "what it is"), *((f"`{name}`", what) for name, what in register.items()))


def _limit(tolerance: Tolerance) -> str:
    limit = tolerance.limit
    each = limit.items() if isinstance(limit, dict) else [("", limit)]
    numbers = ", ".join(f"{scheme} {number:g}".strip() for scheme, number in each)
    return f"{numbers} {tolerance.unit}".rstrip()


def _table(*rows: tuple[str, ...]) -> str:
    head, *others = rows
    lines = [head, ("---",) * len(head), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
