"""Models that depend neither on the image nor on data: uniform, and a central Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel

__all__ = ["GaussianCentreBias", "Uniform"]


class Uniform(DensityModel):
    """A density model with the same probability for every pixel.

    Examples
    --------
    >>> from salmetrics import Stimuli
    >>> stimulus = Stimuli.from_sizes([(2, 4)])[0]
    >>> float(np.exp(Uniform().log_density(stimulus))[0, 0])
    0.125
    """

    name = "uniform"

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return -log(h w) for every pixel.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.
        """
        height, width = stimulus.size
        return np.full((height, width), -np.log(height * width))


class GaussianCentreBias(DensityModel):
    """A Gaussian around the centre of the image, with given widths.

    Parameters
    ----------
    sigma
        Standard deviation as a share of the image's height (along y) and width (along x).

    Raises
    ------
    InputError
        If `sigma` is not a positive number.

    Examples
    --------
    >>> from salmetrics import Stimuli
    >>> stimulus = Stimuli.from_sizes([(3, 3)])[0]
    >>> float(np.exp(GaussianCentreBias().log_density(stimulus)).sum())
    1.0
    """

    name = "gaussian-centre-bias"

    def __init__(self, sigma: float = 0.25) -> None:
        if not (np.isfinite(sigma) and sigma > 0):
            raise InputError(f"sigma must be a positive share of the image's size; got {sigma!r}")
        self.sigma = float(sigma)

    @property
    def parameters(self) -> dict[str, Any]:
        """The standard deviation `sigma`."""
        return {"sigma": self.sigma}

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log of the Gaussian at pixel centres, normalised over the image.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.
        """
        along_y, along_x = (self._line(length) for length in stimulus.size)
        return np.add.outer(along_y, along_x)

    def _line(self, length: int) -> Array:
        """Return the log of a Gaussian at the pixel centres of a line, normalised over the line."""
        z = (np.arange(length) - (length - 1) / 2) / (self.sigma * length)
        line = -0.5 * z**2
        return np.asarray(line - np.log(np.exp(line).sum()))
