"""The best saliency map for each metric, and how well any map is expected to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.densities import draw_pixels
from salmetrics.empirical import Smoothing
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.fixations import Fixations
from salmetrics.kernels.jit import kernel_input
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.inputs import CheckedMap, as_log_density, as_map
from salmetrics.metrics.registry import METRICS, Observation
from salmetrics.models.base import SaliencyMapModel, log_density_of, model_name
from salmetrics.models.combine import ShuffledBaseline
from salmetrics.models.convert import as_density
from salmetrics.observation import smoothing_of
from salmetrics.optimal import OPTIMAL_MAPS, optimal_map, shuffled_auc_map
from salmetrics.optimal_sim import Ground
from salmetrics.protocols import DEFAULT
from salmetrics.seeding import image_stream
from salmetrics.stimuli import Stimuli, Stimulus

__all__ = [
    "BEST_MAP_METRICS",
    "ExpectedScore",
    "OptimalMapModel",
    "expected_score",
    "optimal_saliency_map",
]

Array = NDArray[np.float64]

_NEEDS_SMOOTHING = ("CC", "KLDiv", "SIM")
_RANKING = ("AUC", "AUC-Judd", "sAUC")
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


class OptimalMapModel(SaliencyMapModel):
    """The maps of a density model that are best for one metric, as a saliency map model.

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    metric
        As in `optimal_saliency_map`.
    stimuli
        The images, which say `sigma`, if that is not given, and whose mean density sAUC needs.
    sigma, boundary, truncate, n_fixations, n_samples, seed
        As in `optimal_saliency_map`.
    """

    def __init__(
        self,
        model: Any,
        metric: str,
        stimuli: Stimuli,
        *,
        sigma: float | None = None,
        boundary: str = DEFAULT.boundary,
        truncate: float = DEFAULT.truncate,
        n_fixations: int = 100,
        n_samples: int = DEFAULT.sim_samples,
        seed: int = 0,
    ) -> None:
        check_choice("metric", metric, BEST_MAP_METRICS)
        density = as_density(model, stimuli, purpose=f"the optimal map for {metric}")
        if sigma is None and metric in _NEEDS_SMOOTHING:
            sigma = float(np.max(smoothing_of(DEFAULT, stimuli).sigma))
        self.name = f"{model_name(density)} for {metric}"
        self.model = density
        self.metric = metric
        self._ground = Ground(
            smoothing=_smoothing(metric, sigma, boundary, truncate),
            n_fixations=check_whole("n_fixations", n_fixations, 1),
            n_samples=check_whole("n_samples", n_samples, 2),
            seed=check_whole("seed", seed, 0),
        )
        self._others = ShuffledBaseline(density, stimuli) if metric == "sAUC" else None

    @property
    def blur(self) -> dict[str, Any]:
        """How empirical maps are made, as `expected_score` takes it."""
        smoothing = self._ground.smoothing
        return {
            "sigma": smoothing.sigma or None,
            "boundary": smoothing.boundary,
            "truncate": smoothing.truncate,
        }

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the model check the data."""
        self.model.check_data(stimuli, fixations)

    def saliency_map(self, stimulus: Stimulus) -> NDArray[Any]:
        """Return the best map for the metric, shape (h, w)."""
        checked = log_density_of(self.model, stimulus)
        mean_density = self.mean_density(stimulus)
        if mean_density is not None:
            best = shuffled_auc_map(checked, mean_density).values
        else:
            ground = replace(self._ground, image_id=stimulus.id)
            best = optimal_map(self.metric, checked, ground).values
        finite = np.isfinite(best)
        if finite.all():
            return best
        # saliency maps are finite; where only the order counts, just beyond the others will do
        low, high = np.min(best[finite]), np.max(best[finite])
        return np.clip(best, low - 1, high + 1)

    def mean_density(self, stimulus: Stimulus) -> Array | None:
        """Return the mean density of the other images, shape (h, w), for sAUC; else None."""
        return None if self._others is None else np.exp(self._others.log_density(stimulus))


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
