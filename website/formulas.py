"""Formulas in LaTeX to MathML, which browsers typeset by themselves, and the font for it.

A formula that cannot be typeset stops the build.
"""

from __future__ import annotations

import html
import re
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset
from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError

__all__ = ["typeset", "write_font"]

FONT = "assets/mathematics.woff2"
_MARKED = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', flags=re.DOTALL)
_CONVERTER = LatexToMathML(annotation=True)
_used: set[str] = set()


def typeset(content: str, page: str) -> str:
    """Replace the formulas that Markdown has marked in a page."""

    def convert(match: re.Match[str]) -> str:
        latex = html.unescape(match[2]).strip()
        display = latex.startswith("\\[")
        try:
            markup = _CONVERTER.convert_with_local_state(latex[2:-2], displaystyle=display)
        except LatexError as error:
            raise PluginError(f"{page}: {latex!r} cannot be typeset: {error}") from error
        _used.update(html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]*>", "", markup)))
        if display:
            return f'<div class="formula" tabindex="0">{markup}</div>'
        return markup

    return _MARKED.sub(convert, content)


def write_font(site: Path) -> None:
    """Write STIX Two Math (SIL Open Font License), with the characters of the formulas."""
    options = subset.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    package = find_spec("ziamath")  # only for its font, so that it need not be imported
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(_used))
    cutter.subset(font)
    subset.save_font(font, str(site / FONT), options)
