"""The two kinds of models, and what asks either for a prediction and checks it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows, to_numpy
from salmetrics.checked_map import CheckedMap, as_log_density, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import is_turned
from salmetrics.errors import InputError

__all__ = [
    "NO_DENSITY",
    "DensityModel",
    "Model",
    "SaliencyMapModel",
    "as_array",
    "check_size",
    "checked_log_density",
    "checked_saliency_map",
    "log_density_of",
    "model_name",
    "predictions_of",
    "saliency_map_of",
]

NO_DENSITY = (
    "a saliency map has no log likelihood; turn the maps into densities first, with "
    "salmetrics.fit_density"
)


class DensityModel(ABC):
    """A model that gives, for each image, a probability density of fixations over pixels.

    Subclasses define `log_density`; everything else has a default. The attribute `name` is what
    tables call the model, by default its class.

    Attributes
    ----------
    subject_dependent : bool
        Whether predictions depend on the subject, as those of a gold standard do.
    leave_one_out : bool
        Whether predictions differ between images only by what each leaves out.
    without_maps : str or None
        Why the model has likelihoods but no maps to score; None if it has maps.
    parameters : dict
        Numbers and words that results record, by name.

    Examples
    --------
    >>> import numpy as np
    >>> from salmetrics import DensityModel, Stimuli
    >>> class LeftHalf(DensityModel):
    ...     name = "left half"
    ...
    ...     def log_density(self, stimulus, *, subject=None):
    ...         density = np.full(stimulus.size, 0.1)
    ...         density[:, : stimulus.size[1] // 2] = 0.9
    ...         return np.log(density / density.sum())
    >>> (stimulus,) = Stimuli.from_sizes([(1, 4)])
    >>> np.exp(LeftHalf().log_density(stimulus))
    array([[0.45, 0.45, 0.05, 0.05]])
    """

    name: str | None = None
    subject_dependent: bool = False
    leave_one_out: bool = False
    without_maps: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Numbers and words that results record, by name; empty by default."""
        return {}

    @property
    def knows_likelihoods(self) -> bool:
        """Whether `log_likelihoods` does more than look up one map for all subjects."""
        own = type(self).log_likelihoods is not DensityModel.log_likelihoods
        return own or self.subject_dependent

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:  # noqa: B027  # optional
        """Check, before scoring, that this model may predict these data; by default it may.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If the model left out other fixations than these, or cannot predict the images.
        """

    @abstractmethod
    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> AnyArray:
        """Return the natural log of the density of fixations on one image.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Subject whose fixations are predicted; ignored unless `subject_dependent`.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the probability of each pixel; logsumexp 0.
        """

    def log_densities(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Predict several images; override it to predict in batches.

        Parameters
        ----------
        stimuli
            The images.

        Yields
        ------
        log_density : ndarray of shape (h, w)
            Natural log of the density of each image, in their order.
        """
        for stimulus in stimuli:
            yield self.log_density(stimulus)

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the natural log of the density at each fixation.

        Parameters
        ----------
        stimuli, fixations
            Images and the fixations on them.

        Returns
        -------
        log_likelihoods : ndarray of shape (n,)
            One value per fixation, float64, in nats; -inf where the density is 0.

        Raises
        ------
        InputError
            If a prediction is not a log density of its image's size.
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
    """A model that gives, for each image, one map on any scale.

    Subclasses define `saliency_map`. The attribute `name` is what tables call the model, by
    default its class. `salmetrics.fit_density` turns such a model into a `DensityModel`.

    Examples
    --------
    >>> import numpy as np
    >>> from salmetrics import SaliencyMapModel, Stimuli
    >>> class Brightness(SaliencyMapModel):
    ...     def saliency_map(self, stimulus):
    ...         return stimulus.rgb.mean(axis=2)
    >>> (stimulus,) = Stimuli.from_arrays([np.array([[0, 9], [60, 255]], dtype=np.uint8)])
    >>> Brightness().saliency_map(stimulus)
    array([[  0.,   9.],
           [ 60., 255.]])
    """

    name: str | None = None

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:  # noqa: B027  # optional
        """Check, before scoring, that this model can predict these images; by default it can.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If the model cannot predict the images.
        """

    @abstractmethod
    def saliency_map(self, stimulus: Stimulus) -> AnyArray:
        """Return the saliency map of one image.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        saliency_map : ndarray of shape (h, w)
            Finite values on any scale; higher values mean more fixations.
        """

    def saliency_maps(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Predict several images; override it to predict in batches.

        Parameters
        ----------
        stimuli
            The images.

        Yields
        ------
        saliency_map : ndarray of shape (h, w)
            Saliency map of each image, in their order.
        """
        for stimulus in stimuli:
            yield self.saliency_map(stimulus)


Model = DensityModel | SaliencyMapModel


def as_array(prediction: Any) -> AnyArray:
    """Return a prediction as a NumPy array without leading axes of length 1.

    Those of other packages become arrays as `salmetrics.array_types.to_numpy` says.
    """
    if isinstance(prediction, np.ma.MaskedArray):
        raise InputError(
            "predictions must not be masked arrays: the mask would be ignored; use .filled(value)"
        )
    array = to_numpy(prediction)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def checked_log_density(
    log_density: Any, stimulus: Stimulus, model: object, *, normalize: bool = False
) -> CheckedMap:
    """Check a model's log density for an image; errors name the model and the image."""
    name = f"the log density of {model_name(model)} for image {stimulus.id!r}"
    checked = as_log_density(log_density, name, normalize=normalize)
    check_size(checked, stimulus, model)
    return checked


def checked_saliency_map(saliency_map: Any, stimulus: Stimulus, model: object) -> CheckedMap:
    """Check a model's saliency map for an image; errors name the model and the image."""
    name = f"the saliency map of {model_name(model)} for image {stimulus.id!r}"
    checked = as_map(saliency_map, name)
    check_size(checked, stimulus, model)
    return checked


def log_density_of(model: DensityModel, stimulus: Stimulus, *, subject: Any = None) -> CheckedMap:
    """Ask a model for one log density, and check it; exceptions of the model name the image."""
    try:
        array = as_array(model.log_density(stimulus, subject=subject))
    except Exception as error:
        error.add_note(f"while {model_name(model)} predicted image {stimulus.id!r}")
        raise
    return checked_log_density(array, stimulus, model)


def saliency_map_of(model: SaliencyMapModel, stimulus: Stimulus) -> CheckedMap:
    """Ask a model for one saliency map, and check it; exceptions of the model name the image."""
    try:
        array = as_array(model.saliency_map(stimulus))
    except Exception as error:
        error.add_note(f"while {model_name(model)} predicted image {stimulus.id!r}")
        raise
    return checked_saliency_map(array, stimulus, model)


def predictions_of(model: Model, stimuli: Stimuli) -> Iterator[AnyArray]:
    """Yield a model's checked prediction for each image, in order.

    A model may reuse the memory of a prediction for the next: copy what is kept.

    Raises
    ------
    InputError
        If a prediction is missing or invalid; the message names the model and the image.
    """
    predictions: Iterator[Any] = (
        iter(model.log_densities(stimuli))
        if isinstance(model, DensityModel)
        else iter(model.saliency_maps(stimuli))
    )
    for stimulus in stimuli:
        try:
            array = as_array(next(predictions))
        except StopIteration:
            raise InputError(
                f"{model_name(model)} stopped predicting before image {stimulus.id!r}; "
                "log_densities and saliency_maps must yield one prediction per image"
            ) from None
        except Exception as error:
            error.add_note(f"while {model_name(model)} predicted image {stimulus.id!r}")
            raise
        if isinstance(model, DensityModel):
            yield checked_log_density(array, stimulus, model).values
        else:
            yield checked_saliency_map(array, stimulus, model).values


def check_size(prediction: CheckedMap, stimulus: Stimulus, model: object) -> None:
    """Raise `InputError` unless a prediction has the size of its image."""
    if prediction.shape != tuple(stimulus.size):
        turned = is_turned(prediction.shape, stimulus.size)
        advice = (
            "it looks transposed; return it as (height, width)"
            if turned
            else "use as_model(..., resize='bilinear')"
        )
        raise InputError(
            f"{model_name(model)} predicted size {prediction.shape} for image {stimulus.id!r} of "
            f"size {tuple(stimulus.size)} (height, width); {advice}"
        )


def model_name(model: object) -> str:
    """Return what tables and messages call a model: its `name`, or else its class."""
    name = getattr(model, "name", None)
    return name if isinstance(name, str) and name else type(model).__name__


def _groups(model: DensityModel, fixations: Fixations, rows: Rows) -> Iterator[tuple[Any, Rows]]:
    """Yield the rows of one image that share a prediction: all, or those of each subject."""
    if not model.subject_dependent:
        yield None, rows
        return
    subjects = fixations.subject[rows]
    for subject in np.unique(subjects):
        yield subject, rows[subjects == subject]
