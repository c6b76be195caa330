"""Figures: each function draws on the given or current axes and returns them."""

from salmetrics.plotting.calibration import plot_calibration
from salmetrics.plotting.explained import plot_against_gold_standard, plot_fitted_density
from salmetrics.plotting.images import plot_density, plot_fixations
from salmetrics.plotting.scores import plot_scores

__all__ = [
    "plot_against_gold_standard",
    "plot_calibration",
    "plot_density",
    "plot_fitted_density",
    "plot_fixations",
    "plot_scores",
]
