"""Features made by hand, against loops over pixels."""

import math

import numpy as np
import pytest
import torch

from salmetrics_models.backbones.handmade import HandMadeFeatures
from tests.salmetrics_models.rounding import EPS32

LEAST = math.log(1e-3)  # what a feature of nothing is
GABOR, COLOUR, CONTRAST = slice(0, 16), slice(16, 28), slice(28, 32)


@pytest.fixture(scope="module")
def network():
    return HandMadeFeatures().double()


def features(network, image):
    """Features of an image of shape (h, w, 3), shape (32, h / 8, w / 8)."""
    return network(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))[0].numpy()


def window_means(values):
    """Mean over 5 x 5 pixels, edges repeated."""
    padded = np.pad(values, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    return windows.mean((2, 3))


def halved(image):
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).mean((1, 3))


def pooled(values, level):
    step = 8 // 2**level
    height, width = values.shape[0] // step, values.shape[1] // step
    cells = values[: height * step, : width * step].reshape(height, step, width, step)
    return np.log(cells.mean((1, 3)) + 1e-3)


def test_no_parameter_is_trained(network):
    assert not list(network.parameters())
    assert HandMadeFeatures.channels == 32
    assert network(torch.zeros(2, 3, 50, 71, dtype=torch.float64)).shape == (2, 32, 6, 8)


def test_a_constant_image_has_no_features(network):
    found = np.exp(features(network, np.full((48, 64, 3), 1.3))) - 1e-3
    # the filters add up to 0 in float32, where their absolute values add up to 1
    assert np.abs(found[GABOR]).max() <= 2 * 1.3 * EPS32
    # a window's mean of one number differs from it in the last digits of float64
    assert np.abs(found[16:]).max() <= 1e-14


def test_colour_and_contrast(network, rng):
    image = rng.normal(size=(64, 80, 3))
    found = features(network, image)
    red, green, blue = np.moveaxis(image, 2, 0)
    level = np.stack([image.mean(2), (red - green) / 2, (blue - (red + green) / 2) / 2], axis=2)
    for n in range(4):
        surround = np.stack([window_means(level[..., k]) for k in range(3)], axis=2)
        for k in range(3):
            expected = pooled(np.abs(level[..., k] - surround[..., k]), n)
            np.testing.assert_allclose(found[COLOUR][3 * n + k], expected, rtol=0, atol=1e-9)
        variance = window_means((level[..., 0] - surround[..., 0]) ** 2)
        expected = pooled(np.sqrt(variance), n)
        np.testing.assert_allclose(found[CONTRAST][n], expected, rtol=0, atol=1e-9)
        level = halved(level)


@pytest.mark.parametrize("k", range(4))
def test_each_orientation_answers_to_its_grating(network, k):
    """Gratings of 4 pixels at 0, 45, 90 and 135 degrees, at the finest level."""
    y, x = np.mgrid[:64, :64]
    angle = math.pi * k / 4
    wave = np.cos(2 * math.pi / 4 * (x * math.cos(angle) + y * math.sin(angle)))
    found = features(network, np.repeat(wave[..., None], 3, axis=2))[GABOR][:4]
    inside = found[:, 2:-2, 2:-2].mean((1, 2))
    assert inside.argmax() == k
    assert np.sort(inside)[-1] - np.sort(inside)[-2] > 1  # e times the energy of the next


def test_energy_is_that_of_a_pair_of_filters(network, rng):
    """At one pixel of the finest level, by a loop over the filter."""
    image = rng.normal(size=(32, 32, 3))
    grey = image.mean(2)
    y, x = np.mgrid[-5:6, -5:6].astype(float)
    window = np.exp(-(x**2 + y**2) / 8)
    energies = np.zeros((8, 8))
    for row in range(8, 16):
        for column in range(8, 16):
            patch = grey[row - 5 : row + 6, column - 5 : column + 6]
            parts = []
            for wave in (np.cos, np.sin):
                carrier = window * wave(2 * math.pi / 4 * x)
                carrier -= window * carrier.sum() / window.sum()
                parts.append((patch * carrier).sum() / np.abs(carrier).sum())
            energies[row - 8, column - 8] = math.hypot(*parts)
    expected = math.log(energies.mean() + 1e-3)
    # the filters are made in float32, of sums of 121 values
    tolerance = 121 * EPS32
    assert features(network, image)[0, 1, 1] == pytest.approx(expected, rel=0, abs=tolerance)


def test_grey_has_no_colour(network, rng):
    grey = np.repeat(rng.normal(size=(64, 64, 1)), 3, axis=2)
    found = features(network, grey)[COLOUR].reshape(4, 3, 8, 8)
    np.testing.assert_allclose(found[:, 1:], LEAST, rtol=0, atol=1e-9)
    assert (found[:, 0].mean((1, 2)) > LEAST + 2).all()
