"""The saliency map that each metric wants from a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import check_choice
from salmetrics.kernels.jit import kernel_input
from salmetrics.metrics.inputs import CheckedMap, as_log_density, as_map
from salmetrics.optimal_sim import Ground, sim_optimal_map
from salmetrics.seeding import image_stream

__all__ = ["OPTIMAL_MAPS", "WHY_NOT", "optimal_map", "shuffled_auc_map"]


def _log_density(log_density: CheckedMap, ground: Ground) -> CheckedMap:
    """Metrics that only rank pixels take log p: exp would underflow and make ties."""
    return log_density


def _density(log_density: CheckedMap, ground: Ground) -> CheckedMap:
    return as_map(np.exp(log_density.values, dtype=np.float64))


def _expected_empirical_map(log_density: CheckedMap, ground: Ground) -> CheckedMap:
    """Blur p as empirical maps are: the mean of those of fixations drawn from p."""
    return as_map(ground.smoothing.dense(np.exp(log_density.values, dtype=np.float64)))


def _sim_map(log_density: CheckedMap, ground: Ground) -> CheckedMap:
    smoothing = ground.smoothing
    if ground.truncate is not None:
        smoothing = replace(smoothing, truncate=ground.truncate)
    best = sim_optimal_map(
        np.exp(log_density.values, dtype=np.float64),
        smoothing,
        ground.n_fixations,
        image_stream(ground.seed, f"SIM {ground.image_id}"),
        n_samples=ground.n_samples,
    )
    return as_map(best)


def shuffled_auc_map(log_density: CheckedMap, mean_density: NDArray[np.float64]) -> CheckedMap:
    """Return log p - log p_nonfix, the map that shuffled AUC wants.

    Parameters
    ----------
    log_density
        Natural log of the density p, shape (h, w).
    mean_density
        Density p_nonfix of nonfixations, shape (h, w): the mean prediction over other images.

    Returns
    -------
    Map of shape (h, w), with infinities: lowest where p is 0, highest where only p_nonfix is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = log_density.values - np.log(mean_density)
    ratio[log_density.values == -np.inf] = -np.inf
    return CheckedMap(kernel_input(ratio))


OPTIMAL_MAPS: dict[str, Callable[[CheckedMap, Ground], CheckedMap]] = {
    "AUC": _log_density,
    "AUC-Judd": _log_density,
    "CC": _expected_empirical_map,
    "IG": _log_density,
    "KLDiv": _expected_empirical_map,
    "LL": _log_density,
    "NSS": _density,
    "NSS-MATLAB": _density,
    "SIM": _sim_map,
}

_ONE_MAP = (
    "no map is known to be optimal under a density; protocol='mit-matlab' scores the density itself"
)
WHY_NOT = {
    "AUC-Borji": _ONE_MAP,
    "EMD": _ONE_MAP,
    "IG-MATLAB": _ONE_MAP,
    "SIM-MATLAB": _ONE_MAP,
    "sAUC-MATLAB": _ONE_MAP,
}


def optimal_map(metric: str, log_density: object, ground: Ground) -> CheckedMap:
    """Return the saliency map with the best expected score under a density.

    Parameters
    ----------
    metric
        A key of `OPTIMAL_MAPS`.
    log_density
        Natural log of the density, shape (h, w).
    ground
        What else the map depends on. For CC the exact optimum is the mean of the z-scored
        empirical maps; the blurred density approximates it.

    Returns
    -------
    A checked map of shape (h, w); the log density itself where only the order of pixels counts.

    Raises
    ------
    InputError
        For a metric without a known optimal map.

    References
    ----------
    Kümmerer, Wallis and Bethge (2018), ECCV, 798-814, doi:10.1007/978-3-030-01270-0_47.
    """
    check_choice("metric", metric, OPTIMAL_MAPS)
    return OPTIMAL_MAPS[metric](as_log_density(log_density), ground)  # type: ignore[arg-type]
