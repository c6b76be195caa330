"""Piecewise-linear energies against np.interp, their derivatives against differences."""

import numpy as np
import pytest

from salmetrics.kernels import log_linear

VALUES = np.array([0.0, 1.0, 1.5, 4.0])
RADIAL = np.array([0.0, -0.3, 0.4, -2.0, -2.5])
ASPECT = 0.6
EPS = np.finfo(np.float64).eps
STEP = 1e-6  # of the differences


@pytest.fixture
def pixels(rng):
    places = np.concatenate([rng.random(20) * 3, [0.0, 3.0, 1.0]])
    ys = np.concatenate([rng.uniform(-1, 1, 20), [0.0, 1.0, -1.0]])
    xs = np.concatenate([rng.uniform(-1, 1, 20), [0.0, 1.0, 1.0]])
    return places, ys, xs


def expected(places, ys, xs, values, radial, aspect):
    far = np.sqrt(xs**2 / aspect**2 + ys**2 / (1 - aspect**2))
    far /= np.sqrt(1 / aspect**2 + 1 / (1 - aspect**2))
    along = np.linspace(0, 1, radial.size)
    return np.interp(places, np.arange(values.size), values) + np.interp(far, along, radial)


def test_energies(pixels, mode):
    found = log_linear.energies(*pixels, VALUES, RADIAL, ASPECT)
    # places among up to five knots are rounded, and slopes between knots are up to 2.5
    atol = 40 * EPS * 2.5
    wanted = expected(*pixels, VALUES, RADIAL, ASPECT)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)


def test_moments(pixels, rng, mode):
    curves = np.concatenate([VALUES, RADIAL, [ASPECT]])
    derivatives = []
    for k, step in enumerate(STEP * np.eye(curves.size)):
        up, down = (expected(*pixels, c[:4], c[4:9], c[9]) for c in (curves + step, curves - step))
        derivatives.append((up - down) / (2 * STEP))
        if k < 9:  # linear in these, but for the knots themselves
            assert np.abs(derivatives[-1]).max() <= 1 + 1e-8
    derivatives = np.array(derivatives)
    weights = rng.random(derivatives.shape[1])
    weights[[20, 21, 22]] = 0  # at a knot of the aspect the derivative has two sides
    first, second = log_linear.moments(*pixels, VALUES, RADIAL, ASPECT, weights)
    # the energies, up to 6.5, are rounded, which the differences divide by the step; what they
    # neglect, of order STEP**2, is smaller
    error = weights.sum() * 8 * EPS * 6.5 / STEP
    np.testing.assert_allclose(first, derivatives @ weights, rtol=0, atol=error)
    products = (derivatives * weights) @ derivatives.T
    error *= 2 * np.abs(derivatives).max()
    np.testing.assert_allclose(second, products, rtol=0, atol=error)
