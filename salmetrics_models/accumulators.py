"""Metrics for validation while a model trains: batch by batch, on any device, equal to `evaluate`.

Each has `update`, `compute` and `reset`, like the metrics of torchmetrics. Maps have shape
(n, h, w); fixations are counts per pixel; where a mask is False, a pixel is padding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor

from salmetrics.errors import check_choice
from salmetrics_models import losses

__all__ = ["AUC", "AVERAGES", "CC", "NSS", "SIM", "Average", "InformationGain", "KLDiv"]

Average = Literal["fixation", "image"]
AVERAGES: tuple[Average, ...] = get_args(Average)

_PIXELS = (-2, -1)


class _Mean:
    """A weighted mean of values, in float64."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._sum: Tensor | None = None
        self._weight: Tensor | None = None

    def compute(self) -> float:
        """Return the mean over all batches since the last reset; NaN if there were none."""
        if self._sum is None or self._weight is None:
            return math.nan
        return float(self._sum / self._weight)

    def _add(self, values: Tensor, weights: Tensor | None = None) -> None:
        values = values.detach().double()
        weights = torch.ones_like(values) if weights is None else weights.detach().double()
        total, weight = (values * weights).sum(), weights.sum()
        self._sum = total if self._sum is None else self._sum + total
        self._weight = weight if self._weight is None else self._weight + weight


class _PerFixation(_Mean):
    """A metric with one value per fixation.

    Parameters
    ----------
    average
        "fixation": every fixation has the same weight; "image": every image has. See
        `salmetrics.Protocol`.
    """

    def __init__(self, *, average: Average = "fixation") -> None:
        check_choice("average", average, AVERAGES)
        self.average = average
        super().__init__()

    def _add_images(self, values: Tensor, fixations: Tensor, mask: Tensor | None) -> None:
        """Add the mean over the fixations of each image."""
        if self.average == "image":
            self._add(values)
            return
        kept = fixations if mask is None else torch.where(mask, fixations, 0)
        self._add(values, kept.sum(_PIXELS))


class InformationGain(_PerFixation):
    """Log likelihood of the fixations above that of a baseline, bits per fixation.

    Higher is better.

    Parameters
    ----------
    average
        "fixation": every fixation has the same weight; "image": every image has. See
        `salmetrics.Protocol`.

    Examples
    --------
    >>> import torch
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = InformationGain()
    >>> metric.update((fixations / 2).log(), torch.full((1, 2, 2), 0.25).log(), fixations)
    >>> metric.compute()
    1.0
    """

    def update(
        self,
        log_density: Tensor,
        baseline: Tensor,
        fixations: Tensor,
        *,
        mask: Tensor | None = None,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        log_density, baseline
            Natural logs of the model's and the baseline's densities, shape (n, h, w).
        fixations
            Number of fixations on each pixel, shape (n, h, w).
        mask
            bool, shape (n, h, w), False on padding; by default there is none.
        """
        model, other = (
            losses.negative_log_likelihood(log.double(), fixations, mask=mask, reduction="none")
            for log in (log_density, baseline)
        )
        self._add_images(other - model, fixations, mask)


class NSS(_PerFixation):
    """Normalised scanpath saliency; higher is better.

    Parameters
    ----------
    average
        "fixation": every fixation has the same weight; "image": every image has. See
        `salmetrics.Protocol`.
    ddof
        The standard deviation has the denominator N - ddof.

    Examples
    --------
    >>> import torch
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = NSS()
    >>> metric.update(fixations, fixations)
    >>> metric.compute()
    1.0
    """

    def __init__(self, *, average: Average = "fixation", ddof: int = 0) -> None:
        super().__init__(average=average)
        self.ddof = ddof

    def update(self, prediction: Tensor, fixations: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        prediction
            Saliency maps, shape (n, h, w).
        fixations
            Number of fixations on each pixel, shape (n, h, w).
        mask
            bool, shape (n, h, w), False on padding; by default there is none.
        """
        values = -losses.nss_loss(
            prediction.double(), fixations, ddof=self.ddof, mask=mask, reduction="none"
        )
        self._add_images(values, fixations, mask)


class AUC(_PerFixation):
    """Exact area under the ROC curve: fixations against all pixels, ties counted as half.

    Higher is better.

    Parameters
    ----------
    average
        "fixation": every fixation has the same weight; "image": every image has. See
        `salmetrics.Protocol`.

    Examples
    --------
    >>> import torch
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = AUC()
    >>> metric.update(fixations, fixations)
    >>> metric.compute()
    0.75
    """

    def update(self, prediction: Tensor, fixations: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        prediction
            Saliency maps, shape (n, h, w).
        fixations
            Number of fixations on each pixel, shape (n, h, w).
        mask
            bool, shape (n, h, w), False on padding; by default there is none.
        """
        prediction, fixations, inside = losses.checked_maps(prediction, fixations, mask)
        losses.fixation_totals(fixations, inside)
        values = []
        for saliency, counts, kept in zip(prediction, fixations, inside, strict=True):
            ascending = saliency[kept].sort().values
            fixated = kept & (counts > 0)
            at, weights = saliency[fixated], counts[fixated].double()
            below = torch.searchsorted(ascending, at, right=False)
            up_to = torch.searchsorted(ascending, at, right=True)
            shares = (below + up_to).double() / 2 / ascending.numel()
            values.append((shares * weights).sum() / weights.sum())
        self._add_images(torch.stack(values), fixations, mask)


class _PerImage(_Mean, ABC):
    """A metric with one value per image."""

    def update(self, prediction: Tensor, target: Tensor, *, mask: Tensor | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        prediction
            Saliency maps, shape (n, h, w).
        target
            Empirical maps of the same images, shape (n, h, w).
        mask
            bool, shape (n, h, w), False on padding; by default there is none.
        """
        self._add(self._values(prediction.double(), target, mask))

    @abstractmethod
    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Return one value per image."""


class CC(_PerImage):
    """Correlation with empirical maps; higher is better.

    Examples
    --------
    >>> import torch
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = CC()
    >>> metric.update(target, target)
    >>> metric.compute()
    1.0
    """

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return 1 - losses.cc_loss(prediction, target, mask=mask, reduction="none")


class SIM(_PerImage):
    """Similarity to empirical maps; higher is better.

    Examples
    --------
    >>> import torch
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = SIM()
    >>> metric.update(target, target)
    >>> metric.compute()
    1.0
    """

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return 1 - losses.sim_loss(prediction, target, mask=mask, reduction="none")


class KLDiv(_PerImage):
    """Regularised KL divergence from empirical maps, nats; lower is better.

    Parameters
    ----------
    eps
        Regularisation, see `salmetrics_models.losses.kld_loss`; by default that of the
        MIT/Tuebingen benchmark.

    Examples
    --------
    >>> import torch
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric = KLDiv()
    >>> metric.update(torch.ones(1, 2, 2), target)
    >>> round(metric.compute(), 4)  # ln 2
    0.6931
    """

    def __init__(self, *, eps: float = 2.2204e-16) -> None:
        super().__init__()
        self.eps = eps

    def _values(self, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return losses.kld_loss(prediction, target, eps=self.eps, mask=mask, reduction="none")
