"""The best saliency map for each metric, and how well any map is expected to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.checked_map import CheckedMap, as_log_density, as_map
from salmetrics.densities.optimal_maps import BEST_MAP_METRICS, _mean_density, _smoothing
from salmetrics.densities.sampling import draw_pixels, image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.kernels.jit import kernel_input
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import DEFAULT

__all__ = ["ExpectedScore", "expected_score"]

Array = NDArray[np.float64]

_RANKING = ("AUC", "AUC-Judd", "sAUC")


@dataclass(frozen=True)
class ExpectedScore:
    """A score expected under a density.

    Attributes
    ----------
    value
        Mean over draws of fixations.
    standard_error
        Of the mean.
    scores
        One a draw; draws of equal seed are equal, so that scores of two maps can be paired.
    """

    value: float
    standard_error: float
    scores: Array

    def minus(self, other: ExpectedScore) -> ExpectedScore:
        """Return the difference of two maps' scores on the same draws."""
        return _summarised(self.scores - other.scores)


def expected_score(
    metric: str,
    saliency_map: ArrayLike,
    log_density: ArrayLike,
    *,
    sigma: float | None = None,
    boundary: str = DEFAULT.boundary,
    truncate: float = DEFAULT.truncate,
    n_fixations: int = 100,
    mean_density: ArrayLike | None = None,
    n_draws: int = 1000,
    seed: int = 0,
) -> ExpectedScore:
    """Score a saliency map on fixations drawn from a density, many times.

    Parameters
    ----------
    metric
        As in `optimal_saliency_map`.
    saliency_map
        Shape (h, w).
    log_density
        Where fixations are drawn from: natural log, shape (h, w), logsumexp 0.
    sigma, boundary, truncate
        Of empirical maps, for CC, KLDiv and SIM; sigma in pixels.
    n_fixations
        Number of fixations of a draw; for sAUC, as many nonfixations are drawn.
    mean_density
        Density of nonfixations, shape (h, w), for sAUC.
    n_draws
        Number of draws.
    seed
        Of the draws: maps that are scored with one seed are scored on the same fixations.

    Returns
    -------
    `ExpectedScore`.

    Examples
    --------
    >>> log_density = np.log(np.array([[0.1, 0.2], [0.3, 0.4]]))
    >>> score = expected_score("NSS", np.exp(log_density), log_density, n_draws=100)
    >>> bool(abs(score.value - 0.4472) < 4 * score.standard_error)
    True
    """
    check_choice("metric", metric, BEST_MAP_METRICS)
    density = as_log_density(log_density)
    checked = _ranked(saliency_map) if metric in _RANKING else as_map(saliency_map)
    if checked.shape != density.shape:
        raise InputError(
            f"saliency_map has size {checked.shape}, log_density {density.shape}; they must have "
            "the same"
        )
    n = check_whole("n_fixations", n_fixations, 1)
    n_draws = check_whole("n_draws", n_draws, 2)
    smoothing = _smoothing(metric, sigma, boundary, truncate)
    stream = image_stream(check_whole("seed", seed, 0), "expected score")
    drawn = draw_pixels(np.exp(density.values, dtype=np.float64), n * n_draws, stream)
    pixels = drawn.reshape(n_draws, n)
    others = pixels
    if metric == "sAUC":
        nonfixated = _mean_density(mean_density, density.shape)
        others = draw_pixels(nonfixated, n * n_draws, stream).reshape(n_draws, n)
    entry = METRICS[metric]
    scores = np.empty(n_draws)
    for k in range(n_draws):
        seen = _observation(density.shape, pixels[k], others[k], smoothing)
        scores[k] = np.mean(entry.score(checked, seen))
    return _summarised(scores)


def _ranked(saliency_map: ArrayLike) -> CheckedMap:
    """Check a map of which only the order counts, such as a log density: infinities are legal."""
    array = np.asarray(saliency_map)
    if array.dtype.kind == "f" and array.ndim == 2 and array.size and not np.isnan(array).any():
        return CheckedMap(kernel_input(array))
    return as_map(saliency_map)


def _observation(
    size: tuple[int, int],
    pixels: NDArray[np.int64],
    others: NDArray[np.int64],
    smoothing: Smoothing,
) -> Observation:
    ys, xs = np.divmod(pixels, size[1])

    def empirical_map() -> CheckedMap:
        return as_map(smoothing.points(size, pixels))

    def negatives() -> Negatives:
        return count_pixels(others)

    return Observation(
        x=xs + 0.5,
        y=ys + 0.5,
        protocol=DEFAULT,
        make_empirical_map=empirical_map,
        make_negatives=_uniform,
        make_other_negatives=negatives,
        make_other_pixels=_not_drawn,
        make_baseline=_not_drawn,
        make_baseline_map=_not_drawn,
    )


def _uniform() -> str:
    return "uniform"


def _not_drawn() -> Any:
    raise NotImplementedError("metrics with an optimal map need neither baseline nor other pixels")


def _summarised(scores: Array) -> ExpectedScore:
    error = float(np.std(scores, ddof=1) / np.sqrt(scores.size))
    return ExpectedScore(float(np.mean(scores)), error, scores)
