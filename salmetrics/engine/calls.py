"""Call the models, image by image, from a single thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.plan import Pass, Plan
from salmetrics.engine.references import References
from salmetrics.errors import InputError, described
from salmetrics.io.spill import Spill
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel, as_array, model_name

__all__ = ["Calls", "Prediction", "Predictions", "Predictor", "likelihoods_of_image"]


@dataclass
class Prediction:
    """The prediction of one model for one image.

    Attributes
    ----------
    maps
        Maps of shape (h, w), each with the rows of the fixations that it predicts: one map for
        all, or one per subject.
    likelihoods
        Log likelihood of each fixation in nats, for models that give it without a map.
    failure
        Why there is no prediction.
    n_calls
        How many maps were requested from the model.
    """

    maps: list[tuple[Rows, AnyArray]] = field(default_factory=list)
    likelihoods: Array | None = None
    failure: str | None = None
    n_calls: int = 0


@dataclass
class Predictions:
    """The predictions of all models for image i, with those of baseline and ground truth."""

    i: int
    by_model: dict[str, Prediction]
    baseline: Array | None = None
    baseline_map: AnyArray | None = None
    empirical_map: AnyArray | None = None

    def held(self) -> Predictions:
        """Copy the maps: a model may reuse the memory of its last map for the next."""
        for prediction in self.by_model.values():
            prediction.maps = [(rows, array.copy()) for rows, array in prediction.maps]
        if self.baseline_map is not None:
            self.baseline_map = self.baseline_map.copy()
        if self.empirical_map is not None:
            self.empirical_map = self.empirical_map.copy()
        return self


class Calls:
    """Calls one model for each of some images, in order."""

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
                made = array.copy() if len(groups) > 1 else array  # its memory may be reused
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
                "saliency_maps must yield one prediction per image"
            ) from None


def likelihoods_of_image(model: Any, stimuli: Stimuli, fixations: Fixations, i: int) -> Array:
    """Ask a model for the log likelihood of each fixation on image i, nats."""
    nats = model.log_likelihoods(stimuli[[i]], fixations.select_images([i]))
    if np.shape(nats) != (fixations.rows_of_image(i).size,) or np.isnan(nats).any():
        raise InputError(
            f"log_likelihoods of {model_name(model)} for image {stimuli.ids[i]!r} must be one "
            "number per fixation, without NaN"
        )
    return np.asarray(nats, dtype=np.float64)


class Predictor:
    """Calls all models for a run of images; pickles as small as its models.

    Parameters
    ----------
    models
        By name.
    stimuli, fixations
        What was shown and where people looked.
    plan
        Which metrics each model gets.
    references
        Whose predictions go with those of the models.
    record_errors
        Note the failure of a model on an image and go on, instead of raising.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        stimuli: Stimuli,
        fixations: Fixations,
        plan: Plan,
        references: References,
        *,
        record_errors: bool,
    ) -> None:
        self._models = dict(models)
        self._stimuli = stimuli
        self._fixations = fixations
        self._plan = plan
        self._references = references
        self._record_errors = record_errors

    def predict(
        self, images_by_model: Mapping[str, Sequence[int]], *, spill: Spill | None = None
    ) -> Iterator[Predictions]:
        """Call the models, image by image.

        Parameters
        ----------
        images_by_model
            Which images each model predicts, ascending.
        spill
            In the second pass: where predictions of the first may be stored.
        """
        calls = {name: self._calls(name, images, spill) for name, images in images_by_model.items()}
        wanted = {name: set(images) for name, images in images_by_model.items()}
        for i in sorted(set().union(*images_by_model.values())):
            predictions = Predictions(
                i, {n: call(i) for n, call in calls.items() if i in wanted[n]}
            )
            if spill is None:
                self._add_references(predictions)
            yield predictions

    def _calls(self, name: str, images: Sequence[int], spill: Spill | None) -> Calls:
        which: Pass = "first" if spill is None else "second"
        model = self._models[name]
        on_likelihoods = bool(self._plan.on_likelihoods(name, which))
        knows = isinstance(model, DensityModel) and model.knows_likelihoods
        on_maps = bool(self._plan.on_maps(name, which)) or self._plan.needs_second_pass(name)
        return Calls(
            name,
            model,
            self._stimuli,
            self._fixations,
            images,
            wants_likelihoods=on_likelihoods and knows,
            wants_maps=on_maps or (on_likelihoods and not knows),
            record_errors=self._record_errors,
            spill=spill,
        )

    def _add_references(self, predictions: Predictions) -> None:
        """Add the predictions of the baseline and the ground-truth map."""
        i, plan = predictions.i, self._plan
        baseline, empirical = self._references.baseline, self._references.empirical
        stimulus = self._stimuli[i]
        if baseline is not None and plan.needs("baseline"):
            predictions.baseline = likelihoods_of_image(baseline, self._stimuli, self._fixations, i)
            if np.isneginf(predictions.baseline).any():
                raise InputError(
                    f"the baseline {model_name(baseline)} gives probability 0 to a fixation on "
                    f"image {stimulus.id!r}, so no model has an information gain over it; mix it "
                    "with a uniform density"
                )
        if baseline is not None and plan.needs("baseline_map"):
            predictions.baseline_map = as_array(baseline.log_density(stimulus))
        if empirical is not None:
            predictions.empirical_map = as_array(empirical.saliency_map(stimulus))
