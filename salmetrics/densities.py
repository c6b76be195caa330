"""What can be done with densities besides scoring them: draw, cut, quantise, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.errors import InputError, is_whole
from salmetrics.io.files import replacing
from salmetrics.metrics.inputs import as_log_density

__all__ = [
    "contour_levels",
    "draw_fixations",
    "draw_pixels",
    "jensen_shannon",
    "quantise",
    "save_quantised",
]

Array = NDArray[np.float64]


def draw_fixations(log_density: Array, n: int, stream: np.random.Generator) -> tuple[Array, Array]:
    """Draw fixations from a density.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w).
    n
        How many.
    stream
        Where randomness comes from.

    Returns
    -------
    x, y: in pixels, shape (n,), anywhere in their pixel.
    """
    pixels = draw_pixels(np.exp(log_density, dtype=np.float64), n, stream)
    ys, xs = np.divmod(pixels, log_density.shape[1])
    return xs + stream.random(n), ys + stream.random(n)


def draw_pixels(density: Array, n: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """Draw pixels from a density of shape (h, w), any positive sum; flat indices, shape (n,)."""
    cumulative = np.cumsum(density.reshape(-1))
    shares = stream.random(n) * cumulative[-1]
    drawn = np.searchsorted(cumulative, shares, side="right")
    return np.minimum(drawn, cumulative.size - 1)


def contour_levels(log_density: ArrayLike, masses: Sequence[float] = (0.25, 0.5, 0.75)) -> Array:
    """Return the log densities whose contours enclose given masses.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w), logsumexp 0.
    masses
        Each over 0 and below 1: the pixels above the level are the fewest that have this mass.

    Returns
    -------
    One level for each mass, in their order.

    Examples
    --------
    >>> log_density = np.log([[0.5, 0.3], [0.15, 0.05]])
    >>> np.exp(contour_levels(log_density, [0.5, 0.6])).round(2)
    array([0.5, 0.3])
    """
    wanted = np.asarray(masses, dtype=float)
    if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
        raise InputError(f"masses must be between 0 and 1, such as (0.25, 0.5); got {masses!r}")
    values = as_log_density(log_density).values.reshape(-1).astype(np.float64)
    ordered = np.sort(values)[::-1]
    inside = np.cumsum(np.exp(ordered))
    rounding = 1e-12  # 0.2 + 0.3 may miss 0.5
    places = np.searchsorted(inside, wanted * inside[-1] - rounding)
    return np.asarray(ordered[np.minimum(places, ordered.size - 1)])


def quantise(log_density: ArrayLike, n_levels: int = 256) -> NDArray[np.uint8]:
    """Return the ranks of the pixels in levels that each get the same number of pixels.

    As DeepGaze II was submitted to the MIT benchmark: metrics that depend on the order of pixels
    alone lose little, whatever the density's range.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w), logsumexp 0.
    n_levels
        From 2 to 256.

    Returns
    -------
    uint8 of shape (h, w), from 0 to n_levels - 1. Equal pixels get one level, the lower middle of
    those that they span, so levels get the same number only where there are no ties.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, section 3.2, doi:10.1109/ICCV.2017.513.
    """
    if not is_whole(n_levels) or not 2 <= n_levels <= 256:
        raise InputError(f"n_levels must be from 2 to 256; got {n_levels!r}")
    checked = as_log_density(log_density)
    _, which, counts = np.unique(
        checked.values.reshape(-1), return_inverse=True, return_counts=True
    )
    middles = np.cumsum(counts) - counts + (counts - 1) // 2
    levels = middles * n_levels // checked.flat.size
    return np.asarray(levels[which].reshape(checked.shape), dtype=np.uint8)


def save_quantised(log_density: ArrayLike, path: str | Path) -> None:
    """Write `quantise` of a density as a grey PNG or JPEG, for benchmarks that take images.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w), logsumexp 0.
    path
        Ends in .png, or .jpg, which loses a little.
    """
    from PIL import Image

    target = Path(path)
    form = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(target.suffix.lower())
    if form is None:
        raise InputError(f"path must end in .png or .jpg; got {str(path)!r}")
    picture = Image.fromarray(quantise(log_density))
    with replacing(target) as temporary:
        picture.save(temporary, form, **({"quality": 95} if form == "JPEG" else {}))


def jensen_shannon(
    log_densities: Sequence[ArrayLike], weights: Sequence[float] | None = None
) -> float:
    """Return the Jensen-Shannon divergence of densities of one image, bits.

    H(sum_k w_k p_k) - sum_k w_k H(p_k): 0 if all are equal, at most log2 of their number.

    Parameters
    ----------
    log_densities
        Natural logs, each of shape (h, w), logsumexp 0.
    weights
        One a density, at least 0, sum 1; equal by default.

    References
    ----------
    Lin (1991), IEEE Transactions on Information Theory 37, 145-151, doi:10.1109/18.61115.
    """
    logs = [as_log_density(each).values.astype(np.float64) for each in log_densities]
    if not logs or any(log.shape != logs[0].shape for log in logs):
        raise InputError("log_densities must be at least one, all of one shape")
    shares = np.full(len(logs), 1 / len(logs)) if weights is None else np.asarray(weights, float)
    if shares.shape != (len(logs),) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(
            f"weights must be {len(logs)} numbers >= 0 that add up to 1; got {weights!r}"
        )
    densities = [np.exp(log) for log in logs]
    mixture = sum(share * density for share, density in zip(shares, densities, strict=True))
    divergence = 0.0
    for share, density, log in zip(shares, densities, logs, strict=True):
        there = (density > 0) & (share > 0)
        divergence += share * np.sum(density[there] * (log[there] - np.log(mixture[there])))
    return float(max(divergence, 0.0) / np.log(2))
