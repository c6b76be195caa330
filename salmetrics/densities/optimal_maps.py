"""Saliency maps with the best expected score under a density: one function per kind of map.

The entry of a metric in `salmetrics.metrics.registry` names its function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from salmetrics.array_types import Array
from salmetrics.checked_map import CheckedMap, as_map
from salmetrics.densities.optimal_sim import sim_optimal_map
from salmetrics.densities.sampling import image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.kernels.jit import kernel_input
from salmetrics.protocols import DEFAULT

__all__ = [
    "OptimalMap",
    "OptimalMapSettings",
    "density_itself",
    "expected_empirical_map",
    "log_density_itself",
    "shuffled_auc_map",
    "sim_map",
]


@dataclass(frozen=True)
class OptimalMapSettings:
    """Settings, besides the density, that determine an optimal map.

    Attributes
    ----------
    smoothing : Smoothing
        Blur of empirical maps; the maps for CC, KLDiv and SIM depend on it.
    n_fixations : int
        Number of fixations per empirical map, for SIM.
    n_samples : int
        Number of sampled empirical maps, for SIM.
    truncate : float or None
        End of the kernel of sampled maps, in standard deviations, for SIM; None for that of
        `smoothing`.
    seed : int
        Seed of the samples, for SIM.
    image_id : str
        Id of the image, which with `seed` determines the samples, for SIM.
    """

    smoothing: Smoothing
    n_fixations: int = 100
    n_samples: int = DEFAULT.sim_samples
    truncate: float | None = None
    seed: int = 0
    image_id: str = ""


OptimalMap = Callable[[CheckedMap, OptimalMapSettings], CheckedMap]


def log_density_itself(log_density: CheckedMap, settings: OptimalMapSettings) -> CheckedMap:
    """Return log p, for metrics that only rank pixels; exp would underflow to ties."""
    return log_density


def density_itself(log_density: CheckedMap, settings: OptimalMapSettings) -> CheckedMap:
    """Return p, for metrics that are linear in the map."""
    return as_map(np.exp(log_density.values, dtype=np.float64))


def expected_empirical_map(log_density: CheckedMap, settings: OptimalMapSettings) -> CheckedMap:
    """Return p blurred like an empirical map: the mean empirical map of fixations drawn from p.

    For CC the exact optimum is the mean of the z-scored empirical maps, which this approximates.
    """
    return as_map(settings.smoothing.dense(np.exp(log_density.values, dtype=np.float64)))


def sim_map(log_density: CheckedMap, settings: OptimalMapSettings) -> CheckedMap:
    """Return the map with the largest expected SIM; see `sim_optimal_map`."""
    smoothing = settings.smoothing
    if settings.truncate is not None:
        smoothing = replace(smoothing, truncate=settings.truncate)
    best = sim_optimal_map(
        np.exp(log_density.values, dtype=np.float64),
        smoothing,
        settings.n_fixations,
        image_stream(settings.seed, f"SIM {settings.image_id}"),
        n_samples=settings.n_samples,
    )
    return as_map(best)


def shuffled_auc_map(log_density: CheckedMap, mean_density: Array) -> CheckedMap:
    """Return log p - log p_nonfix, the optimal map for shuffled AUC.

    Parameters
    ----------
    log_density
        Natural log of the density p, shape (h, w).
    mean_density
        Density p_nonfix of nonfixations, shape (h, w): the mean prediction over other images.

    Returns
    -------
    saliency_map : CheckedMap
        Shape (h, w), with infinities: -inf where p is 0, inf where only p_nonfix is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = log_density.values - np.log(mean_density)
    ratio[log_density.values == -np.inf] = -np.inf
    return CheckedMap(kernel_input(ratio))
