"""Make the observation of each image: empirical map, negatives, baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from salmetrics.array_types import Array, Rows, Size
from salmetrics.checked_map import CheckedMap, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.optimal_maps import OptimalMapSettings
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.engine.nonfixations import OtherFixations
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import metrics_that_need
from salmetrics.protocols import Nonfixations, Protocol

__all__ = ["Observer"]


class Observer:
    """Makes the `Observation` of each image; safe to use from several threads.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice.
    nonfixations
        Negatives of AUC that replace the protocol's.
    needs_blur
        Whether empirical maps, or densities compared with them, are blurred here.
    seed
        Seed of the draw of other images and of sampled empirical maps.

    Attributes
    ----------
    smoothing
        How empirical maps are blurred.
    """

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        protocol: Protocol,
        *,
        nonfixations: Fixations | None = None,
        needs_blur: bool = True,
        seed: int = 0,
    ) -> None:
        if nonfixations is not None:
            nonfixations.check_against(stimuli, "nonfixations")
        self._stimuli = stimuli
        self._fixations = fixations
        self._protocol = protocol
        self._nonfixations = nonfixations
        self._others = OtherFixations(stimuli, fixations)
        self._seed = seed
        self.smoothing = Smoothing()
        blurred = [key for key in metrics_that_need("empirical_map") if key in protocol.metrics]
        if blurred:
            self.smoothing = smoothing_of(
                protocol,
                stimuli.sigma,
                stimuli.pixels_per_degree,
                required=needs_blur,
                metrics=blurred,
            )

    def map_settings(self, i: int) -> OptimalMapSettings:
        """Return the settings of the optimal maps of a density for image i."""
        protocol = self._protocol
        counts = self._fixations.counts()
        usual = OptimalMapSettings.n_fixations
        if counts.any():
            usual = max(1, round(float(counts[counts > 0].mean())))
        return OptimalMapSettings(
            smoothing=replace(
                self.smoothing,
                sigma=protocol.prediction_sigma or self.smoothing.sigma,
                boundary=protocol.prediction_boundary or self.smoothing.boundary,
            ),
            n_fixations=protocol.sim_fixations or usual,
            n_samples=protocol.sim_samples,
            truncate=protocol.sim_truncate,
            seed=self._seed,
            image_id=self._stimuli.ids[i],
        )

    def observe(
        self,
        i: int,
        rows: Rows,
        *,
        baseline: Array | None = None,
        baseline_map: Callable[[], CheckedMap] | None = None,
        empirical_map: Callable[[], CheckedMap] | None = None,
    ) -> Observation:
        """Return the observation of image i and some of its fixations.

        Parameters
        ----------
        i, rows
            Index of the image, and indices of the fixations, shape (n,).
        baseline
            Log likelihood of each of these fixations under the baseline in nats, shape (n,).
        baseline_map
            Function that makes the density of the baseline.
        empirical_map
            Function that makes the ground truth; blurred fixations by default.
        """
        known: dict[str, Any] = {}
        if baseline is not None:
            known["make_baseline"] = lambda: baseline
        if baseline_map is not None:
            known["make_baseline_map"] = baseline_map
        return Observation(
            x=self._fixations.x[rows],
            y=self._fixations.y[rows],
            protocol=self._protocol,
            make_empirical_map=empirical_map or partial(self._empirical_map, i),
            make_negatives=partial(self._negatives, i, rows.size),
            make_other_negatives=partial(self._others.on_all, i),
            make_other_pixels=partial(self._others.on_some, i, self._protocol.n_other, self._seed),
            **known,
        )

    def _empirical_map(self, i: int) -> CheckedMap:
        pixels = self._pixels(self._fixations, i)
        binary = self._protocol.binary
        return as_map(self.smoothing.fixation_map(self._size(i), pixels, binary=binary))

    def _negatives(self, i: int, n_rows: int) -> Negatives | Nonfixations:
        if self._nonfixations is not None:
            return count_pixels(self._pixels(self._nonfixations, i))
        own = self._fixations.rows_of_image(i)
        if self._protocol.nonfixations == "unfixated" and n_rows < own.size:
            # one subject's fixations are scored, but pixels that others fixated are no negatives
            everywhere = np.arange(int(np.prod(self._stimuli.sizes[i])))
            fixated = np.unique(self._pixels(self._fixations, i))
            return Negatives(everywhere, np.ones(everywhere.size, np.int64), fixated)
        return self._protocol.nonfixations

    def _pixels(self, fixations: Fixations, i: int) -> Rows:
        rows = fixations.rows_of_image(i)
        return pixel_indices(fixations.x[rows], fixations.y[rows], self._size(i))

    def _size(self, i: int) -> Size:
        height, width = self._stimuli.sizes[i].tolist()
        return height, width
