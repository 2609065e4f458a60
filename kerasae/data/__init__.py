"""Data to learn from, checked in one place: images of every source, and sequences.

`load_images` is in `loading`, which asks `embedded`, `folders`, `tfds` or `arrays`; the type that
they return is in `images`, and the splits are in `options`. `load_sequences` is in `sequences`,
`load_table` in `tables`, which reads by `table_reading`. What is drawn by rule comes from
`procedural` (melodies and heartbeats), `sounds` and `street_scenes`, what was drawn from fonts from
`drawn_sets`. Nothing here needs Keras, and heavy libraries are imported by the loader that needs
them.
"""

from typing import TypeAlias

from kerasae.data.embedded import EMBEDDED, PHOTOGRAPHS, photograph
from kerasae.data.examples import Examples, Volumes
from kerasae.data.images import DataError, Images, Integers, LabelMaps, Pixels
from kerasae.data.loading import load_images
from kerasae.data.sequences import SEQUENCES, Sequences, load_sequences, melody_wave
from kerasae.data.sounds import sound_wave
from kerasae.data.tables import TABLES, Column, Table, load_table
from kerasae.data.volumes import VOLUMES, load_volumes

DataSet: TypeAlias = Images | Sequences | Table | Examples
"""Arrays in memory, in three splits."""

DATA_SETS = (Images, Sequences, Table, Examples)

__all__ = [
    "DATA_SETS",
    "EMBEDDED",
    "PHOTOGRAPHS",
    "SEQUENCES",
    "TABLES",
    "VOLUMES",
    "Column",
    "DataError",
    "DataSet",
    "Examples",
    "Images",
    "Integers",
    "LabelMaps",
    "Pixels",
    "Sequences",
    "Table",
    "Volumes",
    "load_images",
    "load_sequences",
    "load_table",
    "load_volumes",
    "melody_wave",
    "photograph",
    "sound_wave",
]
