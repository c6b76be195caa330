"""Raw scores by model and metric, before averaging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from salmetrics.array_types import Array
from salmetrics.densities.smoothing import Smoothing
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.protocols import Average
from salmetrics.statistics.cells import Cells, Ratio, Sample, Score

__all__ = ["Key", "Scores"]

Key = tuple[str, str]  # (model, metric)


@dataclass
class Scores:
    """Scores of models, per fixation or per image, and their sums over images and subjects.

    Attributes
    ----------
    cells
        Pairs of an image and a subject.
    values
        Values by (model, metric), float64: one per fixation, shape (n_fixations,), or one per
        image, shape (n_images,); NaN where there is none. Metrics with one value per fixation are
        left out if only sums are kept.
    sums
        Sums over cells by (model, metric) with one value per fixation, shape (n_cells,).
    reasons
        Reasons, by (model, metric), why there is no value at all.
    failures
        Texts of errors by (model, index of the image).
    baseline
        Density that IG is relative to; None if no metric needs one, and in a result from a file.
    empirical
        Ground-truth maps that replace blurred fixations, if any.
    smoothing
        How empirical maps are blurred, if known.
    n_predictions
        Number of maps that the models predicted, all together.
    gold_standard
        Name of the model whose score the others have a share of, if any.
    """

    cells: Cells
    values: Mapping[Key, Array] = field(default_factory=dict)
    sums: dict[Key, Array] = field(default_factory=dict)
    reasons: dict[Key, str] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)
    baseline: DensityModel | None = None
    empirical: SaliencyMapModel | None = None
    smoothing: Smoothing | None = None
    n_predictions: int = 0
    gold_standard: str | None = None

    def join(self, other: Scores) -> Scores:
        """Return the models of both, which have the same cells.

        Parameters
        ----------
        other
            Scores of other models on the same fixations.
        """
        either = self if other.cells.of_fixation is not None else other
        return Scores(
            either.cells,  # without fixations if one of them has none
            values={**self.values, **other.values},
            sums={**self.sums, **other.sums},
            reasons={**self.reasons, **other.reasons},
            failures={**self.failures, **other.failures},
            baseline=self.baseline if self.baseline is not None else other.baseline,
            empirical=self.empirical,
            smoothing=self.smoothing,
            n_predictions=self.n_predictions + other.n_predictions,
            gold_standard=self.gold_standard,
        )

    def sample(self, model: str, metric: str, average: Average) -> Score:
        """Return the cells that one number is computed from.

        Parameters
        ----------
        model, metric
            Name and key.
        average
            "fixation", "image" or "subject", for metrics with one value per fixation.
        """
        share_of = METRICS[metric].share_of
        if share_of is not None and self.gold_standard is None:
            return self.cells.sample(np.full(len(self.cells), np.nan), average)
        if share_of is not None:
            if self.gold_standard is None:  # it cannot be fitted; `reasons` says why
                return self.cells.sample(np.full(len(self.cells), np.nan), average)
            whole = self.cells.sample(self.sums[self.gold_standard, share_of], average)
            return Ratio.of(self.cells.sample(self.sums[model, share_of], average), whole)
        if METRICS[metric].per == "image":
            return Sample.of_images(self.values[model, metric])
        return self.cells.sample(self.sums[model, metric], average)
