"""Plausibility of the width by which fixations are blurred, against the sizes of the images."""

from __future__ import annotations

from salmetrics.array_types import AnyArray
from salmetrics.data.checks.findings import Finding, Level
from salmetrics.data.stimuli import Stimuli
from salmetrics.protocols import DEFAULT, PROTOCOLS, Protocol

__all__ = ["width_findings"]

_SMALL = 64  # pixels: images up to this size are made up, and may be blurred by any width
_WIDEST = 0.25  # of the shorter side
_NARROWEST = 0.5  # pixels


def width_findings(stimuli: Stimuli, protocol: Protocol = DEFAULT) -> list[Finding]:
    """Return what is odd about the standard deviation of a blur; nothing if it is plausible.

    Parameters
    ----------
    stimuli
        What was shown; `sigma` or `pixels_per_degree` may give the width.
    protocol
        All choices of an evaluation; widths that it publishes are not judged.

    Returns
    -------
    findings : list of Finding
        At most one; an error if the blur is wider than every image, so that nothing is left to
        compare with.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(600, 800)])
    >>> width_findings(stimuli.with_scale(sigma=24))
    []
    >>> [finding.level for finding in width_findings(stimuli.with_scale(sigma=2400))]
    ['error']
    """
    published = PROTOCOLS.get(protocol.name)
    is_published = published is not None and protocol.sigma == published.sigma
    if protocol.cycles is not None or (protocol.sigma is not None and is_published):
        return []
    widths = (protocol.sigma, stimuli.sigma, stimuli.pixels_per_degree)
    width = next((each for each in widths if each is not None), None)
    found = None if width is None else _odd(width, stimuli.sizes)
    return [] if found is None else [Finding(found[0], "width", found[1])]


def _odd(sigma: float, sizes: AnyArray) -> tuple[Level, str] | None:
    judged = sizes[sizes.min(axis=1) > _SMALL]
    if not len(judged):
        return None
    if sigma < _NARROWEST:
        return "warning", (
            f"a blur of sigma {sigma:g} is below half a pixel, so that fixations are hardly "
            "blurred: check sigma= and pixels_per_degree=, which are in pixels"
        )
    if sigma >= judged.max():
        return "error", (
            f"a blur of sigma {sigma:g} pixels is wider than every image, the longest side being "
            f"{judged.max()} pixels: check sigma= and pixels_per_degree="
        )
    wide = sigma > _WIDEST * judged.min(axis=1)
    if 2 * wide.sum() < len(judged):
        return None
    height, width = judged[wide][0]
    return "warning", (
        f"a blur of sigma {sigma:g} pixels is wider than a quarter of the shorter side of "
        f"{wide.sum()} of {len(judged)} images, such as one of {width}x{height} pixels: check "
        "sigma= and pixels_per_degree="
    )
