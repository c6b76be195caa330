"""Maximum-likelihood fits of mixtures of kernels and other densities.

The width of the kernels is found by a bounded search, the weights of the mixture by a convex
optimisation for each width. `CentreBias.fit` and `GoldStandard.fit` are such fits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from salmetrics.array_types import Array, Rows
from salmetrics.data.fixations import Fixations
from salmetrics.errors import InputError, check_whole, is_whole
from salmetrics.progress import progress_bar

__all__ = [
    "LEAST_WEIGHT",
    "Fit",
    "KernelMixture",
    "Optimum",
    "best_weights",
    "best_width",
    "fit_kernel_mixture",
    "parts_of_images",
    "rounded",
    "weight_curvature",
]

Fit = Literal["fit"]  # in place of a number: the number is to be fitted

LEAST_WEIGHT = 1.1e-6  # a fitted weight below this is at the end of its range

_FARTHEST = np.log(1e6)  # of logits: weights down to 1e-6, so that no fixation is impossible
_GRID = 5  # widths tried before the search, so that it starts near the global maximum
_STEP = 0.05  # of finite differences in the log of the width, for the curvature


@dataclass(frozen=True)
class Optimum:
    """How a fit ended.

    Attributes
    ----------
    log_likelihood : float
        Mean log likelihood of held-out fixations, in bits per fixation.
    curvature : dict
        Minus the second derivative of `log_likelihood`, by parameter: in the log of the bandwidth,
        with the best weights for each bandwidth, and in the logit of a weight, all else fixed.
    n_evaluations : int
        Number of widths that were tried.
    at_bound : tuple of str
        Names of the parameters that ended at the end of their range.
    """

    log_likelihood: float
    curvature: dict[str, float]
    n_evaluations: int
    at_bound: tuple[str, ...] = ()

    def warn(self, what: str) -> None:
        """Warn if parameters ended at a bound; `what` is the model, as the message names it."""
        if self.at_bound:
            warnings.warn(
                f"the fit of the {what} ended at the end of the range of "
                f"{' and '.join(self.at_bound)}; the best value may lie beyond",
                stacklevel=3,
            )


def best_weights(densities: Array, fixed: Array | None = None) -> tuple[Array, float]:
    """Find the weights of a mixture with the largest likelihood.

    Parameters
    ----------
    densities
        Density of each component at each fixation, shape (n, k).
    fixed
        Given weights, shape (k,), NaN for those to find, which share the rest; by default all are
        found.

    Returns
    -------
    weights : ndarray of shape (k,)
        Sum 1; NaN if a fixation has probability 0 under all components.
    log_likelihood : float
        Mean in bits per fixation; -inf in that case.
    """
    from scipy.optimize import minimize

    if fixed is None:
        fixed = np.full(densities.shape[1], np.nan)
    free = np.flatnonzero(np.isnan(fixed))
    weights = np.nan_to_num(np.asarray(fixed, float))
    left = 1.0 - weights.sum()
    known = densities @ weights
    if free.size == 1:
        weights[free] = left
    elif free.size and left > 0:
        unknown = np.ascontiguousarray(densities[:, free].T)
        if not (known + unknown.max(axis=0) > 0).all():
            return np.full(densities.shape[1], np.nan), -np.inf

        def cost(logits: Array) -> tuple[float, Array]:
            shares = _softmax(logits)
            mixed = known + left * (shares @ unknown)
            slopes = left * (unknown @ (1.0 / mixed)) / mixed.size
            return -float(np.log(mixed).mean()), -(shares * (slopes - shares @ slopes))[1:]

        optimum = minimize(
            cost,
            np.zeros(free.size - 1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_FARTHEST, _FARTHEST)] * (free.size - 1),
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        weights[free] = left * _softmax(optimum.x)
    with np.errstate(divide="ignore"):
        return weights, float(np.log2(densities @ weights).mean())


def weight_curvature(densities: Array, weights: Array, k: int) -> float:
    """Return minus the second derivative of the mean log likelihood in the logit of weight k.

    `densities` has shape (n, k), `weights` shape (k,); all other weights keep their proportions.
    The result is in bits.
    """
    others = np.delete(weights, k) @ np.delete(densities, k, axis=1).T
    rest = 1.0 - weights[k]
    if rest == 0 or weights[k] == 0:
        return 0.0
    # p = s d + (1 - s) o with s the logistic function of the logit
    mixed = densities @ weights
    first = weights[k] * rest * (densities[:, k] - others / rest) / mixed
    return float(np.mean(first**2 - (1.0 - 2.0 * weights[k]) * first) / np.log(2))


def best_width(
    likelihood: Callable[[float], float],
    low: float,
    high: float,
    *,
    tolerance: float = 1e-3,
    progress: str | None = None,
) -> tuple[float, float, int, bool]:
    """Find the width with the largest likelihood: a grid, then a bounded search in its log.

    Parameters
    ----------
    likelihood
        Mean log likelihood as a function of the width.
    low, high
        Range of the width.
    tolerance
        Tolerated error of the log of the width. The likelihood is flat at its maximum: an error of
        1e-3 costs 1e-7 bits.
    progress
        Text before a bar on standard error that is shown if the search takes more than two
        seconds; None for no bar.

    Returns
    -------
    width : float
        The best width, rounded to four digits.
    curvature : float
        Minus the second derivative of `likelihood` in the log of the width.
    n_evaluations : int
        Number of widths that were tried.
    at_bound : bool
        Whether the best width is at the end of the range.
    """
    from scipy.optimize import minimize_scalar

    values: dict[float, float] = {}
    bar = progress_bar(show=progress is not None, description=progress, unit="width")

    def cost(log_width: float) -> float:
        if log_width not in values:
            values[log_width] = likelihood(float(np.exp(log_width)))
            bar.update()
        value = values[log_width]
        return -value if np.isfinite(value) else 1e300

    grid = np.linspace(np.log(low), np.log(high), _GRID)
    best = int(np.argmin([cost(float(g)) for g in grid]))
    around = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _GRID - 1)])
    optimum = minimize_scalar(cost, bounds=around, method="bounded", options={"xatol": tolerance})
    at = min((*grid.tolist(), float(optimum.x)), key=cost)
    steps = [cost(float(np.clip(at + s, grid[0], grid[-1]))) for s in (-_STEP, 0.0, _STEP)]
    bar.close()
    at_bound = at - grid[0] < 2 * tolerance or grid[-1] - at < 2 * tolerance
    curvature = (steps[0] - 2 * steps[1] + steps[2]) / _STEP**2
    return rounded(float(np.exp(at))), float(curvature), len(values), bool(at_bound)


@dataclass(frozen=True)
class KernelMixture:
    """A fitted mixture of a density of kernels and given densities.

    Attributes
    ----------
    width : float
        Width of the kernels.
    weights : ndarray of shape (k,)
        Weight of each component, rounded to four digits where fitted. The first, that of the
        kernels, is 1 minus the others.
    densities : ndarray of shape (n, k)
        Density of each component at each fixation.
    optimum : Optimum
        How the fit ended; its likelihood is that before rounding, over the fixations that kernels
        predict.
    """

    width: float
    weights: Array
    densities: Array
    optimum: Optimum


def fit_kernel_mixture(
    components: Callable[[float], Array],
    *,
    width: float | None,
    width_range: tuple[float, float],
    fixed: Array,
    names: Sequence[str],
    progress: str | None = None,
) -> KernelMixture:
    """Find the width of the kernels, and the weights of a mixture, with the largest likelihood.

    Parameters
    ----------
    components
        Function of the width that returns the density of each component at each fixation, shape
        (n, k). The first column is that of the kernels, NaN where no kernel predicts a fixation.
    width
        A given width; None to search for it.
    width_range
        Range of the search.
    fixed
        Given weights, shape (k,), NaN where they are fitted; the first is NaN.
    names
        Names of all weights but the first, in `Optimum`; the width is called "bandwidth".
    progress
        Text before a bar on standard error that is shown if the search takes more than two
        seconds; None for no bar.

    Returns
    -------
    mixture : KernelMixture
        Width, weights, densities, and how the fit ended.
    """

    def predicted(densities: Array) -> Array:
        return densities[~np.isnan(densities[:, 0])]

    curvature: dict[str, float] = {}
    at_bound: list[str] = []
    n = 1
    if width is None:
        width, curvature["bandwidth"], n, ended = best_width(
            lambda w: best_weights(predicted(components(w)), fixed)[1],
            *width_range,
            progress=progress,
        )
        at_bound += ["bandwidth"] * ended
    densities = components(width)
    known = predicted(densities)
    weights, likelihood = best_weights(known, fixed)
    free = [k for k in range(1, weights.size) if np.isnan(fixed[k])]
    at_bound += [names[k - 1] for k in free if weights[k] < LEAST_WEIGHT]
    for k in free:
        weights[k] = rounded(float(weights[k]))
    weights[0] = 1.0 - weights[1:].sum()
    curvature |= {names[k - 1]: weight_curvature(known, weights, k) for k in free}
    return KernelMixture(
        width, weights, densities, Optimum(likelihood, curvature, n, tuple(at_bound))
    )


def rounded(value: float) -> float:
    """Round to four digits.

    Printed parameters are then the ones that were used, and the order of the data, which changes
    the last digits of a likelihood, does not change them.
    """
    return float(f"{value:.4g}")


def _softmax(logits: Array) -> Array:
    """Return the shares of the first component, whose logit is 0, and of the others."""
    powers = np.exp(np.concatenate([[0.0], logits]) - max(0.0, logits.max(initial=0.0)))
    return np.asarray(powers / powers.sum())


def parts_of_images(fixations: Fixations, folds: int | None, seed: int) -> tuple[Rows, Rows]:
    """Divide the images that have fixations into parts of nearly equal size, at random.

    Parameters
    ----------
    fixations
        The fixations.
    folds
        Number of parts; None for a single one.
    seed
        Seed of the partition.

    Returns
    -------
    images : ndarray of shape (m,)
        Indices of the images that have fixations.
    parts : ndarray of shape (m,)
        Part of each of these images, from 0.

    Raises
    ------
    InputError
        If there are no fixations, or `folds` is neither None nor from 2 to the number of images.
    """
    images = np.flatnonzero(fixations.counts())
    if images.size == 0:
        raise InputError("there are no fixations to fit to")
    if folds is not None and images.size == 1:
        raise InputError(
            "one image with fixations is too few for folds, which predict each image by a fit to "
            "others; folds=None fits to the image itself"
        )
    if folds is not None and (not is_whole(folds) or not 2 <= folds <= images.size):
        raise InputError(
            f"folds must be from 2 to {images.size}, the number of images with fixations, or "
            f"None; got {folds!r}"
        )
    parts = np.arange(images.size) % (folds or 1)
    np.random.default_rng(check_whole("seed", seed, 0)).shuffle(parts)
    return images, parts
