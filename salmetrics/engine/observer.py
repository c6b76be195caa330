"""What was seen on each image, as metrics want it: empirical maps, nonfixations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import CheckedMap, as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.optimal_sim import Ground
from salmetrics.densities.smoothing import EMPIRICAL_MAP_METRICS, Smoothing, smoothing_of
from salmetrics.engine.nonfixations import OtherFixations
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.observation import Observation
from salmetrics.protocols import Protocol

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
        Negatives of AUC, instead of the protocol's.
    needs_blur
        Whether empirical maps, or densities to compare with them, are blurred here.
    seed
        Of the draw of other images.

    Attributes
    ----------
    smoothing
        How empirical maps are made.
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
        if set(EMPIRICAL_MAP_METRICS) & set(protocol.metrics):
            self.smoothing = smoothing_of(protocol, stimuli, required=needs_blur)

    def ground(self, i: int) -> Ground:
        """Return what the optimal maps of a density for image i depend on."""
        protocol = self._protocol
        counts = self._fixations.counts()
        return Ground(
            smoothing=replace(
                self.smoothing,
                sigma=protocol.prediction_sigma or self.smoothing.sigma,
                boundary=protocol.prediction_boundary or self.smoothing.boundary,
            ),
            n_fixations=protocol.sim_fixations or max(1, round(float(counts[counts > 0].mean()))),
            n_samples=protocol.sim_samples,
            truncate=protocol.sim_truncate,
            seed=self._seed,
            image_id=self._stimuli.ids[i],
        )

    def observe(
        self,
        i: int,
        rows: NDArray[np.int64],
        *,
        baseline: NDArray[np.float64] | None = None,
        baseline_map: Callable[[], CheckedMap] | None = None,
        empirical_map: Callable[[], CheckedMap] | None = None,
    ) -> Observation:
        """Observe image i and some of its fixations.

        Parameters
        ----------
        i, rows
            Index of the image and of the fixations.
        baseline
            The baseline's log likelihood of each of these fixations.
        baseline_map
            Makes the baseline's density.
        empirical_map
            Makes the ground truth; blurred fixations by default.
        """
        return Observation(
            x=self._fixations.x[rows],
            y=self._fixations.y[rows],
            protocol=self._protocol,
            make_empirical_map=empirical_map or partial(self._empirical_map, i),
            make_negatives=partial(self._negatives, i, rows.size),
            make_other_negatives=partial(self._others.of_all, i),
            make_other_pixels=partial(self._others.of_some, i, self._protocol.n_other, self._seed),
            make_baseline=partial(_known, baseline),
            make_baseline_map=baseline_map or partial(_known, None),
        )

    def _empirical_map(self, i: int) -> CheckedMap:
        pixels = self._pixels(self._fixations, i)
        if self._protocol.binary:
            pixels = np.unique(pixels)
        return as_map(self.smoothing.points(tuple(self._stimuli.sizes[i].tolist()), pixels))

    def _negatives(self, i: int, n_rows: int) -> Negatives | str:
        if self._nonfixations is not None:
            return count_pixels(self._pixels(self._nonfixations, i))
        own = self._fixations.rows_of_image(i)
        if self._protocol.nonfixations == "unfixated" and n_rows < own.size:
            # one subject's fixations are scored, but a pixel that another fixated is fixated too
            everywhere = np.arange(int(np.prod(self._stimuli.sizes[i])))
            fixated = np.unique(self._pixels(self._fixations, i))
            return Negatives(everywhere, np.ones(everywhere.size, np.int64), fixated)
        return self._protocol.nonfixations

    def _pixels(self, fixations: Fixations, i: int) -> NDArray[np.int64]:
        rows = fixations.rows_of_image(i)
        size = tuple(self._stimuli.sizes[i].tolist())
        return pixel_indices(fixations.x[rows], fixations.y[rows], size)


def _known(value: Any) -> Any:
    assert value is not None
    return value
