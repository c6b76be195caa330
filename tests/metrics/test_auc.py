"""Every AUC by hand, against slow definitions, other tools and laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from sklearn.metrics import roc_auc_score
from strategies import fixated_maps, points

from salmetrics.errors import InputError
from salmetrics.metrics import auc

MAP = np.array([[0.0, 1.0, 1.0], [2.0, 2.0, 5.0]])
X, Y = [2, 0, 1], [1, 1, 0]  # values 5, 2, 1


# ---- by hand


@pytest.mark.parametrize(
    ("negatives", "expected"),
    [
        ("uniform", [5.5 / 6, (3 + 1) / 6, (1 + 1) / 6]),
        ("unfixated", [1, 2.5 / 3, 1.5 / 3]),  # against 0, 1, 2
        (([0, 0, 2], [0, 0, 1]), [2.5 / 3, 2 / 3, 2 / 3]),  # against 0, 0, 5
        (auc.Negatives(np.array([0, 5]), np.array([2, 1])), [2.5 / 3, 2 / 3, 2 / 3]),
        (([], []), [np.nan] * 3),
    ],
)
def test_score_by_hand(negatives, expected):
    np.testing.assert_allclose(auc.score(MAP, X, Y, negatives=negatives), expected, rtol=1e-14)


def test_negatives_count_and_leave_out():
    negatives = auc.count_pixels(np.array([5, 0, 5, 3]))
    assert (negatives.pixels.tolist(), negatives.counts.tolist()) == ([0, 3, 5], [1, 1, 2])
    assert negatives.n == 4
    fewer = auc.Negatives(negatives.pixels, negatives.counts, without=np.array([5, 3]))
    assert fewer.n == 2
    # against the values 0 and 5 that are left
    np.testing.assert_allclose(auc.score(MAP, X, Y, negatives=fewer), [0.75, 0.5, 0.5], rtol=1e-14)


def test_judd_by_hand():
    # thresholds 4 and 2: curve through (0, 0), (0, 1/2), (1/2, 1), (1, 1)
    assert auc.judd([[1, 2, 3, 4]], [3, 1], [0, 0]) == 0.875
    # the tied pixel falls below the fixated one (area 1) or above it (area 3/4)
    assert auc.judd([[0, 1, 1]], [1], [0]) == 0.875
    assert auc.judd([[0, 1, 1]], [1], [0], jitter=False) == 0.75
    assert auc.judd([[0, 1, 1]], [1], [0], jitter=[[0, 1e-7, 0]]) == 1.0
    assert auc.judd([[0, 1, 1]], [1], [0], jitter=[[0, 0, 1e-7]]) == 0.75


def test_borji_and_shuffled_by_hand():
    # thresholds 1, 1/2, 0 on 0, 1/4, 1/2, 1: hits 1/2, 1, 1
    m, x, y = [[0, 1, 2, 4]], [3, 2], [0, 0]
    np.testing.assert_allclose(auc.borji(m, x, y, step=0.5), 0.75, rtol=1e-14)
    np.testing.assert_allclose(auc.shuffled(m, x, y, [[1, 0, 1, 0]], step=0.5), 0.875, rtol=1e-14)


def test_a_step_of_one_tells_only_the_maximum_apart():
    np.testing.assert_allclose(auc.borji([[0, 1, 2, 4]], [3, 2], [0, 0], step=1), 0.625, rtol=1e-14)


# ---- slow definitions


def slow_score(m, x, y, negatives):
    return [np.mean((negatives < v) + 0.5 * (negatives == v)) for v in m[y, x]]


def slow_judd(values, positives):
    """AUC_Judd.m, line by line."""
    thresholds = sorted(values[positives], reverse=True)
    hits, alarms = [0.0], [0.0]
    for k, threshold in enumerate(thresholds, start=1):
        hits.append(k / len(positives))
        alarms.append(((values >= threshold).sum() - k) / (values.size - len(positives)))
    return np.trapezoid([*hits, 1.0], [*alarms, 1.0])


def slow_steps(values, positives, others, step):
    """The threshold loop of AUC_Borji.m and AUC_shuffled.m."""
    share = (values - values.min()) / (values.max() - values.min())
    hits, alarms = [0.0], [0.0]
    for k in reversed(range(int(1 / step + 1e-9) + 1)):
        hits.append(np.mean(share[positives] >= k * step))
        alarms.append(np.mean(share[others] >= k * step))
    return np.trapezoid([*hits, 1.0], [*alarms, 1.0])


@pytest.fixture(params=["smooth", "tied", "bytes", "float32"])
def scene(request, rng):
    """A map, fixations (some repeated) and their flat indices."""
    m = np.cumsum(np.cumsum(rng.normal(size=(20, 30)), axis=0), axis=1)
    if request.param == "tied":
        m = np.round(m / 20)
    if request.param == "bytes":
        m = (m - m.min()).astype(np.uint8)
    if request.param == "float32":
        m = m.astype(np.float32)
    x, y = rng.integers(0, 30, 25), rng.integers(0, 20, 25)
    x[-3:], y[-3:] = x[:3], y[:3]
    return m, x, y, np.unique(y * 30 + x)


def test_score_is_its_definition(scene, rng):
    m, x, y, unique = scene
    others = rng.integers(0, 30, 200), rng.integers(0, 20, 200)
    for negatives, values in (
        ("uniform", m.ravel()),
        ("unfixated", np.delete(m.ravel(), unique)),
        (others, m[others[1], others[0]]),
    ):
        np.testing.assert_allclose(
            auc.score(m, x, y, negatives=negatives), slow_score(m, x, y, values), rtol=1e-12
        )


def test_judd_without_jitter_is_its_definition(scene, rng):
    m, x, y, unique = scene
    np.testing.assert_allclose(
        auc.judd(m, x, y, jitter=False), slow_judd(m.ravel(), unique), rtol=1e-12
    )
    jitter = rng.random(m.shape) / 1e7
    np.testing.assert_allclose(
        auc.judd(m, x, y, jitter=jitter), slow_judd((m + jitter).ravel(), unique), rtol=1e-12
    )


@given(
    values=st.lists(st.integers(0, 2), min_size=6, max_size=6).filter(lambda v: len(set(v)) > 1),
    positives=st.sets(st.integers(0, 5), min_size=1, max_size=5).map(sorted),
)
def test_judd_expected_is_the_mean_over_all_orders_of_ties(values, positives):
    orders = [np.array(values) + np.array(order) / 10 for order in itertools.permutations(range(6))]
    expected = np.mean([slow_judd(order, positives) for order in orders])
    area = auc.judd([values], positives, [0] * len(positives))
    np.testing.assert_allclose(area, expected, rtol=1e-12)


def test_judd_expected_is_near_the_mean_over_random_orders(rng):
    m = rng.integers(0, 4, (6, 7))
    x, y = rng.integers(0, 7, 9), rng.integers(0, 6, 9)
    draws = [auc.judd(m, x, y, jitter=rng.random(m.shape)) for _ in range(2000)]
    error = np.std(draws) / np.sqrt(len(draws))
    # the mean of random draws: four of its standard errors
    np.testing.assert_allclose(np.mean(draws), auc.judd(m, x, y), rtol=0, atol=4 * error)
    assert error < 2e-3


@pytest.mark.parametrize("step", [0.1, 0.01, 0.3])
def test_borji_and_shuffled_are_their_definitions(scene, step, rng):
    m, x, y, unique = scene
    values = m.ravel().astype(np.float64)
    np.testing.assert_allclose(
        auc.borji(m, x, y, step=step),
        slow_steps(values, unique, slice(None), step),
        rtol=1e-12,
    )
    other_map = rng.random(m.shape) < 0.2
    np.testing.assert_allclose(
        auc.shuffled(m, x, y, other_map, step=step),
        slow_steps(values, unique, np.flatnonzero(other_map), step),
        rtol=1e-12,
    )


# ---- other tools


def test_score_agrees_with_pysaliency(scene):
    m, x, y, _ = scene
    expected = pysaliency.roc.general_rocs_per_positive(m[y, x], m.ravel())
    np.testing.assert_allclose(auc.score(m, x, y), expected, rtol=1e-12)
    area, _, _ = pysaliency.roc.general_roc(m[y, x].astype(float), m.ravel().astype(float))
    np.testing.assert_allclose(auc.score(m, x, y).mean(), area, rtol=1e-12)


def test_score_agrees_with_scikit_learn(scene):
    m, _, _, unique = scene
    fixated = np.isin(np.arange(m.size), unique)
    rows, columns = np.divmod(unique, 30)
    np.testing.assert_allclose(
        auc.score(m, columns, rows, negatives="unfixated").mean(),
        roc_auc_score(fixated, m.ravel()),
        rtol=1e-12,
    )


# ---- laws

AREAS = {
    "uniform": auc.score,
    "unfixated": lambda m, x, y: auc.score(m, x, y, negatives="unfixated"),
    "positions": lambda m, x, y: auc.score(m, x, y, negatives=([0, 0], [0, 0])),
    "judd": auc.judd,
    "judd as written": lambda m, x, y: auc.judd(m, x, y, jitter=False),
    "borji": auc.borji,
    "shuffled": lambda m, x, y: auc.shuffled(m, x, y, np.eye(*np.shape(m))),
}
each_area = pytest.mark.parametrize("area", AREAS.values(), ids=AREAS)


@each_area
@given(scene=fixated_maps())
def test_range(area, scene):
    areas = np.atleast_1d(area(*scene))
    areas = areas[~np.isnan(areas)]
    assert ((areas >= 0) & (areas <= 1 + 1e-12)).all()


@pytest.mark.parametrize("name", ["uniform", "unfixated", "positions", "judd", "judd as written"])
@given(scene=fixated_maps(), gaps=st.lists(st.floats(1e-3, 1e3), min_size=61, max_size=61))
def test_only_the_order_of_values_counts(name, scene, gaps):
    m, x, y = scene
    increasing = np.cumsum(gaps)[(m + 30).astype(int)]
    np.testing.assert_array_equal(AREAS[name](m, x, y), AREAS[name](increasing, x, y))


@pytest.mark.parametrize("name", ["uniform", "unfixated", "positions"])
@given(scene=fixated_maps())
def test_negated_map_has_the_complement(name, scene):
    m, x, y = scene
    np.testing.assert_allclose(AREAS[name](-m, x, y), 1 - AREAS[name](m, x, y), rtol=0, atol=1e-15)


@each_area
@given(scene=fixated_maps(), level=st.integers(-3, 3))
def test_constant_map_is_chance(area, scene, level):
    m, x, y = scene
    areas = np.atleast_1d(area(np.full(m.shape, float(level)), x, y))
    assert ((areas == 0.5) | np.isnan(areas)).all()


@pytest.mark.parametrize("negatives", ["uniform", "unfixated", ([0], [0])])
@given(scene=fixated_maps(min_size=0), data=st.data())
def test_order_of_fixations(negatives, scene, data):
    m, x, y = scene
    order = data.draw(st.permutations(range(x.size)))
    areas = auc.score(m, x, y, negatives=negatives)
    np.testing.assert_array_equal(
        auc.score(m, x[order], y[order], negatives=negatives), areas[order]
    )


@given(scene=fixated_maps(), data=st.data())
def test_repeated_negatives_count_repeatedly(scene, data):
    m, x, y = scene
    first, second = data.draw(points(m.shape)), data.draw(points(m.shape))
    both = [np.append(a, b) for a, b in zip(first, second, strict=True)]
    share = first[0].size / both[0].size
    expected = share * auc.score(m, x, y, negatives=first)
    expected += (1 - share) * auc.score(m, x, y, negatives=second)
    np.testing.assert_allclose(auc.score(m, x, y, negatives=both), expected, rtol=0, atol=1e-14)


@given(scene=fixated_maps())
def test_all_pixels_as_positions(scene):
    m, x, y = scene
    rows, columns = np.indices(m.shape)
    np.testing.assert_allclose(
        auc.score(m, x, y, negatives=(columns.ravel(), rows.ravel())),
        auc.score(m, x, y),
        rtol=1e-14,
    )


@given(scene=fixated_maps(), data=st.data())
def test_area_is_linear_in_the_draws(scene, data):
    """Why the expectation over MATLAB's random draws is exact."""
    m, x, y = scene
    pixel = st.integers(0, m.size - 1)
    draws = np.array(
        data.draw(st.lists(st.lists(pixel, min_size=3, max_size=3), min_size=1, max_size=4))
    )
    for area in (auc.borji, auc.shuffled):
        each = np.mean([area(m, x, y, draws=draw) for draw in draws])
        np.testing.assert_allclose(area(m, x, y, draws=draws), each, rtol=0, atol=1e-14)


@given(scene=fixated_maps())
def test_borji_draws_from_all_pixels(scene):
    m, x, y = scene
    everything = np.arange(m.size)
    np.testing.assert_array_equal(auc.borji(m, x, y, draws=everything), auc.borji(m, x, y))
    np.testing.assert_array_equal(
        auc.shuffled(m, x, y, np.ones(m.shape)), auc.shuffled(m, x, y, draws=everything)
    )


# ---- edges


@pytest.mark.parametrize("area", [auc.judd, auc.borji, AREAS["shuffled"]])
def test_image_scores_count_each_pixel_once(area):
    np.testing.assert_array_equal(area(MAP, X + X[:2], Y + Y[:2]), area(MAP, X, Y))


def test_no_fixation():
    assert auc.score(MAP, [], []).shape == (0,)
    assert auc.score(MAP, [], [], negatives="unfixated").shape == (0,)
    assert np.isnan(auc.judd(MAP, [], []))
    assert np.isnan(auc.borji(MAP, [], []))
    assert np.isnan(auc.shuffled(MAP, [], [], MAP))


def test_one_fixated_pixel():
    assert np.isnan(auc.borji(MAP, [1, 1], [0, 0]))
    assert auc.shuffled(MAP, [2], [1], [[1, 0, 0], [0, 0, 0]]) == 1.0
    assert auc.judd(MAP, [2, 2], [1, 1]) == 1.0


def test_every_pixel_fixated():
    rows, columns = np.indices(MAP.shape)
    x, y = columns.ravel(), rows.ravel()
    assert np.isnan(auc.score(MAP, x, y, negatives="unfixated")).all()
    assert np.isnan(auc.judd(MAP, x, y))


def test_one_pixel():
    assert auc.score([[3]], [0, 0], [0, 0]).tolist() == [0.5, 0.5]
    assert np.isnan(auc.judd([[3]], [0], [0]))
    assert np.isnan(auc.borji([[3]], [0], [0]))


def test_shuffled_without_other_fixations():
    assert np.isnan(auc.shuffled(MAP, X, Y, np.zeros(MAP.shape)))
    assert np.isnan(auc.shuffled(MAP, X, Y, draws=[]))


def test_span_that_overflows():
    m = np.array([[-1.5, 1.5, 0.0, 1.2]])
    for area in AREAS.values():
        np.testing.assert_array_equal(area(m * 1e308, [1, 3], [0, 0]), area(m, [1, 3], [0, 0]))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: auc.score(MAP, X, Y, negatives="shuffled"),
            r"negatives must be 'uniform', 'unfixated' or positions \(x, y\); got 'shuffled'",
        ),
        (lambda: auc.score(MAP, X, Y, negatives=([3], [0])), "1 of 1 fixations are outside"),
        (lambda: auc.score(MAP, [3], [0]), "1 of 1 fixations are outside the map of width 3"),
        (lambda: auc.score(MAP * np.nan, X, Y), "saliency_map must be finite; got 6 NaN"),
        (
            lambda: auc.judd(MAP, X, Y, jitter="random"),
            "jitter must be 'expected', False or an array; got 'random'",
        ),
        (
            lambda: auc.judd(MAP, X, Y, jitter=True),
            "jitter must be 'expected', False or an array; got True",
        ),
        (lambda: auc.judd(MAP, X, Y, jitter=MAP + np.inf), "jitter must be finite"),
        (lambda: auc.judd(0 * MAP, X, Y, jitter="random"), "jitter must be 'expected'"),
        (
            lambda: auc.judd(0 * MAP, X, Y, jitter=MAP[:1]),
            "saliency_map and jitter must have the same",
        ),
        (
            lambda: auc.judd(MAP, X, Y, jitter=MAP[:1]),
            r"saliency_map and jitter must have the same shape; got \(2, 3\) and \(1, 3\)",
        ),
        (lambda: auc.borji(MAP, X, Y, step=0), "step must be over 0 and at most 1; got 0"),
        (lambda: auc.borji(MAP, X, Y, step=1.1), "step must be over 0 and at most 1; got 1.1"),
        (lambda: auc.borji(MAP, X, Y, step=np.nan), "step must be over 0 and at most 1; got nan"),
        (
            lambda: auc.borji(MAP, X, Y, draws=[6]),
            "draws must be flat pixel indices from 0 to 5; got 6",
        ),
        (lambda: auc.borji(MAP, X, Y, draws=[-1, 2]), "indices from 0 to 5; got -1 to 2"),
        (
            lambda: auc.shuffled(MAP, X, Y),
            "needs fixations on other images: pass other_map= or draws=",
        ),
        (
            lambda: auc.shuffled(MAP, X, Y, MAP.T),
            r"other_map must have shape \(2, 3\); got \(3, 2\)",
        ),
    ],
)
def test_refused(call, text):
    with pytest.raises(InputError, match=text):
        call()


def test_no_negatives_at_all_is_nan_for_a_constant_map_too():
    for kind in ("unfixated", ([], [])):
        assert np.isnan(auc.score(np.ones((1, 2)), [0, 1], [0, 0], negatives=kind)).all()
    assert np.isnan(auc.borji(np.eye(3), [0, 1], [0, 0], draws=[]))


@pytest.mark.parametrize("step", [0, -0.1, 1.5, np.nan])
def test_step_is_checked_for_constant_maps_too(step):
    for variant, other in ((auc.borji, {}), (auc.shuffled, {"other_map": np.ones((3, 3))})):
        with pytest.raises(InputError, match="step must be over 0 and at most 1"):
            variant(np.ones((3, 3)), [0], [0], step=step, **other)
