"""Map to density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.densities.smoothing import Smoothing
from salmetrics.kernels import log_linear

_ISOTROPIC = float(np.sqrt(0.5))


Array = NDArray[np.float64]


Rows = NDArray[np.int64]


@dataclass(frozen=True)
class MapToDensity:
    """How a saliency map becomes a density.

    log p = f(blurred map) + c(eccentricity) - log of the sum over pixels

    Attributes
    ----------
    blur
        Standard deviation of the Gaussian in pixels; 0 for none.
    knots, values
        The nonlinearity f: monotone, linear between knots, flat outside; values in nats.
    radial
        The centre bias c in nats at equal steps from the middle of the image to its corners.
    aspect
        Relative width of the ellipses of equal eccentricity; sqrt(1/2) in proportion with the
        image, higher is wider.
    log_likelihood
        Of the fixations it was fitted to, bits per fixation.
    grid_error
        How far off that is because normalisers come from a grid of pixels, bits per fixation.
    """

    blur: float
    knots: Array
    values: Array
    radial: Array
    aspect: float
    log_likelihood: float = np.nan
    grid_error: float = np.nan

    def log_density(self, saliency_map: NDArray[Any]) -> Array:
        """Apply it to a map of shape (h, w)."""
        height, width = saliency_map.shape
        places = _places(_blurred(saliency_map, self.blur).reshape(-1), self.knots)
        ys, xs = np.meshgrid(_relative(height), _relative(width), indexing="ij")
        energy = log_linear.energies(
            places, ys.reshape(-1), xs.reshape(-1), self.values, self.radial, self.aspect
        )
        highest = energy.max()
        energy -= highest + np.log(np.exp(energy - highest).sum())
        return energy.reshape(height, width)


def _blurred(saliency_map: NDArray[Any], blur: float) -> NDArray[Any]:
    if blur == 0:
        return saliency_map
    return Smoothing(sigma=blur, boundary="reflect").dense(saliency_map)


def _places(values: NDArray[Any], knots: Array) -> Array:
    """Where values lie among the knots, from 0 to the number of knots less 1."""
    return np.interp(values, knots, np.arange(knots.size))


def _relative(length: int) -> Array:
    """Pixel centres of a line, from -1 to 1."""
    return (2 * np.arange(length) + 1) / length - 1
