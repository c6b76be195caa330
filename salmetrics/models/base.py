"""The two protocols a model can follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import CheckedMap, as_log_density, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError

__all__ = [
    "NO_DENSITY",
    "DensityModel",
    "Model",
    "SaliencyMapModel",
    "as_array",
    "checked_log_density",
    "log_density_of",
    "predictions_of",
]


class DensityModel(ABC):
    """A model that gives, for each image, a density of fixations over pixels.

    Subclasses write `log_density`; the rest has a default. Set `name` for tables.

    Attributes
    ----------
    subject_dependent
        Whether predictions depend on the subject, as a gold standard's do.
    leave_one_out
        Whether predictions differ between images only by what each leaves out.
    without_maps
        Why the model has likelihoods but no maps to score, if it has none.
    parameters
        Numbers and words that results record, by name.
    """

    name: str | None = None
    subject_dependent: bool = False
    leave_one_out: bool = False
    without_maps: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """None unless a subclass says otherwise."""
        return {}

    @property
    def knows_likelihoods(self) -> bool:
        """Whether `log_likelihoods` has a way of its own, without one map for all subjects."""
        own = type(self).log_likelihoods is not DensityModel.log_likelihoods
        return own or self.subject_dependent

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:  # noqa: B027  # optional
        """Raise `InputError` if this model left out other fixations than these; before scoring."""

    @abstractmethod
    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[Any]:
        """Return the natural log of the density, shape (h, w), logsumexp 0.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Whose fixations are predicted; ignored unless `subject_dependent`.
        """

    def log_densities(self, stimuli: Stimuli) -> Iterator[NDArray[Any]]:
        """Yield the log density of each image, in order; override to predict in batches."""
        for stimulus in stimuli:
            yield self.log_density(stimulus)

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> NDArray[np.float64]:
        """Return the natural log of the density at each fixation, shape (n,), nats.

        Raises
        ------
        InputError
            If a prediction is no log density of its image's size.
        """
        fixations.check_against(stimuli)
        result = np.empty(len(fixations))
        for i in np.flatnonzero(fixations.counts()):
            rows = fixations.rows_of_image(int(i))
            for subject, chosen in _groups(self, fixations, rows):
                density = log_density_of(self, stimuli[int(i)], subject=subject)
                pixels = pixel_indices(fixations.x[chosen], fixations.y[chosen], density.shape)
                result[chosen] = density.flat[pixels]
        return result


class SaliencyMapModel(ABC):
    """A model that gives, for each image, one map on any scale. Set `name` for tables."""

    name: str | None = None

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:  # noqa: B027  # optional
        """Raise `InputError` if this model can't predict these images; before scoring."""

    @abstractmethod
    def saliency_map(self, stimulus: Stimulus) -> NDArray[Any]:
        """Return the saliency map, shape (h, w), finite; higher means more fixations."""

    def saliency_maps(self, stimuli: Stimuli) -> Iterator[NDArray[Any]]:
        """Yield the saliency map of each image, in order; override to predict in batches."""
        for stimulus in stimuli:
            yield self.saliency_map(stimulus)


Model = DensityModel | SaliencyMapModel


def as_array(prediction: Any) -> NDArray[Any]:
    """Return a prediction as a NumPy array of shape (h, w); torch tensors come to the CPU."""
    if hasattr(prediction, "detach"):
        prediction = prediction.detach().cpu()
        if "bfloat16" in str(prediction.dtype):
            prediction = prediction.float()
        prediction = prediction.numpy()
    if isinstance(prediction, np.ma.MaskedArray):
        raise InputError(
            "predictions must not be masked arrays: the mask would be ignored; use .filled(value)"
        )
    array = np.asarray(prediction)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def checked_log_density(
    log_density: Any, stimulus: Stimulus, model: object, *, normalize: bool = False
) -> CheckedMap:
    """Check a model's log density; messages name the model and the image."""
    name = f"the log density of {model_name(model)} for image {stimulus.id!r}"
    checked = as_log_density(log_density, name, normalize=normalize)
    check_size(checked, stimulus, model)
    return checked


def log_density_of(model: DensityModel, stimulus: Stimulus, *, subject: Any = None) -> CheckedMap:
    """Ask a model for one log density, and check it; errors of the model name the image."""
    try:
        made = as_array(model.log_density(stimulus, subject=subject))
    except Exception as error:
        error.add_note(f"while {model_name(model)} predicted image {stimulus.id!r}")
        raise
    return checked_log_density(made, stimulus, model)


def predictions_of(model: Model, stimuli: Stimuli) -> Iterator[NDArray[Any]]:
    """Yield a model's checked prediction of each image, in order.

    A model may use the memory of a prediction again for the next: copy what is kept.

    Raises
    ------
    InputError
        Naming the model and the image, if a prediction is missing or none.
    """
    made: Iterator[Any] = (
        iter(model.log_densities(stimuli))
        if isinstance(model, DensityModel)
        else iter(model.saliency_maps(stimuli))
    )
    for stimulus in stimuli:
        try:
            array = as_array(next(made))
        except StopIteration:
            raise InputError(
                f"{model_name(model)} stopped predicting before image {stimulus.id!r}; "
                "log_densities and saliency_maps must yield one prediction an image"
            ) from None
        except Exception as error:
            error.add_note(f"while {model_name(model)} predicted image {stimulus.id!r}")
            raise
        if isinstance(model, DensityModel):
            yield checked_log_density(array, stimulus, model).values
            continue
        checked = as_map(
            array, f"the saliency map of {model_name(model)} for image {stimulus.id!r}"
        )
        check_size(checked, stimulus, model)
        yield checked.values


def check_size(prediction: CheckedMap, stimulus: Stimulus, model: object) -> None:
    """Raise `InputError` unless a prediction has its image's size."""
    if prediction.shape != tuple(stimulus.size):
        raise InputError(
            f"{model_name(model)} predicted size {prediction.shape} for image {stimulus.id!r} of "
            f"size {tuple(stimulus.size)} (height, width); use as_model(..., resize='bilinear'), "
            "or --resize bilinear"
        )


def model_name(model: object) -> str:
    """Return what tables and messages call a model."""
    name = getattr(model, "name", None)
    return name if isinstance(name, str) and name else type(model).__name__


def _groups(
    model: DensityModel, fixations: Fixations, rows: NDArray[np.int64]
) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Rows of one image that share a prediction: all of them, or one subject's at a time."""
    if not model.subject_dependent:
        yield None, rows
        return
    subjects = fixations.subject[rows]
    for subject in np.unique(subjects):
        yield subject, rows[subjects == subject]


NO_DENSITY = (
    "a saliency map has no log likelihood; turn the maps into densities first, with "
    "salmetrics.fit_density"
)
