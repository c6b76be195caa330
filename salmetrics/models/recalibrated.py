"""Recalibration: densities raised to the power that makes them as confident as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel, log_density_of, model_name, predictions_of
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.conversion import require_density
from salmetrics.models.fitting.likelihood import parts_of_images, rounded
from salmetrics.progress import progress_bar

__all__ = ["Recalibrated", "recalibrate"]

_POWERS = np.geomspace(0.125, 8.0, 49)  # where log Z is computed; cubic splines between
_LARGEST_WEIGHT = 0.999  # of the centre bias


@dataclass(frozen=True)
class _Parameters:
    """Power of the density, and weight of the centre bias."""

    power: float = 1.0
    centre_weight: float = 0.0


class Recalibrated(DensityModel):
    """A recalibrated density model, made by `recalibrate`.

    The density is (1 - w) p^g / Z + w c, with the density p of the model, its power g (the
    reciprocal of a temperature), the normaliser Z, and the centre bias c with its weight w. Both
    parameters were fitted on other images.

    Parameters
    ----------
    model
        The model that is recalibrated.
    fitted
        Power and weight by fold; those of fold -1 were fitted to all images.
    fold_of
        Fold by image id.
    centre_bias
        The centre bias; None for none.
    log_likelihood
        Held-out log likelihood in bits per fixation.

    Attributes
    ----------
    model : DensityModel
        The model that is recalibrated.
    fitted : dict
        Power and weight by fold; those of fold -1 were fitted to all images.
    log_likelihood : float
        Held-out log likelihood in bits per fixation.

    Examples
    --------
    >>> from salmetrics import recalibrate
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(8, size=(60, 80), n_subjects=4)
    >>> recalibrate(generated.truth, *generated.dataset)
    <Recalibrated: power 0.957, centre bias 0, -10.65 bit>
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
        """Power and weight fitted to all images, and the parameters of the model."""
        overall = self.fitted[-1]
        return {
            "power": overall.power,
            "centre_weight": overall.centre_weight,
            "model": self.model.parameters,
        }

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the model and the centre bias check the data.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If the model or the centre bias refuses the data.
        """
        self.model.check_data(stimuli, fixations)
        if self._centre_bias is not None:
            self._centre_bias.check_data(stimuli, fixations)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the recalibrated log density.

        Parameters
        ----------
        stimulus
            The image; one that was not among the fitted images gets the parameters of all.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.
        """
        parameters = self.fitted[self._fold_of.get(stimulus.id, -1)]
        log = parameters.power * log_density_of(self.model, stimulus).values.astype(float)
        log -= _log_sum(log)
        if self._centre_bias is None or parameters.centre_weight == 0:
            return np.asarray(log)
        density = (1 - parameters.centre_weight) * np.exp(log)
        density += parameters.centre_weight * np.exp(self._centre_bias.log_density(stimulus))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(density))

    def __repr__(self) -> str:
        overall = self.fitted[-1]
        return (
            f"<Recalibrated: power {overall.power:.4g}, centre bias {overall.centre_weight:.4g}, "
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
    """Raise a density to the power with the largest likelihood, and normalise it again.

    Powers below 1 flatten an overconfident density, powers above 1 sharpen an underconfident one;
    the order of the pixels does not change. Power and weight maximise the likelihood of the
    fixations on the images of the other folds.

    Parameters
    ----------
    model
        A `DensityModel`, or anything that `as_model` takes; raw arrays are natural log densities.
        It predicts each image once here.
    stimuli, fixations
        The images that were shown, and where people looked.
    centre_bias
        Whether to mix in the leave-one-image-out `CentreBias` fitted to these fixations.
    folds
        Number of parts of the images; None to fit to all images, including those that are
        predicted.
    seed
        Seed of the partition of the images.
    progress
        Whether to show a bar on standard error once the predictions have taken two seconds.

    Returns
    -------
    model : Recalibrated
        A density model. New images are predicted with the parameters fitted to all images.

    Raises
    ------
    InputError
        If the model gives no densities, or gives probability 0 to a fixation without
        `centre_bias`, or there are no fixations, or `folds` is out of range.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, ICML, PMLR
    70, 1321-1330, https://proceedings.mlr.press/v70/guo17a.html.

    Examples
    --------
    A density to the power of 2, normalised, is overconfident; recalibration finds that it should
    be raised to the power of 1/2, within the precision of few fixations:

    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(8, size=(60, 80), n_subjects=4)
    >>> def squared(stimulus):
    ...     log = 2 * generated.truth.log_density(stimulus)
    ...     return log - np.log(np.exp(log).sum())
    >>> recalibrate(squared, *generated.dataset).parameters["power"]
    0.48
    """
    density = require_density(model, "recalibration", stimuli, one_per_image=True)
    fixations.check_against(stimuli)
    images, parts = parts_of_images(fixations, folds, seed)
    density.check_data(stimuli, fixations)
    likelihood = _PowerLikelihood(
        density, stimuli, fixations, centre_bias=centre_bias, progress=progress
    )
    image_folds = np.full(len(stimuli), -1)
    if folds is not None:
        image_folds[images] = parts
    fixation_folds = image_folds[fixations.image]
    fitted = {-1: likelihood.fit(np.ones(len(fixations), dtype=bool))}
    nats = np.empty(len(fixations))
    for k in np.unique(fixation_folds):
        if k >= 0:
            fitted[int(k)] = likelihood.fit(fixation_folds != k)
        held_out = fixation_folds == k
        nats[held_out] = likelihood.of_fixations(fitted[int(k)], held_out)
    fold_of = {
        name: int(k) for name, k in zip(stimuli.ids, image_folds, strict=True) if k in fitted
    }
    bits = float(nats.mean() / np.log(2))
    return Recalibrated(density, fitted, fold_of, likelihood.centre_bias, bits)


class _PowerLikelihood:
    """Likelihood as a function of power and weight, from one prediction of each image.

    Kept are log p at each fixation and, for each image, log Z as a function of the power.
    """

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

        images = np.flatnonzero(fixations.counts())
        self._log = np.empty(len(fixations))
        self._image = np.searchsorted(images, fixations.image)
        log_sums = np.empty((_POWERS.size, images.size))
        predictions = predictions_of(model, stimuli[images])
        bar = progress_bar(images, show=progress, description="recalibration")
        for n, i in enumerate(bar):
            log, rows = next(predictions), fixations.rows_of_image(int(i))
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
                f"{len(fixations)} fixations, and every power of 0 is 0; mix in the centre bias: "
                "centre_bias=True"
            )
        self._log_sums = CubicSpline(np.log(_POWERS), log_sums)

    def of_fixations(self, parameters: _Parameters, which: NDArray[np.bool_]) -> Array:
        """Return the log likelihood of some fixations, in nats."""
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
            return -float(self.of_fixations(parameters(at), which).mean())

        start = [0.0] if self._centre is None else [0.0, 0.1]
        best = parameters(minimize(loss, start, bounds=bounds, method="L-BFGS-B").x)
        return _Parameters(rounded(best.power), rounded(best.centre_weight))


def _log_sum(values: Array) -> float:
    """Return the log of the sum of exp of values."""
    highest = values.max()
    return float(highest + np.log(np.exp(values - highest).sum()))
