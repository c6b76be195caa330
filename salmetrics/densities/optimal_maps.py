"""The saliency map that each metric wants from a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.checked_map import CheckedMap, as_log_density, as_map
from salmetrics.densities.optimal_sim import Ground, sim_optimal_map
from salmetrics.densities.sampling import image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.kernels.jit import kernel_input
from salmetrics.protocols import DEFAULT

Array = NDArray[np.float64]

__all__ = [
    "BEST_MAP_METRICS",
    "OPTIMAL_MAPS",
    "WHY_NOT",
    "optimal_map",
    "optimal_saliency_map",
    "shuffled_auc_map",
]


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


_NEEDS_SMOOTHING = ("CC", "KLDiv", "SIM")


BEST_MAP_METRICS = tuple(sorted({*OPTIMAL_MAPS, "sAUC"} - {"IG", "LL"}, key=str.casefold))


def optimal_saliency_map(
    metric: str,
    log_density: ArrayLike,
    *,
    sigma: float | None = None,
    boundary: str = DEFAULT.boundary,
    truncate: float = DEFAULT.truncate,
    n_fixations: int = 100,
    n_samples: int = DEFAULT.sim_samples,
    mean_density: ArrayLike | None = None,
    seed: int = 0,
) -> NDArray[Any]:
    """Return the saliency map with the best expected score under a density.

    Parameters
    ----------
    metric
        "AUC", "AUC-Judd", "CC", "KLDiv", "NSS", "NSS-MATLAB", "sAUC" or "SIM".
    log_density
        Natural log of the density, shape (h, w), logsumexp 0.
    sigma, boundary, truncate
        Of empirical maps, for CC, KLDiv and SIM; sigma in pixels.
    n_fixations
        Number of fixations of an empirical map, for SIM.
    n_samples
        Number of sampled empirical maps, for SIM.
    mean_density
        Density of nonfixations, shape (h, w), for sAUC: the mean density of other images.
    seed
        Of the samples, for SIM.

    Returns
    -------
    Map of shape (h, w); for AUC and sAUC log p and log p - log p_nonfix, which have the same
    order as p and the ratio. For CC it approximates the best map by the expected empirical map.

    Raises
    ------
    InputError
        If `sigma` or `mean_density` is needed and missing, or the density is none.

    References
    ----------
    Kümmerer, Wallis and Bethge (2018), ECCV, 798-814, doi:10.1007/978-3-030-01270-0_47.

    Examples
    --------
    >>> log_density = np.log(np.array([[0.1, 0.2], [0.3, 0.4]]))
    >>> optimal_saliency_map("NSS", log_density)
    array([[0.1, 0.2],
           [0.3, 0.4]])
    """
    check_choice("metric", metric, BEST_MAP_METRICS)
    checked = as_log_density(log_density)
    if metric == "sAUC":
        return shuffled_auc_map(checked, _mean_density(mean_density, checked.shape)).values
    ground = Ground(
        smoothing=_smoothing(metric, sigma, boundary, truncate),
        n_fixations=check_whole("n_fixations", n_fixations, 1),
        n_samples=check_whole("n_samples", n_samples, 2),
        seed=check_whole("seed", seed, 0),
    )
    return optimal_map(metric, checked, ground).values


def _smoothing(metric: str, sigma: float | None, boundary: str, truncate: float) -> Smoothing:
    if sigma is None and metric in _NEEDS_SMOOTHING:
        raise InputError(f"{metric} compares with blurred fixations: pass sigma=, in pixels")
    return Smoothing(sigma=sigma or 0.0, boundary=boundary, truncate=truncate)


def _mean_density(mean_density: ArrayLike | None, size: tuple[int, int]) -> Array:
    if mean_density is None:
        raise InputError("sAUC needs mean_density=, where the fixations on other images are")
    array = np.asarray(mean_density, dtype=np.float64)
    if array.shape != size or not (np.isfinite(array) & (array >= 0)).all() or array.sum() <= 0:
        raise InputError(
            f"mean_density must be of shape {size}, at least 0 and not 0 everywhere; got shape "
            f"{array.shape}"
        )
    return array / array.sum()
