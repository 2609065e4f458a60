"""Models that come trained: stored small, each with a card that says of what and how well.

`store` writes and reads a folder, `cards` says what is on a card and which models there are.
"""

from kerasae.pretrained.cards import pretrained_cards
from kerasae.pretrained.store import load_pretrained, save_pretrained

__all__ = ["load_pretrained", "pretrained_cards", "save_pretrained"]
