"""How well scores tell anomalies from what is normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerasae import _arguments

__all__ = ["auroc"]


def auroc(normal_scores: ArrayLike, anomalous_scores: ArrayLike) -> float:
    """Area under the ROC curve of scores that are to be higher for anomalies.

    `P(a > b) + P(a = b) / 2` for an anomaly's score `a` and a normal score `b` (Mann & Whitney
    1947): 1 if a threshold parts the two, 0.5 for scores that know nothing. It does not depend on
    the threshold, nor on how many there are of each.

    Args:
        normal_scores: (n,).
        anomalous_scores: (m,).

    Returns:
        The area, from 0 to 1.

    Raises:
        ValueError: If there are no scores of one sort, or a score is not finite.

    Example:
        >>> auroc([1.0, 2.0], [2.0, 3.0])
        0.875
    """
    from sklearn.metrics import roc_auc_score

    normal = _arguments.scores("normal_scores", normal_scores)
    anomalous = _arguments.scores("anomalous_scores", anomalous_scores)
    labels = np.repeat([0, 1], [len(normal), len(anomalous)])
    return float(roc_auc_score(labels, np.concatenate([normal, anomalous])))
