"""Sliders move the code that they say, and leave nothing behind where nobody can move them."""

from __future__ import annotations

import importlib.util
import io
import sys

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import kerasae
from kerasae import plots, samplers


@pytest.fixture
def model() -> keras.Model:
    return kerasae.build_variational(input_shape=(8, 8, 1), code_size=4, hidden=(16,))


def test_the_figure_shows_each_slider_from_end_to_end(model):
    figure = plots.latent_sliders(model, dimensions=[0, 2], span=2.0, steps=5).figure()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["value 0", "value 2"]
    shown = np.asarray(axes.images[0].get_array())
    expected = samplers.traverse(model, np.zeros(4), dimensions=[0, 2], span=2.0, steps=5)
    np.testing.assert_allclose(shown[:8, :8], expected[0, 0].squeeze(), atol=1e-6)
    np.testing.assert_allclose(shown[-8:, -8:], expected[1, -1].squeeze(), atol=1e-6)


def test_a_slider_moves_its_value_and_the_image(model):
    sliders = plots.latent_sliders(model, dimensions=[1, 3])
    picture, box = sliders.widget().children
    before = picture.value
    assert [slider.description for slider in box.children] == ["value 1", "value 3"]
    box.children[1].value = -2.4
    np.testing.assert_allclose(sliders.code, [0, 0, 0, -2.4])
    assert picture.value != before
    shown = np.asarray(Image.open(io.BytesIO(picture.value)))
    assert shown.shape == (224, 224)
    decoded = np.clip(kerasae.decoder(model)(sliders.code[None].astype(np.float32))[0], 0, 1)
    np.testing.assert_allclose(sliders.image(), decoded, atol=1e-6)
    np.testing.assert_allclose(shown[::28, ::28] / 255, decoded[..., 0], atol=0.003)


def test_sliders_start_at_an_image_or_a_code_and_reach_it(model, digits):
    code = kerasae.encoder(model).predict(digits.test[:1], verbose=0)[0]
    np.testing.assert_allclose(plots.latent_sliders(model, digits.test[0]).code, code, atol=1e-6)
    sliders = plots.latent_sliders(model, [5.0, 0.0, 0.0, 0.0], span=1.0)
    slider = sliders.widget().children[1].children[0]
    assert (slider.value, slider.max) == (5.0, 5.0)


def test_they_show_themselves_as_a_picture_or_as_widgets(model, monkeypatch):
    monkeypatch.delenv("VSCODE_PID", raising=False)
    sliders = plots.latent_sliders(model)
    assert set(sliders._repr_mimebundle_()) == {"text/plain", "image/png"}
    assert repr(sliders) == "LatentSliders(4 of 4 values)"
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    assert "application/vnd.jupyter.widget-view+json" in sliders._repr_mimebundle_()


def test_without_ipywidgets_there_is_the_picture(model, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    sliders = plots.latent_sliders(model)
    assert set(sliders._repr_mimebundle_()) == {"text/plain", "image/png"}
    with pytest.raises(ImportError, match=r"install `kerasae\[notebooks\]`"):
        sliders.widget()


@pytest.mark.slow
def test_a_notebook_executed_in_a_batch_keeps_the_picture_only(tmp_path, monkeypatch):
    for name in ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    code = (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "from kerasae_export.quiet import silence_native; silence_native()\n"
        "import kerasae\n"
        "model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=2, hidden=(8,))\n"
        "kerasae.plots.latent_sliders(model)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    resources = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    (output,) = notebook.cells[0].outputs
    assert output.data["image/png"].startswith("iVBOR")
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_or_code": np.zeros(3)}, r"an image \(8, 8, 1\) or a finite code \(4,\)"),
        ({"image_or_code": [np.nan] * 4}, "a finite code"),
        ({"dimensions": [4]}, "integers from 0 to 3"),
        ({"dimensions": []}, "integers from 0 to 3"),
        ({"span": 0.0}, "`span` must be a number above 0"),
        ({"span": 1e10}, "`span` must be a number above 0 and below 1e.09"),
        ({"image_or_code": [1e10, 0, 0, 0]}, "`image_or_code` must be"),
        ({"steps": 1}, "`steps` must be an integer above 1"),
    ],
)
def test_arguments_are_checked(model, options, message):
    with pytest.raises(ValueError, match=message):
        plots.latent_sliders(model, **options)


def test_a_spatial_code_has_no_sliders():
    model = kerasae.build_convolutional(input_shape=(8, 8, 1), code="spatial", hidden=(4,))
    with pytest.raises(ValueError, match="a code that is one vector"):
        plots.latent_sliders(model)
