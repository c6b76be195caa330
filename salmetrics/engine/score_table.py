"""The table that a run enters its scores into, chunk by chunk of images and model by model."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.data.fixations import Fixations
from salmetrics.densities.mean_density import MeanDensity
from salmetrics.engine.plan import Pass, Plan
from salmetrics.engine.run_options import Keep
from salmetrics.engine.scorer import ImageScores
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Cells

__all__ = ["ScoreTable"]

_UNDEFINED = "no image has a value: there are no nonfixations, or all ground truth is constant"
_ALL_FAILED = "no image has a value; see the errors of the result"


class ScoreTable:
    """Scores by model and metric, entered chunk by chunk.

    Fresh chunks and chunks from a checkpoint are both entered as arrays, so they give the same
    results.

    Parameters
    ----------
    models
        Names of the models.
    plan
        Which metrics each model gets.
    fixations
        Where people looked.
    protocol
        Every choice, metrics included.
    keep
        "fixation", or "image" to keep only sums over images and subjects.

    Attributes
    ----------
    scores
        Scores that have been entered.
    means
        Sums of predictions, by name of each model that needs their mean.
    """

    def __init__(
        self,
        models: list[str],
        plan: Plan,
        fixations: Fixations,
        protocol: Protocol,
        *,
        keep: Keep,
    ) -> None:
        self._plan = plan
        self._fixations = fixations
        self._keep = keep
        self._values: dict[Key, Array] = {}
        self.means: dict[str, MeanDensity] = {}
        self.scores = Scores(
            Cells(fixations.image, fixations.subject), values=self._values, reasons=plan.reasons
        )
        self._keys = [(name, key) for name in models for key in protocol.metrics]
        for name, key in self._keys:
            if METRICS[key].per == "image":
                self._values[name, key] = np.full(fixations.n_images, np.nan)
                continue
            self.scores.sums[name, key] = np.zeros(len(self.scores.cells))
            if (name, key) in plan.reasons:
                self.scores.sums[name, key].fill(np.nan)
            if keep == "fixation":
                self._values[name, key] = np.full(len(fixations), np.nan)

    @property
    def images(self) -> list[int]:
        """Images that have fixations; all images if none has, as there are ground-truth maps."""
        counts = self._fixations.counts()
        return np.flatnonzero(counts if counts.any() else counts == 0).tolist()

    def failed(self, name: str, i: int) -> bool:
        """Whether a model is known to have failed on image i."""
        return (name, i) in self.scores.failures

    def arrays(
        self, name: str, which: Pass, chunk: list[int], done: Mapping[int, ImageScores]
    ) -> dict[str, AnyArray]:
        """Return the scores of one model on a chunk of images as arrays, by label.

        Parameters
        ----------
        name
            Name of the model.
        which
            "first" or "second" pass.
        chunk
            Indices of the images.
        done
            Scores by index of the image; images without any are NaN.
        """
        counts = self._fixations.counts()
        arrays: dict[str, AnyArray] = {}
        for key in self._plan.metrics(name, which):
            per_image = METRICS[key].per == "image"
            parts = [
                np.atleast_1d(done[i].values[name, key])
                if i in done and (name, key) in done[i].values
                else np.full(1 if per_image else counts[i], np.nan)
                for i in chunk
            ]
            arrays[f"values {key}"] = np.concatenate(parts)
        failures = {
            str(i): done[i].failures[name] for i in chunk if i in done and name in done[i].failures
        }
        arrays["failures"] = np.array(json.dumps(failures))
        arrays["n_calls"] = np.array(sum(scores.n_calls.get(name, 0) for scores in done.values()))
        return arrays

    def take(self, name: str, chunk: list[int], arrays: Mapping[str, AnyArray]) -> None:
        """Enter the scores of one model on a chunk of images.

        Parameters
        ----------
        name
            Name of the model.
        chunk
            Indices of the images.
        arrays
            Scores from `arrays`, or from a checkpoint.
        """
        scores = self.scores
        rows = np.concatenate([self._fixations.rows_of_image(i) for i in chunk])
        for label, values in arrays.items():
            kind, _, key = label.partition(" ")
            if kind != "values":
                continue
            if METRICS[key].per == "image":
                self._values[name, key][chunk] = values
                continue
            scores.cells.add(scores.sums[name, key], values, rows)
            if self._keep == "fixation":
                self._values[name, key][rows] = values
        for i, failure in json.loads(str(arrays["failures"])).items():
            scores.failures[name, int(i)] = failure
        scores.n_predictions += int(arrays["n_calls"])
        if "density" in arrays:
            of_chunk = MeanDensity(arrays["density"], int(arrays["n_densities"]))
            self.means[name] = self.means.get(name, MeanDensity()).plus(of_chunk)

    def give_up(self, name: str) -> None:
        """Enter NaN for the second pass of a model without any prediction."""
        for key in self._plan.metrics(name, "second"):
            self.scores.sums[name, key].fill(np.nan)

    def finished(self) -> Scores:
        """Return the scores, with a reason for each metric that has no value on any image."""
        scores = self.scores
        for name, key in self._keys:
            if (name, key) in scores.reasons or scores.sample(name, key, "image").sums.size:
                continue
            failed = any(model == name for model, _ in scores.failures)
            scores.reasons[name, key] = _ALL_FAILED if failed else _UNDEFINED
        if self._keep == "image":
            scores.cells = scores.cells.without_fixations()
        return scores
