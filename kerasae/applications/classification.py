"""From a pretrained encoder to a classifier: a head on the code, fine-tuned with labels."""

from __future__ import annotations

import keras
from keras import layers

from kerasae import _arguments

__all__ = ["build_classifier"]


def build_classifier(
    encoder: keras.Model, *, classes: int, frozen: bool = False, learning_rate: float = 1e-3
) -> keras.Model:
    """Build a classifier from a copy of an encoder and a softmax layer on its code.

    The model computes `p(y | x) = softmax(W f(x) + b)`, where `f` starts as the encoder that an
    autoencoder has learned without labels, and training minimises the cross-entropy of integer
    labels, mean over the batch (the fine-tuning of Hinton & Salakhutdinov 2006 and Vincent,
    Larochelle, Lajoie, Bengio & Manzagol 2010). The weights are copied: the autoencoder stays
    as it is, and several classifiers can start from it.

    Args:
        encoder: A model that gives float codes, such as `kerasae.encoder(model)`.
        classes: Number of classes; labels are integers from 0 to `classes - 1`.
        frozen: Whether the encoder keeps its weights and only the softmax layer learns, which
            is logistic regression on the codes.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 inputs of the encoder to probabilities (batch, classes), of
        stock Keras layers if the encoder is. Train it with `fit(images, labels)`.

    Raises:
        ValueError: If a hyperparameter breaks its rule, or the encoder gives no float code.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits")
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=16)
        >>> classifier = build_classifier(kerasae.encoder(model), classes=10)
        >>> history = classifier.fit(images.train, images.train_labels, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss']
    """
    classes = _arguments.positive_int("classes", classes)
    frozen = _arguments.boolean("frozen", frozen)
    learning_rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    is_encoder = isinstance(encoder, keras.Model) and len(encoder.inputs) == 1
    if not is_encoder or "float" not in keras.backend.standardize_dtype(encoder.outputs[0].dtype):
        raise ValueError(
            "`encoder` must be a model of one input that gives float codes, such as "
            f"`kerasae.encoder(model)`. Received: encoder={getattr(encoder, 'name', encoder)!r}"
        )
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = not frozen
    entry = keras.Input(encoder.input_shape[1:], name="input")
    code = copy(entry)
    code = code[0] if isinstance(code, (list, tuple)) else code
    if len(code.shape) > 2:
        code = layers.Flatten(name="flatten")(code)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(code)
    model = keras.Model(entry, probabilities, name="classifier")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
