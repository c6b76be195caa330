"""Empirical maps: the blurred fixations that CC, KLDiv and SIM compare models with."""

from __future__ import annotations

from typing import Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.checked_map import pixel_indices
from salmetrics.data.checks.blur_width import width_findings
from salmetrics.data.checks.findings import act_on
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.errors import InputError, is_number
from salmetrics.fingerprint import Aside
from salmetrics.models.base import SaliencyMapModel
from salmetrics.protocols import Protocol, get_protocol

__all__ = ["EmpiricalMaps", "empirical_map"]


class EmpiricalMaps(SaliencyMapModel):
    """The ground truth of CC, KLDiv, SIM and EMD as a model: each image's own fixations, blurred.

    The maps are those that scores under the protocol use, bit for bit. As a model it is the
    ceiling that no prediction reaches; with `salmetrics.export_predictions` it writes ground truth
    for other tools, and as ``empirical=`` it replaces itself.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Name of a protocol or a `salmetrics.Protocol`, which says how fixations are blurred.
    sigma
        Standard deviation of the Gaussian in pixels; by default that of the protocol, else of the
        stimuli, else one degree.
    sigma_degrees
        Standard deviation in degrees of visual angle, in place of `sigma`; the stimuli must have
        `pixels_per_degree`.

    Attributes
    ----------
    smoothing
        The blur.

    Raises
    ------
    InputError
        If the width of the blur is not known or given twice, or wider than every image.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40)], pixels_per_degree=2)
    >>> fixations = Fixations.from_arrays([20.5, 22.5], [15.5, 14.5], [0, 0])
    >>> maps = EmpiricalMaps(stimuli, fixations, sigma_degrees=1)
    >>> maps.smoothing.sigma
    2.0
    >>> from salmetrics import cc
    >>> cc(maps, stimuli, fixations, sigma=2)
    1.0
    """

    name = "ground-truth"

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        protocol: str | Protocol = "default",
        sigma: float | None = None,
        sigma_degrees: float | None = None,
    ) -> None:
        fixations.check_against(stimuli)
        choices = get_protocol(protocol)
        if sigma is not None and sigma_degrees is not None:
            raise InputError(
                f"give sigma= or sigma_degrees=, not both; got {sigma!r} and {sigma_degrees!r}"
            )
        if sigma_degrees is not None:
            sigma = _pixels(sigma_degrees, stimuli.pixels_per_degree)
        if sigma is not None:
            choices = choices.override(sigma=sigma, cycles=None)
        self.protocol = choices
        self.smoothing: Smoothing = smoothing_of(choices, stimuli.sigma, stimuli.pixels_per_degree)
        findings = width_findings(stimuli, choices)
        act_on(findings)
        self.notes = tuple(finding.message for finding in findings)
        self._fixations = fixations
        self._index = {name: i for i, name in enumerate(stimuli.ids)}

    notes: Aside[tuple[str, ...]] = Aside((), "What is odd about the width of the blur.")

    @property
    def parameters(self) -> dict[str, Any]:
        """How fixations are blurred."""
        smoothing = self.smoothing
        return {
            "sigma": smoothing.sigma,
            "cycles": smoothing.cycles,
            "boundary": smoothing.boundary,
            "truncate": smoothing.truncate,
            "binary": self.protocol.binary,
            "protocol": self.protocol.name,
        }

    def saliency_map(self, stimulus: Stimulus) -> Array:
        """Return the blurred fixations on one of the images.

        Parameters
        ----------
        stimulus
            One of the images this was made from.

        Returns
        -------
        saliency_map : ndarray of shape (h, w)
            Float64; without blur beyond the border, the sum is the number of fixations.

        Raises
        ------
        InputError
            If the image is not known, or nobody looked at it.
        """
        if stimulus.id not in self._index:
            raise InputError(
                f"there are no fixations for image {stimulus.id!r}, which is not known"
            )
        rows = self._fixations.rows_of_image(self._index[stimulus.id])
        if rows.size == 0:
            raise InputError(f"image {stimulus.id!r} has no fixations, so no ground truth")
        height, width = stimulus.size
        size = (int(height), int(width))
        pixels = pixel_indices(self._fixations.x[rows], self._fixations.y[rows], size)
        return self.smoothing.fixation_map(size, pixels, binary=self.protocol.binary)


def empirical_map(
    stimuli: Stimuli,
    fixations: Fixations,
    image: int | str,
    *,
    protocol: str | Protocol = "default",
    sigma: float | None = None,
    sigma_degrees: float | None = None,
) -> Array:
    """Blur the fixations on one image: the map that CC, KLDiv and SIM compare models with.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    image
        Index or id of the image.
    protocol, sigma, sigma_degrees
        How fixations are blurred; see `salmetrics.EmpiricalMaps`.

    Returns
    -------
    saliency_map : ndarray of shape (h, w)
        Float64; without blur beyond the border, the sum is the number of fixations.

    Raises
    ------
    InputError
        If the width of the blur is not known, there is no such image, or it has no fixations.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = Fixations.from_arrays([20.5, 22.5, 19], [15.5, 14.5, 16], [0, 0, 1])
    >>> blurred = empirical_map(stimuli, fixations, 0, sigma=2)
    >>> blurred.shape, float(blurred.sum().round(6))
    ((30, 40), 2.0)
    """
    maps = EmpiricalMaps(
        stimuli, fixations, protocol=protocol, sigma=sigma, sigma_degrees=sigma_degrees
    )
    if isinstance(image, str):
        if image not in stimuli.ids:
            raise InputError(f"there is no image {image!r}; ids look like {stimuli.ids[0]!r}")
        image = stimuli.ids.index(image)
    if not -len(stimuli) <= image < len(stimuli):
        raise InputError(f"image {image} is out of range for {len(stimuli)} images")
    return maps.saliency_map(stimuli[image])


def _pixels(degrees: float, pixels_per_degree: float | None) -> float:
    if not is_number(degrees) or not (np.isfinite(degrees) and degrees > 0):
        raise InputError(f"sigma_degrees must be a positive number; got {degrees!r}")
    if pixels_per_degree is None:
        raise InputError(
            "sigma_degrees= needs pixels_per_degree= of the stimuli; or give sigma= in pixels"
        )
    return degrees * pixels_per_degree
