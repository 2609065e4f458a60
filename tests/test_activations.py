"""The activations that are drawn are those that the layers give."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae import plots

VARIANTS = {
    f"{name}-{i}": (builder, variant)
    for name, builder in kerasae.BUILDERS.items()
    if builder.kind == "image"
    for i, variant in enumerate(builder.variants)
}


@pytest.fixture(scope="module")
def dense() -> keras.Model:
    return kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=5, hidden=(12, 80))


def bars(axes) -> list[float]:
    return [bar.get_height() for bar in axes.patches]


def test_every_layer_has_a_row_from_image_to_reconstruction(dense, rng):
    image = rng.random((8, 8, 1))
    figure = plots.plot_activations(dense, image)
    names = [t.get_text() for t in figure.texts if t.get_weight() == "bold"]
    assert names == [
        *("image", "flatten", "encode_1", "encode_2", "code"),
        *("decode_1", "decode_2", "pixels", "reconstruction"),
    ]
    facts = [t.get_text() for t in figure.texts if t.get_weight() != "bold"]
    assert facts[2].startswith("Dense, 12\n780 parameters\nfrom ")
    assert len(figure.axes) == len(names)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), image[..., 0])


def test_bars_are_the_values_of_the_layer(dense, rng):
    image = rng.random((8, 8, 1)).astype(np.float32)
    figure = plots.plot_activations(dense, image, layers=("encode_1", "code"))
    code = kerasae.encoder(dense).predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(bars(figure.axes[1]), code, rtol=1e-5)
    assert len(bars(figure.axes[0])) == 12
    assert min(bars(figure.axes[0])) >= 0


def test_long_vectors_are_squares_and_images_are_images(dense, rng):
    image = rng.random((8, 8, 1)).astype(np.float32)
    strip, last = plots.plot_activations(dense, image, layers=("encode_2", "reconstruction")).axes
    tones = np.asarray(strip.images[0].get_array())
    assert tones.shape == (1, 80)
    assert tones.max() == pytest.approx(1)
    rebuilt = np.clip(dense.predict(image[None], verbose=0)[0, ..., 0], 0, 1)
    np.testing.assert_allclose(last.images[0].get_array(), rebuilt, rtol=1e-5)


def test_maps_stand_side_by_side(rng):
    model = kerasae.build_convolutional(input_shape=(8, 8, 3), code_size=3, hidden=(6, 4))
    image = rng.random((8, 8, 3)).astype(np.float32)
    figure = plots.plot_activations(model, image, layers=("encode_1",), maps=5)
    (axes,) = figure.axes
    assert axes.images[0].get_array().shape == (16, 5 * 16 + 4)  # five maps, a pixel between
    assert axes.get_xlabel() == "first 5 of 6 channels"
    probe = keras.Model(
        model.get_layer("encoder").inputs, model.get_layer("encoder").get_layer("encode_1").output
    )
    maps = probe.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(
        axes.images[0].get_array()[::4, 17:33:4], maps[..., 1] / maps.max(), rtol=1e-5
    )


@pytest.mark.parametrize(("builder", "variant"), VARIANTS.values(), ids=VARIANTS)
def test_every_builder_has_activations_that_end_in_its_output(builder, variant, rng):
    model = builder(**variant)
    image = rng.random(model.input_shape[1:]).astype(np.float32)
    figure = plots.plot_activations(model, image)
    figure.draw_without_rendering()
    names = [t.get_text() for t in figure.texts if t.get_weight() == "bold"]
    colours = [t.get_color() for t in figure.texts if t.get_weight() == "bold"]
    assert names[0] == "image"
    assert colours.count(plots.ORANGE) >= 1  # there is a code
    made = np.asarray(model(image[None], training=False)[0])
    if image.ndim == 4:
        image, made = image[len(image) // 2], made[len(made) // 2]
        assert "middle slice" in {axes.get_xlabel() for axes in figure.axes}
    if made.shape != image.shape or image.ndim != 3:
        return  # classes, or no picture
    shown = [
        np.asarray(axes.images[0].get_array())
        for axes in figure.axes
        if axes.images and axes.images[0].get_array().shape[:2] == image.shape[:2]
    ]
    expected = np.clip(made, 0, 1)
    expected = expected if expected.shape[-1] == 3 else expected[..., 0]
    assert any(a.shape == expected.shape and np.allclose(a, expected, atol=1e-5) for a in shown)


def test_no_text_lies_over_another(dense, rng):
    figure = plots.plot_activations(dense, rng.random((8, 8, 1)))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ("nonsense",)}, "`layers` must be names from image, flatten, encode_1, .*"),
        ({"layers": ()}, "`layers` must be names from"),
        ({"maps": 0}, "`maps` must be a positive integer. Received: maps=0"),
        ({"image": np.zeros((4, 4, 1))}, r"`image` must be an image"),
        ({"model": keras.Sequential(name="plain")}, "`model` must have a known input"),
    ],
)
def test_bad_arguments_give_one_sentence(dense, options, message):
    arguments = {"model": dense, "image": np.zeros((8, 8, 1)), **options}
    model, image = arguments.pop("model"), arguments.pop("image")
    with pytest.raises(ValueError, match=message):
        plots.plot_activations(model, image, **arguments)
