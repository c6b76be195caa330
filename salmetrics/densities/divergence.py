"""Divergence between densities of one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.checked_map import as_log_density
from salmetrics.errors import InputError

__all__ = ["jensen_shannon"]


def jensen_shannon(
    log_densities: Sequence[ArrayLike], weights: Sequence[float] | None = None
) -> float:
    """Return the Jensen-Shannon divergence of densities of one image, bits.

    H(sum_k w_k p_k) - sum_k w_k H(p_k), with the entropy H.

    Parameters
    ----------
    log_densities
        Natural logs of the densities, each of shape (h, w), logsumexp 0.
    weights
        Weight of each density, at least 0, sum 1; equal by default.

    Returns
    -------
    divergence : float
        In bits: 0 if all densities are equal, at most log2 of their number.

    Raises
    ------
    InputError
        If there is no density, shapes differ, or the weights are invalid.

    References
    ----------
    Lin (1991), IEEE Transactions on Information Theory 37, 145-151, doi:10.1109/18.61115.
    """
    logs = [as_log_density(each).values.astype(np.float64) for each in log_densities]
    if not logs or any(log.shape != logs[0].shape for log in logs):
        raise InputError(
            "log_densities must be at least one, all of one shape; got shapes "
            f"{[log.shape for log in logs]}"
        )
    shares = np.full(len(logs), 1 / len(logs)) if weights is None else np.asarray(weights, float)
    if shares.shape != (len(logs),) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(
            f"weights must be {len(logs)} numbers >= 0 that add up to 1; got {weights!r}"
        )
    densities = [np.exp(log) for log in logs]
    mixture = sum(share * density for share, density in zip(shares, densities, strict=True))
    divergence = 0.0
    for share, density, log in zip(shares, densities, logs, strict=True):
        positive = (density > 0) & (share > 0)
        ratio = log[positive] - np.log(mixture[positive])
        divergence += share * np.sum(density[positive] * ratio)
    return float(max(divergence, 0.0) / np.log(2))
