"""Callbacks of Keras in `train`: called for the right epochs, and nothing is lost if one raises."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, train

CONFIG = TrainConfig(epochs=4, batch_size=80, schedule="constant", seed=3)


@pytest.fixture(scope="module")
def few(digits):
    return Images(digits.train[:200], digits.validation[:40], digits.test[:40])


def dense(images: Images) -> keras.Model:
    keras.utils.set_random_seed(1)
    return kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=4, hidden=(16,), loss="mse"
    )


class Watcher(keras.callbacks.Callback):
    """Notes what it is called for, and raises at the end of an epoch."""

    def __init__(self, last: int | None = None, error: type[BaseException] = RuntimeError):
        super().__init__()
        self.begun, self.ended, self.batches, self.last, self.error = [], [], 0, last, error

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append((epoch, logs["val_loss"]))
        if epoch == self.last:
            raise self.error("no room on the tracker's disk")


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "error", [RuntimeError, pytest.param(KeyboardInterrupt, marks=pytest.mark.slow)]
)
def test_a_callback_that_raises_leaves_the_checkpoint(error, few, tmp_path):
    straight = Watcher()
    expected = train(dense(few), few, CONFIG, progress=False, callbacks=[straight]).history
    assert straight.begun == [0, 1, 2, 3]
    assert straight.batches == 12
    assert [loss for _, loss in straight.ended] == expected["val_loss"]

    first = Watcher(2, error)
    with pytest.raises(error, match="no room on the tracker's disk"):
        train(dense(few), few, CONFIG, out=tmp_path, progress=False, callbacks=[first])
    assert first.begun == [0, 1, 2]
    second = Watcher()
    history = train(
        dense(few), few, CONFIG, out=tmp_path, resume=True, progress=False, callbacks=second
    )
    assert second.begun == [2, 3]  # the third epoch was not kept
    assert second.ended == straight.ended[2:]
    assert history.history == expected


@pytest.mark.usefixtures("eager")
def test_what_callbacks_change_is_in_the_checkpoint(few, tmp_path):
    """A rate that a callback of Keras lowers, and what it adds to the logs."""
    lower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    straight = dense(few)
    history = train(straight, few, CONFIG, progress=False, callbacks=[lower]).history
    rates = [1e-3 / 2**i for i in range(1, 5)]
    assert history["learning_rate"] == pytest.approx(rates)
    with pytest.raises(RuntimeError):
        train(dense(few), few, CONFIG, out=tmp_path, progress=False, callbacks=[lower, Watcher(2)])
    resumed = dense(few)
    again = train(
        resumed, few, CONFIG, out=tmp_path, resume=True, progress=False, callbacks=[lower]
    )
    assert again.history == history
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("eager")
def test_a_callback_may_stop_the_training_and_add_a_measure_now_and_then(few, tmp_path):
    class Odd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["text"] = "not kept"
            if epoch == 1:
                logs["extra"] = np.float32(0.5)
                self.model.stop_training = True

    history = train(dense(few), few, CONFIG, out=tmp_path, progress=False, callbacks=[Odd()])
    assert len(history.epoch) == 2
    assert np.isnan(history.history["extra"][0])
    assert history.history["extra"][1] == 0.5
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,val_loss,extra"
    assert lines[1].endswith(",")
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        (["tensorboard"], "str"),
        ([keras.callbacks.EarlyStopping], "EarlyStopping"),
        (3, "int"),
        (lambda epoch: None, "function"),
    ],
)
def test_what_is_no_callback_is_refused(wrong, received, few, tmp_path):
    with pytest.raises(ValueError, match=f"`callbacks` must hold callbacks.*Received: {received}"):
        train(dense(few), few, CONFIG, out=tmp_path / "run", callbacks=wrong)
    assert not (tmp_path / "run").exists()
