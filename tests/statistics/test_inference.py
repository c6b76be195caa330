"""Intervals and tests against slow definitions, SciPy and simulated data with known truth."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from salmetrics import InputError
from salmetrics.statistics import inference
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


# ---- oracles: SciPy, closed forms and re-computation from fixations

SCIPYS = {"percentile": "percentile", "bca": "BCa"}


def grid(rng, n_images=14, n_subjects=9, each=3, skewed=True):
    """Fixations of every subject on every image, with effects of both, and skewed ones."""
    image, subject = np.divmod(np.repeat(np.arange(n_images * n_subjects), each), n_subjects)
    draw = rng.exponential if skewed else rng.normal
    values = draw(size=n_images)[image] + draw(size=n_subjects)[subject]
    return image, subject, values + 0.3 * rng.normal(size=image.size)


def clustered(image, subject, values, average, over):
    """The score as a function of drawn clusters, computed from single fixations."""
    clusters = image if over == "images" else subject
    by_cluster = [np.flatnonzero(clusters == c) for c in range(clusters.max() + 1)]

    def score(drawn):
        drawn = np.asarray(drawn, int).ravel()
        rows = np.concatenate([by_cluster[c] for c in drawn])
        copy = np.repeat(np.arange(drawn.size), [by_cluster[c].size for c in drawn])
        groups = {"fixation": np.zeros(rows.size, int), "image": image[rows]}
        groups["subject"] = subject[rows]
        own = groups[average]
        if average == {"images": "image", "subjects": "subject"}[over]:
            own = copy  # a cluster that is drawn twice counts twice
        sums = np.bincount(own, weights=values[rows])
        counts = np.bincount(own)
        return np.mean(sums[counts > 0] / counts[counts > 0])

    return score


@pytest.mark.parametrize("method", SCIPYS)
@pytest.mark.parametrize(("over", "n"), [("images", 25), ("subjects", 20)])
@each_average
def test_intervals_over_clusters_against_scipy(rng, average, over, n, method):
    """With equally many fixations in all cells, every score is the mean of those of clusters."""
    image, subject, values = data = grid(rng, 25, 20)
    clusters = image if over == "images" else subject
    means = np.bincount(clusters, weights=values) / np.bincount(clusters)
    n_bootstrap = 20_000
    sample = sample_of(*data, average)
    ((low, high),) = intervals([sample], over=over, method=method, n_bootstrap=n_bootstrap)
    scipys, percentile = (
        stats.bootstrap((means,), np.mean, method=each, n_resamples=n_bootstrap, rng=rng)
        for each in (SCIPYS[method], "percentile")
    )
    bounds = scipys.confidence_interval
    # a bound at 2.5 % of 20 000 resamples scatters by sqrt(0.025 * 0.975 / 20000) / 0.058 = 0.019
    # standard errors; the difference of two, in the longer tail, by up to 0.05
    error = scipys.standard_error
    np.testing.assert_allclose([low, high], bounds, rtol=0, atol=0.15 * error)
    if method == "bca":  # whose bounds are farther up, by more than that
        shift = np.subtract(bounds, percentile.confidence_interval)
        assert (shift > 0).all()
        assert shift.max() > 0.3 * error


@pytest.mark.slow
@pytest.mark.parametrize("method", SCIPYS)
@pytest.mark.parametrize("over", ["images", "subjects"])
@each_average
def test_intervals_over_unequal_clusters_against_scipy(rng, average, over, method):
    """SciPy resamples the indices of the clusters, and its BCa jackknifes them."""
    image, subject, values = grid(rng)
    kept = rng.random(image.size) < 0.6
    data = image[kept], subject[kept], values[kept]
    score = clustered(*data, average, over)
    clusters = np.arange(14 if over == "images" else 9)
    n = 3000
    ((low, high),) = intervals([sample_of(*data, average)], over=over, method=method, n_bootstrap=n)
    scipys = stats.bootstrap(
        (clusters,), score, method=SCIPYS[method], n_resamples=n, vectorized=False, rng=rng
    )
    # The two bounds come from different resamples: a bound at 2.5 % of 3000 scatters by 0.05
    # standard errors, more in the long tail. SciPy's acceleration is a jackknife's and ours is of
    # first order.
    error = scipys.standard_error
    bounds = scipys.confidence_interval
    np.testing.assert_allclose([low, high], bounds, rtol=0, atol=0.35 * error)


def jackknife_error(score, n):
    """The standard error of a smooth score, from leaving out one cluster at a time."""
    left = np.array([score(np.delete(np.arange(n), c)) for c in range(n)])
    return np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2))


@pytest.mark.parametrize(("over", "n"), [("images", 14), ("subjects", 9)])
@each_average
def test_standard_errors_are_those_of_the_jackknife(rng, average, over, n):
    data = grid(rng, each=2)
    error, p = paired_test(sample_of(*data, average), over)
    score = clustered(*data, average, over)
    # with equally many fixations in all cells, scores are linear and the two are the same
    assert error == pytest.approx(jackknife_error(score, n), rel=1e-9)
    value = score(np.arange(n))
    assert p == pytest.approx(2 * stats.t.sf(abs(value) / error, n - 1), rel=1e-9)


@pytest.mark.parametrize("over", ["images", "subjects"])
@each_average
def test_standard_errors_of_unequal_clusters_are_near_those_of_the_jackknife(rng, average, over):
    image, subject = rng.integers(0, 60, 3000), rng.integers(0, 50, 3000)
    values = rng.normal(size=60)[image] + rng.normal(size=50)[subject] + rng.normal(size=3000)
    error, _ = paired_test(sample_of(image, subject, values, average), over)
    score = clustered(image, subject, values, average, over)
    # to first order; with 50 clusters, a second order of 2 %
    expected = jackknife_error(score, 60 if over == "images" else 50)
    assert error == pytest.approx(expected, rel=0.05)


@each_average
def test_two_way_error_in_closed_form(rng, average):
    """Mean of a complete table: rows and columns each, less the single cells.

    A cell acts on an average over images only within its image, and so for subjects.
    """
    n, m = 14, 9
    image, subject, values = grid(rng, n, m, each=1, skewed=False)
    table = values.reshape(n, m)
    error, p = paired_test(sample_of(image, subject, values, average), "both")
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    within = {
        "fixation": table - table.mean(),
        "image": table - rows[:, np.newaxis],
        "subject": table - columns,
    }[average]
    images, subjects = rows.var(ddof=1) / n, columns.var(ddof=1) / m
    cells = np.sum(within**2) / (n * m - 1) / (n * m)
    expected = images + subjects - cells
    assert expected > max(images, subjects)  # so that this formula is the one that counts
    assert error == pytest.approx(np.sqrt(expected), rel=1e-9)
    assert p == pytest.approx(2 * stats.t.sf(abs(table.mean()) / error, m - 1), rel=1e-9)


@pytest.mark.slow
def test_two_way_error_by_simulation(rng):
    """The error over images and subjects is the scatter of means of new images and subjects."""
    n, m = 20, 15
    image, subject = np.divmod(np.arange(n * m), m)
    errors, means = [], []
    for _ in range(600):
        values = rng.normal(size=n)[image] + rng.normal(size=m)[subject] + rng.normal(size=n * m)
        errors.append(paired_test(sample_of(image, subject, values, "fixation"), "both")[0])
        means.append(values.mean())
    # the scatter of 600 means is known to 1 / sqrt(1200) = 2.9 %
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.09)


def ratio_of(rng, average, n=80, m=12):
    """Two correlated scores whose ratio is between 0 and 1."""
    image, subject = np.divmod(np.repeat(np.arange(n * m), 2), m)
    below = 3 + rng.normal(size=n)[image] + 0.5 * rng.normal(size=m)[subject]
    below = below + 0.5 * rng.normal(size=image.size)
    above = 0.7 * below + 0.4 * rng.normal(size=n)[image] + 0.2 * rng.normal(size=m)[subject]
    samples = [sample_of(image, subject, values, average) for values in (above, below)]
    return image, subject, above, below, Ratio.of(*samples)


@pytest.mark.parametrize(("over", "n"), [("images", 80), ("subjects", 12)])
@each_average
def test_standard_error_of_a_ratio(rng, average, over, n):
    """Against the delta method on means of clusters, and the scatter of resamples."""
    image, subject, above, below, ratio = ratio_of(rng, average)
    clusters = image if over == "images" else subject
    a, b = (np.bincount(clusters, weights=v) / np.bincount(clusters) for v in (above, below))
    value = a.mean() / b.mean()
    assert ratio.value == pytest.approx(value, rel=1e-12)
    error, _ = paired_test(ratio, over)
    expected = np.std(a - value * b, ddof=1) / np.sqrt(n) / b.mean()
    assert error == pytest.approx(expected, rel=1e-9)
    # a wrong sign would make it more than twice as large, as the two are correlated
    assert np.std(a + value * b, ddof=1) / np.sqrt(n) / b.mean() > 2 * expected
    drawn = rng.integers(0, n, (4000, n))
    resampled = a[drawn].mean(axis=1) / b[drawn].mean(axis=1)
    # the scatter of 4000 resamples is known to 1.1 %, and is (n - 1) / n of the variance
    assert error == pytest.approx(np.std(resampled) * np.sqrt(n / (n - 1)), rel=0.06)


@pytest.mark.parametrize("over", ["images", "subjects"])
def test_bca_of_a_ratio_against_scipy(rng, over):
    image, subject, above, below, ratio = ratio_of(rng, "fixation", n=30)
    clusters = image if over == "images" else subject
    a, b = (np.bincount(clusters, weights=v) for v in (above, below))
    ((low, high),) = intervals([ratio], over=over, method="bca", n_bootstrap=4000)
    scipys = stats.bootstrap(
        (a, b),
        lambda a, b, axis: a.sum(axis) / b.sum(axis),
        paired=True,
        method="BCa",
        n_resamples=4000,
        rng=rng,
    )
    bounds = scipys.confidence_interval
    np.testing.assert_allclose([low, high], bounds, rtol=0, atol=0.25 * scipys.standard_error)


@pytest.mark.parametrize("over", ["images", "subjects"])
def test_paired_test_against_permutations(rng, over):
    """Signs of clusters are exchangeable if the difference is symmetric around 0."""
    image, subject, values = grid(rng, 30, 30, each=1, skewed=False)
    clusters = image if over == "images" else subject
    for shift in (0.1, 0.4):
        means = np.bincount(clusters, weights=values - values.mean()) / 30 + shift
        shifted = values - values.mean() + shift
        _, p = paired_test(sample_of(image, subject, shifted, "fixation"), over)
        scipys = stats.permutation_test(
            (means,),
            lambda x, axis: x.mean(axis),
            permutation_type="samples",
            n_resamples=20_000,
            rng=rng,
        )
        # a p-value of about 0.5 or 0.05 from 20 000 permutations has an error of 0.0035 at most,
        # and Student's distribution is an approximation
        assert p == pytest.approx(scipys.pvalue, abs=0.02)


@pytest.mark.parametrize("over", ["images", "subjects", "both"])
def test_all_blocks_of_resamples_are_used(fixations, over, monkeypatch):
    """Resamples are drawn in blocks, of which the last may be shorter."""
    image, subject, values = fixations
    monkeypatch.setattr(inference, "_BLOCK", 12 * 7)  # seven resamples of twelve clusters
    found = inference._replicates([sample_of(*fixations, "image")], over, 45, 3)[0]
    rng = np.random.default_rng(
        np.random.SeedSequence(3, spawn_key=(["images", "subjects", "both"].index(over),))
    )
    slow = []
    for size in [7] * 6 + [3]:
        draws = [
            rng.multinomial(n, np.full(n, 1 / n), size) if over in (name, "both") else None
            for name, n in (("images", 12), ("subjects", 5))
        ]
        images, subjects = (
            np.ones((size, n)) if each is None else each
            for each, n in zip(draws, (12, 5), strict=True)
        )
        slow += [
            resampled(image, subject, values, "image", images[k], subjects[k]) for k in range(size)
        ]
    np.testing.assert_allclose(found, slow, rtol=1e-12)


def test_every_resample_draws_as_many_clusters_as_there_are():
    for images, subjects in inference._weights("both", 12, 5, 45, seed=0):
        assert (images.sum(axis=1) == 12).all()
        assert (subjects.sum(axis=1) == 5).all()


def test_an_interval_is_of_the_level_that_was_asked_for(rng):
    """Of normal data: the value, and z errors to both sides."""
    values = rng.normal(size=200)
    sample = Sample.of_images(values)
    for level in (0.5, 0.8, 0.95):
        z = stats.norm.ppf(0.5 + level / 2)
        ((low, high),) = intervals([sample], level=level, n_bootstrap=4000)
        error = stats.sem(values)
        # a bound of 4000 resamples scatters by at most 0.05 errors
        np.testing.assert_allclose(
            [low, high], values.mean() + z * error * np.array([-1, 1]), rtol=0, atol=0.2 * error
        )
