"""Losses for training: differentiable, for batches, with masks for padding.

All take maps of shape (n, h, w) and give the mean over the n images, or one value an image with
``reduction="none"``. Where a mask is False, a pixel is padding: its values count for nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_choice

__all__ = [
    "cc_loss",
    "checked_maps",
    "eml_net_loss",
    "fixation_totals",
    "kld_loss",
    "negative_log_likelihood",
    "nss_difference",
    "nss_loss",
    "sim_loss",
]

_PIXELS = (-2, -1)


def negative_log_likelihood(
    log_density: Tensor,
    fixations: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the mean log density at the fixations of each image, bits per fixation.

    Parameters
    ----------
    log_density
        Natural log, shape (n, h, w), logsumexp 0 over the pixels of the mask.
    fixations
        How many fixations (or what weight) each pixel has, shape (n, h, w).
    mask
        bool, shape (n, h, w), where pixels are no padding; None: everywhere.
    reduction
        "mean" over images, or "none": one value an image.

    Raises
    ------
    InputError
        If shapes differ, or an image has no fixations.
    """
    log_density, fixations, inside = checked_maps(log_density, fixations, mask)
    totals = fixation_totals(fixations, inside)
    there = inside & (fixations > 0)  # -inf elsewhere does not matter
    weighted = torch.where(there, fixations * torch.where(there, log_density, 0), 0)
    return _reduced(-weighted.sum(_PIXELS) / totals / math.log(2), reduction)


def nss_loss(
    prediction: Tensor,
    fixations: Tensor,
    *,
    ddof: int = 0,
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the normalised scanpath saliency of each image; 0 for a constant prediction.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    fixations, mask, reduction
        As of `negative_log_likelihood`.
    ddof
        The standard deviation's denominator is N - ddof.
    """
    prediction, fixations, inside = checked_maps(prediction, fixations, mask)
    standard = _standardised(prediction, inside, ddof)
    return _reduced(-_mean_at(standard, fixations, inside), reduction)


def nss_difference(
    prediction: Tensor,
    fixations: Tensor,
    *,
    ddof: int = 1,
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far the NSS of a prediction is below that of the fixations themselves; EML-NET's NSS'.

    NSS' = sum_i (R_i - P_i) F_i / sum_i F_i, where R and P are the standardised F and prediction

    Parameters
    ----------
    prediction, mask, reduction
        As of `nss_loss`.
    fixations
        F, 1 where somebody looked, and 0 elsewhere, shape (n, h, w).
    ddof
        1 in the authors' code.

    References
    ----------
    Jia and Bruce (2018), EML-NET, arXiv:1805.01047.
    """
    prediction, fixations, inside = checked_maps(prediction, fixations, mask)
    best = _standardised(fixations, inside, ddof)
    found = _standardised(prediction, inside, ddof)
    return _reduced(_mean_at(best - found, fixations, inside), reduction)


def cc_loss(
    prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """1 minus the correlation of a prediction with an empirical map; 1 if one of them is constant.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    target
        Empirical maps, shape (n, h, w).
    mask, reduction
        As of `negative_log_likelihood`.
    """
    prediction, target, inside = checked_maps(prediction, target, mask)
    one, other = _centred(prediction, inside), _centred(target, inside)
    products = (one * other).sum(_PIXELS)
    correlation = products / (_norm(one) * _norm(other))
    return _reduced(1 - correlation, reduction)


def kld_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-6,
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Regularised KL divergence of a prediction from an empirical map, nats.

    KLD = sum q log(q / (p + eps) + eps), where p and q are the maps scaled to sum 1

    Parameters
    ----------
    prediction, target, mask, reduction
        As of `cc_loss`; a map with negative values is shifted up to 0, one of zeros is uniform.
    eps
        Added twice.
    """
    prediction, target, inside = checked_maps(prediction, target, mask)
    p, q = _shares(prediction, inside), _shares(target, inside)
    return _reduced((q * torch.log(q / (p + eps) + eps)).sum(_PIXELS), reduction)


def sim_loss(
    prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """1 minus the similarity of a prediction and an empirical map; parameters as of `kld_loss`."""
    prediction, target, inside = checked_maps(prediction, target, mask)
    p, q = _shares(prediction, inside), _shares(target, inside)
    return _reduced(1 - torch.minimum(p, q).sum(_PIXELS), reduction)


def eml_net_loss(
    prediction: Tensor,
    target: Tensor,
    fixations: Tensor,
    *,
    eps: float = 1e-6,
    ddof: int = 1,
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """KLD + (1 - CC) + NSS', the loss of EML-NET.

    Parameters
    ----------
    prediction, target, mask, reduction
        As of `cc_loss`.
    fixations, ddof
        As of `nss_difference`.
    eps
        As of `kld_loss`.

    References
    ----------
    Jia and Bruce (2018), EML-NET, arXiv:1805.01047.
    """
    divergence = kld_loss(prediction, target, eps=eps, mask=mask, reduction=reduction)
    correlation = cc_loss(prediction, target, mask=mask, reduction=reduction)
    saliency = nss_difference(prediction, fixations, ddof=ddof, mask=mask, reduction=reduction)
    return divergence + correlation + saliency


def checked_maps(one: Tensor, other: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return both maps in the first one's type, and a mask; raise `InputError` if they differ."""
    if one.ndim != 3 or one.numel() == 0:
        raise InputError(f"maps must have shape (n, h, w), and pixels; got {tuple(one.shape)}")
    if mask is None:
        mask = torch.ones_like(one, dtype=torch.bool)
    for name, tensor in (("the other map", other), ("mask", mask)):
        if tensor.shape != one.shape:
            raise InputError(
                f"{name} must have the prediction's shape {tuple(one.shape)}; got "
                f"{tuple(tensor.shape)}"
            )
    if mask.dtype != torch.bool:
        raise InputError(f"mask must be bool; got {mask.dtype}")
    return one, other.to(one.dtype), mask


def fixation_totals(fixations: Tensor, inside: Tensor) -> Tensor:
    """Fixations of each image; raise `InputError` if one has none."""
    totals = torch.where(inside, fixations, 0).sum(_PIXELS)
    without = (totals <= 0).nonzero().flatten().tolist()
    if without:
        raise InputError(f"images {without} of the batch have no fixations")
    return totals


def _mean_at(values: Tensor, fixations: Tensor, inside: Tensor) -> Tensor:
    """Mean of the values at the fixations of each image."""
    totals = fixation_totals(fixations, inside)
    return (values * torch.where(inside, fixations, 0)).sum(_PIXELS) / totals


def _centred(values: Tensor, inside: Tensor) -> Tensor:
    """Values less their mean; 0 in padding, whatever is there."""
    kept = torch.where(inside, values, 0)
    mean = kept.sum(_PIXELS, keepdim=True) / inside.sum(_PIXELS, keepdim=True)
    return torch.where(inside, kept - mean, 0)


def _norm(centred: Tensor) -> Tensor:
    """Root of the sum of squares; so small a number for a constant that 0 / it is 0."""
    squares = centred.square().sum(_PIXELS)
    return squares.clamp(min=torch.finfo(centred.dtype).tiny).sqrt()


def _standardised(values: Tensor, inside: Tensor, ddof: int) -> Tensor:
    centred = _centred(values, inside)
    n = inside.sum(_PIXELS)
    deviation = _norm(centred) / (n - ddof).clamp(min=1).to(values.dtype).sqrt()
    return centred / deviation[:, None, None]


def _shares(values: Tensor, inside: Tensor) -> Tensor:
    """Values scaled to sum 1, shifted up if there are negative ones; uniform where all are 0."""
    kept = torch.where(inside, values, 0)
    shifted = torch.where(inside, kept - kept.amin(_PIXELS, keepdim=True).clamp(max=0), 0)
    totals = shifted.sum(_PIXELS, keepdim=True)
    uniform = inside.to(values.dtype) / inside.sum(_PIXELS, keepdim=True)
    return torch.where(totals > 0, shifted / torch.where(totals > 0, totals, 1), uniform)


def _reduced(of_images: Tensor, reduction: str) -> Tensor:
    check_choice("reduction", reduction, ("mean", "none"))
    return of_images.mean() if reduction == "mean" else of_images
