"""The card of a trained model, and the models that come with the package."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasae import _arguments
from kerasae_export.format.numbers import plain

__all__ = ["CARD", "MODELS", "card_text", "checked_card", "pretrained_cards", "read_card"]

CARD = "card.json"
MODELS = Path(__file__).parent / "models"

_TEXTS = ("summary", "data", "data_licence", "licence", "autoencoder")
_MAPPINGS = ("hyperparameters", "training", "figures")


def pretrained_cards() -> dict[str, dict[str, Any]]:
    """The card of each model that comes with the package, by its name.

    A card has `summary`, what it is good for; `data` and `data_licence`, of what it was trained;
    `licence`, of the weights; `architecture`, `hyperparameters` and `training`; `figures`, measured
    on the weights as they are stored; `parameters` and `bytes`.

    Example:
        >>> sorted(pretrained_cards())[0]
        'digits-convolutional'
    """
    return {file.parent.name: read_card(file.parent) for file in sorted(MODELS.glob(f"*/{CARD}"))}


def read_card(folder: Path) -> dict[str, Any]:
    """The card in a folder.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        content = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or "sha256" not in content:
        raise ValueError(f"`name` must name a folder with a sound {CARD}. Received: {folder}")
    return content


def checked_card(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a caller says of a model, as JSON gives it back.

    Raises:
        ValueError: If it is no mapping, or holds what a card has no room for.
    """
    given = dict(_arguments.mapping("card", card or {}))
    known = (*_TEXTS, *_MAPPINGS, "architecture")
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise ValueError(
            f"`card` must hold some of {', '.join(known)}. Received: {', '.join(unknown)}"
        )
    for name in given.keys() & {*_TEXTS, "architecture"}:
        _arguments.text(f"card[{name!r}]", given[name])
    for name in given.keys() & set(_MAPPINGS):
        _arguments.mapping(f"card[{name!r}]", given[name])
    try:
        checked: dict[str, Any] = json.loads(json.dumps(plain(given), allow_nan=False))
    except (TypeError, ValueError):
        raise ValueError(
            "`card` must hold texts, finite numbers, truth values and lists of them. "
            f"Received: {given!r}"
        ) from None
    return checked


def figure_text(value: Any) -> str:
    """A figure of a card: whole, or to four figures."""
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        return f"{value:.4g}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)


def card_text(name: str, card: Mapping[str, Any]) -> str:
    """The card as Markdown, which goes beside the weights."""
    figures = [f"| {what} | {figure_text(v)} |" for what, v in card.get("figures", {}).items()]
    lines = [f"# {name}", "", card.get("summary", "A trained model."), ""]
    if "autoencoder" in card:
        lines += [f"A prior over the codes of {card['autoencoder']}.", ""]
    if "data" in card:
        lines += [f"Trained on {card['data']} ({card.get('data_licence', 'licence unknown')}).", ""]
    if "licence" in card:
        lines += [f"Licence of the weights: {card['licence']}.", ""]
    lines += [
        "```python",
        "import kerasae",
        "",
        f'model = kerasae.load_pretrained("{name}")',
        "```",
        "",
    ]
    if figures:
        lines += ["Measured on the weights as they are stored here:", ""]
        lines += ["| measure | value |", "|---|---:|", *figures, ""]
    facts = {
        "architecture": card.get("architecture"),
        "parameters": f"{card['parameters']:,}",
        "bytes": f"{card['bytes']:,}",
        **card.get("hyperparameters", {}),
        **card.get("training", {}),
    }
    lines += [f"- {what}: {value}" for what, value in facts.items() if value is not None]
    return "\n".join(lines) + "\n"
