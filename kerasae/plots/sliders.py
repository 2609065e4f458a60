"""A slider for each value of a code, with the image that the decoder makes of them."""

from __future__ import annotations

import base64
import importlib.util
import io
import os
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from kerasae import _arguments
from kerasae.plots._style import Figure
from kerasae.plots.images import plot_traversals
from kerasae_export.images import check_numbers

if TYPE_CHECKING:
    import keras

__all__ = ["LatentSliders", "latent_sliders"]

# Set where a kernel belongs to an open notebook: Jupyter's server, VS Code, Colab.
_FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG")
_SIDE = 224  # pixels of the longer side of the image beside the sliders


def latent_sliders(
    model: keras.Model,
    image_or_code: ArrayLike | None = None,
    *,
    dimensions: Sequence[int] | None = None,
    span: float = 3.0,
    steps: int = 9,
) -> LatentSliders:
    """Explore a code by hand: a slider for each of its values, beside the decoded image.

    At the end of a cell of an open notebook the sliders appear, made by ipywidgets. Where nobody
    could move them, as when a notebook is executed in a batch, a picture takes their place: a
    row for each slider and a column for each of `steps` positions, the others at rest. No state of
    a widget is then left in the notebook.

    Args:
        model: A model with a code of a few values, and a decoder that takes nothing else.
        image_or_code: Where the sliders start: an image (height, width, channels), a code
            (code_size,), or by default 0, the mean of the prior of a variational autoencoder.
        dimensions: Values of the code that get a slider; by default all, at most the first ten.
        span: The sliders reach from `-span` to `span`, or to where they start if that is farther.
        steps: Columns of the picture, at least 2.

    Returns:
        An object that shows itself; `widget` and `figure` give either form.

    Raises:
        ValueError: If the code is spatial, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=2, hidden=(16,))
        >>> sliders = latent_sliders(model)
        >>> sliders.move(0, 1.5)
        >>> sliders.code.tolist()
        [1.5, 0.0]
        >>> len(sliders.figure().axes)
        1
    """
    from kerasae import _inference  # here, since plots work without Keras

    model = _inference.prepared(model)
    shape = _inference.code_shape(model)
    if len(shape) != 1 or shape[0] is None:
        raise ValueError(
            f"`model` must have a code that is one vector. Received: codes of shape {shape}"
        )
    size = shape[0]
    given = np.zeros(size)
    if image_or_code is not None:
        given = _arguments.array("image_or_code", image_or_code)
        if _inference.fits(given.shape, model.input_shape[1:]):
            image = _inference.check_image(model, given, "image_or_code")
            given = _inference.encode_values(model, image[None])[0]
        given = check_numbers("image_or_code", given)
    if given.shape != (size,) or not (np.abs(given) <= _inference.LARGEST_CODE).all():
        raise ValueError(
            f"`image_or_code` must be an image {tuple(model.input_shape[1:])} or a finite code "
            f"{shape}. Received: shape {given.shape}"
        )
    chosen = _arguments.dimensions("dimensions", dimensions, size, most=10)
    span = _arguments.number("span", span, low=0.0, high=_inference.LARGEST_CODE)
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 2:
        raise ValueError(f"`steps` must be an integer above 1. Received: steps={steps!r}")
    _inference.image_decoder(model)
    return LatentSliders(model, given, chosen, span, int(steps))


class LatentSliders:
    """What `latent_sliders` returns: a code that can be moved, and its image.

    Attributes:
        code: Where the sliders stand, (code_size,).
    """

    def __init__(
        self,
        model: keras.Model,
        code: NDArray[Any],
        dimensions: list[int],
        span: float,
        steps: int,
    ) -> None:
        self._model, self._dimensions, self._steps = model, dimensions, steps
        self.code: NDArray[np.float64] = np.array(code, float)
        self._span = max(span, float(np.abs(self.code[dimensions]).max()))

    def move(self, dimension: int, value: float) -> None:
        """Set one value of the code."""
        self.code[dimension] = value

    def image(self) -> NDArray[np.float32]:
        """The image of the code as it stands, (height, width, channels), values in [0, 1]."""
        return self._decode(self.code[None])[0]

    def figure(self) -> Figure:
        """A row of images for each slider, moved from one end to the other, the others at rest."""
        values = self._span * np.linspace(-1, 1, self._steps)
        codes = np.tile(self.code, (len(self._dimensions), self._steps, 1))
        for row, dimension in enumerate(self._dimensions):
            codes[row, :, dimension] = values
        images = self._decode(codes.reshape(-1, len(self.code)))
        grid = images.reshape(*codes.shape[:2], *images.shape[1:])
        return plot_traversals(
            grid,
            labels=[f"value {dimension}" for dimension in self._dimensions],
            values=[float(value) for value in values],
        )

    def widget(self) -> Any:
        """The sliders and the image as a box of ipywidgets, which needs an open notebook.

        Raises:
            ImportError: If ipywidgets is not installed, which comes with `kerasae[notebooks]`.
        """
        try:
            import ipywidgets as widgets
        except ImportError:
            raise ImportError(
                "Sliders need ipywidgets: install `kerasae[notebooks]`, or call `figure()`."
            ) from None

        picture = widgets.Image(value=self._png(), format="png", layout={"margin": "0 16px 0 0"})
        sliders = []
        for dimension in self._dimensions:
            slider = widgets.FloatSlider(
                value=self.code[dimension],
                min=-self._span,
                max=self._span,
                step=self._span / 50,
                description=f"value {dimension}",
                readout_format=".2f",
            )

            def moved(change: Any, dimension: int = dimension) -> None:
                self.move(dimension, change["new"])
                picture.value = self._png()

            slider.observe(moved, names="value")
            sliders.append(slider)
        return widgets.HBox([picture, widgets.VBox(sliders)])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        open_notebook = any(name in os.environ for name in _FRONT_ENDS)
        if open_notebook and importlib.util.find_spec("ipywidgets") is not None:
            return self.widget()._repr_mimebundle_()
        picture = base64.b64encode(self.figure()._repr_png_()).decode()
        return {"text/plain": repr(self), "image/png": picture}

    def __repr__(self) -> str:
        return f"LatentSliders({len(self._dimensions)} of {len(self.code)} values)"

    def _decode(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        from kerasae import _inference

        return _inference.decode(self._model, codes, "`code`")

    def _png(self) -> bytes:
        """The image, enlarged so that its pixels are squares."""
        pixels = np.round(255 * self.image()).astype(np.uint8)
        times = max(1, _SIDE // max(pixels.shape[:2]))
        buffer = io.BytesIO()
        picture = Image.fromarray(pixels.squeeze())
        size = (picture.width * times, picture.height * times)
        picture.resize(size, Image.Resampling.NEAREST).save(buffer, format="png")
        return buffer.getvalue()
