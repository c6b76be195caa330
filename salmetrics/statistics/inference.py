"""Confidence intervals and tests: how a score varies with the images, or the subjects.

Everything is computed from sums and counts over cells (the fixations of one subject on one image),
without the fixations themselves. Clusters (images, subjects, or both) are resampled as a whole,
because fixations on one image, or of one subject, are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array, Rows
from salmetrics.errors import InputError, check_choice
from salmetrics.statistics.cells import Ratio, Sample, Score

__all__ = [
    "INTERVALS",
    "OVER",
    "IntervalMethod",
    "Over",
    "holm",
    "indistinct_groups",
    "intervals",
    "n_clusters",
    "paired_test",
]

Over = Literal["images", "subjects", "both"]
OVER: tuple[Over, ...] = get_args(Over)
IntervalMethod = Literal["percentile", "bca"]
INTERVALS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)
Level = Literal["images", "subjects", "cells"]  # whose influence on a score is computed
_ROUNDING = 1e-13  # rounding error of a score of about 1
_BLOCK = 2_000_000  # number of weights drawn at a time


def intervals(
    samples: Sequence[Score],
    *,
    over: Over = "images",
    method: IntervalMethod = "percentile",
    level: float = 0.95,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Array:
    """Compute bootstrap confidence intervals of scores of the same images and subjects.

    Parameters
    ----------
    samples
        What the scores are computed from, with common codes of images and subjects; all are
        resampled together.
    over
        Which units are resampled: "images", "subjects", or "both" (a cell then counts as often as
        its image was drawn times as often as its subject was; Owen 2007).
    method
        "percentile", or "bca" (bias-corrected and accelerated, Efron 1987; not for "both").
    level
        Share of intervals that cover the true score.
    n_bootstrap
        Number of resamples.
    seed
        Seed of the bootstrap.

    Returns
    -------
    bounds : ndarray of float64, shape (n_samples, 2)
        Lower and upper bound; NaN for a score that is not finite or has fewer than two clusters,
        and for a ratio whose denominator is indistinguishable from 0.

    Raises
    ------
    InputError
        If an option is invalid.

    References
    ----------
    Efron (1987), JASA 82, 171-185, doi:10.1080/01621459.1987.10478410. Owen (2007), Annals of
    Applied Statistics 1, 386-411, doi:10.1214/07-AOAS122.
    """
    check_choice("over", over, OVER)
    check_choice("method", method, INTERVALS if over != "both" else ("percentile",))
    if not 0 < level < 1:
        raise InputError(f"level must be a share between 0 and 1, such as 0.95; got {level!r}")
    if n_bootstrap < 0:
        raise InputError(f"n_bootstrap must be a whole number >= 0; got {n_bootstrap!r}")
    result = np.full((len(samples), 2), np.nan)
    usable = [
        k
        for k, s in enumerate(samples)
        if np.isfinite(s.value) and np.isfinite(s.sums).all() and n_clusters(s, over) > 1
    ]
    if not usable or n_bootstrap == 0:
        return result
    usable_samples = [samples[k] for k in usable]
    replicates = _replicates(usable_samples, over, n_bootstrap, seed)
    tail = (1.0 - level) / 2.0
    for k, sample, drawn in zip(usable, usable_samples, replicates, strict=True):
        if isinstance(sample, Ratio) and np.isnan(drawn).mean() > tail / 2:
            continue  # the denominator is indistinguishable from 0, so there is no interval
        shares = np.array([tail, 1.0 - tail])
        if method == "bca" and over != "both":
            shares = _bca_shares(sample, drawn, over, shares)
        result[k] = np.nanquantile(drawn, shares)
    return result


def paired_test(difference: Score, over: Over = "images") -> tuple[float, float]:
    """Test whether the difference of two scores is 0.

    The difference is divided by its standard error over clusters, estimated from each cluster's
    first-order influence on it, and compared with Student's t distribution. For "both", the
    variance is the sum of those over images and over subjects minus that over cells (Cameron,
    Gelbach and Miller 2011).

    Parameters
    ----------
    difference
        Difference of two scores, from `Sample.minus`.
    over
        Which units are the clusters: "images", "subjects" or "both".

    Returns
    -------
    error : float
        Standard error of the difference; NaN with fewer than two clusters.
    p_value : float
        Two-sided p-value; NaN with fewer than two clusters.

    Raises
    ------
    InputError
        If `over` is invalid.

    References
    ----------
    Cameron, Gelbach and Miller (2011), Journal of Business & Economic Statistics 29, 238-249,
    doi:10.1198/jbes.2010.07136.
    """
    from scipy.special import stdtr

    check_choice("over", over, OVER)
    n = n_clusters(difference, over)
    if n < 2 or not np.isfinite(difference.value) or not np.isfinite(difference.sums).all():
        return np.nan, np.nan
    if over == "both":
        images = _variance(_influence(difference, "images"))
        subjects = _variance(_influence(difference, "subjects"))
        cells = _variance(_influence(difference, "cells"))
        variance = max(images + subjects - cells, images, subjects)
    else:
        variance = _variance(_influence(difference, over))
    error = float(np.sqrt(variance))
    value = difference.value
    if error < _ROUNDING:
        return 0.0, 1.0 if abs(value) < _ROUNDING else 0.0
    return error, float(2.0 * stdtr(n - 1, -abs(value) / error))


def holm(p_values: Array) -> Array:
    """Adjust p-values for their number (Holm 1979); NaN stays NaN and is not counted.

    Parameters
    ----------
    p_values
        Two-sided p-values of several tests, shape (n,).

    Returns
    -------
    adjusted : ndarray of float64, shape (n,)
        Adjusted p-values, in the order of `p_values`.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm(np.array([0.04, 0.01, np.nan]))
    array([0.04, 0.02,  nan])
    """
    adjusted = np.full(p_values.shape, np.nan)
    order = np.argsort(p_values)  # NaN last
    order = order[: int(np.sum(~np.isnan(p_values)))]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return adjusted


def indistinct_groups(different: NDArray[np.bool_]) -> list[str]:
    """Return the letters of groups of models that are not distinguishable.

    Parameters
    ----------
    different
        Whether two models differ significantly, symmetric, shape (n, n), in the order of their
        scores.

    Returns
    -------
    letters : list of str
        Letters of each model: two models share a letter if and only if they do not differ (a
        compact letter display, Piepho 2004).

    References
    ----------
    Piepho (2004), Journal of Computational and Graphical Statistics 13, 456-466,
    doi:10.1198/1061860043515.

    Examples
    --------
    >>> indistinct_groups(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], bool))
    ['a', 'ab', 'b']
    """
    n = different.shape[0]
    groups = [frozenset(range(n))]
    for a, b in zip(*np.nonzero(np.triu(different, 1)), strict=True):
        split = {part for g in groups for part in ((g - {a}, g - {b}) if {a, b} <= g else (g,))}
        groups = [g for g in split if not any(g < other for other in split)]
    groups.sort(key=sorted)
    return ["".join(_letter(k) for k, g in enumerate(groups) if i in g) for i in range(n)]


def _letter(k: int) -> str:
    """Return a, b, ... z, a1, b1, ..."""
    return chr(ord("a") + k % 26) + (str(k // 26) if k >= 26 else "")


def n_clusters(sample: Score, over: Over) -> int:
    """Count the images or subjects of a score; for "both", return the smaller number."""
    numbers = {
        "images": np.unique(sample.image).size,
        "subjects": np.unique(sample.subject).size,
    }
    return min(numbers.values()) if over == "both" else numbers[over]


# ---- resampling


def _replicates(scores: Sequence[Score], over: Over, n: int, seed: int) -> Array:
    """Return the scores of resampled data, shape (n_scores, n)."""
    result = np.empty((len(scores), n))
    rows_by_clusters: dict[tuple[bytes, bytes], list[int]] = {}
    for k, score in enumerate(scores):
        # an interval must not depend on scores that have other clusters
        clusters = np.unique(score.image).tobytes(), np.unique(score.subject).tobytes()
        rows_by_clusters.setdefault(clusters, []).append(k)
    for rows in rows_by_clusters.values():
        result[rows] = _replicates_of_same([scores[k] for k in rows], over, n, seed)
    return result


def _replicates_of_same(scores: Sequence[Score], over: Over, n: int, seed: int) -> Array:
    """Return the scores of resampled data for scores with the same images and subjects."""
    parts = {id(part): part for score in scores for part in _parts(score)}
    images, subjects = np.unique(scores[0].image), np.unique(scores[0].subject)
    tables = {key: _Table(part, images, subjects) for key, part in parts.items()}
    drawn = {key: np.empty(n) for key in parts}
    start = 0
    for image_weights, subject_weights in _weights(over, images.size, subjects.size, n, seed):
        stop = start + max(image_weights.shape[0], subject_weights.shape[0])
        for key, table in tables.items():
            drawn[key][start:stop] = table.values(image_weights, subject_weights)
        start = stop
    result = np.empty((len(scores), n))
    for k, score in enumerate(scores):
        above, *below = (drawn[id(part)] for part in _parts(score))
        result[k] = above
        if below:
            positive = below[0] > 0
            result[k] = np.divide(above, below[0], out=np.full(n, np.nan), where=positive)
    return result


def _parts(score: Score) -> tuple[Sample, ...]:
    return (score.numerator, score.denominator) if isinstance(score, Ratio) else (score,)


def _weights(
    over: Over, n_images: int, n_subjects: int, n: int, seed: int
) -> Iterator[tuple[Array, Array]]:
    """Yield how often each image and each subject is drawn, in blocks of rows, or a row of ones."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(OVER.index(over),)))
    block = max(1, _BLOCK // max(n_images, n_subjects))
    ones = np.ones((1, n_images)), np.ones((1, n_subjects))
    for start in range(0, n, block):
        size = min(block, n - start)
        yield (
            _drawn(rng, n_images, size) if over in ("images", "both") else ones[0],
            _drawn(rng, n_subjects, size) if over in ("subjects", "both") else ones[1],
        )


def _drawn(rng: np.random.Generator, n_clusters: int, size: int) -> Array:
    return rng.multinomial(n_clusters, np.full(n_clusters, 1.0 / n_clusters), size).astype(float)


class _Table:
    """A sample as sparse tables of sums and counts, images by subjects."""

    def __init__(self, sample: Sample, images: Rows, subjects: Rows) -> None:
        from scipy.sparse import csr_array

        place = np.searchsorted(images, sample.image), np.searchsorted(subjects, sample.subject)
        shape = images.size, subjects.size
        self._sums = csr_array((sample.sums, place), shape=shape)
        self._counts = csr_array((sample.counts, place), shape=shape)
        self._average = sample.average

    def values(self, image_weights: Array, subject_weights: Array) -> Array:
        """Return one score per row of weights of images and subjects; NaN without data."""
        with np.errstate(invalid="ignore"):
            if self._average == "image":
                return _weighted_mean_of_ratios(
                    image_weights,
                    (self._sums @ subject_weights.T).T,
                    (self._counts @ subject_weights.T).T,
                )
            sums, counts = image_weights @ self._sums, image_weights @ self._counts
            if self._average == "subject":
                return _weighted_mean_of_ratios(subject_weights, sums, counts)
            weighted = (subject_weights * sums).sum(1) / (subject_weights * counts).sum(1)
            return np.asarray(weighted)


def _weighted_mean_of_ratios(weights: Array, sums: Array, counts: Array) -> Array:
    observed = counts > 0
    ratios = np.divide(sums, counts, out=np.zeros(np.shape(sums)), where=observed)
    return np.asarray((weights * ratios).sum(1) / (weights * observed).sum(1))


# ---- influence of each cluster


def _influence(sample: Score, level: Level) -> Array:
    """Return the first-order influence of each image, subject or cell on the score."""
    if isinstance(sample, Ratio):
        above, below = _influence(sample.numerator, level), _influence(sample.denominator, level)
        return (above - sample.value * below) / sample.denominator.value
    value = sample.value
    if sample.average == "fixation":
        by_cell = (sample.sums - value * sample.counts) / sample.counts.sum()
        return by_cell if level == "cells" else _by_level(by_cell, sample, level)
    groups = sample.image if sample.average == "image" else sample.subject
    sums, counts = sample.by(groups)
    observed = counts > 0
    means = np.divide(sums, counts, out=np.zeros(sums.shape), where=observed)
    if level == ("images" if sample.average == "image" else "subjects"):
        return (means[observed] - value) / observed.sum()
    by_cell = (sample.sums - means[groups] * sample.counts) / counts[groups] / observed.sum()
    return by_cell if level == "cells" else _by_level(by_cell, sample, level)


def _by_level(by_cell: Array, sample: Sample, level: Level) -> Array:
    groups = sample.image if level == "images" else sample.subject
    present = np.bincount(groups) > 0
    return np.asarray(np.bincount(groups, weights=by_cell)[present], np.float64)


def _variance(influence: Array) -> float:
    n = influence.size
    return float(np.sum((influence - influence.mean()) ** 2) * n / (n - 1))


def _bca_shares(
    sample: Score, drawn: Array, over: Literal["images", "subjects"], shares: Array
) -> Array:
    """Return the quantiles of the resamples that bound the BCa interval."""
    from scipy.special import ndtr, ndtri

    finite = drawn[~np.isnan(drawn)]
    below = np.mean(finite < sample.value) + 0.5 * np.mean(finite == sample.value)
    if not 0 < below < 1:
        return shares
    bias = ndtri(below)
    influence = _influence(sample, over)
    spread = float(np.sum(influence**2))
    acceleration = 0.0 if spread == 0 else float(np.sum(influence**3)) / (6 * spread**1.5)
    z = bias + ndtri(shares)
    return np.asarray(ndtr(bias + z / (1 - acceleration * z)))
