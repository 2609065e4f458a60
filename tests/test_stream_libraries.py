"""Streams of the real PyTorch, `datasets` and WebDataset, from an environment of their own.

`.ci/weekly tests` installs them beside the environment, since the project does not depend on them.
"""

from __future__ import annotations

import os
import signal

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae.data import DataError
from kerasae.data.packing import pack_shards
from kerasae.training import TrainConfig, train

pytestmark = [
    pytest.mark.weekly,
    pytest.mark.filterwarnings("ignore"),  # their own
]

CONFIG = TrainConfig(epochs=2, batch_size=20, schedule="constant")


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.uint8(np.random.default_rng(0).integers(0, 256, (100, 4, 4, 1)))


def losses(data, **options) -> dict[str, list[float]]:
    keras.utils.set_random_seed(0)
    model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=2, hidden=())
    return train(model, data, CONFIG, progress=False, **options).history


@pytest.fixture(scope="module")
def expected(x):
    return losses(lambda: (x[i : i + 20] for i in range(0, 100, 20)), validation_data=x[:20])


class Killed:
    """A data set of PyTorch whose worker dies."""

    def __len__(self):
        return 100

    def __getitem__(self, i):
        if i == 50:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros((1, 4, 4), np.float32)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader(x, expected, workers):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(np.moveaxis(x, -1, 1) / np.float32(255)), torch.arange(100)
    )
    loader = torch.utils.data.DataLoader(data, batch_size=20, num_workers=workers)
    found = losses(loader, validation_data=loader, validation_steps=1)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
    np.testing.assert_allclose(found["val_loss"], expected["val_loss"], rtol=1e-4)


def test_a_worker_of_a_data_loader_that_dies(x):
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(Killed(), batch_size=20, num_workers=1)
    with pytest.raises(DataError, match="DataLoader failed .*RuntimeError: DataLoader worker"):
        losses(loader, validation_data=x)


def test_an_iterable_data_set_of_torch(x, expected):
    torch = pytest.importorskip("torch")

    class Numbers(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(np.float32(x) / 255)

    loader = torch.utils.data.DataLoader(Numbers(), batch_size=20)
    found = losses(loader, validation_data=x[:20])
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)


def test_rows_of_datasets(x, expected, tmp_path):
    datasets = pytest.importorskip("datasets")
    pictures = [Image.fromarray(one[..., 0]) for one in x]
    columns = {"image": pictures, "label": list(range(100))}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    data = datasets.Dataset.from_dict(columns, features=features)
    first = losses(data, validation_data=data.select(range(20)))
    assert first == losses(data, validation_data=data.select(range(20)))
    np.testing.assert_allclose(first["loss"][0], expected["loss"][0], rtol=0.05)

    stream = data.to_iterable_dataset()
    found = losses(stream, validation_data=x[:20])
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)

    arrays = datasets.Dataset.from_dict(
        {"x": (np.float32(x) / 255).tolist()},
        features=datasets.Features({"x": datasets.Array3D((4, 4, 1), "float32")}),
    )
    np.testing.assert_allclose(
        losses(arrays, validation_data=x[:20])["loss"], first["loss"], rtol=0.05
    )


def test_webdataset_reads_our_shards(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    for i in range(12):
        path = tmp_path / "in" / "ab"[i % 2] / f"{i}.v1.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), i, np.uint8)).save(path)
    pack_shards(tmp_path / "in", tmp_path / "out")
    (shard,) = (tmp_path / "out").glob("*.tar")
    data = webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil")
    seen = [(one["__key__"], np.asarray(one["png"]).max()) for one in data]
    assert sorted(value for _, value in seen) == list(range(12))
    assert all(key.endswith(f"{value}_v1") for key, value in seen)
