"""A small search over hyperparameters of a builder and of its training.

`settings` says which ones to try, `running` trains them one after the other or side by side, each
in a run folder, and `results` makes the table, the plot and the page.
"""

from kerasae.sweeps.results import Result, Sweep
from kerasae.sweeps.search import sweep
from kerasae.sweeps.settings import Between

__all__ = ["Between", "Result", "Sweep", "sweep"]
