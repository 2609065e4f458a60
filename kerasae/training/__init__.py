"""Training with checkpoints that survive a kill, and a run folder that tells the story."""

from kerasae.training.loop import TrainConfig, train

__all__ = ["TrainConfig", "train"]
