"""What a training is for: the module that learns, its loss, and its scores on validation images."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from salmetrics_models import accumulators
from salmetrics_models.heads import Head
from salmetrics_models.losses import negative_log_likelihood
from salmetrics_models.training.samples import Batch, Samples

__all__ = [
    "METRICS",
    "LikelihoodObjective",
    "NotANumber",
    "Objective",
    "ReadoutObjective",
    "Samples",
]

METRICS = ("NSS", "AUC")


class Source(Protocol):
    """Images to train on, or to stop on."""

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches, in random order if there is a stream."""

    def batch(self, images: Sequence[int]) -> Any:
        """Return a batch on the CPU.

        It has `ids`, `weights` (a tensor, shape (n,)), their sum `weight`, and `to(device, dtype)`.
        """


class NotANumber(ValueError):  # never seen by users
    """A score that is not finite.

    Attributes
    ----------
    what
        Which.
    ids
        Of the images.
    """

    def __init__(self, what: str, ids: Sequence[str]) -> None:
        super().__init__(what)
        self.what, self.ids = what, tuple(ids)


class Objective(ABC):
    """What is trained, and for what.

    Attributes
    ----------
    module
        What learns, and what states hold.
    unit
        Of the score.
    """

    module: nn.Module
    unit: str = ""

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move all that is computed with."""
        self.module.to(device, dtype)

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return parameters with their first learning rate, as torch's optimizers take them."""
        return [{"params": list(self.module.parameters()), "lr": learning_rate}]

    @abstractmethod
    def losses(self, batch: Any) -> Tensor:
        """Return the loss of each image, shape (n,)."""

    @abstractmethod
    def scores(
        self, samples: Any, batches: Iterable[tuple[Sequence[int], Any]]
    ) -> dict[str, float]:
        """Return scores on validation images; "score" is what training is stopped by.

        Parameters
        ----------
        samples
            The images.
        batches
            Numbers of images, and their batch on the device.
        """

    def constrain(self) -> None:  # noqa: B027  # optional
        """Bring values back to where they can be, after a step."""

    def facts(self) -> dict[str, float]:
        """Return numbers of the module that are logged after each epoch."""
        return {}


class LikelihoodObjective(Objective):
    """Maximum likelihood of densities.

    Parameters
    ----------
    metrics
        Of `METRICS`, that are followed on the validation images besides LL and IG.
    """

    unit = "bit"

    def __init__(self, metrics: Sequence[str] = ()) -> None:
        self._metrics = tuple(metrics)

    @abstractmethod
    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, shape (n, h, w); over the image, sum 1."""

    def losses(self, batch: Batch) -> Tensor:
        """Return minus the mean log likelihood of each image's fixations, bits, shape (n,)."""
        return negative_log_likelihood(self.log_densities(batch), batch.counts, reduction="none")

    def scores(
        self, samples: Samples, batches: Iterable[tuple[Sequence[int], Batch]]
    ) -> dict[str, float]:
        """Return LL, IG and the metrics, weighted as in training; the score is IG."""
        totals: dict[str, float] = dict.fromkeys(("weight", "LL", "IG"), 0.0)
        others = {key: getattr(accumulators, key)(average="image") for key in self._metrics}
        of_others = dict.fromkeys(others, 0.0)
        for images, batch in batches:
            logs = self.log_densities(batch)
            values = -negative_log_likelihood(logs, batch.counts, reduction="none").double()
            values = values.cpu()
            if not bool(torch.isfinite(values).all()):
                raise NotANumber("likelihood of validation", batch.ids)
            baseline = np.array([samples.baseline[i] for i in images]) / math.log(2)
            weights = torch.from_numpy(samples.weights[list(images)])
            totals["weight"] += batch.weight
            totals["LL"] += float(weights @ values)
            totals["IG"] += float(weights @ (values - torch.from_numpy(baseline)))
            for key, metric in others.items():
                full = batch.mixing.enlarged(logs)
                counts = torch.stack([samples.full_counts(i) for i in images]).to(full.device)
                for k in range(len(images)):
                    shown = full[k : k + 1] if key == "AUC" else full[k : k + 1].exp()
                    metric.reset()
                    metric.update(shown, counts[k : k + 1])
                    of_others[key] += float(weights[k]) * metric.compute()
        weight = totals.pop("weight")
        found = {key: value / weight for key, value in (totals | of_others).items()}
        return found | {"score": found["IG"]}


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
