"""An HTML file that needs nothing beside it, and the parts that it is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape

__all__ = ["Link", "card", "code", "facts", "note", "page", "panels", "table", "tiles"]


class Link(str):
    """The text of a cell that leads to another file."""

    target: str

    def __new__(cls, target: str, text: str) -> Link:
        """A text and where it leads to."""
        link = super().__new__(cls, text)
        link.target = target
        return link


def page(title: str, lead: str, cards: Iterable[str]) -> str:
    """The whole file.

    Args:
        title: The title, as text.
        lead: What stands below the title, as text.
        cards: HTML of the parts.
    """
    return _PAGE.format(
        title=escape(title), lead=escape(lead), style=_STYLE, body="\n".join(filter(None, cards))
    )


def card(title: str, body: str, *, wide: bool = False, tall: bool = False) -> str:
    """A part with its heading; nothing where there is no body.

    Args:
        title: The heading, as text.
        body: HTML.
        wide: Whether it has the whole width.
        tall: Whether it stands beside two others.
    """
    if not body:
        return ""
    kind = f"card{' wide' if wide else ''}{' tall' if tall else ''}"
    return f"<section class='{kind}'><h2>{escape(title)}</h2>{body}</section>"


def tiles(values: Mapping[str, str]) -> str:
    """The figures that count, large, each above its name."""
    items = "".join(
        f"<div class='tile'><b>{escape(value)}</b><span>{escape(name)}</span></div>"
        for name, value in values.items()
    )
    return f"<section class='tiles'>{items}</section>"


def panels(figures: Sequence[str]) -> str:
    """Small figures side by side, as many as there is room for."""
    return f"<div class='panels'>{''.join(figures)}</div>" if figures else ""


def facts(values: Mapping[str, object]) -> str:
    """Names and values in two columns."""
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in values.items()
    )
    return f"<dl>{items}</dl>"


def note(text: str) -> str:
    """A small sentence below a figure."""
    return f"<p class='note'>{escape(text)}</p>"


def code(lines: Iterable[str]) -> str:
    """Commands or a program."""
    return f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    marked: Collection[int] = (),
    failed: Collection[int] = (),
) -> str:
    """A table, which scrolls sideways where the screen is narrow.

    Args:
        head: Names of the columns.
        rows: Their texts.
        numbers: Columns that hold figures.
        marked: Rows that are the best.
        failed: Rows that tell of a failure.
    """

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if i in numbers else ''}>{_cell(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )

    def kind(i: int) -> str:
        return " class=best" if i in marked else " class=failed" if i in failed else ""

    body = "".join(f"<tr{kind(i)}>{line(row, 'td')}</tr>" for i, row in enumerate(rows))
    return (
        f"<div class='scroll'><table><thead><tr>{line(head, 'th')}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    if isinstance(text, Link):
        return f"<a href='{escape(text.target, quote=True)}'>{escape(text)}</a>"
    return escape(text)


_STYLE = """\
:root { color-scheme: light dark; --page: #f4f6f8; --card: #ffffff; --ink: #1f2933;
  --muted: #5f6c7b; --line: #dfe4ea; --pale: #c3cad3; --good: #14804a; --bad: #b3261e;
  --accent: #2f6fde; --code: #f1f4f7; }
@media (prefers-color-scheme: dark) { :root { --page: #11161c; --card: #1a212a; --ink: #e6ebf0;
  --muted: #9fadbb; --line: #303a46; --pale: #55616e; --good: #5ccb91; --bad: #ff8a80;
  --accent: #7fa9ff; --code: #131920; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1rem 3rem; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  grid-auto-flow: dense; align-items: start; }
header, .wide, .tiles { grid-column: 1 / -1; }
.tall { grid-row: span 2; }
.panels { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--muted); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  padding: 1rem 1.2rem 1.1rem; min-width: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .7rem; }
.tiles { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  padding: .7rem 1rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: .88rem; }
dl { display: grid; grid-template-columns: minmax(6.5rem, max-content) 1fr; gap: .2rem 1rem;
  margin: 0; font-size: .93rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap; }
th { color: var(--muted); font-weight: 600; }
td.reason, .failed td:last-child { white-space: normal; min-width: 14rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.best td { font-weight: 650; color: var(--good); } .failed td { color: var(--bad); }
pre { background: var(--code); border-radius: .5rem; padding: .7rem .9rem; margin: .3rem 0 .8rem;
  overflow-x: auto; font-size: .86rem; line-height: 1.45; }
a { color: var(--accent); }
.note { color: var(--muted); font-size: .88rem; margin: .6rem 0 0; }
.warning { border-left: .25rem solid var(--bad); padding-left: .8rem; margin: 0 0 .6rem; }
.plot { overflow-x: auto; }
.plot svg { display: block; width: 100%; height: auto; min-width: min(100%, 22rem); }
.plot.broad svg { min-width: 44rem; }
.plot text { fill: var(--ink); font-family: system-ui, sans-serif; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: .88rem; margin: .2rem 0 .8rem; }
img { display: block; max-width: 100%; height: auto; border-radius: .3rem; }
img.pixels { image-rendering: pixelated; width: 100%; }
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<header><h1>{title}</h1><p>{lead}</p></header>
{body}
</main>
</body>
</html>
"""
