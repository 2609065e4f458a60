"""HTML for the report of a verification: the page, tables, figures and numbers."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["count", "figure", "number", "page", "quartiles", "size", "table"]


def page(title: str, sections: Iterable[str]) -> str:
    """An HTML file that needs nothing beside it.

    Args:
        title: The title, as text.
        sections: The HTML of the body.
    """
    return _PAGE.format(title=escape(title), body="\n".join(sections))


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[int] = ()
) -> str:
    """A table; the columns in `numbers` hold figures."""

    def line(cells: Sequence[str], tag: str) -> str:
        classes = [" class='n'" if i in numbers else "" for i in range(len(cells))]
        return "".join(
            f"<{tag}{c}>{escape(cell)}</{tag}>" for c, cell in zip(classes, cells, strict=True)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        f"<div class='wide'><table><thead><tr>{line(head, 'th')}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(drawn: Any, alt: str) -> str:
    """A Matplotlib figure as an image inside the page, with a text that stands in for it."""
    from kerasae_export.verification import plots

    data = base64.b64encode(plots.svg(drawn)).decode()
    return f"<img alt='{escape(alt)}' src='data:image/svg+xml;base64,{data}'>"


def quartiles(times: Mapping[str, float]) -> str:
    """A median and its quartiles, in the unit that they are in."""
    return f"{times['median']:.3g} ({times['quartile_1']:.3g} to {times['quartile_3']:.3g})"


def count(value: Any) -> str:
    """An integer, or "?" where there is none."""
    return f"{value:,}" if isinstance(value, int) else "?"


def number(value: float | None) -> str:
    """A number to three digits, or whole from 10 on; "?" where there is none."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def size(length: int | None) -> str:
    """A number of bytes with its unit."""
    if length is None:
        return "not measured"
    for unit, unit_bytes in (("MB", 1e6), ("kB", 1e3)):
        if length >= unit_bytes:
            return f"{length / unit_bytes:,.1f} {unit}"
    return f"{length} B"


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #dfe3e8; }}
.badge {{ font-size: .95rem; padding: .2rem .7rem; border-radius: 1rem; color: #fff;
  vertical-align: middle; white-space: nowrap; }}
.good {{ background: #1e8e5a; }} .bad {{ background: #c5221f; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }}
dt {{ color: #616e7c; }} dd {{ margin: 0; }}
table {{ border-collapse: collapse; font-size: .88rem; margin: .6rem 0; }}
th, td {{ text-align: left; padding: .22rem .7rem .22rem 0; vertical-align: top;
  border-bottom: 1px solid #edf0f2; }}
th {{ color: #616e7c; font-weight: 600; }}
.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
th.n {{ white-space: normal; }}
td:first-child {{ white-space: nowrap; }}
.checks td:first-child {{ color: #1e8e5a; font-weight: 700; }}
.checks td:nth-child(2) {{ white-space: nowrap; }}
.failed td, .checks .failed td:first-child {{ color: #c5221f; }}
.wide {{ overflow-x: auto; }}
.pair {{ display: flex; flex-wrap: wrap; gap: 0 3rem; }}
.note {{ color: #616e7c; font-size: .85rem; }}
img {{ max-width: 100%; display: block; margin: 1rem 0; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
