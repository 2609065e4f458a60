"""Training with checkpoints that survive a kill, and a run folder that tells the story.

`train` is in `loop`, and `TrainConfig` in `configuration`. A run checks its images with `inputs`,
draws them with `batches`, compiles the model with `compilation`, validates with the objective by
`validation`, keeps in `checkpoint` what it resumes from, in the folder that `run_folder` describes,
and ends with a look for `collapse`.
"""

from kerasae.training.collapse import CollapseWarning
from kerasae.training.configuration import TrainConfig
from kerasae.training.hosts import Hosts, HostsError, connect_hosts
from kerasae.training.loop import train
from kerasae.training.run_folder import CHECKPOINT as CHECKPOINT
from kerasae.training.run_folder import CONFIG as CONFIG
from kerasae.training.run_folder import CURVE as CURVE
from kerasae.training.run_folder import HISTORY as HISTORY
from kerasae.training.run_folder import MODEL as MODEL

__all__ = [
    "CollapseWarning",
    "Hosts",
    "HostsError",
    "TrainConfig",
    "connect_hosts",
    "train",
]
