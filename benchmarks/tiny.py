"""Two tiny bundles for benchmarks that are not about quality."""

from __future__ import annotations

from pathlib import Path

__all__ = ["make_bundles"]


def make_bundles(folder: Path) -> None:
    """Train two tiny models for seconds, and export them."""
    import keras

    import kerasae
    from kerasae.training import TrainConfig, train
    from kerasae_export import export_bundle

    for name, data, code in (
        ("blocks", kerasae.load_images("digits"), {"code_size": 8}),
        (
            "grid",
            kerasae.load_images("photos", image_size=32, limit=240),
            {"code_size": 4, "code": "spatial"},
        ),
    ):
        keras.utils.set_random_seed(0)
        model = kerasae.build_convolutional(
            input_shape=data.image_shape, hidden=(8, 8), loss="mse", **code
        )
        config = TrainConfig(epochs=5, batch_size=32, learning_rate=3e-3)
        train(model, data, config, progress=False)
        export_bundle(model, folder / name, calibration=data.train)
