"""Plausibility of the width by which fixations are blurred, against the sizes of the images."""

from __future__ import annotations

from salmetrics.array_types import AnyArray
from salmetrics.protocols import PROTOCOLS, Protocol

__all__ = ["odd_width"]

_SMALL = 64  # pixels: images up to this size are made up, and may be blurred by any width
_WIDEST = 0.25  # of the shorter side
_NARROWEST = 0.5  # pixels


def odd_width(
    protocol: Protocol, sigma: float | None, pixels_per_degree: float | None, sizes: AnyArray
) -> tuple[bool, str] | None:
    """Return what is odd about the standard deviation of a blur; None if it is plausible.

    Parameters
    ----------
    protocol
        All choices of an evaluation; widths that it publishes are not judged.
    sigma, pixels_per_degree
        Width of the blur and size of a degree of the data set, in pixels; None if unknown.
    sizes
        (height, width) of each image, shape (n, 2).

    Returns
    -------
    wrong : bool
        Whether the blur is wider than every image, so that nothing is left to compare with.
    text : str
        What is odd, and what to check.

    Examples
    --------
    >>> import numpy as np
    >>> from salmetrics.protocols import DEFAULT
    >>> odd_width(DEFAULT, 24, None, np.array([(600, 800)]))
    >>> wrong, text = odd_width(DEFAULT, 2400, None, np.array([(600, 800)]))
    >>> wrong
    True
    """
    published = PROTOCOLS.get(protocol.name)
    is_published = published is not None and protocol.sigma == published.sigma
    if protocol.cycles is not None or (protocol.sigma is not None and is_published):
        return None
    widths = (protocol.sigma, sigma, pixels_per_degree)
    width = next((each for each in widths if each is not None), None)
    return None if width is None else _odd(width, sizes)


def _odd(sigma: float, sizes: AnyArray) -> tuple[bool, str] | None:
    judged = sizes[sizes.min(axis=1) > _SMALL]
    if not len(judged):
        return None
    if sigma < _NARROWEST:
        return False, (
            f"a blur of sigma {sigma:g} is below half a pixel, so that fixations are hardly "
            "blurred: check sigma= and pixels_per_degree=, which are in pixels"
        )
    if sigma >= judged.max():
        return True, (
            f"a blur of sigma {sigma:g} pixels is wider than every image, the longest side being "
            f"{judged.max()} pixels: check sigma= and pixels_per_degree="
        )
    wide = sigma > _WIDEST * judged.min(axis=1)
    if 2 * wide.sum() < len(judged):
        return None
    height, width = judged[wide][0]
    return False, (
        f"a blur of sigma {sigma:g} pixels is wider than a quarter of the shorter side of "
        f"{wide.sum()} of {len(judged)} images, such as one of {width}x{height} pixels: check "
        "sigma= and pixels_per_degree="
    )
