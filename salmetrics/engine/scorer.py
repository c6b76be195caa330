"""What metrics make of the predictions for one image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import CheckedMap, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.optimal_maps import OPTIMAL_MAPS, WHY_NOT, optimal_map, shuffled_auc_map
from salmetrics.densities.resampling import (
    MeanDensity,
    from_grid,
    from_grid_by_logs,
    mean_of_others,
    to_grid,
    to_grid_by_logs,
)
from salmetrics.densities.smoothing import Smoothing
from salmetrics.engine.calls import Calls, Prediction, Predictions, likelihoods_of_image
from salmetrics.engine.observer import Observer
from salmetrics.errors import InputError, described
from salmetrics.io.spill import Spill
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import (
    NO_DENSITY,
    DensityModel,
    Model,
    SaliencyMapModel,
    as_array,
    check_size,
    checked_log_density,
    model_name,
)
from salmetrics.models.centre_bias import default_baseline
from salmetrics.models.conversion import as_model
from salmetrics.protocols import Protocol

__all__ = ["ImageScores", "Scorer"]

_SUBJECT_DEPENDENT = "predictions depend on the subject, and this metric has one value an image"
_LEAVE_ONE_OUT = (
    "predictions differ between images by what each leaves out, so their ratio to the mean of the "
    "others says where nobody looked"
)
_NEEDS_MEAN = "sAUC"  # of a density: its optimal map needs the mean of the other predictions

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass
class ImageScores:
    """Scores of image i by (model, metric): one a fixation of the image, or one number.

    `densities` holds each model's prediction on the grid of `mean_density`, if that is needed.
    """

    i: int
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    n_calls: dict[str, int] = field(default_factory=dict)
    densities: dict[str, Array] = field(default_factory=dict)


class Scorer:
    """Models, data and choices; pickles as small as its models.

    Parameters
    ----------
    models
        By name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    baseline
        What IG is relative to; by default the `CentreBias` fitted to these fixations.
    empirical
        Ground-truth maps instead of blurred fixations, as `as_model` takes them.
    nonfixations
        Negatives of AUC, instead of the protocol's.
    seed
        Of everything random.
    record_errors
        Note a model's failure on an image and go on, instead of raising.
    progress
        Whether the fit of the default baseline may show a bar.

    Attributes
    ----------
    reasons
        Why a model can't have a metric, by (model, metric).
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        stimuli: Stimuli,
        fixations: Fixations,
        protocol: Protocol,
        *,
        baseline: Any = None,
        empirical: Any = None,
        nonfixations: Fixations | None = None,
        seed: int = 0,
        record_errors: bool = False,
        progress: bool = False,
    ) -> None:
        self.models = dict(models)
        self.stimuli = stimuli
        self.fixations = fixations
        self.protocol = protocol
        self.record_errors = record_errors
        self.reasons = {
            (name, key): why
            for name, model in models.items()
            for key in protocol.metrics
            if (why := _why_not(model, key, protocol))
        }
        for model in models.values():
            model.check_data(stimuli, fixations)
        self.baseline: DensityModel | None = None
        if {"IG", "IG-MATLAB"} & set(protocol.metrics):
            self.baseline = _baseline_model(
                baseline, models.values(), stimuli, fixations, progress=progress
            )
        self.empirical: SaliencyMapModel | None = None
        if empirical is not None:
            maps = as_model(empirical, stimuli, kind="saliency_map")
            if not isinstance(maps, SaliencyMapModel):
                raise InputError("empirical must give saliency maps, not densities")
            self.empirical = maps
        any_density = any(isinstance(model, DensityModel) for model in models.values())
        self._observer = Observer(
            stimuli,
            fixations,
            protocol,
            nonfixations=nonfixations,
            needs_blur=empirical is None or any_density,
            seed=seed,
        )

    @property
    def smoothing(self) -> Smoothing:
        """How empirical maps are made, and densities blurred for them."""
        return self._observer.smoothing

    def metrics_of(self, name: str) -> list[str]:
        """Return the metrics that a model has in one pass."""
        return [
            key
            for key in self.protocol.metrics
            if (name, key) not in self.reasons and not self._waits(name, key)
        ]

    def needs_mean_density(self, name: str) -> bool:
        """Whether a model has a metric that needs the mean of its predictions first."""
        return any(self._waits(name, key) for key in self.protocol.metrics)

    def _waits(self, name: str, key: str) -> bool:
        return (
            key == _NEEDS_MEAN
            and self.protocol.maps == "optimal"
            and isinstance(self.models[name], DensityModel)
            and (name, key) not in self.reasons
        )

    # ---- predicting: calls models

    def predict(
        self, images_of_models: Mapping[str, Sequence[int]], *, again: Spill | None = None
    ) -> Iterator[Predictions]:
        """Call the models, image by image.

        Parameters
        ----------
        images_of_models
            Which images each model is to predict, ascending.
        again
            In the second pass: where predictions may lie already.
        """
        calls = {
            name: self._calls(name, images, again) for name, images in images_of_models.items()
        }
        todo = sorted(set().union(*images_of_models.values()))
        wanted = {name: set(images) for name, images in images_of_models.items()}
        for i in todo:
            named = {n: call(i) for n, call in calls.items() if i in wanted[n]}
            yield Predictions(i, named) if again is not None else self._with_references(i, named)

    def _calls(self, name: str, images: Sequence[int], again: Spill | None) -> Calls:
        keys = [_NEEDS_MEAN] if again is not None else self.metrics_of(name)
        on_likelihoods = [key for key in keys if METRICS[key].needs_density]
        model = self.models[name]
        knows = isinstance(model, DensityModel) and model.knows_likelihoods
        on_maps = len(keys) > len(on_likelihoods) or self.needs_mean_density(name)
        return Calls(
            name,
            self.models[name],
            self.stimuli,
            self.fixations,
            images,
            wants_likelihoods=bool(on_likelihoods) and knows,
            wants_maps=on_maps or (bool(on_likelihoods) and not knows),
            record_errors=self.record_errors,
            spill=again,
        )

    def _with_references(self, i: int, predictions: dict[str, Prediction]) -> Predictions:
        """Add what the baseline and the ground truth say."""
        found = Predictions(i, predictions)
        metrics = self.protocol.metrics
        stimulus = self.stimuli[i]
        if self.baseline is not None and "IG" in metrics:
            found.baseline = likelihoods_of_image(self.baseline, self.stimuli, self.fixations, i)
            if np.isneginf(found.baseline).any():
                raise InputError(
                    f"the baseline {model_name(self.baseline)} gives probability 0 to a fixation "
                    f"on image {stimulus.id!r}, so no model has an information gain over it; mix "
                    "it with a uniform density"
                )
        if self.baseline is not None and "IG-MATLAB" in metrics:
            found.baseline_map = as_array(self.baseline.log_density(stimulus))
        if self.empirical is not None:
            found.empirical_map = as_array(self.empirical.saliency_map(stimulus))
        return found

    # ---- scoring: calls metrics

    def score(self, predictions: Predictions, spill: Spill | None = None) -> ImageScores:
        """Score the predictions of an image with every metric that needs no other image.

        Parameters
        ----------
        predictions
            From `predict`.
        spill
            Where predictions that are needed again are kept.
        """
        i = predictions.i
        rows = self.fixations.rows_of_image(i)
        seen: dict[bytes, Observation] = {}
        result = ImageScores(i)
        for name, prediction, checked in self._checked_predictions(predictions, result):
            for key in self.metrics_of(name):
                per_image = METRICS[key].per == "image"
                result.values[name, key] = np.nan if per_image else np.full(rows.size, np.nan)
            self._score_likelihoods(name, prediction, checked, predictions, rows, result)
            for chosen, scored in checked:
                if chosen.tobytes() not in seen:
                    seen[chosen.tobytes()] = self._observe(predictions, rows, chosen)
                self._score_map(name, scored, seen[chosen.tobytes()], rows, chosen, result)
            if self.needs_mean_density(name):
                rounded = [scored.values.astype(np.float32) for _, scored in checked]
                result.densities[name] = self._grid_mean(rounded)
                if spill is not None:
                    spill.save(name, i, rounded)
        return result

    def score_shuffled(
        self, predictions: Predictions, means: Mapping[str, MeanDensity]
    ) -> ImageScores:
        """Score with the metric whose optimal maps need the mean of the other predictions.

        Predictions are rounded to float32 first, so that those read back from a file and those
        made again give the same numbers.
        """
        i = predictions.i
        rows = self.fixations.rows_of_image(i)
        result = ImageScores(i)
        for name, _, checked in self._checked_predictions(predictions, result):
            rounded = [CheckedMap(scored.values.astype(np.float32)) for _, scored in checked]
            values = np.full(rows.size, np.nan)
            if means[name].n > 1:
                own = self._grid_mean([scored.values for scored in rounded])
                others = mean_of_others(means[name].total, own, means[name].n)
                back = from_grid if self.protocol.mean_grid == "mass" else from_grid_by_logs
                nonfixated = back(others, rounded[0].shape)
                for (chosen, _), scored in zip(checked, rounded, strict=True):
                    best = shuffled_auc_map(scored, nonfixated)
                    seen = self._observer.observe(i, chosen)
                    values[np.searchsorted(rows, chosen)] = METRICS[_NEEDS_MEAN].score(best, seen)
            result.values[name, _NEEDS_MEAN] = values
        return result

    def _grid_mean(self, log_densities: Sequence[NDArray[np.float32]]) -> Array:
        """Mean density on the grid over the subjects of an image."""
        logs = (np.asarray(log_density, dtype=np.float64) for log_density in log_densities)
        if self.protocol.mean_grid == "mass":
            grids = [to_grid(np.exp(log_density)) for log_density in logs]
        else:
            grids = [to_grid_by_logs(log_density) for log_density in logs]
        return np.asarray(sum(grids[1:], grids[0]) / len(grids))

    def _score_likelihoods(
        self,
        name: str,
        prediction: Prediction,
        checked: list[tuple[Rows, CheckedMap]],
        predictions: Predictions,
        rows: Rows,
        result: ImageScores,
    ) -> None:
        keys = [key for key in self.metrics_of(name) if METRICS[key].needs_density]
        if not keys:
            return
        nats = prediction.likelihoods
        if nats is None:
            (_, density), *_ = checked
            pixels = pixel_indices(self.fixations.x[rows], self.fixations.y[rows], density.shape)
            nats = density.flat[pixels].astype(np.float64)
        seen = self._observe(predictions, rows, rows)
        for key in keys:
            result.values[name, key] = METRICS[key].score(nats, seen)

    def _score_map(
        self,
        name: str,
        scored: CheckedMap,
        seen: Observation,
        rows: Rows,
        chosen: Rows,
        result: ImageScores,
    ) -> None:
        made: dict[Callable[..., CheckedMap], CheckedMap] = {}
        for key in self.metrics_of(name):
            if METRICS[key].needs_density:
                continue
            best = scored
            if isinstance(self.models[name], DensityModel):
                which = key if self.protocol.maps == "optimal" else "NSS"  # NSS: p itself
                how = OPTIMAL_MAPS[which]
                if how not in made:
                    made[how] = optimal_map(which, scored, self._observer.ground(result.i))
                best = made[how]
            values = METRICS[key].score(best, seen)
            if METRICS[key].per == "image":
                result.values[name, key] = values
            else:
                result.values[name, key][np.searchsorted(rows, chosen)] = values

    def _observe(self, predictions: Predictions, rows: Rows, chosen: Rows) -> Observation:
        i = predictions.i
        baseline = predictions.baseline
        return self._observer.observe(
            i,
            chosen,
            baseline=None if baseline is None else baseline[np.searchsorted(rows, chosen)],
            baseline_map=partial(self._baseline_map, i, predictions.baseline_map),
            empirical_map=None
            if predictions.empirical_map is None
            else partial(self._empirical_map, i, predictions.empirical_map),
        )

    def _baseline_map(self, i: int, log_density: NDArray[Any] | None) -> CheckedMap:
        assert self.baseline is not None
        density = checked_log_density(log_density, self.stimuli[i], self.baseline)
        return as_map(np.exp(density.values, dtype=np.float64))

    def _empirical_map(self, i: int, empirical: NDArray[Any]) -> CheckedMap:
        stimulus = self.stimuli[i]
        checked = as_map(empirical, f"the empirical map for image {stimulus.id!r}")
        check_size(checked, stimulus, self.empirical)
        return checked

    def _checked_predictions(
        self, predictions: Predictions, result: ImageScores
    ) -> Iterator[tuple[str, Prediction, list[tuple[Rows, CheckedMap]]]]:
        """Yield predictions with their maps checked; recorded failures go into the result."""
        stimulus = self.stimuli[predictions.i]
        for name, prediction in predictions.of_models.items():
            result.n_calls[name] = prediction.n_calls
            if prediction.failure is not None:
                result.failures[name] = prediction.failure
                continue
            try:
                checked = [
                    (chosen, self._checked_map(name, array, stimulus))
                    for chosen, array in prediction.maps
                ]
            except InputError as error:
                if not self.record_errors:
                    raise
                result.failures[name] = described(error)
                continue
            yield name, prediction, checked

    def _checked_map(self, name: str, array: NDArray[Any], stimulus: Stimulus) -> CheckedMap:
        labelled = _Named(name)
        if isinstance(self.models[name], DensityModel):
            return checked_log_density(array, stimulus, labelled)
        checked = as_map(array, f"the saliency map of {name} for image {stimulus.id!r}")
        check_size(checked, stimulus, labelled)
        return checked


@dataclass
class _Named:
    """Stands for a model in messages."""

    name: str


def _why_not(model: Model, key: str, protocol: Protocol) -> str | None:
    """Why a model has no value of a metric; None if it has."""
    if isinstance(model, SaliencyMapModel):
        return NO_DENSITY if METRICS[key].needs_density else None
    if METRICS[key].needs_density:
        return None
    if model.without_maps is not None:
        return model.without_maps
    if model.subject_dependent and METRICS[key].per == "image":
        return _SUBJECT_DEPENDENT
    if protocol.maps == "optimal":
        if key == _NEEDS_MEAN and model.leave_one_out:
            return _LEAVE_ONE_OUT
        return WHY_NOT.get(key)
    return None


def _baseline_model(
    baseline: Any,
    models: Iterable[Model],
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    progress: bool,
) -> DensityModel:
    if baseline is None:
        return default_baseline(models, stimuli, fixations, progress=progress)
    model = as_model(baseline, stimuli, kind="log_density")
    if not isinstance(model, DensityModel):
        raise InputError(f"baseline must give densities; {model_name(model)} gives saliency maps")
    model.check_data(stimuli, fixations)
    return model
