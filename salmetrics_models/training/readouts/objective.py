"""Objective."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from salmetrics_models.deepgaze.head import Head
from salmetrics_models.training.inputs.samples import Batch
from salmetrics_models.training.likelihood import LikelihoodObjective


class ReadoutObjective(LikelihoodObjective):
    """One readout of one backbone.

    Parameters
    ----------
    head
        One component.
    metrics
        As of `LikelihoodObjective`.
    """

    def __init__(self, head: Head, metrics: Sequence[str] = ()) -> None:
        super().__init__(metrics)
        self.module = self._head = head

    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, shape (n, h, w)."""
        logs = self._head.log_densities(batch.maps, batch.centre, batch.mixing, batch.grid)
        return logs[:, 0]

    def constrain(self) -> None:
        """Keep the blur where a matrix can hold it."""
        self._head.finaliser.constrain()

    def facts(self) -> dict[str, float]:
        """Return the blur, and the weight of the centre bias."""
        return self._head.finaliser.facts()
