"""Data to learn from, checked in one place: images of every source, and sequences."""

from kerasae.data.loading import (
    EMBEDDED,
    PHOTOGRAPHS,
    DataError,
    Images,
    load_images,
    photograph,
)
from kerasae.data.sequences import SEQUENCES, Sequences, load_sequences, melody_wave

__all__ = [
    "EMBEDDED",
    "PHOTOGRAPHS",
    "SEQUENCES",
    "DataError",
    "Images",
    "Sequences",
    "load_images",
    "load_sequences",
    "melody_wave",
    "photograph",
]
