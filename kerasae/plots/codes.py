"""Codes as points in the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, CLASSES, INK, MUTED, PALE, Figure
from kerasae_export.images import check_numbers

__all__ = ["plot_codes", "plot_maps"]

_MARKERS = "os^"  # three shapes with ten colours: neighbours differ in both
_EXACT = 400  # codes up to which exact t-SNE is also the quicker one
_METHODS = ("pca", "tsne", None)


def plot_codes(
    codes: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    images: NDArray[Any] | None = None,
    method: Literal["pca", "tsne"] | None = "pca",
    perplexity: float = 30.0,
    thumbnail: float = 0.05,
    seed: int = 0,
) -> Figure:
    """Plot codes as points in the plane, coloured by class, with thumbnails of their images.

    Codes of two values are drawn as they are. Longer ones are projected to their two principal
    components, or embedded by t-SNE (van der Maaten & Hinton 2008, Visualizing Data using t-SNE,
    JMLR 9), which keeps neighbours together and says nothing about far distances. Thumbnails are
    taken in random order, each one whose frame overlaps none before it.

    Args:
        codes: (n, ...), n at least 2; a spatial code counts as one long vector.
        labels: (n,), integers or strings, the classes of the codes: at most 30 different ones.
        class_names: Names of the classes in the legend: name i for the label i.
        images: (n, height, width, 1 or 3), values in [0, 1], for thumbnails.
        method: `"pca"`, `"tsne"`, or None for codes of two values.
        perplexity: About how many neighbours of a code t-SNE keeps; at most (n - 1) / 3 is used.
        thumbnail: Side of a thumbnail, a fraction of the larger side of the cloud of points.
        seed: Seed of t-SNE, of the order of drawing, and of the choice of thumbnails.

    Returns:
        A figure with one axes.

    Raises:
        ValueError: If an argument breaks its rule, or the lengths differ.

    Example:
        >>> import numpy as np
        >>> codes = np.random.default_rng(0).normal(size=(50, 8))
        >>> figure = plot_codes(codes, labels=np.arange(50) % 3)
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['0', '1', '2']
    """
    vectors = _vectors("codes", codes)
    if method is not None and not (isinstance(method, str) and method in _METHODS):
        raise ValueError(f"`method` must be 'pca', 'tsne' or None. Received: method={method!r}")
    seed = _arguments.seed(seed)
    _arguments.number("perplexity", perplexity, low=0.0)
    _arguments.number("thumbnail", thumbnail, low=0.0, high=1.0)
    classes, members = _classes(labels, class_names, len(vectors))
    if images is not None:
        images = _style.pictures("images", images, axes="n")
        if len(images) != len(vectors):
            raise ValueError(
                f"`images` must be as many as the codes, {len(vectors)}. Received: {len(images)}"
            )
    points, names, title = _plane(vectors, method, perplexity, seed)

    # As high as the cloud of points asks for, so that equal units leave no empty room.
    spans = np.ptp(points, axis=0)
    ratio = float(np.clip(spans[1] / spans[0], 0.55, 1.0)) if spans[0] else 1.0
    figure = Figure(figsize=(8 if classes else 7, 6.2 * ratio + 0.5), layout="constrained")
    axes = figure.add_subplot()
    order = np.random.default_rng(seed).permutation(len(points))
    colours = np.array([CLASSES[i % len(CLASSES)] for i in members]) if classes else None
    size = float(np.clip(18000 / len(points), 7, 30))
    shapes = members % len(_MARKERS)
    for shape in np.unique(shapes):
        chosen = order[shapes[order] == shape]  # in random order, so that no class lies on top
        axes.scatter(
            points[chosen, 0],
            points[chosen, 1],
            c=BLUE if colours is None else colours[chosen],
            marker=_MARKERS[shape],
            s=size,
            alpha=0.8,
            linewidths=0,
        )
    if images is not None:
        _thumbnails(axes, points, images, colours, order, thumbnail)
    axes.set_aspect("equal", adjustable="datalim")
    low, high = points.min(axis=0), points.max(axis=0)
    edge = (0.04 if images is None else 0.02 + thumbnail / 2) * (spans.max() or 1.0)
    axes.set(xlabel=names[0], ylabel=names[1])
    if title:
        axes.set_title(title, loc="left", fontsize=10, color=INK)
    if not names[0]:  # coordinates of t-SNE have no unit
        axes.set(xticks=[], yticks=[])
    axes.spines[["top", "right"] if names[0] else slice(None)].set_visible(False)
    for i, name in classes.items():
        colour, marker = CLASSES[i % len(CLASSES)], _MARKERS[i % len(_MARKERS)]
        axes.scatter([], [], s=40, linewidths=0, label=name, c=colour, marker=marker)
    if classes:
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            ncols=1 + (len(classes) - 1) // 15,
        )
    # Last, since artists ask for limits of their own; not fixed, since the aspect may widen one.
    axes.set_xlim(low[0] - edge, high[0] + edge, auto=None)
    axes.set_ylim(low[1] - edge, high[1] + edge, auto=None)
    return figure


def plot_maps(
    maps: Mapping[str, ArrayLike],
    *,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    columns: int = 3,
    seed: int = 0,
) -> Figure:
    """Plot several maps of the same things side by side: points in the plane, coloured by class.

    Each panel has its own scale, the same along both axes, and no ticks: what is to be compared
    is which points lie together. `plot_codes` draws one map, with axes.

    Args:
        maps: The title of each panel and its points (n, 2).
        labels: (n,), integers or strings, the classes of the points: at most 30 different ones.
        class_names: Names of the classes in the legend: name i for the label i.
        columns: Panels in a row.
        seed: Seed of the order of drawing.

    Returns:
        A figure with a panel for each map and one legend.

    Raises:
        ValueError: If an argument breaks its rule, or the maps differ in length.

    Example:
        >>> import numpy as np
        >>> points = np.random.default_rng(0).normal(size=(20, 2))
        >>> figure = plot_maps({"one": points, "other": -points}, labels=np.arange(20) % 3)
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['one', 'other']
    """
    points = {
        str(title): _vectors(f"maps[{title!r}]", values)
        for title, values in _arguments.mapping("maps", maps).items()
    }
    seed = _arguments.seed(seed)
    if not points or len({values.shape for values in points.values()}) > 1:
        raise ValueError(
            "`maps` must hold at least one map, and all of the same number of points. "
            f"Received: shapes {[values.shape for values in points.values()]}"
        )
    count, values = next(iter(points.values())).shape
    if values != 2:
        raise ValueError(f"`maps` must hold points (n, 2). Received: points of {values} values")
    columns = _arguments.positive_int("columns", columns)
    classes, members = _classes(labels, class_names, count)
    columns = min(columns, len(points))
    rows, side = math.ceil(len(points) / columns), min(3.4, 8.2 / columns)
    lines = 1 + max(title.count("\n") for title in points)
    figure = Figure(
        figsize=(columns * side + (0.8 if classes else 0.0), rows * (side + 0.2 * lines)),
        layout="constrained",
    )
    order = np.random.default_rng(seed).permutation(count)
    colours = np.array([CLASSES[i % len(CLASSES)] for i in members]) if classes else None
    shapes = members % len(_MARKERS)
    for place, (title, cloud) in enumerate(points.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        for shape in np.unique(shapes):
            chosen = order[shapes[order] == shape]
            axes.scatter(
                cloud[chosen, 0],
                cloud[chosen, 1],
                c=BLUE if colours is None else colours[chosen],
                marker=_MARKERS[shape],
                s=float(np.clip(6000 / count, 3, 20)),
                alpha=0.8,
                linewidths=0,
            )
        axes.set(xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(title, loc="left", fontsize=9, color=INK)
        axes.spines[:].set_color(PALE)
    if classes:
        handles = [
            Line2D(
                [], [], ls="", label=name,
                color=CLASSES[i % len(CLASSES)], marker=_MARKERS[i % len(_MARKERS)],
            )
            for i, name in classes.items()
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside right center", frameon=False)
    return figure


def _vectors(name: str, codes: ArrayLike) -> NDArray[np.float64]:
    """The codes as finite vectors (n, at least 2)."""
    array = check_numbers(name, codes)
    vectors = array.reshape(len(array), -1) if array.ndim > 1 and array.size else array
    if vectors.ndim != 2 or len(vectors) < 2 or vectors.shape[1] < 2:
        raise ValueError(
            f"`{name}` must hold at least two codes of at least two values. "
            f"Received: shape={array.shape}"
        )
    if not np.isfinite(vectors).all():
        raise ValueError(
            f"`{name}` must be finite. "
            f"Received: {int((~np.isfinite(vectors)).sum())} values that are not"
        )
    return vectors


def _classes(
    labels: ArrayLike | None, names: Sequence[str] | None, count: int
) -> tuple[dict[int, str], NDArray[np.intp]]:
    """The names of the classes that occur, by their number, and the class of each code.

    A label that is a small number is the number of its class, so that a class has the same
    colour in every figure, whichever others are there.
    """
    if labels is None:
        return {}, np.zeros(count, np.intp)
    values = _arguments.array("labels", labels)
    if values.shape != (count,):
        raise ValueError(
            f"`labels` must be one for each of the {count} codes. Received: shape={values.shape}"
        )
    if values.dtype.kind not in "biufU":
        raise ValueError(f"`labels` must be numbers or texts. Received: {values.dtype}")
    names = None if names is None else _style.texts("class_names", names)
    different, members = np.unique(values, return_inverse=True)
    numbers = different.dtype.kind in "iu" and different[0] >= 0
    if names is not None and not (numbers and different[-1] < len(names)):
        raise ValueError(
            "`class_names` must hold a name for each label, which is its index. "
            f"Received: {len(names)} names, labels from {different[0]} to {different[-1]}"
        )
    most = len(CLASSES) * len(_MARKERS)
    if len(different) > most:
        raise ValueError(f"`labels` must hold at most {most} classes. Received: {len(different)}")
    texts = [str(value) if names is None else names[value] for value in different]
    if numbers and different[-1] < most:
        return dict(zip(map(int, different), texts, strict=True)), values.astype(np.intp)
    return dict(enumerate(texts)), members


def _plane(
    vectors: NDArray[np.float64], method: str | None, perplexity: float, seed: int
) -> tuple[NDArray[np.float64], tuple[str, str], str]:
    """Points (n, 2), the names of the axes, and a title."""
    if vectors.shape[1] == 2:
        return vectors, ("first code value", "second code value"), ""
    if method is None:
        raise ValueError(
            "`method` must be 'pca' or 'tsne' for codes of more than two values. "
            f"Received: method=None, codes of {vectors.shape[1]} values"
        )
    if method == "pca":
        points, shares = _principal(vectors)
        names = [
            f"principal component {i} ({share:.0%} of the variance)"
            for i, share in enumerate(shares, start=1)
        ]
        return points, (names[0], names[1]), ""
    if len(vectors) < 4:
        raise ValueError(f"`codes` must be at least four for t-SNE. Received: {len(vectors)} codes")
    from sklearn.manifold import TSNE

    perplexity = min(perplexity, (len(vectors) - 1) / 3)
    start = _principal(vectors)[0]
    start = start / (start[:, 0].std() or 1.0) * 1e-4  # as scikit-learn scales its own start
    tsne = TSNE(
        perplexity=perplexity,
        init=start.astype(np.float32),
        method="exact" if len(vectors) <= _EXACT else "barnes_hut",
        random_state=seed,
    )
    title = f"t-SNE, perplexity {perplexity:.3g}"
    return tsne.fit_transform(vectors.astype(np.float32)).astype(float), ("", ""), title


def _principal(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two principal components (n, 2) and their shares of the variance."""
    if not np.ptp(vectors, axis=0).any():  # a collapsed code has no axes
        return np.zeros((len(vectors), 2)), np.zeros(2)
    from sklearn.decomposition import PCA

    pca = PCA(n_components=2, svd_solver="full").fit(vectors)
    return pca.transform(vectors), pca.explained_variance_ratio_


def _thumbnails(
    axes: Any,
    points: NDArray[np.float64],
    images: NDArray[Any],
    colours: NDArray[Any] | None,
    order: NDArray[np.intp],
    fraction: float,
) -> None:
    """Draw images at their points, in frames that do not overlap."""
    height, width = images.shape[1:3]
    side = fraction * (np.ptp(points, axis=0).max() or 1.0) / max(height, width)
    box = side * np.array([width, height])
    taken: list[NDArray[np.float64]] = []
    for i in order:
        apart = np.abs(np.asarray(taken).reshape(-1, 2) - points[i]) >= 1.15 * box
        if not apart.any(axis=1).all():
            continue
        taken.append(points[i])
        left, bottom = points[i] - box / 2
        right, top = points[i] + box / 2
        axes.imshow(
            np.clip(images[i], 0, 1).squeeze(),
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=(left, right, bottom, top),
            zorder=3,
        )
        frame = Rectangle(
            (left, bottom),
            *box,
            fill=False,
            lw=1.2,
            ec=MUTED if colours is None else colours[i],
            zorder=4,
        )
        axes.add_patch(frame)
