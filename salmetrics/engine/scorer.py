"""Compute all metrics for the predictions on one image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows
from salmetrics.checked_map import CheckedMap, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.mean_density import MeanDensity, mean_on_grid, others_mean
from salmetrics.densities.optimal_maps import OptimalMap, density_itself
from salmetrics.densities.smoothing import Smoothing
from salmetrics.engine.calls import Prediction, Predictions
from salmetrics.engine.observer import Observer
from salmetrics.engine.plan import Plan
from salmetrics.engine.references import References
from salmetrics.errors import InputError, described
from salmetrics.io.spill import Spill
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import (
    DensityModel,
    Model,
    check_size,
    checked_log_density,
    checked_saliency_map,
)
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key

__all__ = ["ImageScores", "Scorer"]


@dataclass
class ImageScores:
    """Scores on image i.

    Attributes
    ----------
    i
        Index of the image.
    values
        Values by (model, metric): one per fixation on the image, or one number.
    failures
        Texts of errors, by model.
    n_calls
        Number of maps that were requested, by model.
    densities
        Predictions on the grid of `salmetrics.densities.mean_density`, shape (GRID, GRID), by
        model that needs their mean.
    """

    i: int
    values: dict[Key, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    n_calls: dict[str, int] = field(default_factory=dict)
    densities: dict[str, Array] = field(default_factory=dict)


class Scorer:
    """Computes metrics, image by image; safe to use from several threads.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    plan
        Which metrics each model gets.
    references
        What predictions are compared with.
    seed
        Seed of all random draws.
    record_errors
        Whether an invalid prediction is recorded instead of being raised.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        stimuli: Stimuli,
        fixations: Fixations,
        protocol: Protocol,
        *,
        plan: Plan,
        references: References,
        seed: int = 0,
        record_errors: bool = False,
    ) -> None:
        self._models = dict(models)
        self._stimuli = stimuli
        self._fixations = fixations
        self._protocol = protocol
        self._plan = plan
        self._references = references
        self._record_errors = record_errors
        self._observer = Observer(
            stimuli,
            fixations,
            protocol,
            nonfixations=references.nonfixations,
            needs_blur=plan.needs_width,
            seed=seed,
        )

    @property
    def smoothing(self) -> Smoothing:
        """How empirical maps, and densities compared with them, are blurred."""
        return self._observer.smoothing

    # ---- the two passes

    def score(self, predictions: Predictions, spill: Spill | None = None) -> ImageScores:
        """Compute every metric that needs no prediction for another image.

        Parameters
        ----------
        predictions
            From `salmetrics.engine.calls.Predictor`.
        spill
            Where predictions that the second pass needs are stored.
        """
        i = predictions.i
        rows = self._fixations.rows_of_image(i)
        observations: dict[bytes, Observation] = {}
        scores = ImageScores(i)
        for name, prediction, maps in self._checked_predictions(predictions, scores):
            for key in self._plan.metrics(name):
                per_image = METRICS[key].per == "image"
                scores.values[name, key] = np.nan if per_image else np.full(rows.size, np.nan)
            self._score_likelihoods(name, prediction, maps, predictions, scores)
            for subset, checked in maps:
                if subset.tobytes() not in observations:
                    observations[subset.tobytes()] = self._observe(predictions, rows, subset)
                observation = observations[subset.tobytes()]
                self._score_map(name, checked, observation, subset, scores)
            if self._plan.needs_second_pass(name):
                rounded = [checked.values.astype(np.float32) for _, checked in maps]
                scores.densities[name] = mean_on_grid(rounded, self._protocol.mean_grid)
                if spill is not None:
                    spill.save(name, i, rounded)
        return scores

    def score_shuffled(
        self, predictions: Predictions, means: Mapping[str, MeanDensity]
    ) -> ImageScores:
        """Compute the metrics whose optimal maps need the mean of the other predictions.

        Predictions are rounded to float32 first, so that those read from a file and those computed
        a second time give the same numbers.

        Parameters
        ----------
        predictions
            From `salmetrics.engine.calls.Predictor`.
        means
            Sum of the predictions for all images, by model.
        """
        i = predictions.i
        rows = self._fixations.rows_of_image(i)
        scores = ImageScores(i)
        for name, _, maps in self._checked_predictions(predictions, scores):
            rounded = [CheckedMap(checked.values.astype(np.float32)) for _, checked in maps]
            keys = self._plan.metrics(name, "second")
            values = {key: np.full(rows.size, np.nan) for key in keys}
            if means[name].n > 1:
                how = self._protocol.mean_grid
                own = mean_on_grid([checked.values for checked in rounded], how)
                nonfixated = others_mean(means[name], own, rounded[0].shape, how)
                for (subset, _), checked in zip(maps, rounded, strict=True):
                    observation = self._observer.observe(i, subset)
                    at = np.searchsorted(rows, subset)
                    for key in keys:
                        make = METRICS[key].optimal_map_from_mean
                        assert make is not None
                        best = make(checked, nonfixated)
                        values[key][at] = METRICS[key].score(best, observation)
            for key in keys:
                scores.values[name, key] = values[key]
        return scores

    # ---- one model on one image

    def _score_likelihoods(
        self,
        name: str,
        prediction: Prediction,
        maps: list[tuple[Rows, CheckedMap]],
        predictions: Predictions,
        scores: ImageScores,
    ) -> None:
        keys = self._plan.on_likelihoods(name)
        if not keys:
            return
        rows = self._fixations.rows_of_image(predictions.i)
        nats = prediction.likelihoods
        if nats is None:
            (_, density), *_ = maps
            pixels = pixel_indices(self._fixations.x[rows], self._fixations.y[rows], density.shape)
            nats = density.flat[pixels].astype(np.float64)
        observation = self._observe(predictions, rows, rows)
        for key in keys:
            scores.values[name, key] = METRICS[key].score(nats, observation)

    def _score_map(
        self,
        name: str,
        checked: CheckedMap,
        observation: Observation,
        subset: Rows,
        scores: ImageScores,
    ) -> None:
        is_density = isinstance(self._models[name], DensityModel)
        best_maps: dict[OptimalMap, CheckedMap] = {}
        for key in self._plan.on_maps(name):
            best = checked
            if is_density:
                make = METRICS[key].optimal_map
                if self._protocol.maps == "density":
                    make = density_itself
                assert make is not None
                if make not in best_maps:
                    best_maps[make] = make(checked, self._observer.map_settings(scores.i))
                best = best_maps[make]
            values = METRICS[key].score(best, observation)
            if METRICS[key].per == "image":
                scores.values[name, key] = values
            else:
                at = np.searchsorted(self._fixations.rows_of_image(scores.i), subset)
                scores.values[name, key][at] = values

    # ---- observations and checks

    def _observe(self, predictions: Predictions, rows: Rows, subset: Rows) -> Observation:
        i = predictions.i
        parts: dict[str, Any] = {}
        if predictions.baseline is not None:
            parts["baseline"] = predictions.baseline[np.searchsorted(rows, subset)]
        if predictions.baseline_map is not None:
            parts["baseline_map"] = partial(self._baseline_map, i, predictions.baseline_map)
        if predictions.empirical_map is not None:
            parts["empirical_map"] = partial(self._empirical_map, i, predictions.empirical_map)
        return self._observer.observe(i, subset, **parts)

    def _baseline_map(self, i: int, log_density: AnyArray) -> CheckedMap:
        assert self._references.baseline is not None
        density = checked_log_density(log_density, self._stimuli[i], self._references.baseline)
        return as_map(np.exp(density.values, dtype=np.float64))

    def _empirical_map(self, i: int, empirical: AnyArray) -> CheckedMap:
        stimulus = self._stimuli[i]
        checked = as_map(empirical, f"the empirical map for image {stimulus.id!r}")
        check_size(checked, stimulus, self._references.empirical)
        return checked

    def _checked_predictions(
        self, predictions: Predictions, scores: ImageScores
    ) -> Iterator[tuple[str, Prediction, list[tuple[Rows, CheckedMap]]]]:
        """Yield predictions with their maps checked; recorded failures go into the scores."""
        stimulus = self._stimuli[predictions.i]
        for name, prediction in predictions.by_model.items():
            scores.n_calls[name] = prediction.n_calls
            if prediction.failure is not None:
                scores.failures[name] = prediction.failure
                continue
            try:
                maps = [
                    (subset, self._checked_map(name, array, stimulus))
                    for subset, array in prediction.maps
                ]
            except InputError as error:
                if not self._record_errors:
                    raise
                scores.failures[name] = described(error)
                continue
            yield name, prediction, maps

    def _checked_map(self, name: str, array: AnyArray, stimulus: Stimulus) -> CheckedMap:
        labelled = _Named(name)
        if isinstance(self._models[name], DensityModel):
            return checked_log_density(array, stimulus, labelled)
        return checked_saliency_map(array, stimulus, labelled)


@dataclass
class _Named:
    """The name of a model, in place of the model, for messages."""

    name: str
