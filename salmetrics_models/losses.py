"""Losses for training: differentiable, for batches, with masks for padding.

All take maps of shape (n, h, w) and return the mean over the n images, or one value per image with
``reduction="none"``. Where a mask is False, a pixel is padding, and its values have no effect.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_choice

__all__ = [
    "REDUCTIONS",
    "Reduction",
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

Reduction = Literal["mean", "none"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)

_PIXELS = (-2, -1)


def negative_log_likelihood(
    log_density: Tensor,
    fixations: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus the mean log density at the fixations of each image, bits per fixation.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (n, h, w), with logsumexp 0 over the pixels of the mask.
    fixations
        Number of fixations (or their total weight) on each pixel, shape (n, h, w).
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        Bits per fixation, lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, an image has no fixations, or an option is invalid.

    Examples
    --------
    >>> uniform = torch.full((1, 2, 2), 0.25).log()
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(negative_log_likelihood(uniform, fixations))
    2.0
    """
    log_density, fixations, inside = checked_maps(log_density, fixations, mask)
    totals = fixation_totals(fixations, inside)
    fixated = inside & (fixations > 0)  # elsewhere -inf does not matter
    weighted = torch.where(fixated, fixations * torch.where(fixated, log_density, 0), 0)
    return _reduced(-weighted.sum(_PIXELS) / totals / math.log(2), reduction)


def nss_loss(
    prediction: Tensor,
    fixations: Tensor,
    *,
    ddof: int = 0,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus the normalised scanpath saliency of each image; 0 for a constant prediction.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    fixations
        Number of fixations (or their total weight) on each pixel, shape (n, h, w).
    ddof
        The standard deviation has the denominator N - ddof.
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        Standard deviations, lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, an image has no fixations, or an option is invalid.

    Examples
    --------
    >>> prediction = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(nss_loss(prediction, fixations=prediction))
    -1.0
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
    reduction: Reduction = "mean",
) -> Tensor:
    """How far the NSS of a prediction is below that of the fixations themselves; EML-NET's NSS'.

    NSS' = sum_i (R_i - P_i) F_i / sum_i F_i, where R and P are the standardised F and prediction

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    fixations
        F, which is 1 at fixated pixels and 0 elsewhere, shape (n, h, w).
    ddof
        The standard deviations have the denominator N - ddof; 1 in the authors' code.
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        Standard deviations, at least 0, lower is better; a scalar, or shape (n,) with
        ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, an image has no fixations, or an option is invalid.

    References
    ----------
    Jia and Bruce (2020), EML-NET: An Expandable Multi-Layer NETwork for saliency prediction, Image
    and Vision Computing 95, 103887, doi:10.1016/j.imavis.2020.103887.

    Examples
    --------
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(nss_difference(fixations, fixations))
    0.0
    """
    prediction, fixations, inside = checked_maps(prediction, fixations, mask)
    best = _standardised(fixations, inside, ddof)
    standard = _standardised(prediction, inside, ddof)
    return _reduced(_mean_at(best - standard, fixations, inside), reduction)


def cc_loss(
    prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """1 minus the correlation of a prediction with an empirical map; 1 if one of them is constant.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    target
        Empirical maps, shape (n, h, w).
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        From 0 to 2, lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, or an option is invalid.

    Examples
    --------
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(cc_loss(1 - target, target))
    2.0
    """
    prediction, target, inside = checked_maps(prediction, target, mask)
    p, q = _centred(prediction, inside), _centred(target, inside)
    correlation = (p * q).sum(_PIXELS) / (_norm(p) * _norm(q))
    return _reduced(1 - correlation, reduction)


def kld_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-6,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Regularised KL divergence of a prediction from an empirical map, nats.

    KLD = sum q log(q / (p + eps) + eps), where p and q are the maps scaled to sum 1

    A map with negative values is first shifted up to a minimum of 0; a map of zeros is uniform.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    target
        Empirical maps, shape (n, h, w).
    eps
        Regularisation, added to the denominator and to the ratio.
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        Nats, lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, or an option is invalid.

    Examples
    --------
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> round(float(kld_loss(torch.ones(1, 2, 2), target, eps=1e-12)), 4)  # ln 2
    0.6931
    """
    prediction, target, inside = checked_maps(prediction, target, mask)
    p, q = _shares(prediction, inside), _shares(target, inside)
    return _reduced((q * torch.log(q / (p + eps) + eps)).sum(_PIXELS), reduction)


def sim_loss(
    prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """1 minus the similarity of a prediction and an empirical map.

    A map with negative values is first shifted up to a minimum of 0; a map of zeros is uniform.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    target
        Empirical maps, shape (n, h, w).
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        From 0 to 1, lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, or an option is invalid.

    Examples
    --------
    >>> target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(sim_loss(torch.ones(1, 2, 2), target))
    0.5
    """
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
    reduction: Reduction = "mean",
) -> Tensor:
    """KLD + (1 - CC) + NSS', the loss of EML-NET.

    Parameters
    ----------
    prediction
        Saliency maps, shape (n, h, w).
    target
        Empirical maps, shape (n, h, w).
    fixations
        1 at fixated pixels and 0 elsewhere, shape (n, h, w).
    eps
        Regularisation of the KL divergence, see `kld_loss`.
    ddof
        Of the standard deviations, see `nss_difference`.
    mask
        bool, shape (n, h, w), False on padding; by default there is none.
    reduction
        "mean" over images, or "none" for one value per image.

    Returns
    -------
    loss : Tensor
        Lower is better; a scalar, or shape (n,) with ``reduction="none"``.

    Raises
    ------
    InputError
        If shapes differ, `mask` is not bool, an image has no fixations, or an option is invalid.

    References
    ----------
    Jia and Bruce (2020), EML-NET: An Expandable Multi-Layer NETwork for saliency prediction, Image
    and Vision Computing 95, 103887, doi:10.1016/j.imavis.2020.103887.

    Examples
    --------
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> round(float(eml_net_loss(fixations, fixations, fixations)), 5)
    0.0
    """
    divergence = kld_loss(prediction, target, eps=eps, mask=mask, reduction=reduction)
    correlation = cc_loss(prediction, target, mask=mask, reduction=reduction)
    saliency = nss_difference(prediction, fixations, ddof=ddof, mask=mask, reduction=reduction)
    return divergence + correlation + saliency


def checked_maps(
    prediction: Tensor, other: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return both maps in the type of the prediction, and a mask of their shape.

    Parameters
    ----------
    prediction, other
        Maps, shape (n, h, w).
    mask
        bool, shape (n, h, w), False on padding; None: there is none.

    Returns
    -------
    prediction, other, mask : Tensor
        All of shape (n, h, w).

    Raises
    ------
    InputError
        If the prediction is not of shape (n, h, w), another shape differs, or `mask` is not bool.

    Examples
    --------
    >>> _, _, mask = checked_maps(torch.zeros(1, 2, 3), torch.ones(1, 2, 3), None)
    >>> mask.shape, mask.dtype
    (torch.Size([1, 2, 3]), torch.bool)
    """
    if prediction.ndim != 3 or prediction.numel() == 0:
        raise InputError(
            f"maps must have shape (n, h, w) and at least one pixel; got {tuple(prediction.shape)}"
        )
    if mask is None:
        mask = torch.ones_like(prediction, dtype=torch.bool)
    for name, tensor in (("the other map", other), ("mask", mask)):
        if tensor.shape != prediction.shape:
            raise InputError(
                f"{name} must have the prediction's shape {tuple(prediction.shape)}; got "
                f"{tuple(tensor.shape)}"
            )
    if mask.dtype != torch.bool:
        raise InputError(f"mask must be bool; got {mask.dtype}")
    return prediction, other.to(prediction.dtype), mask


def fixation_totals(fixations: Tensor, inside: Tensor) -> Tensor:
    """Return the number of fixations on each image.

    Parameters
    ----------
    fixations
        Number of fixations on each pixel, shape (n, h, w).
    inside
        bool, shape (n, h, w), False on padding.

    Returns
    -------
    totals : Tensor
        Shape (n,).

    Raises
    ------
    InputError
        If an image has none.

    Examples
    --------
    >>> fixations = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    >>> fixation_totals(fixations, torch.ones(1, 2, 2, dtype=torch.bool))
    tensor([3.])
    """
    totals = torch.where(inside, fixations, 0).sum(_PIXELS)
    without = (totals <= 0).nonzero().flatten().tolist()
    if without:
        raise InputError(
            f"images {without} of the batch have no fixations; leave such images out of batches"
        )
    return totals


def _mean_at(values: Tensor, fixations: Tensor, inside: Tensor) -> Tensor:
    """Mean of the values at the fixations of each image."""
    totals = fixation_totals(fixations, inside)
    return (values * torch.where(inside, fixations, 0)).sum(_PIXELS) / totals


def _centred(values: Tensor, inside: Tensor) -> Tensor:
    """Values minus their mean; 0 on padding, whatever it holds."""
    kept = torch.where(inside, values, 0)
    mean = kept.sum(_PIXELS, keepdim=True) / inside.sum(_PIXELS, keepdim=True)
    return torch.where(inside, kept - mean, 0)


def _norm(centred: Tensor) -> Tensor:
    """Root of the sum of squares; for a constant the smallest number that 0 can be divided by."""
    squares = centred.square().sum(_PIXELS)
    return squares.clamp(min=torch.finfo(centred.dtype).tiny).sqrt()


def _standardised(values: Tensor, inside: Tensor, ddof: int) -> Tensor:
    centred = _centred(values, inside)
    n = inside.sum(_PIXELS)
    deviation = _norm(centred) / (n - ddof).clamp(min=1).to(values.dtype).sqrt()
    return centred / deviation[:, None, None]


def _shares(values: Tensor, inside: Tensor) -> Tensor:
    """Values scaled to sum 1, shifted up if some are negative; uniform if all are 0."""
    kept = torch.where(inside, values, 0)
    shifted = torch.where(inside, kept - kept.amin(_PIXELS, keepdim=True).clamp(max=0), 0)
    totals = shifted.sum(_PIXELS, keepdim=True)
    uniform = inside.to(values.dtype) / inside.sum(_PIXELS, keepdim=True)
    return torch.where(totals > 0, shifted / torch.where(totals > 0, totals, 1), uniform)


def _reduced(values: Tensor, reduction: Reduction) -> Tensor:
    check_choice("reduction", reduction, REDUCTIONS)
    return values.mean() if reduction == "mean" else values
