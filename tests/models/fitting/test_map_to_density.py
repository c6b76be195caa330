"""The transformation of a map into a density, from its definition."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics.models.fitting.map_to_density import (
    ISOTROPIC,
    MapToDensity,
    blurred,
    places_among,
    relative_centres,
)


def test_transform_by_hand():
    fit = MapToDensity(
        blur=0.0,
        knots=np.array([0.0, 1.0, 2.0]),
        values=np.array([0.0, 1.0, 1.5]),
        radial=np.array([0.0, 0.0]),
        aspect=np.sqrt(0.5),
    )
    density = np.exp(fit.log_density(np.array([[0.0, 0.5], [1.5, 7.0]])))
    energy = np.exp([[0.0, 0.5], [1.25, 1.5]])
    np.testing.assert_allclose(density, energy / energy.sum(), rtol=1e-12)


@pytest.mark.parametrize("aspect", [ISOTROPIC, 0.4, 0.9])
@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_definition(blur, aspect, rng):
    """Nonlinearity of the blurred map, plus the centre bias by eccentricity, normalised."""
    knots, values = np.array([-0.2, 0.1, 0.4]), np.array([0.0, 0.3, 2.0])
    radial = np.array([0.0, -0.5, -2.0, -2.5])
    saliency_map = rng.normal(size=(11, 14))
    found = MapToDensity(blur, knots, values, radial, aspect).log_density(saliency_map)
    if blur:
        saliency_map = gaussian_filter(saliency_map, blur, mode="reflect")
    y, x = np.mgrid[:11, :14]
    y, x = (2 * y + 1) / 11 - 1, (2 * x + 1) / 14 - 1
    # ellipses through the corners: eccentricity 1 there, whatever the aspect
    eccentricity = np.hypot(y * aspect, x * np.sqrt(1 - aspect**2))
    energy = np.interp(saliency_map, knots, values)
    energy += np.interp(eccentricity, np.linspace(0, 1, 4), radial)
    expected = energy - np.log(np.exp(energy).sum())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_no_blur_returns_the_map():
    saliency_map = np.arange(6.0).reshape(2, 3)
    assert blurred(saliency_map, 0) is saliency_map


def test_places_and_centres():
    knots = np.array([1.0, 2.0, 4.0])
    places = places_among(knots, np.array([0.0, 1.0, 1.5, 3.0, 4.0, 9.0]))
    assert places.tolist() == [0, 0, 0.5, 1.5, 2, 2]
    assert relative_centres(4).tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert relative_centres(1).tolist() == [0]
