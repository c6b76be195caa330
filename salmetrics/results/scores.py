"""Values of models and metrics: what is scored, stored and averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from salmetrics.densities.smoothing import Smoothing
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.protocols import Average
from salmetrics.statistics.cells import Cells, Ratio, Sample, Score

__all__ = ["Key", "Scores"]

Array = NDArray[np.float64]
Key = tuple[str, str]


@dataclass
class Scores:
    """Values of models and metrics.

    Attributes
    ----------
    cells
        Pairs of image and subject.
    values
        By (model, metric): float64, one a fixation, shape (n_fixations,), or one an image, shape
        (n_images,), NaN where there is none. Without those a fixation if sums only are kept.
    sums
        By (model, metric) with one value a fixation: sums over cells, shape (n_cells,).
    reasons
        By (model, metric): why there is no value at all.
    failures
        By (model, image): what went wrong.
    baseline
        What IG is relative to; None if no metric needs a baseline, or if not known any more.
    empirical, smoothing
        Ground-truth maps instead of blurred fixations, if given; how maps are blurred.
    n_predictions
        How many maps models made, all together.
    gold_standard
        The model whose score others have a share of.
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
        """Return the models of both, which share cells."""
        either = self if other.cells.of_fixation is not None else other
        return Scores(
            either.cells,  # without fixations if one of them has none
            values={**self.values, **other.values},
            sums={**self.sums, **other.sums},
            reasons={**self.reasons, **other.reasons},
            failures={**self.failures, **other.failures},
            baseline=self.baseline,
            empirical=self.empirical,
            smoothing=self.smoothing,
            n_predictions=self.n_predictions + other.n_predictions,
            gold_standard=self.gold_standard,
        )

    def sample(self, model: str, metric: str, average: Average) -> Score:
        """Return what one number is made of."""
        share_of = METRICS[metric].share_of
        if share_of is not None:
            assert self.gold_standard is not None
            whole = self.cells.sample(self.sums[self.gold_standard, share_of], average)
            return Ratio.of(self.cells.sample(self.sums[model, share_of], average), whole)
        if METRICS[metric].per == "image":
            return Sample.of_images(self.values[model, metric])
        return self.cells.sample(self.sums[model, metric], average)
