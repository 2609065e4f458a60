"""Imports: quick, lazy, and never more than a receiver has."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import kerasae
import kerasae_export


def modules_after(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"keras", "tensorflow", "jax", "matplotlib", "sklearn", "skimage", "tensorflow_datasets"}


@pytest.mark.parametrize(
    "statement",
    [
        "import kerasae, kerasae_export",
        "import kerasae.cli; kerasae.cli.main(['--help'], standalone_mode=False)",
        "from kerasae.builders import BUILDERS; list(BUILDERS)",
        "import kerasae.data",
        "import kerasae_export.cli",
        "from kerasae_export import Codec, BitstreamError, BundleError",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    assert not HEAVY & modules_after(statement)


def test_the_runtime_works_without_keras_and_tensorflow(digit_bundle):
    statement = f"""
import numpy as np
from kerasae_export import Codec
codec = Codec.load({str(digit_bundle)!r})
image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
assert codec.decompress(codec.compress(image)).shape == (8, 8, 1)
from kerasae_export import verify_bundle
"""
    assert not HEAVY & modules_after(statement)


@pytest.mark.parametrize("package", [kerasae, kerasae_export])
def test_every_public_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        package.nonsense  # noqa: B018


@pytest.mark.slow
def test_modules_are_attributes_that_load_on_first_use():
    names = ["anomaly", "evaluation", "masks", "plots", "samplers"]
    assert set(names) <= set(dir(kerasae))
    modules = {getattr(kerasae, name).__name__ for name in names}
    assert not modules & modules_after("import kerasae; dir(kerasae)")
    used = "; ".join(f"kerasae.{name}.__all__" for name in names)
    assert modules <= modules_after(f"import kerasae; {used}")


def test_both_packages_have_one_version():
    assert kerasae.__version__ == kerasae_export.__version__


@pytest.mark.slow
@pytest.mark.parametrize("order", ["kerasae, keras", "keras, kerasae"])
def test_import_kerasae_registers_its_layers(order, tmp_path):
    """A model with layers of kerasae loads after `import kerasae`, as it is documented."""
    variants = [v for b in kerasae.BUILDERS.values() for v in [(b.name, b.variants[-1])]]
    for i, (name, variant) in enumerate(variants):
        kerasae.build(name, **variant).save(tmp_path / f"{i:02d}.keras")
    code = f"import {order}, glob\n" + (
        f"for f in sorted(glob.glob({str(tmp_path)!r} + '/*.keras')):\n"
        "    print(keras.saving.load_model(f, safe_mode=True).name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.split() == [name for name, _ in variants]


@pytest.mark.slow
@pytest.mark.parametrize("first", ["losses", "layers", "models", "builders", "training"])
def test_any_room_may_be_imported_first(first):
    """Each imports Keras, upon which models, layers and losses are imported and registered."""
    registered = "keras.saving.get_registered_object('kerasae>Autoencoder')"
    code = f"import kerasae.{first}, keras; print({registered}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "Autoencoder\n", done.stderr[-1500:]


@pytest.mark.slow
def test_who_only_asks_for_keras_does_not_stop_the_registration():
    """As TensorFlow Datasets does."""
    code = (
        "import kerasae, importlib.util\n"
        "importlib.util.find_spec('keras')\n"
        "import keras\n"
        "print(keras.saving.get_registered_object('kerasae>Autoencoder').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "Autoencoder\n", done.stderr[-1500:]


@pytest.mark.slow
def test_a_function_is_not_hidden_by_the_module_of_its_name():
    code = (
        "import kerasae_export.conversion.convert\n"
        "from kerasae_export.conversion import Converter, convert\n"
        "print(type(convert).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["function"]
