"""Areas under the ROC curve: Mann-Whitney, and the variants of the MATLAB benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.checked_map import CheckedMap, as_map, check_same_shape, pixel_indices
from salmetrics.errors import InputError
from salmetrics.kernels import rank
from salmetrics.protocols import DEFAULT

__all__ = ["Negatives", "borji", "judd", "score", "shuffled"]


@dataclass(frozen=True)
class Negatives:
    """Nonfixated pixels: flat indices, ascending, and how often each counts.

    `without` lists flat indices, among the others, that each count once less: what all images
    share stays as it is, and only an image's own fixations are taken out.
    """

    pixels: NDArray[np.int64]
    counts: NDArray[np.int64]
    without: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n(self) -> int:
        """How many there are."""
        return int(self.counts.sum()) - self.without.size


def score(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    *,
    negatives: Negatives | tuple[ArrayLike, ArrayLike] | str = DEFAULT.nonfixations,
) -> NDArray[np.float64]:
    """AUC of each fixation: the share of negatives whose value is lower, ties counting half.

    AUC_i = (#{negatives < m(y_i, x_i)} + #{negatives = m(y_i, x_i)} / 2) / #negatives

    The mean over fixations is the area under the ROC curve (Mann-Whitney statistic).

    Parameters
    ----------
    saliency_map
        Shape (h, w).
    x, y
        Positions in pixels, shape (n,); a location fixated twice counts twice.
    negatives
        "uniform": all pixels; "unfixated": the pixels without a fixation; or positions (x, y) of
        nonfixations, repeated ones counting repeatedly.

    Returns
    -------
    float64 array of shape (n,), from 0 to 1; higher is better, 0.5 is chance and the value for a
    constant map. NaN if there are no negatives.

    Raises
    ------
    InputError
        For a map that is not finite, or positions outside it.

    Examples
    --------
    >>> score([[1.0, 2.0, 3.0, 4.0]], [3, 1], [0, 0])
    array([0.875, 0.375])
    """
    m = as_map(saliency_map)
    pixels = pixel_indices(x, y, m.shape)
    if isinstance(negatives, str):
        if negatives not in ("uniform", "unfixated"):
            raise InputError(
                f"negatives must be 'uniform', 'unfixated' or positions (x, y); got {negatives!r}"
            )
        exclude = np.unique(pixels) if negatives == "unfixated" else None
        return _among_pixels(m, pixels, exclude)
    if not isinstance(negatives, Negatives):
        negatives = count_pixels(pixel_indices(*negatives, m.shape))
    return _among_negatives(m, pixels, negatives)


def judd(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    *,
    jitter: str | bool | ArrayLike = DEFAULT.judd_jitter,
) -> float:
    """AUC-Judd of the older MIT benchmark's MATLAB code.

    Unique fixated pixels are the positives, each one a threshold; the other pixels are negatives.

    Parameters
    ----------
    saliency_map
        Shape (h, w).
    x, y
        Positions in pixels, shape (n,).
    jitter
        MATLAB breaks ties with random noise. "expected": the exact expectation over random
        tie-breaking; False: no noise, the formula as it stands, which ties bias; an
        array of shape (h, w): that noise, added to the map.

    Returns
    -------
    One number for the image, from 0 to 1; higher is better; 0.5 for a constant map, NaN without
    fixations or without an unfixated pixel.

    References
    ----------
    Judd, Durand and Torralba (2012), MIT-CSAIL-TR-2012-001; AUC_Judd.m (2016).
    """
    m = as_map(saliency_map)
    pixels = np.unique(pixel_indices(x, y, m.shape))
    n_others = m.flat.size - pixels.size
    if isinstance(jitter, (str, bool)) and jitter not in ("expected", False):
        raise InputError(f"jitter must be 'expected', False or an array; got {jitter!r}")
    if not isinstance(jitter, (str, bool)):
        noise = as_map(jitter, "jitter")
        check_same_shape(m, noise, "jitter")
        if not m.is_constant:
            return judd(m.values.astype(np.float64) + noise.values, x, y, jitter=False)
    if pixels.size == 0 or n_others == 0:
        return np.nan
    if m.is_constant:
        return 0.5
    thresholds, multiplicity = np.unique(m.flat[pixels], return_counts=True)
    below, equal = rank.count_below(m.flat, thresholds)
    if jitter is False:
        return _judd_as_written(below, multiplicity, m.flat.size, pixels.size)
    return _judd_expected(below, equal, multiplicity, n_others)


def borji(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    *,
    step: float = DEFAULT.threshold_step,
    draws: ArrayLike | None = None,
) -> float:
    """AUC-Borji of the older MIT benchmark's MATLAB code, without its randomness.

    Thresholds 0, step, 2 step, ... on the min-max normalised map; true positives are unique
    fixated pixels; false positives are, in MATLAB, random pixels, averaged over 100 draws. For
    fixed thresholds the area is linear in the false positive rate, so its expectation takes
    the share of all pixels, which is what is used here.

    Parameters
    ----------
    saliency_map
        Shape (h, w).
    x, y
        Positions in pixels, shape (n,).
    step
        Distance of the thresholds, over 0 and at most 1.
    draws
        Flat indices of pixels, any shape: use exactly these random pixels instead.

    Returns
    -------
    One number for the image, from 0 to 1; higher is better; NaN with fewer than two fixated
    pixels, 0.5 for a constant map.

    References
    ----------
    Borji, Tavakoli, Sihite and Itti (2013), ICCV, 921-928, doi:10.1109/ICCV.2013.118.
    """
    _check_step(step)
    m = as_map(saliency_map)
    pixels = np.unique(pixel_indices(x, y, m.shape))
    others = m.flat if draws is None else m.flat[_flat_indices(draws, m)]
    if pixels.size < 2 or others.size == 0:
        return np.nan
    return _area_at_steps(m, pixels, others, step)


def shuffled(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    other_map: ArrayLike | None = None,
    *,
    step: float = DEFAULT.threshold_step,
    draws: ArrayLike | None = None,
) -> float:
    """Shuffled AUC of the older MIT benchmark's MATLAB code, without its randomness.

    As `borji`, but false positives are fixated pixels of other images.

    Parameters
    ----------
    saliency_map
        Shape (h, w).
    x, y
        Positions in pixels, shape (n,).
    other_map
        Shape (h, w), not 0 where another image was fixated.
    step
        Distance of the thresholds, over 0 and at most 1.
    draws
        Flat indices of pixels to use instead of all those in `other_map`.

    Returns
    -------
    One number for the image, from 0 to 1; higher is better; NaN without fixations or without
    other fixations, 0.5 for a constant map.

    References
    ----------
    Zhang, Tong, Marks, Shan and Cottrell (2008), Journal of Vision 8(7):32, doi:10.1167/8.7.32;
    AUC_shuffled.m (2016).
    """
    _check_step(step)
    m = as_map(saliency_map)
    pixels = np.unique(pixel_indices(x, y, m.shape))
    if draws is not None:
        others = _flat_indices(draws, m)
    elif other_map is not None:
        marked = np.asarray(other_map)
        if marked.shape != m.shape:
            raise InputError(f"other_map must have shape {m.shape}; got {marked.shape}")
        others = np.flatnonzero(marked)
    else:
        raise InputError("shuffled AUC needs other_map= or draws=")
    if pixels.size == 0 or others.size == 0:
        return np.nan
    return _area_at_steps(m, pixels, m.flat[others], step)


def count_pixels(pixels: NDArray[np.int64]) -> Negatives:
    """Collapse repeated flat indices into counts."""
    unique, counts = np.unique(pixels, return_counts=True)
    return Negatives(unique, counts.astype(np.int64))


def _among_pixels(
    m: CheckedMap, pixels: NDArray[np.int64], exclude: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    n = m.flat.size - (0 if exclude is None else exclude.size)
    if m.is_constant or n == 0:
        return np.full(pixels.size, 0.5 if n else np.nan)
    thresholds, which = np.unique(m.flat[pixels], return_inverse=True)
    below, equal = rank.count_below(m.flat, thresholds)
    if exclude is not None:
        fewer_below, fewer_equal = rank.count_below_by_sorting(m.flat[exclude], thresholds)
        below, equal = below - fewer_below, equal - fewer_equal
    return ((below + 0.5 * equal) / n)[which]


def _among_negatives(
    m: CheckedMap, pixels: NDArray[np.int64], negatives: Negatives
) -> NDArray[np.float64]:
    n = negatives.n
    if n == 0:
        return np.full(pixels.size, np.nan)
    thresholds, which = np.unique(m.flat[pixels], return_inverse=True)
    below, equal = rank.count_below_weighted(m.flat[negatives.pixels], negatives.counts, thresholds)
    fewer_below, fewer_equal = rank.count_below_by_sorting(m.flat[negatives.without], thresholds)
    return ((below - fewer_below + 0.5 * (equal - fewer_equal)) / n)[which]


def _judd_as_written(
    below: NDArray[np.int64], multiplicity: NDArray[np.int64], n_pixels: int, n_positives: int
) -> float:
    """AUC_Judd.m line by line: the k-th highest value is threshold k even if it is tied."""
    at_least = np.repeat(n_pixels - below, multiplicity)[::-1]
    rank_k = np.arange(1, n_positives + 1)
    hits = np.concatenate([[0.0], rank_k / n_positives, [1.0]])
    false_alarms = (at_least - rank_k) / (n_pixels - n_positives)
    return float(np.trapezoid(hits, np.concatenate([[0.0], false_alarms, [1.0]])))


def _judd_expected(
    below: NDArray[np.int64],
    equal: NDArray[np.int64],
    multiplicity: NDArray[np.int64],
    n_others: int,
) -> float:
    """Mean over unfixated pixels of (a + t/2 + (1 - c)/2) / P.

    a positives lie above the pixel, t tie with it, and c = 1/(t + 1) if a + t = P, else 0: the
    chance that the pixel falls below every positive, where the curve is a step, not a slope.
    """
    n_positives = int(multiplicity.sum())
    above_or_equal = multiplicity[::-1].cumsum()[::-1]  # positives >= threshold k
    above = above_or_equal - multiplicity
    # unfixated pixels at each threshold, and in each gap below a threshold
    tied = equal - multiplicity
    up_to = np.concatenate([[0], below[1:], [n_others + n_positives]])
    gaps = up_to - np.concatenate([[0], below + equal])
    gaps[0] = below[0]
    a_gap = np.concatenate([above_or_equal, [0]])
    corner_gap = np.where(a_gap == n_positives, 1.0, 0.0)
    corner_tie = np.where(above_or_equal == n_positives, 1.0 / (multiplicity + 1), 0.0)
    total = np.sum(gaps * (a_gap + (1.0 - corner_gap) / 2))
    total += np.sum(tied * (above + multiplicity / 2 + (1.0 - corner_tie) / 2))
    return float(total / n_positives / n_others)


def _area_at_steps(
    m: CheckedMap, pixels: NDArray[np.int64], others: NDArray[Any], step: float
) -> float:
    """Trapezoid area of the ROC curve through (0, 0), one point a threshold, and (1, 1)."""
    if m.is_constant:
        return 0.5
    hits = rank.count_at_least_steps(m.flat[pixels], m.low, m.high, step)[::-1] / pixels.size
    alarms = rank.count_at_least_steps(others, m.low, m.high, step)[::-1] / others.size
    return float(
        np.trapezoid(np.concatenate([[0.0], hits, [1.0]]), np.concatenate([[0.0], alarms, [1.0]]))
    )


def _check_step(step: float) -> None:
    if not 0 < step <= 1:
        raise InputError(f"step must be over 0 and at most 1; got {step!r}")


def _flat_indices(draws: ArrayLike, m: CheckedMap) -> NDArray[np.int64]:
    indices = np.asarray(draws, dtype=np.int64).ravel()
    if indices.size and (indices.min() < 0 or indices.max() >= m.flat.size):
        raise InputError(f"draws must be flat pixel indices below {m.flat.size}")
    return indices
