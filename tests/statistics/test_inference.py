"""Intervals and tests against slow definitions, SciPy and simulated data with known truth."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from salmetrics import InputError
from salmetrics.statistics.cells import Cells, Ratio, Sample
from salmetrics.statistics.inference import (
    holm,
    indistinct_groups,
    intervals,
    n_clusters,
    paired_test,
)

ROOT = Path(__file__).parents[2]
AVERAGES = ["fixation", "image", "subject"]
each_average = pytest.mark.parametrize("average", AVERAGES)


@pytest.fixture
def fixations(rng):
    image, subject = rng.integers(0, 12, 200), rng.integers(0, 5, 200)
    return image, subject, rng.normal(size=200) + image / 10


def sample_of(image, subject, values, average):
    cells = Cells(image, subject)
    sums = np.zeros(len(cells))
    cells.add(sums, values, np.arange(values.size))
    return cells.sample(sums, average)


def resampled(image, subject, values, average, image_weights, subject_weights):
    """The score with every fixation repeated as often as its clusters were drawn."""
    weights = image_weights[image] * subject_weights[subject]
    if average == "fixation":
        return np.average(values, weights=weights)
    groups, drawn, inner = (
        (image, image_weights, subject_weights[subject])
        if average == "image"
        else (subject, subject_weights, image_weights[image])
    )
    means, often = [], []
    for g in np.unique(groups):
        chosen = groups == g
        if inner[chosen].sum() > 0:
            means.append(np.average(values[chosen], weights=inner[chosen]))
            often.append(drawn[g])
    return np.average(means, weights=often)


@each_average
@pytest.mark.parametrize("over", ["images", "subjects", "both"])
def test_percentile_intervals_are_those_of_repeated_fixations(fixations, average, over):
    image, subject, values = fixations
    n = 200
    ((low, high),) = intervals([sample_of(*fixations, average)], over=over, n_bootstrap=n, seed=3)
    rng = np.random.default_rng(
        np.random.SeedSequence(3, spawn_key=(["images", "subjects", "both"].index(over),))
    )
    draws = {
        name: rng.multinomial(size, np.full(size, 1 / size), n)
        if over in (name, "both")
        else np.ones((n, size))
        for name, size in (("images", 12), ("subjects", 5))
    }
    slow = [
        resampled(image, subject, values, average, draws["images"][k], draws["subjects"][k])
        for k in range(n)
    ]
    np.testing.assert_allclose([low, high], np.quantile(slow, [0.025, 0.975]), rtol=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_of_image_means_against_scipy(rng, method):
    values = rng.exponential(size=60)  # skewed, so that BCa differs from percentile
    ((low, high),) = intervals([Sample.of_images(values)], method=method, n_bootstrap=20000, seed=1)
    scipys = stats.bootstrap(
        (values,), np.mean, method={"bca": "BCa"}.get(method, method), n_resamples=20000, rng=rng
    ).confidence_interval
    # two random sets of resamples: a bound's standard error is sqrt(0.025 * 0.975 / 20000) / 0.058
    # = 0.019 standard errors of the mean, about 0.13, so their difference scatters by 0.0035
    np.testing.assert_allclose([low, high], scipys, rtol=0, atol=0.012)


def test_intervals_of_what_has_none(fixations):
    image, subject, values = fixations
    infinite = sample_of(image, subject, np.where(np.arange(200) == 7, -np.inf, values), "image")
    empty = Sample.of_images(np.full(3, np.nan))
    one = sample_of(np.zeros(200, int), subject, values, "fixation")
    good = sample_of(*fixations, "fixation")
    found = intervals([infinite, empty, one, good], n_bootstrap=50)
    assert np.isnan(found[:3]).all()
    assert np.isfinite(found[3]).all()
    assert np.isnan(intervals([good], n_bootstrap=0)).all()


def test_ratio_intervals_are_those_of_resampled_ratios(rng):
    above, below = rng.normal(1, 1, 40), rng.normal(3, 1, 40)
    ratio = Ratio.of(Sample.of_images(above), Sample.of_images(below))
    n = 300
    ((low, high),) = intervals([ratio], n_bootstrap=n, seed=4)
    draws = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(0,)))
    weights = draws.multinomial(40, np.full(40, 1 / 40), n)
    expected = np.quantile((weights @ above) / (weights @ below), [0.025, 0.975])
    np.testing.assert_allclose([low, high], expected, rtol=1e-12)


def test_no_interval_of_a_ratio_whose_denominator_may_be_0():
    below = np.tile([1.1, -0.9], 20)  # mean 0.1; a quarter of the resamples have one below 0
    ratio = Ratio.of(Sample.of_images(np.ones(40)), Sample.of_images(below))
    assert ratio.value == pytest.approx(10, rel=1e-12)
    assert np.isnan(intervals([ratio], n_bootstrap=200)).all()


def test_number_of_clusters(fixations):
    image, subject, values = fixations
    sample = sample_of(image, subject, np.where(image == 3, np.nan, values), "fixation")
    assert n_clusters(sample, "images") == 11
    assert n_clusters(sample, "subjects") == 5
    assert n_clusters(sample, "both") == 5


def test_intervals_do_not_depend_on_what_else_is_asked(fixations):
    samples = [sample_of(*fixations, average) for average in AVERAGES]
    together = intervals(samples, n_bootstrap=100, seed=5)
    alone = [intervals([s], n_bootstrap=100, seed=5)[0] for s in samples]
    np.testing.assert_array_equal(together, alone)
    assert not np.array_equal(together, intervals(samples, n_bootstrap=100, seed=6))


@each_average
@pytest.mark.parametrize("over", ["images", "subjects"])
def test_standard_errors_are_near_those_of_the_bootstrap(rng, average, over):
    image, subject = rng.integers(0, 80, 4000), rng.integers(0, 60, 4000)
    effects = rng.normal(size=80)[image] + rng.normal(size=60)[subject]
    sample = sample_of(image, subject, effects + rng.normal(size=4000), average)
    error, _ = paired_test(sample, over)
    ((low, high),) = intervals([sample], over=over, level=0.6827, n_bootstrap=4000)
    # half an interval of 4000 resamples scatters by 1.3 %, and errors are to first order only
    assert error == pytest.approx((high - low) / 2, rel=0.06)


def test_paired_test_of_image_scores_is_students(rng):
    first, second = rng.normal(size=(2, 30))
    difference = Sample.of_images(first).minus(Sample.of_images(second))
    error, p = paired_test(difference)
    expected = stats.ttest_rel(first, second)
    assert p == pytest.approx(expected.pvalue, rel=1e-9)
    assert error == pytest.approx(stats.sem(first - second), rel=1e-9)


def test_two_way_errors_are_at_least_each_way(fixations):
    sample = sample_of(*fixations, "fixation")
    both = paired_test(sample, "both")[0]
    assert both >= max(paired_test(sample, over)[0] for over in ("images", "subjects"))


def test_paired_test_of_equal_models():
    same = Sample.of_images(np.arange(5.0))
    assert paired_test(same.minus(same)) == (0.0, 1.0)
    assert paired_test(same.minus(Sample.of_images(np.arange(5.0) - 1))) == (0.0, 0.0)
    assert np.isnan(paired_test(Sample.of_images(np.array([1.0])))).all()


def test_holm_by_hand():
    adjusted = holm(np.array([0.01, 0.04, 0.03, np.nan, 0.5]))
    np.testing.assert_allclose(adjusted, [0.04, 0.09, 0.09, np.nan, 0.5], rtol=1e-12)


def test_groups_by_hand():
    different = np.zeros((4, 4), bool)
    different[0, 2:] = different[1, 3] = True
    different |= different.T
    assert indistinct_groups(different) == ["a", "ab", "bc", "c"]
    apart = np.zeros((3, 3), bool)
    apart[0, 1] = apart[1, 0] = True  # the third can be told from neither
    assert indistinct_groups(apart) == ["a", "b", "ab"]
    assert indistinct_groups(np.zeros((3, 3), bool)) == ["a", "a", "a"]
    assert indistinct_groups(~np.eye(2, dtype=bool)) == ["a", "b"]
    assert indistinct_groups(~np.eye(28, dtype=bool))[25:] == ["z", "a1", "b1"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"over": "pixels"}, "over must be one of 'images', 'subjects', 'both'; got 'pixels'"),
        ({"method": "normal"}, "method must be one of 'percentile', 'bca'; got 'normal'"),
        ({"over": "both", "method": "bca"}, "method must be one of 'percentile'; got 'bca'"),
    ],
)
def test_refused(fixations, options, text):
    with pytest.raises(InputError, match=text):
        intervals([sample_of(*fixations, "image")], **options)


@pytest.mark.slow
@each_average
def test_coverage_and_level_by_simulation(average):
    """A small version of checks/statistics.py; bounds are 99.9 % binomial ones for 150 sets."""
    spec = importlib.util.spec_from_file_location("check", ROOT / "checks" / "statistics.py")
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    n = 150
    found = check.simulate(average, n, n_images=80, n_bootstrap=300, seed=1)
    low, high = stats.binom.interval(0.999, n, 0.95) / np.array(n)
    assert low - 0.01 <= found["percentile"] <= high  # percentile intervals: 94 %, not 95
    assert low - 0.01 <= found["bca"] <= high
    assert 1 - high <= found["false_positives"] <= 1 - low
    low, high = stats.binom.interval(0.999, n, found["theory"]) / np.array(n)
    assert low <= found["power"] <= high


@pytest.mark.parametrize("n", [1, 4, 9])
def test_letters_say_exactly_which_pairs_differ(n, rng):
    for share in (0.1, 0.5, 0.9):
        upper = np.triu(rng.random((n, n)) < share, 1)
        different = upper | upper.T
        groups = [set(re.findall(r"[a-z]\d*", letters)) for letters in indistinct_groups(different)]
        assert all(groups)
        for a in range(n):
            for b in range(a + 1, n):
                assert bool(groups[a] & groups[b]) != different[a, b]


def test_a_difference_of_rounding_size_is_none(fixations):
    image, subject, values = fixations
    difference = sample_of(image, subject, np.full(200, 5.6e-17), "fixation")
    assert paired_test(difference) == (0.0, 1.0)
