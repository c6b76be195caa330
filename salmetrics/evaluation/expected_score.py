"""The score that a saliency map is expected to get if fixations come from a density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import Array, Rows, Size, to_numpy
from salmetrics.checked_map import CheckedMap, as_log_density, as_map
from salmetrics.densities.sampling import draw_pixels, image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.evaluation.optimal_map import checked_mean_density, smoothing_for
from salmetrics.kernels.jit import kernel_input
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import METRICS, OPTIMAL_MAP_METRICS
from salmetrics.protocols import DEFAULT, Boundary

__all__ = ["ExpectedScore", "expected_score"]


@dataclass(frozen=True)
class ExpectedScore:
    """The expected score of a saliency map under a density.

    Attributes
    ----------
    value
        Mean score over draws of fixations.
    standard_error
        Standard error of the mean.
    scores
        One score per draw, shape (n_draws,). Draws with the same seed are the same, so that the
        scores of two maps are paired.
    """

    value: float
    standard_error: float
    scores: Array

    def minus(self, other: ExpectedScore) -> ExpectedScore:
        """Return the difference between the scores of two maps on the same draws."""
        return _summarised(self.scores - other.scores)


def expected_score(
    metric: str,
    saliency_map: ArrayLike,
    log_density: ArrayLike,
    *,
    sigma: float | None = None,
    boundary: Boundary = DEFAULT.boundary,
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
        "AUC", "AUC-Judd", "CC", "KLDiv", "NSS", "NSS-MATLAB", "sAUC" or "SIM".
    saliency_map
        Map of shape (h, w).
    log_density
        Natural log of the density that fixations are drawn from, shape (h, w), logsumexp 0.
    sigma
        Standard deviation in pixels of the Gaussian that blurs empirical maps; required for CC,
        KLDiv and SIM.
    boundary, truncate
        How the blur ends at the border and far from its centre; see
        `salmetrics.densities.smoothing.Smoothing`.
    n_fixations
        Number of fixations per draw; for sAUC also the number of nonfixations.
    mean_density
        Density of nonfixations, shape (h, w), required for sAUC.
    n_draws
        Number of draws.
    seed
        Seed of the draws: maps scored with the same seed are scored on the same fixations.

    Returns
    -------
    score : ExpectedScore
        Mean, standard error and the score of each draw.

    Raises
    ------
    InputError
        If `sigma` or `mean_density` is required and missing, sizes differ, or `log_density` is
        not a density.

    Examples
    --------
    >>> log_density = np.log(np.array([[0.1, 0.2], [0.3, 0.4]]))
    >>> score = expected_score("NSS", np.exp(log_density), log_density, n_draws=100)
    >>> bool(abs(score.value - 0.4472) < 4 * score.standard_error)
    True
    """
    check_choice("metric", metric, OPTIMAL_MAP_METRICS)
    density = as_log_density(log_density)
    entry = METRICS[metric]
    only_ranks = "monotone" in entry.laws
    checked = _ranked(saliency_map) if only_ranks else as_map(saliency_map)
    if checked.shape != density.shape:
        raise InputError(
            f"saliency_map has size {checked.shape}, log_density {density.shape}; they must have "
            "the same"
        )
    n = check_whole("n_fixations", n_fixations, 1)
    n_draws = check_whole("n_draws", n_draws, 2)
    smoothing = smoothing_for(metric, sigma, boundary, truncate)
    stream = image_stream(check_whole("seed", seed, 0), "expected score")
    drawn = draw_pixels(np.exp(density.values, dtype=np.float64), n * n_draws, stream)
    pixels = drawn.reshape(n_draws, n)
    others = pixels
    if entry.optimal_map_from_mean is not None:
        nonfixated = checked_mean_density(metric, mean_density, density.shape)
        others = draw_pixels(nonfixated, n * n_draws, stream).reshape(n_draws, n)
    scores = np.empty(n_draws)
    for k in range(n_draws):
        observation = _observation(density.shape, pixels[k], others[k], smoothing)
        scores[k] = np.mean(entry.score(checked, observation))
    return _summarised(scores)


def _ranked(saliency_map: ArrayLike) -> CheckedMap:
    """Check a map of which only the order counts, such as a log density: infinities are legal."""
    array = to_numpy(saliency_map)
    if array.dtype.kind == "f" and array.ndim == 2 and array.size and not np.isnan(array).any():
        return CheckedMap(kernel_input(array))
    return as_map(saliency_map)


def _observation(
    size: Size,
    pixels: Rows,
    others: Rows,
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
        make_empirical_map=empirical_map,
        make_negatives=lambda: "uniform",
        make_other_negatives=negatives,
    )


def _summarised(scores: Array) -> ExpectedScore:
    error = float(np.std(scores, ddof=1) / np.sqrt(scores.size))
    return ExpectedScore(float(np.mean(scores)), error, scores)
