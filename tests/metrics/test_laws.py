"""What holds for every metric of the registry: its laws, its range, and odd inputs by name."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import maps, points

from salmetrics.checked_map import as_log_density, as_map
from salmetrics.errors import InputError
from salmetrics.metrics import auc
from salmetrics.metrics.observation import Observation
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import DEFAULT

MAP_METRICS = [key for key, metric in METRICS.items() if not metric.needs_density]
PER_FIXATION = [key for key in MAP_METRICS if METRICS[key].per == "fixation"]
WITH_TRUTH = ["CC", "KLDiv", "SIM", "EMD", "SIM-MATLAB"]
each_metric = pytest.mark.parametrize("key", MAP_METRICS)


def with_law(law):
    return pytest.mark.parametrize("key", [key for key in MAP_METRICS if law in METRICS[key].laws])


@dataclass
class Scene:
    """A map, what was seen, and what it is compared with."""

    map: np.ndarray
    x: np.ndarray
    y: np.ndarray
    truth: np.ndarray
    baseline: np.ndarray
    others: np.ndarray  # flat indices of nonfixations

    def score(self, key, map=None):
        seen = Observation(
            x=self.x,
            y=self.y,
            protocol=DEFAULT,
            make_empirical_map=lambda: as_map(self.truth, "empirical_map"),
            make_negatives=lambda: "uniform",
            make_other_negatives=lambda: auc.count_pixels(self.others),
            make_other_pixels=lambda: np.unique(self.others),
            make_baseline=lambda: None,
            make_baseline_map=lambda: as_map(self.baseline, "baseline"),
        )
        return METRICS[key].score(self.map if map is None else map, seen)

    def rearranged(self, change):
        """Move all pixels alike: `change` is np.fliplr, for example."""
        height, width = self.map.shape
        moved = change(np.arange(height * width).reshape(height, width))
        place = np.argsort(moved, axis=None)  # of each old pixel
        y, x = np.divmod(place[self.y * width + self.x], moved.shape[1])
        arrays = {name: change(getattr(self, name)).copy() for name in ("map", "truth", "baseline")}
        return Scene(x=x, y=y, others=place[self.others], **arrays)


@st.composite
def scenes(draw):
    m = draw(maps())
    truth, baseline = (draw(maps(m.shape, 0, 30)) for _ in range(2))
    (x, y), (other_x, other_y) = (draw(points(m.shape)) for _ in range(2))
    return Scene(m, x, y, truth, baseline, other_y * m.shape[1] + other_x)


@pytest.fixture
def scene(rng):
    shape = 40, 70
    m, truth, baseline = rng.integers(0, 200, (3, *shape)).astype(np.float64)
    x, y = rng.integers(0, 70, 30), rng.integers(0, 40, 30)
    return Scene(m, x, y, truth, baseline, rng.integers(0, 2800, 50))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


# ---- laws


@pytest.mark.slow
@with_law("flip")
@pytest.mark.parametrize("change", [np.fliplr, np.flipud, np.transpose])
@given(scene=scenes())
def test_flip(key, change, scene):
    close(scene.rearranged(change).score(key), scene.score(key))


@pytest.mark.slow
@with_law("scale")
@given(scene=scenes(), factor=st.integers(-8, 8).map(lambda power: 2.0**power))
def test_scale(key, scene, factor):
    close(scene.score(key, factor * scene.map), scene.score(key))


@with_law("scale")
@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-520, 2.0**520, 2.0**1000])
def test_squares_neither_vanish_nor_overflow(key, factor, scene):
    close(scene.score(key, factor * scene.map), scene.score(key))


@with_law("shift")
def test_a_shift_much_larger_than_the_spread(key, scene):
    close(scene.score(key, scene.map + 2.0**20), scene.score(key))


@with_law("shift")
@given(scene=scenes(), shift=st.integers(-1000, 1000))
def test_shift(key, scene, shift):
    if np.ptp(scene.map) > 0:  # all-zero maps have rules of their own
        close(scene.score(key, scene.map + shift), scene.score(key))


@with_law("monotone")
@given(scene=scenes())
def test_monotone(key, scene):
    close(scene.score(key, np.exp(scene.map / 7) - 1e3), scene.score(key))


@each_metric
@given(scene=scenes())
def test_range(key, scene):
    metric, values = METRICS[key], np.atleast_1d(scene.score(key))
    values = values[~np.isnan(values)]
    assert ((values >= metric.low - 1e-12) & (values <= metric.high + 1e-12)).all()


@pytest.mark.parametrize("key", PER_FIXATION)
@given(scene=scenes(), data=st.data())
def test_relabelled_fixations(key, scene, data):
    order = data.draw(st.permutations(range(scene.x.size)))
    relabelled = replace(scene, x=scene.x[order], y=scene.y[order])
    np.testing.assert_array_equal(relabelled.score(key), scene.score(key)[order])


@pytest.mark.parametrize("key", sorted(set(MAP_METRICS) - set(PER_FIXATION)))
@given(scene=scenes(), data=st.data())
def test_relabelled_fixations_of_image_scores(key, scene, data):
    order = data.draw(st.permutations(range(scene.x.size)))
    close(replace(scene, x=scene.x[order], y=scene.y[order]).score(key), scene.score(key))


def test_log_likelihood_and_information_gain_are_in_bits():
    seen = Observation(*[None] * 9)
    seen.baseline = np.log([0.25, 0.5])
    model = np.log([0.5, 0.125])
    np.testing.assert_allclose(METRICS["LL"].score(model, seen), [-1, -3], rtol=1e-14)
    np.testing.assert_allclose(METRICS["IG"].score(model, seen), [1, -2], rtol=1e-14)


# ---- odd inputs

CONSTANT = {
    "AUC": 0.5,
    "sAUC": 0.5,
    "AUC-Judd": 0.5,
    "AUC-Borji": 0.5,
    "sAUC-MATLAB": 0.5,
    "NSS": 0.0,
    "NSS-MATLAB": 0.0,
    "CC": 0.0,
}


@pytest.mark.parametrize("level", [-1.5, 0.1, 7])
@pytest.mark.parametrize(("key", "expected"), CONSTANT.items())
def test_constant_map(scene, key, expected, level):
    result = np.atleast_1d(scene.score(key, np.full(scene.map.shape, level)))
    np.testing.assert_array_equal(result, np.full(result.shape, expected))


@pytest.mark.parametrize("key", sorted(set(MAP_METRICS) - set(CONSTANT)))
def test_constant_map_is_uniform(scene, key):
    level = np.full(scene.map.shape, 0.1)
    assert np.isfinite(scene.score(key, level))
    close(scene.score(key, level), scene.score(key, np.full(scene.map.shape, 8.0)))


LAYOUTS = {
    "int64": lambda m: m.astype(np.int64),
    "int16": lambda m: m.astype(np.int16),
    "uint8": lambda m: m.astype(np.uint8),
    "float32": lambda m: m.astype(np.float32),
    "byte-swapped": lambda m: m.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "strided": lambda m: np.repeat(np.repeat(m, 3, axis=0), 2, axis=1)[::3, ::2],
    "reversed twice": lambda m: m[::-1, ::-1].copy()[::-1, ::-1],
    "list": lambda m: m.tolist(),
    "checked": as_map,
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@each_metric
def test_layout_and_type_do_not_matter(scene, key, layout):
    close(scene.score(key, layout(scene.map)), scene.score(key))


@each_metric
def test_read_only_maps(scene, key):
    expected = scene.score(key)
    for array in (scene.map, scene.truth, scene.baseline, scene.x, scene.y, scene.others):
        array.flags.writeable = False
    np.testing.assert_array_equal(scene.score(key), expected)


@each_metric
def test_inputs_are_left_alone(scene, key):
    before = {name: value.copy() for name, value in vars(scene).items()}
    scene.score(key)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(scene, name), value)
        assert getattr(scene, name).flags.writeable


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@each_metric
def test_nan_and_infinity(scene, key, bad):
    scene.map[3, 5] = bad
    with pytest.raises(InputError, match=r"saliency_map must be finite; got .* row 3, column 5"):
        scene.score(key)
    if key in WITH_TRUTH:
        scene.truth[4, 6] = bad
        text = r"empirical_map must be finite; got .* row 4, column 6"
        with pytest.raises(InputError, match=text):
            scene.score(key, np.ones(scene.map.shape))


@pytest.mark.parametrize("key", PER_FIXATION)
def test_one_fixation_scores_as_among_many(scene, key):
    alone = replace(scene, x=scene.x[:1], y=scene.y[:1])
    np.testing.assert_array_equal(alone.score(key), scene.score(key)[:1])


@pytest.mark.parametrize("key", PER_FIXATION)
def test_repeated_fixations_score_alike(scene, key):
    everyone = replace(scene, x=np.full(6, 3), y=np.full(6, 2))
    values = everyone.score(key)
    np.testing.assert_array_equal(values, np.full(6, values[0]))


@pytest.mark.parametrize("key", ["AUC-Judd", "AUC-Borji", "sAUC-MATLAB", "NSS-MATLAB", "IG-MATLAB"])
def test_matlab_counts_a_pixel_once(scene, key):
    repeated = replace(scene, x=np.append(scene.x, scene.x[:9]), y=np.append(scene.y, scene.y[:9]))
    assert repeated.score(key) == scene.score(key)


@pytest.mark.parametrize("key", PER_FIXATION)
def test_no_fixation(scene, key):
    nobody = replace(scene, x=scene.x[:0], y=scene.y[:0])
    assert nobody.score(key).shape == (0,)


@each_metric
def test_one_pixel(key):
    one = np.array([[2.0]])
    zeros = np.zeros(3, np.int64)
    values = np.atleast_1d(Scene(one, zeros, zeros, one, one, zeros).score(key))
    expected = {
        "AUC": 0.5,
        "sAUC": 0.5,
        "sAUC-MATLAB": 0.5,
        "AUC-Judd": np.nan,  # no unfixated pixel
        "AUC-Borji": np.nan,  # one fixated pixel
        "CC": np.nan,  # a constant empirical map
        "SIM": 1.0,
        "SIM-MATLAB": 1.0,
    }.get(key, 0.0)
    np.testing.assert_allclose(values, np.full(values.size, expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["truth", "baseline"])
def test_maps_of_two_shapes(scene, name):
    setattr(scene, name, np.ones((40, 71)))
    for key in WITH_TRUTH if name == "truth" else ["IG-MATLAB"]:
        with pytest.raises(
            InputError, match=r"must have the same shape; got \(40, 70\) and \(40, 71"
        ):
            scene.score(key)


def test_density_metrics_take_checked_log_densities(scene):
    """A checked log density may hold -inf, where the probability is 0."""
    density = scene.map / scene.map.sum()
    with np.errstate(divide="ignore"):
        checked = as_log_density(np.log(density))
    assert checked.low == -np.inf
    order = auc.score(checked, scene.x, scene.y)
    np.testing.assert_array_equal(order, auc.score(density, scene.x, scene.y))
    zero = np.argwhere(density == 0)[0]
    values = auc.score(checked, [zero[1], scene.x[0]], [zero[0], scene.y[0]])
    np.testing.assert_allclose(values[0], (density == 0).mean() / 2, rtol=1e-12)
