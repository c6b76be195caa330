"""Densities made as confident as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel, log_density_of, model_name, predictions_of
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.conversion import require_density
from salmetrics.models.fitting.likelihood import parts_of_images

__all__ = ["Recalibrated", "recalibrate"]

Array = NDArray[np.float64]

_POWERS = np.geomspace(0.125, 8.0, 49)  # where log Z is computed; cubic splines between
_LARGEST_WEIGHT = 0.999


@dataclass(frozen=True)
class _Parameters:
    power: float = 1.0
    centre_weight: float = 0.0


class Recalibrated(DensityModel):
    """(1 - w) p^g / Z + w centre bias, with g and w fitted on other images; see `recalibrate`.

    Attributes
    ----------
    model
        The model that is recalibrated.
    fitted
        Power g (the reciprocal of a temperature) and weight w by fold; -1: on all images.
    log_likelihood
        Held-out log likelihood in bits per fixation.
    """

    def __init__(
        self,
        model: DensityModel,
        fitted: Mapping[int, _Parameters],
        fold_of: Mapping[str, int],
        centre_bias: CentreBias | None,
        log_likelihood: float,
    ) -> None:
        self.model = model
        self.fitted = dict(fitted)
        self.log_likelihood = log_likelihood
        self.name = f"recalibrated {model_name(model)}"
        self._fold_of = dict(fold_of)
        self._centre_bias = centre_bias

    @property
    def parameters(self) -> dict[str, Any]:
        """Power and weight, fitted on all images, and the model's own parameters."""
        found = self.fitted[-1]
        return {
            "power": found.power,
            "centre_weight": found.centre_weight,
            "model": self.model.parameters,
        }

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the parts check the data."""
        self.model.check_data(stimuli, fixations)
        if self._centre_bias is not None:
            self._centre_bias.check_data(stimuli, fixations)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the recalibrated log density, shape (h, w)."""
        found = self.fitted[self._fold_of.get(stimulus.id, -1)]
        log = found.power * log_density_of(self.model, stimulus).values.astype(float)
        log -= _log_sum(log)
        if self._centre_bias is None or found.centre_weight == 0:
            return np.asarray(log)
        density = (1 - found.centre_weight) * np.exp(log)
        density += found.centre_weight * np.exp(self._centre_bias.log_density(stimulus))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(density))

    def __repr__(self) -> str:
        found = self.fitted[-1]
        return (
            f"<Recalibrated: power {found.power:.4g}, centre bias {found.centre_weight:.4g}, "
            f"{self.log_likelihood:.4f} bit>"
        )


def recalibrate(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    centre_bias: bool = False,
    folds: int | None = 5,
    seed: int = 0,
    progress: bool = True,
) -> Recalibrated:
    """Raise a density to the power that its fixations want, and normalise it again.

    Powers below 1 flatten an overconfident density, powers above 1 sharpen an underconfident one;
    the order of the pixels stays. Power and weight maximise the likelihood of the fixations on the
    images of the other folds.

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities. It
        predicts each image once here.
    stimuli, fixations
        What was shown and where people looked.
    centre_bias
        Also mix in the leave-one-image-out `CentreBias` fitted to these fixations.
    folds
        Number of parts of the images; None to fit on all images, and so also on those that are
        predicted.
    seed
        Of the partition of the images.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Returns
    -------
    A `Recalibrated` density model. Images that were not there are predicted with the parameters
    fitted on all.

    Raises
    ------
    InputError
        If the model gives no densities, or probability 0 to a fixation without `centre_bias`.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, ICML.
    """
    density = require_density(model, "recalibration", stimuli, one_per_image=True)
    fixations.check_against(stimuli)
    images, parts = parts_of_images(fixations, folds, seed)
    density.check_data(stimuli, fixations)
    seen = _Seen(density, stimuli, fixations, centre_bias=centre_bias, progress=progress)
    of_image = np.full(len(stimuli), -1)
    if folds is not None:
        of_image[images] = parts
    of_fixation = of_image[fixations.image]
    fitted = {-1: seen.fit(np.ones(len(fixations), dtype=bool))}
    nats = np.empty(len(fixations))
    for k in np.unique(of_fixation):
        if k >= 0:
            fitted[int(k)] = seen.fit(of_fixation != k)
        held_out = of_fixation == k
        nats[held_out] = seen.log_likelihoods(fitted[int(k)], held_out)
    fold_of = {name: int(k) for name, k in zip(stimuli.ids, of_image, strict=True) if k in fitted}
    return Recalibrated(density, fitted, fold_of, seen.centre_bias, float(nats.mean() / np.log(2)))


class _Seen:
    """What likelihoods depend on: log p at each fixation, and log Z of each image by power."""

    def __init__(
        self,
        model: DensityModel,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        centre_bias: bool,
        progress: bool,
    ) -> None:
        from scipy.interpolate import CubicSpline
        from tqdm import tqdm

        images = np.flatnonzero(fixations.counts())
        self._log = np.empty(len(fixations))
        self._image = np.searchsorted(images, fixations.image)
        log_sums = np.empty((_POWERS.size, images.size))
        made = predictions_of(model, stimuli[images])
        bar = tqdm(images, delay=2, disable=not progress, desc="recalibration", unit="image")
        for n, i in enumerate(bar):
            log, rows = next(made), fixations.rows_of_image(int(i))
            pixels = pixel_indices(fixations.x[rows], fixations.y[rows], log.shape)
            self._log[rows] = log.reshape(-1)[pixels]
            finite = log[np.isfinite(log)].astype(np.float64)
            log_sums[:, n] = [_log_sum(power * finite) for power in _POWERS]
        self.centre_bias: CentreBias | None = None
        self._centre: Array | None = None
        if centre_bias:
            self.centre_bias = CentreBias.fit(stimuli, fixations)
            self._centre = np.exp(self.centre_bias.log_likelihoods(stimuli, fixations))
        elif not np.isfinite(self._log).all():
            raise InputError(
                f"{model_name(model)} gives probability 0 to {np.sum(~np.isfinite(self._log))} of "
                f"{len(fixations)} fixations, and a power of 0 is 0; mix in the centre bias: "
                "centre_bias=True"
            )
        self._log_sums = CubicSpline(np.log(_POWERS), log_sums)

    def log_likelihoods(self, parameters: _Parameters, which: NDArray[np.bool_]) -> Array:
        """Log likelihood of some fixations, nats."""
        log_sums = self._log_sums(np.log(parameters.power))[self._image[which]]
        own = parameters.power * self._log[which] - log_sums
        if self._centre is None:
            return np.asarray(own)
        weight = parameters.centre_weight
        return np.asarray(np.log((1 - weight) * np.exp(own) + weight * self._centre[which]))

    def fit(self, which: NDArray[np.bool_]) -> _Parameters:
        """Maximise the likelihood of some fixations; numbers rounded to four digits."""
        from scipy.optimize import minimize

        low, high = np.log(_POWERS[0]), np.log(_POWERS[-1])
        bounds = [(low, high)] if self._centre is None else [(low, high), (1e-6, _LARGEST_WEIGHT)]

        def parameters(at: Array) -> _Parameters:
            return _Parameters(float(np.exp(at[0])), float(at[1]) if at.size > 1 else 0.0)

        def loss(at: Array) -> float:
            return -float(self.log_likelihoods(parameters(at), which).mean())

        start = [0.0] if self._centre is None else [0.0, 0.1]
        found = parameters(minimize(loss, start, bounds=bounds, method="L-BFGS-B").x)
        return _Parameters(float(f"{found.power:.4g}"), float(f"{found.centre_weight:.4g}"))


def _log_sum(values: Array) -> float:
    highest = values.max()
    return float(highest + np.log(np.exp(values - highest).sum()))
