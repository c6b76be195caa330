"""What is accepted as a map, a log density and positions; what is refused, and in which words."""

import gc
import re
import weakref

import numpy as np
import pytest
from scipy import special

from salmetrics.checked_map import (
    as_log_density,
    as_map,
    check_same_shape,
    pixel_indices,
    share_of_sum,
)
from salmetrics.errors import InputError

MAP = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
UNIFORM = np.full((2, 3), -np.log(6))


def refused(text):
    return pytest.raises(InputError, match=f"^{re.escape(text)}")


def changed(array, value):
    array = array.copy()
    array[1, 2] = value
    return array


NOT_MAPS = [
    ([["a", "b"]], "must hold real numbers; got <U1"),
    (MAP + 1j, "must hold real numbers; got complex128"),
    (
        MAP.ravel(),
        "must have shape (height, width) with at least one pixel; got (6,)",
    ),
    (
        MAP[np.newaxis],
        "must have shape (height, width) with at least one pixel; got (1, 2, 3)",
    ),
    (
        np.empty((0, 3)),
        "must have shape (height, width) with at least one pixel; got (0, 3)",
    ),
    (2.0, "must have shape (height, width) with at least one pixel; got ()"),
]
NOT_FINITE = [
    (np.nan, "1 NaN and 0 infinite"),
    (np.inf, "0 NaN and 1 infinite"),
    (-np.inf, "0 NaN and 1 infinite"),
]


@pytest.mark.parametrize("check", [as_map, as_log_density])
@pytest.mark.parametrize(("array", "text"), NOT_MAPS)
def test_not_a_map(array, text, check):
    with refused(f"prediction {text}"):
        check(array, "prediction")


@pytest.mark.parametrize(("value", "count"), NOT_FINITE)
def test_map_that_is_not_finite(value, count):
    text = f"saliency_map must be finite; got {count} of 6 pixels, the first at row 1, column 2"
    with refused(text):
        as_map(changed(MAP, value))


@pytest.mark.parametrize(("value", "count"), NOT_FINITE[:2])
def test_log_density_with_impossible_values(value, count):
    text = f"log_density must not hold NaN or +inf; got {count} of 6 pixels, the first at row 1"
    with refused(text):
        as_log_density(changed(UNIFORM, value))


def test_nan_hides_no_other_bad_value():
    log_density = changed(UNIFORM, np.nan)
    log_density[0, 1] = np.inf
    with refused("log_density must not hold NaN or +inf; got 1 NaN and 1 infinite of 6 pixels"):
        as_log_density(log_density)


def test_log_density_without_any_probability():
    with refused("baseline is -inf everywhere, so no pixel has any probability"):
        as_log_density(np.full((2, 3), -np.inf), "baseline")


@pytest.mark.parametrize(
    ("log_density", "total", "hint"),
    [
        (
            np.exp(UNIFORM),
            "7.08816 (logsumexp 1.95843)",
            "This looks like a density itself: pass kind='density', or its logarithm",
        ),
        (
            MAP,
            "636.633 (logsumexp 6.45619)",
            "This looks like a saliency map: pass kind='saliency_map'",
        ),
        (
            UNIFORM - 1,
            "0.367879 (logsumexp -1)",
            "Subtract scipy.special.logsumexp(log_density)",
        ),
        (
            UNIFORM + 1.1e-3,
            "1.0011 (logsumexp 0.0011)",
            "Subtract scipy.special.logsumexp(log_density)",
        ),
        (
            1e4 * MAP,
            "1.01423e+304 (logsumexp 60000)",
            "This looks like a saliency map: pass kind='saliency_map'",
        ),
    ],
)
def test_log_density_whose_sum_is_not_one(log_density, total, hint):
    text = "log_density must be the natural log of a density that sums to 1; its sum is "
    with refused(f"{text}{total}. {hint}"):
        as_log_density(log_density)


def test_log_density_within_the_tolerance():
    np.testing.assert_array_equal(as_log_density(UNIFORM + 9e-4).values, UNIFORM + 9e-4)


def test_log_density_with_zero_probability():
    with np.errstate(divide="ignore"):
        log_density = np.log([[0.5, 0.0, 0.5]])
    assert as_log_density(log_density).low == -np.inf


@pytest.mark.parametrize("offset", [-800.0, -1.0, 0.0, 1.0, 800.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalized_log_density(offset, dtype):
    log_density = (MAP + offset).astype(dtype)
    result = as_log_density(log_density, normalize=True)
    assert result.values.dtype == dtype
    expected = log_density - special.logsumexp(log_density.astype(np.float64))
    # the logsumexp, up to |offset| + 7, is rounded to the map's dtype before it is subtracted
    atol = 4 * np.finfo(dtype).eps * (abs(offset) + 7)
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=atol)


def test_checked_maps_are_not_checked_again():
    checked = as_map(MAP)
    assert as_map(checked) is checked
    assert as_log_density(checked) is checked


def test_shared_sums():
    checked = as_map(MAP)
    assert (checked.shape, checked.low, checked.high) == ((2, 3), 1.0, 6.0)
    assert checked.total == 21.0
    assert checked.total_above_low == 15.0
    assert (checked.mean, checked.squares) == (3.5, 17.5)
    assert not checked.is_constant
    assert as_map(np.full((2, 3), 0.1)).is_constant
    assert as_map([[7]]).is_constant


def test_moderate_scales_by_a_power_of_two_if_squares_would_not_be_finite():
    assert as_map(MAP).moderate.values.base is as_map(MAP).values.base
    for scale in (1e-300, 1e250, 1e307):
        checked = as_map(scale * MAP)
        factor = checked.values / checked.moderate.values
        assert np.frexp(factor[0, 0])[0] == 0.5  # a power of two
        assert (factor == factor[0, 0]).all()
        squares = checked.moderate.squares * (factor[0, 0] / scale) ** 2
        np.testing.assert_allclose(squares, 17.5, rtol=1e-14)
    assert as_map(np.zeros((2, 2))).moderate.total == 0


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(MAP),
        np.repeat(MAP, 2, axis=1)[:, ::2],
        MAP[::-1][::-1],
        MAP.astype(np.int64),
        MAP.astype(">f8"),
        MAP.tolist(),
    ],
)
def test_layout_and_type_do_not_matter(array):
    checked = as_map(array)
    np.testing.assert_array_equal(checked.values, MAP)
    np.testing.assert_array_equal(checked.flat, MAP.ravel())


def test_maps_are_not_written_to():
    array = MAP.copy()
    assert not as_map(array).values.flags.writeable
    assert array.flags.writeable


def test_maps_of_two_shapes():
    check_same_shape(as_map(MAP), as_map(MAP + 1), "empirical_map")
    with refused("saliency_map and empirical_map must have the same shape; got (2, 3) and (3, 2)"):
        check_same_shape(as_map(MAP), as_map(MAP.T), "empirical_map")


def test_pixel_under_each_point():
    x, y = [0.0, 2.999, 0.5, 1], [0, 0.999, 1.999, 1]
    np.testing.assert_array_equal(pixel_indices(x, y, (2, 3)), [0, 2, 3, 4])
    np.testing.assert_array_equal(pixel_indices(1.5, 1.5, (2, 3)), [4])
    assert pixel_indices([], [], (2, 3)).shape == (0,)


@pytest.mark.parametrize(
    ("x", "y", "shown"),
    [
        (-0.001, 0, "x=-0.001, y=0"),
        (3, 0, "x=3, y=0"),
        (0, -0.001, "x=0, y=-0.001"),
        (0, 2, "x=0, y=2"),
        (np.nan, 0, "x=nan, y=0"),
        (0, np.inf, "x=0, y=inf"),
    ],
)
def test_points_outside(x, y, shown):
    text = "2 of 4 fixations are outside the map of width 3 and height 2; the first is number 1: "
    with refused(text + shown):
        pixel_indices([0, x, 1, x], [1, y, 1, y], (2, 3))


@pytest.mark.parametrize(
    ("x", "y", "shapes"),
    [
        ([1, 2], [1], "(2,) and (1,)"),
        ([[1, 2]], [[1, 1]], "(1, 2) and (1, 2)"),
    ],
)
def test_unequal_positions(x, y, shapes):
    with refused(f"x and y must be arrays of the same length; got {shapes}"):
        pixel_indices(x, y, (2, 3))


def test_checked_maps_go_when_they_are_no_longer_used():
    gc.disable()  # what holds on to itself would wait for the collector, 4 MB a map
    try:
        checked = as_map(MAP)
        for name in ("moderate", "squares", "total_above_low"):
            getattr(checked, name)
        gone = weakref.ref(checked)
        del checked
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("m", "method", "expected"),
    [
        ([[1, 3]], "benchmark", [0.25, 0.75]),
        ([[-1, 0, 1]], "benchmark", [0, 1 / 3, 2 / 3]),
        ([[0, 0]], "benchmark", [0.5, 0.5]),
        ([[-2, 3, 3]], "matlab", [-0.5, 0.75, 0.75]),
        ([[0, 0]], "matlab", [0, 0]),
    ],
)
def test_share_of_sum(m, method, expected):
    shift, scale = share_of_sum(as_map(m), method)
    np.testing.assert_allclose((np.ravel(m) - shift) * scale, expected, rtol=1e-14)


class Other:
    """An array of another package."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


def test_arrays_of_other_packages(rng):
    values = rng.random((4, 5)).astype(np.float32)
    assert (as_map(Other(values)).values == values).all()
    places = Other(np.array([0.5, 2.9]))
    assert pixel_indices(places, places, (4, 5)).tolist() == [0, 12]
    with pytest.raises(InputError, match="map must not be a masked array: the mask would be"):
        as_map(np.ma.masked_array(values, values > 0.5), "map")
