"""Maximum likelihood of densities, as the objective of a training."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from salmetrics_models import accumulators
from salmetrics_models.losses import negative_log_likelihood
from salmetrics_models.training.inputs.samples import Batch, Samples
from salmetrics_models.training.loop.objective import Metric, NotANumber, Objective

__all__ = ["LikelihoodObjective"]


class LikelihoodObjective(Objective):
    """Maximum likelihood of densities.

    Parameters
    ----------
    metrics
        Names in `METRICS`: metrics on the validation images in addition to LL and IG.
    """

    unit = "bit"

    def __init__(self, metrics: Sequence[Metric] = ()) -> None:
        self._metrics = tuple(metrics)

    @abstractmethod
    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, nats, shape (n, h, w).

        Densities are normalised over the pixels of the image.
        """

    def losses(self, batch: Batch) -> Tensor:
        """Return minus the mean log likelihood of each image, bits per fixation, shape (n,)."""
        return negative_log_likelihood(self.log_densities(batch), batch.counts, reduction="none")

    def scores(
        self, samples: Samples, batches: Iterable[tuple[Sequence[int], Batch]]
    ) -> dict[str, float]:
        """Return means of LL, IG and the metrics, weighted as in training; the score is IG.

        Parameters
        ----------
        samples
            The validation images.
        batches
            Pairs of image numbers and their batch on the device.

        Raises
        ------
        NotANumber
            If a log likelihood is not finite.
        """
        totals: dict[str, float] = dict.fromkeys(("weight", "LL", "IG"), 0.0)
        others = {key: getattr(accumulators, key)(average="image") for key in self._metrics}
        metric_totals = dict.fromkeys(others, 0.0)
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
                    metric_totals[key] += float(weights[k]) * metric.compute()
        weight = totals.pop("weight")
        means = {key: value / weight for key, value in (totals | metric_totals).items()}
        return means | {"score": means["IG"]}
