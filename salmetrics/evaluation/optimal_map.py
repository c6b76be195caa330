"""Optimal saliency maps: for each metric the map with the best expected score under a density."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import AnyArray, Array, Size, to_numpy
from salmetrics.checked_map import CheckedMap, as_log_density
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.optimal_maps import OptimalMapSettings
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.metrics.registry import METRICS, OPTIMAL_MAP_METRICS
from salmetrics.models.base import SaliencyMapModel, log_density_of, model_name
from salmetrics.models.conversion import require_density
from salmetrics.models.mixture import ShuffledBaseline
from salmetrics.protocols import DEFAULT, Boundary

__all__ = [
    "OptimalMapModel",
    "checked_mean_density",
    "needs_blur",
    "optimal_saliency_map",
    "smoothing_for",
]


def optimal_saliency_map(
    metric: str,
    log_density: ArrayLike,
    *,
    sigma: float | None = None,
    boundary: Boundary = DEFAULT.boundary,
    truncate: float = DEFAULT.truncate,
    n_fixations: int = 100,
    n_samples: int = DEFAULT.sim_samples,
    mean_density: ArrayLike | None = None,
    seed: int = 0,
) -> AnyArray:
    """Return the saliency map with the best expected score under a density.

    Parameters
    ----------
    metric
        "AUC", "AUC-Judd", "CC", "KLDiv", "NSS", "NSS-MATLAB", "sAUC" or "SIM".
    log_density
        Natural log of the density, shape (h, w), logsumexp 0.
    sigma
        Standard deviation in pixels of the Gaussian that blurs empirical maps; required for CC,
        KLDiv and SIM.
    boundary, truncate
        How the blur ends at the border and far from its centre; see
        `salmetrics.densities.smoothing.Smoothing`.
    n_fixations
        Number of fixations per empirical map, for SIM.
    n_samples
        Number of sampled empirical maps, for SIM.
    mean_density
        Density of nonfixations, shape (h, w), required for sAUC: the mean density over other
        images.
    seed
        Seed of the sampled empirical maps, for SIM.

    Returns
    -------
    saliency_map : ndarray of shape (h, w)
        For AUC log p and for sAUC log p - log p_nonfix, which order pixels like p and the ratio.
        For CC the expected empirical map, which approximates the best map.

    Raises
    ------
    InputError
        If `sigma` or `mean_density` is required and missing, or `log_density` is not a density.

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
    check_choice("metric", metric, OPTIMAL_MAP_METRICS)
    checked = as_log_density(log_density)
    from_mean = METRICS[metric].optimal_map_from_mean
    if from_mean is not None:
        return from_mean(checked, checked_mean_density(metric, mean_density, checked.shape)).values
    settings = OptimalMapSettings(
        smoothing=smoothing_for(metric, sigma, boundary, truncate),
        n_fixations=check_whole("n_fixations", n_fixations, 1),
        n_samples=check_whole("n_samples", n_samples, 2),
        seed=check_whole("seed", seed, 0),
    )
    return _best(metric, checked, settings).values


class OptimalMapModel(SaliencyMapModel):
    """Saliency map model that gives, for each image, a density's best map for one metric.

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    metric
        See `optimal_saliency_map`.
    stimuli
        The images; they provide `sigma` unless it is given, and the mean density for sAUC.
    sigma, boundary, truncate, n_fixations, n_samples, seed
        See `optimal_saliency_map`.

    Raises
    ------
    InputError
        If an argument is invalid or the width of the blur is unknown.
    NeedsDensityError
        For a model without one density per image; an `InputError` and a `TypeError`.

    References
    ----------
    Kümmerer, Wallis and Bethge (2018), ECCV, 798-814, doi:10.1007/978-3-030-01270-0_47.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> model = OptimalMapModel(salmetrics.GaussianCentreBias(), "CC", stimuli)
    >>> model.name, model.saliency_map(stimuli[0]).shape
    ('gaussian-centre-bias for CC', (30, 40))
    """

    def __init__(
        self,
        model: Any,
        metric: str,
        stimuli: Stimuli,
        *,
        sigma: float | None = None,
        boundary: Boundary = DEFAULT.boundary,
        truncate: float = DEFAULT.truncate,
        n_fixations: int = 100,
        n_samples: int = DEFAULT.sim_samples,
        seed: int = 0,
    ) -> None:
        check_choice("metric", metric, OPTIMAL_MAP_METRICS)
        density = require_density(
            model, f"the optimal map for {metric}", stimuli, one_per_image=True
        )
        if sigma is None and needs_blur(metric):
            smoothing = smoothing_of(DEFAULT, stimuli.sigma, stimuli.pixels_per_degree)
            sigma = float(np.max(smoothing.sigma))
        self.name = f"{model_name(density)} for {metric}"
        self.model = density
        self.metric = metric
        self._settings = OptimalMapSettings(
            smoothing=smoothing_for(metric, sigma, boundary, truncate),
            n_fixations=check_whole("n_fixations", n_fixations, 1),
            n_samples=check_whole("n_samples", n_samples, 2),
            seed=check_whole("seed", seed, 0),
        )
        self._others = (
            ShuffledBaseline(density, stimuli)
            if METRICS[metric].optimal_map_from_mean is not None
            else None
        )

    @property
    def blur(self) -> dict[str, Any]:
        """Options of `expected_score` for empirical maps with the same blur."""
        smoothing = self._settings.smoothing
        return {
            "sigma": smoothing.sigma or None,
            "boundary": smoothing.boundary,
            "truncate": smoothing.truncate,
        }

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Raise `InputError` if the density model does not accept these data.

        Parameters
        ----------
        stimuli, fixations
            What was shown and where people looked.
        """
        self.model.check_data(stimuli, fixations)

    def saliency_map(self, stimulus: Stimulus) -> AnyArray:
        """Return the best map of an image for the metric.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        saliency_map : ndarray of shape (h, w)
            Finite: where the best map is infinite, one below the least or one above the largest
            of its finite values.
        """
        checked = log_density_of(self.model, stimulus)
        mean_density = self.mean_density(stimulus)
        from_mean = METRICS[self.metric].optimal_map_from_mean
        if from_mean is not None and mean_density is not None:
            best = from_mean(checked, mean_density).values
        else:
            settings = replace(self._settings, image_id=stimulus.id)
            best = _best(self.metric, checked, settings).values
        finite = np.isfinite(best)
        if finite.all():
            return best
        # saliency maps must be finite; where only the order counts, just beyond the others suffices
        low, high = np.min(best[finite]), np.max(best[finite])
        return np.clip(best, low - 1, high + 1)

    def mean_density(self, stimulus: Stimulus) -> Array | None:
        """Return the mean density of the other images, which sAUC needs.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        density : ndarray of shape (h, w) or None
            None for other metrics.
        """
        return None if self._others is None else np.exp(self._others.log_density(stimulus))


def needs_blur(metric: str) -> bool:
    """Whether a metric compares with blurred fixations, so that a width is required."""
    return "empirical_map" in METRICS[metric].needs


def smoothing_for(
    metric: str, sigma: float | None, boundary: Boundary, truncate: float
) -> Smoothing:
    """Return how empirical maps are blurred, for one metric.

    Raises
    ------
    InputError
        If the metric compares with blurred fixations and `sigma` is None.
    """
    if sigma is None and needs_blur(metric):
        raise InputError(f"{metric} compares with blurred fixations: pass sigma=, in pixels")
    return Smoothing(sigma=sigma or 0.0, boundary=boundary, truncate=truncate)


def checked_mean_density(metric: str, mean_density: ArrayLike | None, size: Size) -> Array:
    """Return a density of nonfixations, checked and normalised.

    Raises
    ------
    InputError
        If it is missing or not a density of this size.
    """
    if mean_density is None:
        raise InputError(
            f"{metric} needs mean_density=, the density of the fixations on other images"
        )
    array = to_numpy(mean_density).astype(np.float64)
    if array.shape != size or not (np.isfinite(array) & (array >= 0)).all() or array.sum() <= 0:
        raise InputError(
            f"mean_density must be of shape {size}, at least 0 and not 0 everywhere; got shape "
            f"{array.shape}"
        )
    return array / array.sum()


def _best(metric: str, log_density: CheckedMap, settings: OptimalMapSettings) -> CheckedMap:
    make = METRICS[metric].optimal_map
    assert make is not None
    return make(log_density, settings)
