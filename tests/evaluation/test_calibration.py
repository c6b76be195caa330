"""Calibration: exact counts, known truths, the test's rate, and the figure."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salmetrics
from salmetrics import Calibration, InputError, Stimuli, calibration
from salmetrics.datasets import generate_dataset
from salmetrics.densities.sampling import draw_pixels
from salmetrics.kernels.quantile import mass_below
from salmetrics.plotting import plot_calibration

SIZE = (30, 40)


def densities(n, power=1.0, seed=0):
    """Log densities of n images, as they are or with a power of the probabilities."""
    made = generate_dataset(n, size=SIZE, n_subjects=1, n_fixations=1, seed=seed)
    logs = [power * made.truth.log_density(stimulus) for stimulus in made.dataset.stimuli]
    return [log - np.log(np.exp(log).sum()) for log in logs]


def drawn(log_densities, n, seed):
    """Images and n fixations on each, from the densities."""
    stream = np.random.default_rng(seed)
    pixels = np.concatenate([draw_pixels(np.exp(log), n, stream) for log in log_densities])
    stimuli = Stimuli.from_sizes([SIZE] * len(log_densities))
    y, x = np.divmod(pixels, SIZE[1])
    image = np.repeat(np.arange(len(log_densities)), n)
    return stimuli, salmetrics.Fixations.from_arrays(x + 0.5, y + 0.5, image)


def test_by_hand():
    """Masses 0.1 0.2 0.3 0.4; a fixation on the second covers 0.1 to 0.3."""
    p = np.array([[0.4, 0.1], [0.3, 0.2]])
    stimuli = Stimuli.from_sizes([(2, 2)])
    fixations = salmetrics.Fixations.from_arrays([1.5, 0.5], [1.5, 0.5], [0, 0])
    found = calibration([np.log(p)], stimuli, fixations, n_bins=5)
    np.testing.assert_allclose(found.below, [0.1, 0.6], rtol=1e-12)
    np.testing.assert_allclose(found.tied, [0.2, 0.4], rtol=1e-12)
    np.testing.assert_allclose(found.quantiles, [0.2, 0.8], rtol=1e-12)
    # the first: half in bin 1, half in bin 2; the second: half in bin 4, half in bin 5
    np.testing.assert_allclose(found.shares, [0.25, 0.25, 0, 0.25, 0.25], rtol=0, atol=1e-12)
    assert found.error == pytest.approx(4 * 0.05 + 0.2, rel=1e-12)
    assert found.confidence == pytest.approx(0, abs=1e-12)
    middle = calibration([np.log(p)], stimuli, fixations, n_bins=4, ties="mid")
    np.testing.assert_array_equal(middle.shares, [0.5, 0, 0, 0.5])


@given(st.integers(0, 10**6), st.integers(2, 12))
def test_against_sorting(seed, n_bins):
    """Cut the sorted pixels into bins of equal mass, and see where each fixation's pixel lies."""
    rng = np.random.default_rng(seed)
    p = rng.choice([0.0, 1, 1, 2, 5, 7.5], size=(5, 6))
    p[0, 0] = 3
    p /= p.sum()
    pixels = rng.integers(0, 30, 8)
    shares = np.zeros(n_bins)
    for pixel in pixels:
        below = p[p < p.flat[pixel]].sum()
        tied = p[p == p.flat[pixel]].sum()
        for k in range(n_bins):
            low, high = k / n_bins, (k + 1) / n_bins
            if tied > 0:
                overlap = max(0.0, min(high, below + tied) - max(low, below))
                shares[k] += overlap / tied / 8
            else:
                shares[k] += (k == 0) / 8
    y, x = np.divmod(pixels, 6)
    with np.errstate(divide="ignore"):
        found = calibration(
            [np.log(p)],
            Stimuli.from_sizes([(5, 6)]),
            salmetrics.Fixations.from_arrays(x, y, np.zeros(8, int)),
            n_bins=n_bins,
        )
    np.testing.assert_allclose(found.shares, shares, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_bins", [2, 7, 10])
def test_flat_densities_are_exact(n_bins):
    logs = [np.full(SIZE, -np.log(np.prod(SIZE)))] * 3
    found = calibration(salmetrics.Uniform(), *drawn(logs, 11, 0), n_bins=n_bins)
    np.testing.assert_allclose(found.shares, 1 / n_bins, rtol=0, atol=1e-12)
    assert found.confidence == pytest.approx(0, abs=1e-12)
    assert found.error < 1e-11
    assert found.p_value > 0.9


def test_huge_ties():
    """Half of the image has one value, half another: shares within each half are equal."""
    p = np.ones(SIZE)
    p[:, 20:] = 3
    logs = [np.log(p / p.sum())] * 40
    found = calibration(logs, *drawn(logs, 200, 0), n_bins=8)
    np.testing.assert_allclose(found.shares[:2], found.shares[0], rtol=1e-12)
    np.testing.assert_allclose(found.shares[2:], found.shares[2], rtol=1e-12)
    np.testing.assert_allclose(found.shares, 1 / 8, rtol=0, atol=0.01)


def test_the_test_has_its_rate():
    """Fixations from the model itself are not rejected beyond the nominal rate."""
    logs = densities(40)
    p_values = np.array(
        [
            calibration(logs, *drawn(logs, 15, seed), n_bootstrap=200, seed=seed).p_value
            for seed in range(60)
        ]
    )
    # 60 tests at 5 %: 8 or more in 1 % of cases
    assert (p_values < 0.05).sum() <= 7
    assert 0.25 < p_values.mean() < 0.8


@pytest.mark.parametrize(("power", "sign"), [(1.5, -1), (0.67, 1)])
def test_sharpened_and_flattened(power, sign):
    """p^1.5 is overconfident: shares fall; p^0.67 is underconfident: they rise."""
    found = calibration(densities(40, power), *drawn(densities(40), 60, 1))
    assert sign * found.confidence > 0.03
    assert found.p_value < 0.01
    slope = np.polyfit(np.arange(10), found.shares, 1)[0]
    assert sign * slope > 0
    assert ("overconfident" if sign < 0 else "underconfident") in repr(found)


def test_average_over_images():
    logs = densities(2)
    stimuli, fixations = drawn(logs, 30, 0)
    some = fixations[np.r_[0:30, 30:33]]
    found = calibration(logs, stimuli, some, average="image")
    alone = [calibration(logs, stimuli, some[some.image == i]) for i in (0, 1)]
    expected = np.mean([a.shares for a in alone], axis=0)
    np.testing.assert_allclose(found.shares, expected, rtol=1e-12, atol=1e-15)
    assert found.confidence == pytest.approx(
        np.mean([a.confidence for a in alone]), rel=1e-12, abs=1e-15
    )


def test_tables():
    logs = densities(5)
    found = calibration(logs, *drawn(logs, 30, 0), n_bins=4)
    assert found.table["share"].sum() == pytest.approx(1, rel=1e-12)
    assert (found.table["low"] < found.table["share"]).all()
    assert (found.table["share"] < found.table["high"]).all()
    assert found.table["to"].tolist() == [0.25, 0.5, 0.75, 1]
    per_image = found.per_image
    assert per_image["n_fixations"].tolist() == [30] * 5
    assert per_image["confidence"].mean() == pytest.approx(found.confidence, rel=1e-12, abs=1e-15)
    narrow, wide = (found.intervals(level) for level in (0.5, 0.99))
    assert (wide[:, 0] < narrow[:, 0]).all()


def test_same_seed_same_intervals():
    logs = densities(5)
    data = drawn(logs, 30, 0)
    one, same, other = (calibration(logs, *data, seed=seed).intervals() for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_models_that_depend_on_the_subject():
    dataset = generate_dataset(6, size=SIZE, n_subjects=4).dataset
    gold = salmetrics.GoldStandard(*dataset, bandwidth=3, centre_weight=0.1, uniform_weight=0.1)
    found = calibration(gold, *dataset)
    stimulus, rows = dataset.stimuli[2], dataset.fixations.rows_of_image(2)
    row = rows[0]
    log = gold.log_density(stimulus, subject=dataset.fixations.subject[row])
    p = np.exp(log)
    own = p[int(dataset.fixations.y[row]), int(dataset.fixations.x[row])]
    assert found.below[row] == pytest.approx(p[p < own].sum(), rel=1e-9)


def test_little_data():
    logs = densities(1)
    found = calibration(logs, *drawn(logs, 5, 0))
    assert np.isnan(found.intervals()).all()
    assert np.isnan(found.p_value)
    stimuli, fixations = drawn(densities(3), 5, 0)
    none = calibration(densities(3), stimuli, fixations, n_bootstrap=0)
    assert np.isnan(none.p_value)
    there = calibration(densities(3), stimuli, fixations[fixations.image != 1])
    assert there.per_image.index.tolist() == ["0", "2"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"ties": "low"}, InputError, "ties must be one of 'split', 'mid'; got 'low'"),
        ({"average": "subject"}, InputError, "average must be one of 'fixation', 'image'"),
        ({"n_bins": 1}, InputError, "n_bins must be a whole number >= 2; got 1"),
        ({"n_bootstrap": -1}, InputError, "n_bootstrap must be a whole number >= 0; got -1"),
        ({"kind": "saliency_map"}, TypeError, "list gives saliency maps. Turn them into densities"),
    ],
)
def test_errors(options, error, text):
    logs = densities(2)
    with pytest.raises(error, match=text):
        calibration(logs, *drawn(logs, 5, 0), **options)


def test_more_errors():
    logs = densities(2)
    stimuli, fixations = drawn(logs, 5, 0)
    with pytest.raises(InputError, match="there are no fixations to compare the density with"):
        calibration(logs, stimuli, fixations[:0])
    with pytest.raises(InputError, match="level must be a share between 0 and 1"):
        calibration(logs, stimuli, fixations).intervals(95)
    with pytest.raises(InputError, match="sum"):
        calibration([log + 1 for log in logs], stimuli, fixations)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_compiled_and_plain(dtype, rng):
    values = rng.choice(rng.standard_normal(7), 200).astype(dtype)
    values[:3] = -np.inf
    thresholds = np.unique(values[rng.integers(0, 200, 6)])
    for function in (mass_below, mass_below.py_func):
        below, tied = function(values, thresholds)
        masses = np.exp(values.astype(float))
        expected = [masses[values < t].sum() for t in thresholds]
        np.testing.assert_allclose(below, expected, rtol=1e-12)
        np.testing.assert_allclose(
            tied, [masses[values == t].sum() for t in thresholds], rtol=1e-12
        )


def test_figure():
    logs = densities(5)
    found = calibration(logs, *drawn(logs, 30, 0), n_bins=6)
    figure, axes = plt.subplots()
    assert plot_calibration(found, ax=axes, color="red") is axes
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, found.shares, rtol=1e-12, atol=0)
    assert axes.patches[0].get_facecolor() == (1, 0, 0, 1)
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert line.get_ydata()[0] == 1 / 6
    assert axes.get_title().startswith("list\nerror ")
    assert axes.get_xlim() == (0, 1)
    plt.close(figure)
    one = Calibration("x", np.array([0.2]), np.array([0.1]), np.array([0]), ("a",))
    plt.close(plot_calibration(one).figure)
