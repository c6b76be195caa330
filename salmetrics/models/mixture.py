"""Density models made from other density models: mixtures, and means over other images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.mean_density import GRID, from_grid, mean_of_others, to_grid
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel, log_density_of, model_name, predictions_of
from salmetrics.models.conversion import require_density
from salmetrics.progress import progress_bar

__all__ = ["Mixture", "ShuffledBaseline"]


class Mixture(DensityModel):
    """A weighted mean of densities: p = sum_k w_k p_k.

    Parameters
    ----------
    models
        Density models, or anything that `as_model` takes (raw arrays are log densities); a list,
        or a dict by name.
    weights
        Weight of each model, at least 0, sum 1; equal by default.

    Attributes
    ----------
    models : tuple of DensityModel
        The models.
    weights : ndarray of shape (k,)
        The weights.

    Raises
    ------
    InputError
        If there is no model, a model gives saliency maps, or the weights are invalid.

    Examples
    --------
    >>> from salmetrics import GaussianCentreBias, Uniform
    >>> mixture = Mixture([GaussianCentreBias(), Uniform()], [0.9, 0.1])
    >>> mixture.name
    '0.9 gaussian-centre-bias + 0.1 uniform'
    """

    def __init__(
        self, models: Sequence[Any] | Mapping[str, Any], weights: Sequence[float] | None = None
    ) -> None:
        listed = list(models.values()) if isinstance(models, Mapping) else list(models)
        if not listed:
            raise InputError("a mixture needs at least one model")
        parts = [require_density(model, "a mixture") for model in listed]
        shares = (
            np.full(len(parts), 1 / len(parts)) if weights is None else np.array(weights, float)
        )
        if shares.shape != (len(parts),):
            raise InputError(
                f"weights must be one for each of {len(parts)} models; got {weights!r}"
            )
        if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
            raise InputError(f"weights must be at least 0 and add up to 1; got {weights!r}")
        names = list(models) if isinstance(models, Mapping) else [model_name(p) for p in parts]
        self.models = tuple(parts)
        self.weights = shares / shares.sum()
        self.subject_dependent = any(part.subject_dependent for part in parts)
        self.leave_one_out = all(part.leave_one_out for part in parts)
        self.without_maps = next((p.without_maps for p in parts if p.without_maps), None)
        self.name = " + ".join(f"{w:.3g} {n}" for w, n in zip(self.weights, names, strict=True))

    @property
    def parameters(self) -> dict[str, Any]:
        """Weights, and the parameters of each model."""
        parts = [{"name": model_name(part)} | part.parameters for part in self.models]
        return {"weights": self.weights.tolist(), "models": parts}

    @property
    def knows_likelihoods(self) -> bool:
        """Whether a model does; otherwise likelihoods are looked up in the map at no cost."""
        return any(part.knows_likelihoods for part in self.models)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log of the mixture.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Subject whose fixations are predicted, for models that depend on it.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density; -inf where it is 0.
        """
        density = np.zeros(stimulus.size)
        for weight, part in zip(self.weights, self.models, strict=True):
            if weight > 0:
                checked = log_density_of(part, stimulus, subject=subject)
                density += weight * np.exp(checked.values, dtype=np.float64)
        with np.errstate(divide="ignore"):  # where all parts are 0
            return np.asarray(np.log(density))

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the log density at each fixation, from the likelihoods of each model.

        Parameters
        ----------
        stimuli, fixations
            Images and the fixations on them.

        Returns
        -------
        log_likelihoods : ndarray of shape (n,)
            One value per fixation, in nats.
        """
        density = np.zeros(len(fixations))
        for weight, part in zip(self.weights, self.models, strict=True):
            if weight > 0:
                density += weight * np.exp(part.log_likelihoods(stimuli, fixations))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(density))

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let each model check the data.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If a model refuses the data.
        """
        for part in self.models:
            part.check_data(stimuli, fixations)


class ShuffledBaseline(DensityModel):
    """The mean prediction of a model over all other images: its centre bias.

    Predictions are brought to a grid of 500 x 500 cells, added up, and interpolated at the size
    of the image, so images may have any sizes, and memory does not grow with their number. The
    model predicts all images when the first density is computed, and each image once more for its
    own density.

    Parameters
    ----------
    model
        A density model, or anything that `as_model` takes (raw arrays are log densities).
    stimuli
        The images; at least two. An image that is not among them gets the mean over all.

    Attributes
    ----------
    model : DensityModel
        The model whose predictions are averaged.

    Raises
    ------
    InputError
        If there are fewer than two images, or the model does not give one density per image.

    Examples
    --------
    >>> from salmetrics import Stimuli
    >>> stimuli = Stimuli.from_sizes([(2, 2)] * 3, ids=["a", "b", "c"])
    >>> logs = {"a": [[0.7, 0.1], [0.1, 0.1]], "b": [[0.1, 0.7], [0.1, 0.1]]}
    >>> logs["c"] = [[0.1, 0.1], [0.1, 0.7]]
    >>> model = {name: np.log(density) for name, density in logs.items()}
    >>> np.exp(ShuffledBaseline(model, stimuli).log_density(stimuli[0])).round(2)
    array([[0.1, 0.4],
           [0.1, 0.4]])
    """

    leave_one_out = True

    def __init__(self, model: Any, stimuli: Stimuli) -> None:
        part = require_density(model, "a shuffled baseline", stimuli, one_per_image=True)
        if len(stimuli) < 2:
            raise InputError("a shuffled baseline needs at least two images")
        self.name = f"shuffled {model_name(part)}"
        self.model = part
        self._stimuli = stimuli
        self._total: Array | None = None

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log of the mean prediction for the other images.

        Parameters
        ----------
        stimulus
            An image, known or new.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.
        """
        total, n = self._sum(), len(self._stimuli)
        mean = total / n
        if stimulus.id in self._stimuli.ids:
            mean = mean_of_others(
                total,
                to_grid(np.exp(log_density_of(self.model, stimulus).values, dtype=np.float64)),
                n,
            )
        density = from_grid(mean, stimulus.size)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(density / density.sum()))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_total": None}  # computed again when needed

    def _sum(self) -> Array:
        """Return the sum of all predictions on the grid."""
        if self._total is None:
            total = np.zeros((GRID, GRID))
            predictions = predictions_of(self.model, self._stimuli)
            n = len(self._stimuli)
            for log in progress_bar(predictions, total=n, description=self.name):
                total += to_grid(np.exp(log, dtype=np.float64))
            self._total = total
        return self._total
