"""A density whose log is a piecewise-linear function of a map's value plus one of eccentricity."""

import math

import numpy as np

from salmetrics.array_types import Array
from salmetrics.kernels.jit import kernel

__all__ = ["energies", "moments"]


def energies(
    places: Array, ys: Array, xs: Array, values: Array, radial: Array, aspect: float
) -> Array:
    """Compute the unnormalised log density at some pixels: f(value) + g(eccentricity).

    Parameters
    ----------
    places
        Position of each pixel's value among the knots of f, from 0 to k - 1, shape (n,).
    ys, xs
        Position of each pixel from -1 to 1, shape (n,).
    values
        The function f of the map's value at its knots, shape (k,).
    radial
        The function g of eccentricity at its knots, shape (m,), equally spaced from the middle of
        the image to its corners.
    aspect
        Relative width a of the ellipses of equal eccentricity
        sqrt((x / a)^2 + y^2 / (1 - a^2)), between 0 and 1.

    Returns
    -------
    energies : ndarray of float64, shape (n,)
        Unnormalised log density in nats.
    """
    result = np.empty(places.size)
    _fill_energies(places, ys, xs, values, radial, aspect, result)
    return result


def moments(
    places: Array,
    ys: Array,
    xs: Array,
    values: Array,
    radial: Array,
    aspect: float,
    weights: Array,
) -> tuple[Array, Array]:
    """Compute weighted sums of the derivatives of `energies`, and of their products.

    The derivatives are with respect to all of `values`, all of `radial` and `aspect`: k + m + 1
    numbers per pixel, at most five of which are not 0.

    Parameters
    ----------
    places, ys, xs, values, radial, aspect
        See `energies`.
    weights
        Weight of each pixel, shape (n,).

    Returns
    -------
    first : ndarray of float64, shape (k + m + 1,)
        Weighted sum of the derivatives.
    second : ndarray of float64, shape (k + m + 1, k + m + 1)
        Weighted sum of the products of all pairs of derivatives.
    """
    size = values.size + radial.size + 1
    first, second = np.zeros(size), np.zeros((size, size))
    _add_moments(places, ys, xs, values.size, radial, aspect, weights, first, second)
    return first, second + np.triu(second, 1).T


@kernel()
def _fill_energies(places, ys, xs, values, radial, aspect, result):  # type: ignore[no-untyped-def]
    """Set result to f(place) + g(r), both piecewise linear, with r = sqrt((x/a)^2 + y^2/(1-a^2)).

    r is scaled so that it is 0 in the middle of the image and the last knot of g in its corners.
    """
    along_x = 1.0 / (aspect * aspect)
    along_y = 1.0 / (1.0 - aspect * aspect)
    scale = (radial.size - 1) / math.sqrt(along_x + along_y)
    for i in range(places.size):
        k = min(int(places[i]), values.size - 2)
        share = places[i] - k
        r = math.sqrt(xs[i] * xs[i] * along_x + ys[i] * ys[i] * along_y) * scale
        m = min(int(r), radial.size - 2)
        part = r - m
        result[i] = (
            values[k]
            + share * (values[k + 1] - values[k])
            + radial[m]
            + part * (radial[m + 1] - radial[m])
        )


@kernel()
def _add_moments(  # type: ignore[no-untyped-def]
    places, ys, xs, n_values, radial, aspect, weights, first, second
):
    """Add weighted derivatives to `first`, their products to the upper triangle of `second`."""
    along_x = 1.0 / (aspect * aspect)
    along_y = 1.0 / (1.0 - aspect * aspect)
    both = along_x + along_y
    scale = (radial.size - 1) / math.sqrt(both)
    change_x = -2.0 / (aspect * aspect * aspect)
    change_y = 2.0 * aspect * along_y * along_y
    change_both = (change_x + change_y) / both
    index = np.empty(5, np.int64)
    slope = np.empty(5)
    index[4] = first.size - 1
    for i in range(places.size):
        k = min(int(places[i]), n_values - 2)
        share = places[i] - k
        square = xs[i] * xs[i] * along_x + ys[i] * ys[i] * along_y
        r = math.sqrt(square) * scale
        m = min(int(r), radial.size - 2)
        part = r - m
        index[0] = k
        slope[0] = 1.0 - share
        index[1] = k + 1
        slope[1] = share
        index[2] = n_values + m
        slope[2] = 1.0 - part
        index[3] = n_values + m + 1
        slope[3] = part
        slope[4] = 0.0
        if square > 0.0:
            change = (xs[i] * xs[i] * change_x + ys[i] * ys[i] * change_y) / square
            slope[4] = (radial[m + 1] - radial[m]) * 0.5 * r * (change - change_both)
        for a in range(5):
            weighted = weights[i] * slope[a]
            first[index[a]] += weighted
            for b in range(a, 5):
                second[index[a], index[b]] += weighted * slope[b]
