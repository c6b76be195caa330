"""Metrics for validation while a model trains: batch by batch, on any device, equal to `evaluate`.

Each has `update`, `compute` and `reset`, as those of torchmetrics. Maps have shape (n, h, w);
fixations are counts by pixel; where a mask is False, a pixel is padding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from salmetrics.errors import check_choice
from salmetrics_models import losses

__all__ = ["AUC", "CC", "NSS", "SIM", "InformationGain", "KLDiv"]

_PIXELS = (-2, -1)


class _Mean:
    """A mean of values, of which each has a weight, in float64."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._sum: Tensor | None = None
        self._weight: Tensor | None = None

    def compute(self) -> float:
        """Return the mean of all that came; NaN if nothing did."""
        if self._sum is None or self._weight is None:
            return math.nan
        return float(self._sum / self._weight)

    def _add(self, values: Tensor, weights: Tensor | None = None) -> None:
        values = values.detach().double()
        weights = torch.ones_like(values) if weights is None else weights.detach().double()
        total, weight = (values * weights).sum(), weights.sum()
        self._sum = total if self._sum is None else self._sum + total
        self._weight = weight if self._weight is None else self._weight + weight


class _OfFixations(_Mean):
    """A metric with one value a fixation.

    Parameters
    ----------
    average
        "fixation": all fixations count alike; "image": all images do. As of
        `salmetrics.Protocol`.
    """

    def __init__(self, *, average: str = "fixation") -> None:
        check_choice("average", average, ("fixation", "image"))
        self.average = average
        super().__init__()

    def _add_images(self, values: Tensor, fixations: Tensor, mask: Tensor | None) -> None:
        """Take the mean over its fixations of each image."""
        if self.average == "image":
            self._add(values)
            return
        kept = fixations if mask is None else torch.where(mask, fixations, 0)
        self._add(values, kept.sum(_PIXELS))


class InformationGain(_OfFixations):
    """Log likelihood of fixations above a baseline's, bits per fixation; higher is better."""

    def update(
        self,
        log_density: Tensor,
        baseline: Tensor,
        fixations: Tensor,
        *,
        mask: Tensor | None = None,
    ) -> None:
        """Add a batch: natural logs of the model's density and of the baseline's."""
        options = {"mask": mask, "reduction": "none"}
        model = losses.negative_log_likelihood(log_density.double(), fixations, **options)  # type: ignore[arg-type]
        other = losses.negative_log_likelihood(baseline.double(), fixations, **options)  # type: ignore[arg-type]
        self._add_images(other - model, fixations, mask)


class NSS(_OfFixations):
    """Normalised scanpath saliency; higher is better.

    Parameters
    ----------
    average
        As of `InformationGain`.
    ddof
        The standard deviation's denominator is N - ddof.
    """

    def __init__(self, *, average: str = "fixation", ddof: int = 0) -> None:
        super().__init__(average=average)
        self.ddof = ddof

    def update(self, prediction: Tensor, fixations: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch of saliency maps."""
        values = -losses.nss_loss(
            prediction.double(), fixations, ddof=self.ddof, mask=mask, reduction="none"
        )
        self._add_images(values, fixations, mask)


class AUC(_OfFixations):
    """Area under the ROC curve, exactly: of fixations against all pixels, ties counting half."""

    def update(self, prediction: Tensor, fixations: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch of saliency maps."""
        prediction, fixations, inside = losses.checked_maps(prediction, fixations, mask)
        losses.fixation_totals(fixations, inside)
        values = []
        for one, counts, kept in zip(prediction, fixations, inside, strict=True):
            ascending = one[kept].sort().values
            at, weights = one[kept & (counts > 0)], counts[kept & (counts > 0)].double()
            below = torch.searchsorted(ascending, at, right=False)
            up_to = torch.searchsorted(ascending, at, right=True)
            shares = (below + up_to).double() / 2 / ascending.numel()
            values.append((shares * weights).sum() / weights.sum())
        self._add_images(torch.stack(values), fixations, mask)


class _OfMaps(_Mean, ABC):
    """A metric with one value an image."""

    def update(self, prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch of saliency maps and the empirical maps of the same images."""
        self._add(self._values(prediction.double(), target, mask))

    @abstractmethod
    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Return one value an image."""


class CC(_OfMaps):
    """Correlation with empirical maps; higher is better."""

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return 1 - losses.cc_loss(prediction, target, mask=mask, reduction="none")


class SIM(_OfMaps):
    """Similarity with empirical maps; higher is better."""

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return 1 - losses.sim_loss(prediction, target, mask=mask, reduction="none")


class KLDiv(_OfMaps):
    """Regularised KL divergence from empirical maps, nats; lower is better.

    Parameters
    ----------
    eps
        As of `salmetrics_models.losses.kld_loss`; by default that of the MIT/Tuebingen benchmark.
    """

    def __init__(self, *, eps: float = 2.2204e-16) -> None:
        super().__init__()
        self.eps = eps

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return losses.kld_loss(prediction, target, eps=self.eps, mask=mask, reduction="none")
