"""The segmentation network: an autoencoder's shape, whose output is the class of each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import _losses, _pixelwise
from kerasae.builders._losses import Loss
from kerasae.losses.segmentation import SEGMENTATION_LOSSES, SegmentationLoss, class_weights_of
from kerasae.models import Autoencoder

__all__ = ["build_segmentation"]


def build_segmentation(
    *,
    input_shape: Sequence[int] = (64, 96, 3),
    classes: int = 8,
    code_size: int | None = None,
    hidden: Sequence[int] = (16, 32, 64),
    activation: str = "relu",
    loss: Loss = "cross_entropy",
    skips: Literal["concat", "pooling"] | None = "concat",
    class_weights: Sequence[float] | None = None,
    ignored_class: int | None = None,
    kernel_size: int = 3,
    convolutions: int = 2,
    normalization: Literal["batch"] | None = "batch",
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build an encoder and decoder that give each pixel of an image a class.

    Each stage of the encoder is convolutions and a max pooling of 2 x 2, each stage of the decoder
    enlarges and convolves. What is small is lost in the code, so the decoder is told more:

    - `"concat"`: the maps of the encoder before each pooling, put beside its own after a transposed
      convolution (Ronneberger, Fischer & Brox 2015, U-Net).
    - `"pooling"`: for each pooling only the place of the maximum in its window, where the decoder
      puts its value, with zeros around (Badrinarayanan, Kendall & Cipolla 2017, SegNet). It costs
      two bits a value.
    - None: nothing, for comparison.

    Training minimises the cross-entropy of the class of each pixel, the mean over the pixels that
    count and over images, or one minus the soft Dice coefficient (Milletari, Navab & Ahmadi 2016,
    V-Net), or their sum. `fit` takes images and integer labels (batch, height, width). The code is
    no substitute for the image where there are skips: such a model exports as one file,
    `kerasae.inference_model(model)`.

    Args:
        input_shape: (height, width, channels) of an image, or (depth, height, width, channels) of a
            volume, of any size.
        classes: Number of classes, the ignored one not among them.
        code_size: Filters of the convolutions after the last pooling, as U-Net has them; None has
            none, as SegNet, and with `"pooling"` it must be None.
        hidden: Filters of each stage of the encoder, at least one; the decoder mirrors it.
        activation: Activation of all layers but the last.
        loss: `"cross_entropy"`, `"dice"` or `"cross_entropy+dice"`. Any other loss of Keras does,
            by name, object or registered function; it compares one-hot classes with the softmax.
        skips: What the decoder takes besides the code; see above.
        class_weights: Weight of each class in the cross-entropy, such as
            `kerasae.evaluation.median_frequency_weights` gives; None weighs pixels alike.
        ignored_class: Label of pixels that count neither in the loss nor in a measure.
        kernel_size: Side of the kernels.
        convolutions: Number of convolutions of a stage: 2 in U-Net, 1 in SegNet-Basic.
        normalization: `"batch"` for batch normalisation between each convolution and its
            activation (Ioffe & Szegedy 2015), or None.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to logits float32 (batch, height,
        width, classes), whose largest is the class. Its nested models are `encoder`, image to code
        and skips, and `decoder`, code and skips to logits.

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> model = build_segmentation(input_shape=(30, 45, 3), classes=5, hidden=(8, 16))
        >>> model.output_shape
        (None, 30, 45, 5)
        >>> [output.shape[1:] for output in model.get_layer("encoder").outputs]
        [(8, 12, 16), (30, 45, 8), (15, 23, 16)]
    """
    shape = _arguments.input_shape(input_shape, (3, 4))
    classes = _arguments.positive_int("classes", classes)
    hidden = _arguments.positive_ints("hidden", hidden)
    if not hidden:
        raise ValueError("`hidden` must name the filters of at least one stage. Received: ()")
    if not isinstance(loss, str) or loss not in SEGMENTATION_LOSSES:
        loss = _losses.check_loss(loss)
        if class_weights is not None or ignored_class is not None:
            _losses.check_values_of_pixels(loss)
    if skips is not None:
        _arguments.one_of("skips", skips, ("concat", "pooling"))
    if normalization is not None:
        _arguments.one_of("normalization", normalization, ("batch",))
    if code_size is not None:
        code_size = _arguments.positive_int("code_size", code_size)
        if skips == "pooling":
            raise ValueError(
                "`code_size` must be None where `skips` is 'pooling': the code is the last pooled "
                f"map. Received: code_size={code_size}"
            )
    if class_weights is not None:
        class_weights = _weights(class_weights, classes)
    if ignored_class is not None:
        ignored_class = _arguments.non_negative_int("ignored_class", ignored_class)
    options: dict[str, Any] = {
        "skips": skips,
        "convolutions": _arguments.positive_int("convolutions", convolutions),
        "kernel_size": _arguments.positive_int("kernel_size", kernel_size),
        "normalization": normalization,
    }
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)

    encoder = _pixelwise.encoder(shape, code_size, hidden, activation, **options)
    decoder = _pixelwise.decoder(encoder, classes, hidden, activation, **options)
    image = keras.Input(shape, name="image")
    model = Autoencoder(image, decoder(encoder(image)), name="segmentation")
    objective = SegmentationLoss(loss, class_weights=class_weights, ignored_class=ignored_class)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=objective)
    return model


def _weights(values: Any, classes: int) -> list[float]:
    given = class_weights_of(values)
    if len(given) != classes:
        raise ValueError(
            f"`class_weights` must hold a weight for each of the {classes} classes. "
            f"Received: class_weights={values!r}"
        )
    return given
