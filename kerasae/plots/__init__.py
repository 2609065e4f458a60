"""Figures: every picture that chapters and reports show.

Each function named `plot_...` returns a Matplotlib figure that belongs to no window, so that
plotting works without a display and leaks nothing; notebooks show the returned figure.
`latent_sliders` returns something that can be moved; `show_image` draws in axes that exist.
"""

from kerasae.plots._style import BLUE, GREEN, INK, MUTED, ORANGE, RED, Figure, show_image
from kerasae.plots.activations import plot_activations
from kerasae.plots.architecture import plot_architecture
from kerasae.plots.code_maps import plot_code_maps
from kerasae.plots.codes import plot_codes, plot_maps
from kerasae.plots.comparison import plot_comparison
from kerasae.plots.curves import plot_curves
from kerasae.plots.detection import plot_scores
from kerasae.plots.filters import plot_filters
from kerasae.plots.history import plot_history
from kerasae.plots.images import (
    plot_inpaintings,
    plot_manifold,
    plot_reconstructions,
    plot_samples,
    plot_traversals,
)
from kerasae.plots.journey import plot_journey
from kerasae.plots.parallel import plot_parallel
from kerasae.plots.progress import plot_progress
from kerasae.plots.rate_distortion import plot_rate_distortion
from kerasae.plots.segmentation import plot_segmentations
from kerasae.plots.sequences import plot_piano_roll, plot_series
from kerasae.plots.sliders import LatentSliders, latent_sliders
from kerasae.plots.volumes import plot_slices

__all__ = [
    "BLUE",
    "GREEN",
    "INK",
    "MUTED",
    "ORANGE",
    "RED",
    "Figure",
    "LatentSliders",
    "latent_sliders",
    "plot_activations",
    "plot_architecture",
    "plot_code_maps",
    "plot_codes",
    "plot_comparison",
    "plot_curves",
    "plot_filters",
    "plot_history",
    "plot_inpaintings",
    "plot_journey",
    "plot_manifold",
    "plot_maps",
    "plot_parallel",
    "plot_piano_roll",
    "plot_progress",
    "plot_rate_distortion",
    "plot_reconstructions",
    "plot_samples",
    "plot_scores",
    "plot_segmentations",
    "plot_series",
    "plot_slices",
    "plot_traversals",
    "show_image",
]
