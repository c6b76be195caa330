"""Areas under the ROC curve: Mann-Whitney, and the variants of the MIT benchmark's MATLAB code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import AnyArray, Array, Rows, to_numpy
from salmetrics.checked_map import CheckedMap, as_map, check_same_shape, pixel_indices
from salmetrics.errors import InputError
from salmetrics.kernels import rank
from salmetrics.protocols import DEFAULT, JuddJitter, Nonfixations

__all__ = ["Negatives", "borji", "count_pixels", "judd", "score", "shuffled"]


@dataclass(frozen=True)
class Negatives:
    """Nonfixated pixels and how often each counts.

    Parameters
    ----------
    pixels
        Flat indices of the pixels, ascending, int64, shape (n_pixels,).
    counts
        How often each counts, int64, shape (n_pixels,).
    without
        Flat indices, among `pixels`, that count once less for each time they are listed: all
        images share `pixels` and `counts`, and each takes out only its own fixations.
    """

    pixels: Rows
    counts: Rows
    without: Rows = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n(self) -> int:
        """Number of negatives, repeated ones counted repeatedly."""
        return int(self.counts.sum()) - self.without.size


def score(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    *,
    negatives: Negatives | tuple[ArrayLike, ArrayLike] | Nonfixations = DEFAULT.nonfixations,
) -> Array:
    """Compute each fixation's AUC: the share of negatives with a lower value, ties counting half.

    AUC_i = (#{negatives < m(y_i, x_i)} + #{negatives = m(y_i, x_i)} / 2) / #negatives

    The mean over fixations is the area under the ROC curve (Mann-Whitney statistic).

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,); a location fixated twice counts twice.
    negatives
        Nonfixations: "uniform" for all pixels, "unfixated" for the pixels without a fixation, or
        positions (x, y) in pixels, of which repeated ones count repeatedly.

    Returns
    -------
    areas : ndarray of float64, shape (n,)
        From 0 to 1; higher is better. Chance, and the value for a constant map, is 0.5. NaN if
        there are no negatives.

    Raises
    ------
    InputError
        If the map is not finite, positions are outside it, or `negatives` is invalid.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> score([[1.0, 2.0, 3.0, 4.0]], [3, 1], [0, 0])
    array([0.875, 0.375])
    """
    m = as_map(saliency_map)
    pixels = pixel_indices(x, y, m.shape)
    if isinstance(negatives, str):
        if negatives not in get_args(Nonfixations):
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
    jitter: JuddJitter | ArrayLike = DEFAULT.judd_jitter,
) -> float:
    """Compute AUC-Judd of the older MIT benchmark's MATLAB code.

    Unique fixated pixels are the positives, each a threshold; the other pixels are the negatives.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).
    jitter
        Treatment of ties, which MATLAB breaks with random noise. "expected": the exact
        expectation over random tie-breaking; False: the formula without noise, which ties bias;
        an array of shape (h, w): this noise, added to the map.

    Returns
    -------
    area : float
        From 0 to 1; higher is better. 0.5 for a constant map, NaN without fixations or without
        unfixated pixels.

    Raises
    ------
    InputError
        If the map or the noise is not finite, positions are outside the map, or `jitter` is
        invalid.

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
    """Compute AUC-Borji of the older MIT benchmark's MATLAB code, without its randomness.

    The thresholds are 0, step, 2 step, ... on the min-max normalised map; true positives are
    unique fixated pixels; false positives are, in MATLAB, random pixels, averaged over 100 draws.
    For fixed thresholds the area is linear in the false positive rate, so its expectation is the
    area for the share of all pixels, which is computed here.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).
    step
        Distance of the thresholds, above 0 and at most 1.
    draws
        Flat indices, of any shape, of the random pixels to use; by default, their expectation.

    Returns
    -------
    area : float
        From 0 to 1; higher is better. NaN with fewer than two fixated pixels, 0.5 for a constant
        map.

    Raises
    ------
    InputError
        If the map is not finite, positions or `draws` are outside it, or `step` is invalid.

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
    """Compute the shuffled AUC of the older MIT benchmark's MATLAB code, without its randomness.

    It differs from `borji` in its false positives, which are fixated pixels of other images.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).
    other_map
        Map that is not 0 where other images were fixated, shape (h, w).
    step
        Distance of the thresholds, above 0 and at most 1.
    draws
        Flat indices of the pixels to use instead of all those in `other_map`.

    Returns
    -------
    area : float
        From 0 to 1; higher is better. NaN without fixations or without fixations on other images,
        0.5 for a constant map.

    Raises
    ------
    InputError
        If the map is not finite, positions or `draws` are outside it, `other_map` has another
        shape, `step` is invalid, or neither `other_map` nor `draws` is passed.

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
        marked = to_numpy(other_map)
        if marked.shape != m.shape:
            raise InputError(f"other_map must have shape {m.shape}; got {marked.shape}")
        others = np.flatnonzero(marked)
    else:
        raise InputError("shuffled AUC needs fixations on other images: pass other_map= or draws=")
    if pixels.size == 0 or others.size == 0:
        return np.nan
    return _area_at_steps(m, pixels, m.flat[others], step)


def count_pixels(pixels: Rows) -> Negatives:
    """Collapse repeated flat indices into counts.

    Parameters
    ----------
    pixels
        Flat indices, int64, shape (n,).

    Returns
    -------
    negatives : Negatives
        The distinct indices and their counts.
    """
    unique, counts = np.unique(pixels, return_counts=True)
    return Negatives(unique, counts.astype(np.int64))


def _among_pixels(m: CheckedMap, pixels: Rows, exclude: Rows | None) -> Array:
    n = m.flat.size - (0 if exclude is None else exclude.size)
    if m.is_constant or n == 0:
        return np.full(pixels.size, 0.5 if n else np.nan)
    thresholds, which = np.unique(m.flat[pixels], return_inverse=True)
    below, equal = rank.count_below(m.flat, thresholds)
    if exclude is not None:
        fewer_below, fewer_equal = rank.count_below_by_sorting(m.flat[exclude], thresholds)
        below, equal = below - fewer_below, equal - fewer_equal
    return ((below + 0.5 * equal) / n)[which]


def _among_negatives(m: CheckedMap, pixels: Rows, negatives: Negatives) -> Array:
    n = negatives.n
    if n == 0:
        return np.full(pixels.size, np.nan)
    thresholds, which = np.unique(m.flat[pixels], return_inverse=True)
    below, equal = rank.count_below_weighted(m.flat[negatives.pixels], negatives.counts, thresholds)
    fewer_below, fewer_equal = rank.count_below_by_sorting(m.flat[negatives.without], thresholds)
    return ((below - fewer_below + 0.5 * (equal - fewer_equal)) / n)[which]


def _judd_as_written(below: Rows, multiplicity: Rows, n_pixels: int, n_positives: int) -> float:
    """Follow AUC_Judd.m line by line: the k-th highest value is threshold k even if it is tied."""
    at_least = np.repeat(n_pixels - below, multiplicity)[::-1]
    rank_k = np.arange(1, n_positives + 1)
    hits = np.concatenate([[0.0], rank_k / n_positives, [1.0]])
    false_alarms = (at_least - rank_k) / (n_pixels - n_positives)
    return float(np.trapezoid(hits, np.concatenate([[0.0], false_alarms, [1.0]])))


def _judd_expected(
    below: Rows,
    equal: Rows,
    multiplicity: Rows,
    n_others: int,
) -> float:
    """Compute the mean over unfixated pixels of (a + t/2 + (1 - c)/2) / P.

    P is the number of positives, of which a lie above the pixel and t tie with it. If a + t = P,
    c = 1/(t + 1) is the probability that the pixel falls below every positive, where the curve is
    a step and not a slope; else c = 0.
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


def _area_at_steps(m: CheckedMap, pixels: Rows, others: AnyArray, step: float) -> float:
    """Compute the trapezoid area under (0, 0), one point per threshold, and (1, 1)."""
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


def _flat_indices(draws: ArrayLike, m: CheckedMap) -> Rows:
    indices = to_numpy(draws).astype(np.int64).ravel()
    if indices.size and (indices.min() < 0 or indices.max() >= m.flat.size):
        raise InputError(
            f"draws must be flat pixel indices from 0 to {m.flat.size - 1}; got {indices.min()} to "
            f"{indices.max()}"
        )
    return indices
