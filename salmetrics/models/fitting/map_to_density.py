"""The transformation of a saliency map into a density: blur, nonlinearity and centre bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.densities.smoothing import Smoothing
from salmetrics.kernels import log_linear

__all__ = ["ISOTROPIC", "MapToDensity", "blurred", "places_among", "relative_centres"]

ISOTROPIC = float(np.sqrt(0.5))  # aspect of ellipses in proportion with the image


@dataclass(frozen=True)
class MapToDensity:
    """How a saliency map becomes a density.

    log p = f(blurred map) + c(eccentricity) - log of the sum over pixels

    Attributes
    ----------
    blur : float
        Standard deviation of the Gaussian blur in pixels; 0 for none.
    knots, values : ndarray of shape (k,)
        The nonlinearity f: monotone, linear between knots, flat outside; values in nats.
    radial : ndarray of shape (m,)
        The centre bias c in nats, at equal steps from the centre of the image to its corners.
    aspect : float
        Relative width of the ellipses of equal eccentricity: sqrt(1/2) in proportion with the
        image, higher is wider.
    log_likelihood : float
        Mean log likelihood of the fixations it was fitted to, in bits per fixation.
    grid_error : float
        Error of `log_likelihood` that comes from computing normalisers on a grid of pixels, in
        bits per fixation.
    """

    blur: float
    knots: Array
    values: Array
    radial: Array
    aspect: float
    log_likelihood: float = np.nan
    grid_error: float = np.nan

    def log_density(self, saliency_map: AnyArray) -> Array:
        """Return the log density of a saliency map; both of shape (h, w)."""
        height, width = saliency_map.shape
        places = places_among(self.knots, blurred(saliency_map, self.blur).reshape(-1))
        ys, xs = np.meshgrid(relative_centres(height), relative_centres(width), indexing="ij")
        energy = log_linear.energies(
            places, ys.reshape(-1), xs.reshape(-1), self.values, self.radial, self.aspect
        )
        highest = energy.max()
        energy -= highest + np.log(np.exp(energy - highest).sum())
        return energy.reshape(height, width)


def blurred(saliency_map: AnyArray, blur: float) -> AnyArray:
    """Blur a map with a Gaussian of standard deviation `blur` pixels; 0 returns it as it is."""
    if blur == 0:
        return saliency_map
    return Smoothing(sigma=blur, boundary="reflect").dense(saliency_map)


def places_among(knots: Array, values: AnyArray) -> Array:
    """Return the fractional indices of values among knots, from 0 to the number of knots - 1."""
    return np.interp(values, knots, np.arange(knots.size))


def relative_centres(length: int) -> Array:
    """Return the pixel centres of a line that runs from -1 to 1."""
    return (2 * np.arange(length) + 1) / length - 1
