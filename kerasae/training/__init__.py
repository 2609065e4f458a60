"""Training with checkpoints that survive a kill, and a run folder that tells the story.

`train` is in `loop`, and `TrainConfig` in `configuration`. A run checks its images with `inputs`,
draws them with `batches`, compiles the model with `compilation`, and keeps what it resumes from with `checkpoint` in the
folder that `run_folder` describes.
"""

from kerasae.training.configuration import TrainConfig
from kerasae.training.loop import train
from kerasae.training.run_folder import CHECKPOINT as CHECKPOINT
from kerasae.training.run_folder import CONFIG as CONFIG
from kerasae.training.run_folder import CURVE as CURVE
from kerasae.training.run_folder import HISTORY as HISTORY
from kerasae.training.run_folder import MODEL as MODEL

__all__ = ["TrainConfig", "train"]
