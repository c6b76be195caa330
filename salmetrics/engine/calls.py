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
        Pairs of the indices of some fixations, shape (n,), and the map that predicts them, shape
        (h, w): one map for all fixations, or one per subject.
    likelihoods
        Log likelihood of each fixation in nats, for models that give it without a map.
    failure
        Text of the error, if there is no prediction.
    n_calls
        Number of maps that were requested from the model.
    """

    maps: list[tuple[Rows, AnyArray]] = field(default_factory=list)
    likelihoods: Array | None = None
    failure: str | None = None
    n_calls: int = 0


@dataclass
class Predictions:
    """The predictions of all models for image i, with those of baseline and ground truth.

    Attributes
    ----------
    i
        Index of the image.
    by_model
        Prediction of each model, by name.
    baseline
        Log likelihood of each fixation under the baseline in nats, shape (n,), if needed.
    baseline_map
        Log density of the baseline, shape (h, w), if needed.
    empirical_map
        Ground truth that replaces blurred fixations, shape (h, w), if any.
    """

    i: int
    by_model: dict[str, Prediction]
    baseline: Array | None = None
    baseline_map: AnyArray | None = None
    empirical_map: AnyArray | None = None

    def held(self) -> Predictions:
        """Return these predictions with copied maps, as a model may reuse the memory of a map."""
        for prediction in self.by_model.values():
            prediction.maps = [(rows, array.copy()) for rows, array in prediction.maps]
        if self.baseline_map is not None:
            self.baseline_map = self.baseline_map.copy()
        if self.empirical_map is not None:
            self.empirical_map = self.empirical_map.copy()
        return self


class Calls:
    """Calls one model for each of some images, in order.

    Parameters
    ----------
    name
        Name of the model, for messages.
    model
        The model.
    stimuli, fixations
        What was shown and where people looked.
    images
        Indices of the images, in the order of the calls.
    wants_likelihoods, wants_maps
        What is requested from the model.
    record_errors
        Whether a failure becomes part of the prediction instead of being raised.
    spill
        In the second pass: where predictions of the first may be stored.
    """

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
        self._remaining = list(images)
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
        self._remaining.pop(0)
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
            prediction.maps = [(own, array) for (_, own), array in zip(groups, kept, strict=True)]
            return
        for subject, own in groups:
            prediction.n_calls += 1
            if dependent:
                array = as_array(model.log_density(self._stimuli[i], subject=subject))  # type: ignore[union-attr]
                if len(groups) > 1:
                    array = array.copy()  # the model may reuse its memory for the next subject
            else:
                array = as_array(self._next())
            prediction.maps.append((own, array))

    def _next(self) -> Any:
        if self._iterator is None:
            stimuli = self._stimuli[self._remaining]
            self._iterator = iter(
                self._model.saliency_maps(stimuli)
                if isinstance(self._model, SaliencyMapModel)
                else self._model.log_densities(stimuli)
            )
        try:
            return next(self._iterator)
        except StopIteration:
            image = self._stimuli.ids[self._remaining[0]]
            raise InputError(
                f"{self._name} stopped predicting before image {image!r}; log_densities and "
                "saliency_maps must yield one prediction per image"
            ) from None


def likelihoods_of_image(model: Any, stimuli: Stimuli, fixations: Fixations, i: int) -> Array:
    """Return a model's log likelihood of each fixation on image i in nats, shape (n,), checked."""
    nats = model.log_likelihoods(stimuli[[i]], fixations.select_images([i]))
    if np.shape(nats) != (fixations.rows_of_image(i).size,) or np.isnan(nats).any():
        raise InputError(
            f"log_likelihoods of {model_name(model)} for image {stimuli.ids[i]!r} must be one "
            "number per fixation, without NaN"
        )
    return np.asarray(nats, dtype=np.float64)


class Predictor:
    """Calls all models for a run of images; it can be pickled for other processes.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    plan
        Which metrics each model gets.
    references
        Models whose predictions are added to those of the models.
    record_errors
        Whether the failure of a model on an image is recorded instead of being raised.
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
        """Yield the predictions for each image, in order.

        Parameters
        ----------
        images_by_model
            Indices of the images that each model predicts, ascending, by name of the model.
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
        if empirical is not None and plan.needs("empirical_map"):
            predictions.empirical_map = as_array(empirical.saliency_map(stimulus))
