"""One readout of one backbone, as the objective of a training."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from salmetrics_models.deepgaze.head import Head
from salmetrics_models.training.inputs.samples import Batch
from salmetrics_models.training.likelihood import LikelihoodObjective
from salmetrics_models.training.loop.objective import Metric

__all__ = ["ReadoutObjective"]


class ReadoutObjective(LikelihoodObjective):
    """One readout of one backbone.

    Parameters
    ----------
    head
        Head of the backbone, with one component.
    metrics
        See `LikelihoodObjective`.
    """

    def __init__(self, head: Head, metrics: Sequence[Metric] = ()) -> None:
        super().__init__(metrics)
        self.module = self._head = head

    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, nats, shape (n, h, w)."""
        logs = self._head.log_densities(batch.maps, batch.centre, batch.mixing, batch.grid)
        return logs[:, 0]

    def constrain(self) -> None:
        """Keep the width of the blur in the range that its matrices allow."""
        self._head.finaliser.constrain()

    def facts(self) -> dict[str, float]:
        """Return the width of the blur and the weight of the centre bias."""
        return self._head.finaliser.facts()
