import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.data.positions import check_units, to_pixels

SIZES = np.array([[60, 80], [30, 20]])


@pytest.mark.parametrize(
    ("options", "x", "y"),
    [
        ({}, [1, 2], [3, 4]),
        ({"one_based": True}, [0, 1], [2, 3]),
        ({"origin": "bottom-left"}, [1, 2], [57, 26]),
        ({"origin": "centre"}, [41, 12], [27, 11]),
        ({"origin": "centre-y-down"}, [41, 12], [33, 19]),
        ({"units": "normalised"}, [80, 40], [180, 120]),
        ({"units": "normalised", "origin": "bottom-left"}, [80, 40], [-120, -90]),
        ({"units": "normalised", "origin": "centre"}, [120, 50], [-150, -105]),
        ({"units": "norm"}, [80, 30], [-60, -45]),
        ({"units": "norm", "origin": "centre-y-down"}, [80, 30], [120, 75]),
        ({"units": "height"}, [100, 70], [-150, -105]),
        ({"units": "height", "origin": "centre-y-down"}, [100, 70], [210, 135]),
        ({"units": "percent"}, [0.8, 0.4], [1.8, 1.2]),
        ({"units": "degree", "origin": "centre", "pixels_per_degree": 5}, [45, 20], [15, -5]),
        ({"units": "degree", "origin": "top-left", "pixels_per_degree": 5}, [5, 10], [15, 20]),
    ],
)
def test_positions(options, x, y):
    found = to_pixels(np.array([1.0, 2.0]), np.array([3.0, 4.0]), SIZES, **options)
    np.testing.assert_allclose(found, (x, y), rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("cm", None, False, None),
            "units must be one of 'pixel', 'normalised', 'norm', ",
        ),
        (("pixel", "middle", False, None), "origin must be one of 'top-left', 'bottom-left'"),
        (
            ("degree", None, False, 30),
            "units='degree' needs the place of 0 degrees: origin='centre'",
        ),
        (("norm", "top-left", False, None), "units='norm' are counted from the middle"),
        (("height", "bottom-left", False, None), "units='height' are counted from the middle"),
        (("degree", "centre", False, None), "units='degree' needs pixels_per_degree=$"),
        (("degree", None, False, None), "needs pixels_per_degree=, and the place of 0 degrees"),
        (("normalised", None, True, None), "one_based=True is for pixels .* units='normalised'"),
        (("pixel", "bottom-left", True, None), "one_based=True .* origin='bottom-left'"),
    ],
)
def test_choices_that_do_not_go_together(arguments, text):
    with pytest.raises(InputError, match=text):
        check_units(*arguments)
