"""Figures: each function draws on the given or current axes and returns them.

The only package besides `salmetrics.cli` that uses matplotlib, which each function imports itself.
It draws what lower layers computed and computes no scores; nothing but the command line imports it.
"""

from salmetrics.plotting.calibration import plot_calibration, plot_calibrations
from salmetrics.plotting.category_weights import plot_category_weights
from salmetrics.plotting.differences import plot_image_differences, plot_mixture_sweep
from salmetrics.plotting.explained import plot_against_gold_standard, plot_fitted_density
from salmetrics.plotting.galleries import plot_gallery
from salmetrics.plotting.groups import plot_groups, plot_instances
from salmetrics.plotting.images import (
    plot_density,
    plot_fixations,
    plot_information_gain_map,
    plot_samples,
)
from salmetrics.plotting.scores import plot_scores

__all__ = [
    "plot_against_gold_standard",
    "plot_calibration",
    "plot_calibrations",
    "plot_category_weights",
    "plot_density",
    "plot_fitted_density",
    "plot_fixations",
    "plot_gallery",
    "plot_groups",
    "plot_image_differences",
    "plot_information_gain_map",
    "plot_instances",
    "plot_mixture_sweep",
    "plot_samples",
    "plot_scores",
]
