"""A bundle beside general codecs: rate, distortion and time, measured on the same images.

```python
evaluation = evaluate({"bundle": Codec.load("bundle")}, images, data="mnist", train=train)
evaluation.sentences()  # where ours wins and where it loses
```

Every rate is counted from real files, containers included; every quality is measured on what the
files decode to. Needs scikit-image, which a receiver does not.
"""

from kerasae_export.evaluation.bjontegaard import bd_rate, front, rate_at
from kerasae_export.evaluation.coders import Coder
from kerasae_export.evaluation.measure import ARRANGEMENTS, Point, measure
from kerasae_export.evaluation.report import OURS, Comparison, Evaluation, Match, short_names
from kerasae_export.evaluation.run import OTHERS, TINY, evaluate

__all__ = [
    "ARRANGEMENTS",
    "OTHERS",
    "OURS",
    "TINY",
    "Coder",
    "Comparison",
    "Evaluation",
    "Match",
    "Point",
    "bd_rate",
    "evaluate",
    "front",
    "measure",
    "rate_at",
    "short_names",
]
