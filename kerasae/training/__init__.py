"""Training with checkpoints that survive a kill, and a run folder that tells the story."""

from kerasae.training.collapse import CollapseWarning
from kerasae.training.training import TrainConfig, train

__all__ = ["CollapseWarning", "TrainConfig", "train"]
