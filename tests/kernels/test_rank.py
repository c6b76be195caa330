"""Counts of values below, at and above thresholds against their definitions."""

import numpy as np
import pytest
from scipy import ndimage

from salmetrics.kernels import rank

RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=1201)
VALUES = {
    "smooth": ndimage.gaussian_filter(RNG.random((60, 70)), 6).ravel(),
    "noisy": NOISE,
    "heavily tied": RNG.integers(0, 5, 2000).astype(np.float64),
    "all equal": np.full(500, 0.3),
    "one outlier": np.append(NOISE * 1e-6, 1e6),
    "wide range": 10.0 ** RNG.uniform(-37, 37, 1000),
    "largest": RNG.choice([-1.0, 1.0], 600) * RNG.uniform(2e38, 3.4e38, 600),
    "subnormal in float32": NOISE * 1e-41,
    "subnormal in float64": NOISE * 1e-310,
    "overflowing in float64": RNG.choice([-1.0, 1.0], 600) * RNG.uniform(1e308, 1.7e308, 600),
    "neighbours": 1 + np.arange(300) * 2.0**-52,
    "infinite": np.concatenate([NOISE[:300], [-np.inf] * 7, [np.inf] * 5]),
    "only infinite": np.array([-np.inf, np.inf, np.inf]),
    "one pixel": np.array([2.5]),
    "more than two blocks": NOISE[RNG.integers(0, 1201, 70_000)],
}
COUNTS = (1, 4, 60)  # thresholds: few are counted one by one, many in buckets


def arrays(name, dtype):
    with np.errstate(over="ignore"):
        return VALUES[name].astype(dtype)


def thresholds(values, n):
    """Some of the values, and values beside and beyond them."""
    rng = np.random.default_rng(n)
    drawn = rng.choice(values, n)
    if n > 1:
        with np.errstate(over="ignore"):
            beside = np.nextafter(drawn[: n // 2], drawn[0], dtype=values.dtype)
            drawn = np.concatenate([drawn, beside, [values.min() - 1, values.max() + 1]])
    return np.unique(drawn.astype(values.dtype))


def definition(values, weights, thresholds):
    """Weights below and at each threshold, one threshold after the other."""
    below = [weights[values < threshold].sum() for threshold in thresholds]
    equal = [weights[values == threshold].sum() for threshold in thresholds]
    return below, equal


@pytest.mark.parametrize("n", COUNTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", VALUES)
def test_count_below(name, dtype, n, mode):
    values = arrays(name, dtype)
    at = thresholds(values, n)
    result = rank.count_below(values, at)
    np.testing.assert_array_equal(result, definition(values, np.ones(values.size, int), at))
    ordered = np.sort(values)
    np.testing.assert_array_equal(result[0], np.searchsorted(ordered, at, side="left"))
    np.testing.assert_array_equal(sum(result), np.searchsorted(ordered, at, side="right"))


@pytest.mark.parametrize("n", COUNTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", VALUES)
def test_count_below_weighted(name, dtype, n, mode):
    values = arrays(name, dtype)
    weights = np.random.default_rng(n).integers(0, 4, values.size)
    at = thresholds(values, n)
    result = rank.count_below_weighted(values, weights, at)
    np.testing.assert_array_equal(result, definition(values, weights, at))


@pytest.mark.parametrize("size", [1, 3, 4, 1001])
def test_bytes(size, mode):
    values = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    at = np.unique(np.append(values[: size // 2], np.array([0, 17, 255], np.uint8)))
    weights = np.arange(size)
    expected = definition(values, np.ones(size, int), at)
    np.testing.assert_array_equal(rank.count_below(values, at), expected)
    expected = definition(values, weights, at)
    np.testing.assert_array_equal(rank.count_below_weighted(values, weights, at), expected)


@pytest.mark.parametrize("infinite", [[-np.inf], [np.inf], [-np.inf, np.inf]])
@pytest.mark.parametrize("n_finite", [0, 1, 2, 9])
def test_infinite_thresholds(n_finite, infinite, mode):
    values = VALUES["infinite"]
    weights = np.arange(values.size)
    at = np.unique(np.append(values[:n_finite], infinite))
    expected = definition(values, np.ones(values.size, int), at)
    np.testing.assert_array_equal(rank.count_below(values, at), expected)
    expected = definition(values, weights, at)
    np.testing.assert_array_equal(rank.count_below_weighted(values, weights, at), expected)


def test_no_threshold(mode):
    for result in (
        *rank.count_below(NOISE, np.empty(0)),
        *rank.count_below_weighted(NOISE, np.ones(NOISE.size, int), np.empty(0)),
    ):
        assert result.shape == (0,)


def test_no_value(mode):
    at = np.arange(5.0)
    nothing = np.zeros((2, 5))
    np.testing.assert_array_equal(rank.count_below(at[:0], at), nothing)
    np.testing.assert_array_equal(rank.count_below_weighted(at[:0], [], at), nothing)


STEPPED = {
    "on the steps": np.linspace(0.0, 1.0, 101),
    "just below the steps": np.append(np.nextafter(np.arange(1, 100) / 100, 0), [0.0, 1.0]),
    "just below products": np.append(np.nextafter(np.arange(1, 100) * 0.01, 0), [0.0, 1.0]),
    "on shifted steps": 3 + 7 * np.arange(11) / 10,
    "bytes": np.arange(256, dtype=np.uint8),
    "float32": NOISE.astype(np.float32),
    "noisy": NOISE,
    "two values": np.array([-1.0, 1.0]),
    "subnormal": NOISE * 1e-310,
    "a span that overflows": np.array([-1.5e308, 1.5e308, 0.0, 1.2e308]),
}


@pytest.mark.parametrize(
    ("step", "n"), [(0.1, 11), (0.01, 101), (0.3, 4), (0.5, 3), (1.0, 2), (1 / 93, 94)]
)
@pytest.mark.parametrize("values", STEPPED.values(), ids=STEPPED)
def test_count_at_least_steps(values, step, n, mode):
    low, high = float(values.min()), float(values.max())
    half = 0.5 if high - low == np.inf else 1.0
    share = (values.astype(np.float64) * half - low * half) / (high * half - low * half)
    expected = [(share >= k * step).sum() for k in range(n)]
    np.testing.assert_array_equal(rank.count_at_least_steps(values, low, high, step), expected)


def test_count_at_least_steps_of_a_part(mode):
    """The minimum and maximum are the whole map's, the values some of its pixels'."""
    np.testing.assert_array_equal(
        rank.count_at_least_steps(np.array([0.0, 5.0]), -10.0, 10.0, 0.25), [2, 2, 2, 1, 0]
    )
