"""What models say of one image; all of them are called from one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, described
from salmetrics.io.spill import Spill
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel, as_array, model_name

__all__ = ["Calls", "Prediction", "Predictions", "likelihoods_of_image"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass
class Prediction:
    """What one model says of one image.

    Attributes
    ----------
    maps
        Its maps, each with the fixations it is for: one map for all, or one a subject.
    likelihoods
        Log likelihood of each fixation in nats, of a model that knows it without a map.
    failure
        Why there is no prediction.
    n_calls
        How many maps the model made.
    """

    maps: list[tuple[Rows, NDArray[Any]]] = field(default_factory=list)
    likelihoods: Array | None = None
    failure: str | None = None
    n_calls: int = 0


@dataclass
class Predictions:
    """What all models say of image i, baseline and ground truth included."""

    i: int
    of_models: dict[str, Prediction]
    baseline: Array | None = None
    baseline_map: NDArray[Any] | None = None
    empirical_map: NDArray[Any] | None = None

    def held(self) -> Predictions:
        """Copy the maps: a model may use the memory of its last one for its next."""
        for prediction in self.of_models.values():
            prediction.maps = [(rows, array.copy()) for rows, array in prediction.maps]
        if self.baseline_map is not None:
            self.baseline_map = self.baseline_map.copy()
        if self.empirical_map is not None:
            self.empirical_map = self.empirical_map.copy()
        return self


class Calls:
    """Calls of one model, image by image, in order."""

    def __init__(
        self,
        name: str,
        model: Model,
        stimuli: Stimuli,
        fixations: Fixations,
        images: Sequence[int],
        *,
        wants_likelihoods: bool,
        wants_maps: bool,
        record_errors: bool,
        spill: Spill | None,
    ) -> None:
        self._name = name
        self._model = model
        self._stimuli = stimuli
        self._fixations = fixations
        self._left = list(images)
        self._wants_likelihoods = wants_likelihoods
        self._wants_maps = wants_maps
        self._record_errors = record_errors
        self._spill = spill
        self._iterator: Iterator[Any] | None = None

    def __call__(self, i: int) -> Prediction:
        """Predict image i, the next of the images."""
        prediction = Prediction()
        try:
            self._fill(i, prediction)
        except Exception as error:
            if not self._record_errors:
                stimulus = self._stimuli[i]
                error.add_note(f"while {self._name} predicted image {stimulus.id!r}")
                raise
            prediction.failure = described(error)
            self._iterator = None  # a generator that raised is over
        self._left.pop(0)
        return prediction

    def _fill(self, i: int, prediction: Prediction) -> None:
        model = self._model
        rows = self._fixations.rows_of_image(i)
        if self._wants_likelihoods:
            prediction.likelihoods = likelihoods_of_image(model, self._stimuli, self._fixations, i)
        if not self._wants_maps:
            return
        subjects = self._fixations.subject[rows]
        dependent = isinstance(model, DensityModel) and model.subject_dependent
        groups = (
            [(s, rows[subjects == s]) for s in np.unique(subjects)] if dependent else [(None, rows)]
        )
        kept = None if self._spill is None else self._spill.load(self._name, i, len(groups))
        if kept is not None:
            self._iterator = None
            prediction.maps = [(chosen, m) for (_, chosen), m in zip(groups, kept, strict=True)]
            return
        for subject, chosen in groups:
            prediction.n_calls += 1
            if dependent:
                made = model.log_density(self._stimuli[i], subject=subject)  # type: ignore[union-attr]
                array = as_array(made)
                made = array.copy() if len(groups) > 1 else array  # it may use its memory again
            else:
                made = self._next()
            prediction.maps.append((chosen, as_array(made)))

    def _next(self) -> Any:
        if self._iterator is None:
            stimuli = self._stimuli[self._left]
            self._iterator = iter(
                self._model.saliency_maps(stimuli)
                if isinstance(self._model, SaliencyMapModel)
                else self._model.log_densities(stimuli)
            )
        try:
            return next(self._iterator)
        except StopIteration:
            image = self._stimuli.ids[self._left[0]]
            raise InputError(
                f"{self._name} stopped predicting before image {image!r}; log_densities and "
                "saliency_maps must yield one prediction an image"
            ) from None


def likelihoods_of_image(model: Any, stimuli: Stimuli, fixations: Fixations, i: int) -> Array:
    """Ask a model for the log likelihood of each fixation on image i, nats."""
    nats = model.log_likelihoods(stimuli[[i]], fixations.select_images([i]))
    if np.shape(nats) != (fixations.rows_of_image(i).size,) or np.isnan(nats).any():
        raise InputError(
            f"log_likelihoods of {model_name(model)} for image {stimuli.ids[i]!r} must be one "
            "number a fixation, without NaN"
        )
    return np.asarray(nats, dtype=np.float64)
