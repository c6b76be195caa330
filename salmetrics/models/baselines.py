"""Models that look neither at the image nor at the data: uniform, and a Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel

__all__ = ["GaussianCentreBias", "Uniform"]


class Uniform(DensityModel):
    """The same probability for every pixel.

    Examples
    --------
    >>> from salmetrics import Stimuli
    >>> stimulus = Stimuli.from_sizes([(2, 4)])[0]
    >>> float(np.exp(Uniform().log_density(stimulus))[0, 0])
    0.125
    """

    name = "uniform"

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return -log(h * w) everywhere, shape (h, w)."""
        height, width = stimulus.size
        return np.full((height, width), -np.log(height * width))


class GaussianCentreBias(DensityModel):
    """A Gaussian around the middle of the image, with given widths.

    Parameters
    ----------
    sigma
        Standard deviation as a share of the image's height and width.

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
        """Sigma."""
        return {"sigma": self.sigma}

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return the log of the Gaussian at pixel centres, normalised over the image."""
        along_y, along_x = (self._line(length) for length in stimulus.size)
        return np.add.outer(along_y, along_x)

    def _line(self, length: int) -> NDArray[np.float64]:
        z = (np.arange(length) - (length - 1) / 2) / (self.sigma * length)
        line = -0.5 * z**2
        return np.asarray(line - np.log(np.exp(line).sum()))
