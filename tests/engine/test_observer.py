"""Observations of images: fixations, empirical maps, negatives and baselines, by hand."""

import pickle

import numpy as np
import pytest

from salmetrics import Fixations, InputError
from salmetrics.checked_map import as_map
from salmetrics.densities.smoothing import Smoothing
from salmetrics.engine.observer import Observer
from salmetrics.metrics.auc import Negatives
from salmetrics.protocols import DEFAULT, get_protocol
from tests.engine.scenes import scene

STIMULI, FIXATIONS = scene()
CC = DEFAULT.override(metrics=("CC",))


def rows_of(i):
    return np.flatnonzero(FIXATIONS.image == i)


def observed(i, protocol=CC, rows=None, **options):
    observer = Observer(STIMULI, FIXATIONS, protocol, **options)
    return observer.observe(i, rows_of(i) if rows is None else rows)


def pixels(fixations, i):
    """Flat indices of the fixated pixels of image i, one per fixation."""
    on_image = fixations.image == i
    width = STIMULI.sizes[i][1]
    return (fixations.y[on_image].astype(int) * width + fixations.x[on_image].astype(int)).tolist()


def test_fixations_are_those_of_the_rows():
    seen = observed(0, rows=rows_of(0)[[2, 0]])
    assert seen.x.tolist() == [1.5, 1.5]
    assert seen.y.tolist() == [0.5, 0.5]
    assert observed(3).x.tolist() == [7.2, 2.5]
    assert seen.protocol is CC


@pytest.mark.parametrize(("binary", "twice"), [(False, 2), (True, 1)])
def test_empirical_maps_count_fixations_or_pixels(binary, twice):
    protocol = CC.override(binary=binary, sigma=1e-3)  # no pixel reaches the next
    truth = observed(0, protocol).empirical_map.values
    expected = np.zeros((6, 8))
    expected[0, 1] = twice  # two fixations in one pixel
    expected[2, 5] = 1
    np.testing.assert_array_equal(truth, expected)


def test_empirical_maps_show_all_subjects_whoever_is_scored():
    alone = observed(0, rows=rows_of(0)[:1]).empirical_map.values
    np.testing.assert_array_equal(alone, observed(0).empirical_map.values)
    blurred = Smoothing(sigma=1.0).points((6, 8), np.array(pixels(FIXATIONS, 0)))
    np.testing.assert_array_equal(alone, blurred)


def test_uniform_negatives_are_left_to_the_metric():
    assert observed(0).negatives == "uniform"
    unfixated = CC.override(nonfixations="unfixated")
    assert observed(0, unfixated).negatives == "unfixated"


def test_pixels_of_other_subjects_are_no_negatives():
    """With one subject's fixations to score, the metric cannot know where the others looked."""
    unfixated = CC.override(nonfixations="unfixated")
    negatives = observed(0, unfixated, rows=rows_of(0)[:1]).negatives
    assert isinstance(negatives, Negatives)
    left = np.setdiff1d(negatives.pixels, negatives.without)
    expected = sorted(set(range(48)) - set(pixels(FIXATIONS, 0)))
    assert left.tolist() == expected
    assert (negatives.counts == 1).all()
    assert negatives.n == len(expected)


def test_own_nonfixations():
    own = Fixations.from_arrays([1, 1, 4, 0], [2, 2, 3, 0], [0, 0, 0, 1], n_images=4)
    negatives = observed(0, nonfixations=own).negatives
    assert negatives.pixels.tolist() == [17, 28]
    assert negatives.counts.tolist() == [2, 1]


def test_own_nonfixations_must_be_on_the_images():
    outside = Fixations.from_arrays([9], [2], [0], n_images=4)
    with pytest.raises(InputError, match="nonfixations"):
        Observer(STIMULI, FIXATIONS, CC, nonfixations=outside)


def test_negatives_of_shuffled_auc_are_scaled_to_the_image():
    # image a is 6 x 8; those of b (8 x 6) move by 6/8 down and 8/6 to the right
    on_a = sorted(
        int(y * 6 / height) * 8 + int(x * 8 / width)
        for x, y, (height, width) in zip(
            FIXATIONS.x, FIXATIONS.y, STIMULI.sizes[FIXATIONS.image], strict=True
        )
    )
    seen = observed(0)
    others = seen.other_negatives
    counted = np.repeat(others.pixels, others.counts).tolist()
    assert counted == on_a
    for pixel in others.without:
        counted.remove(pixel)
    assert sorted(set(counted)) == observed(0, CC.override(n_other=None)).other_pixels.tolist()
    assert others.n == len(FIXATIONS) - rows_of(0).size


def test_the_draw_of_other_images_depends_on_the_seed_alone():
    few = CC.override(n_other=1)
    draws = [observed(0, few, seed=seed).other_pixels.tolist() for seed in range(8)]
    assert draws == [observed(0, few, seed=seed).other_pixels.tolist() for seed in range(8)]
    assert len({tuple(draw) for draw in draws}) > 1


def test_what_is_known_already_is_passed_on():
    observer = Observer(STIMULI, FIXATIONS, CC)
    truth, base, nats = as_map(np.eye(6)), as_map(np.ones((6, 8))), np.array([-1.0, -2.0, -3.0])
    seen = observer.observe(
        0, rows_of(0), baseline=nats, baseline_map=lambda: base, empirical_map=lambda: truth
    )
    assert seen.empirical_map is truth
    assert seen.baseline_map is base
    assert seen.baseline is nats


@pytest.mark.parametrize("part", ["baseline", "baseline_map"])
def test_without_a_baseline_there_is_none(part):
    with pytest.raises(LookupError, match=f"no {part}"):
        getattr(observed(0), part)


def test_the_width_is_required_only_where_something_is_blurred():
    unknown = type(STIMULI).from_sizes(STIMULI.sizes)
    with pytest.raises(InputError, match="or leave out CC"):
        Observer(unknown, FIXATIONS, CC)
    given = Observer(unknown, FIXATIONS, CC, needs_blur=False)  # the ground truth is given
    assert given.smoothing.sigma == 0
    assert Observer(unknown, FIXATIONS, DEFAULT.override(metrics=("NSS",))).smoothing.sigma == 0
    assert Observer(unknown, FIXATIONS, CC.override(sigma=2.5)).smoothing.sigma == 2.5
    assert Observer(STIMULI, FIXATIONS, CC).smoothing.sigma == 1.0


def test_settings_of_optimal_maps():
    protocol = CC.override(sim_samples=7, sim_truncate=2.5)
    settings = Observer(STIMULI, FIXATIONS, protocol, seed=3).map_settings(1)
    assert settings.smoothing == Smoothing(sigma=1.0)
    assert settings.n_fixations == 2  # 7 fixations on the 3 images that have any
    assert (settings.n_samples, settings.truncate) == (7, 2.5)
    assert (settings.seed, settings.image_id) == (3, "b")
    other = get_protocol("mit-tuebingen").override(metrics=("CC",))
    settings = Observer(STIMULI, FIXATIONS, other).map_settings(0)
    assert settings.smoothing == Smoothing(sigma=24.0, boundary="constant")
    assert settings.n_fixations == 100


def test_an_observer_pickles():
    copied = pickle.loads(pickle.dumps(Observer(STIMULI, FIXATIONS, CC)))
    np.testing.assert_array_equal(
        copied.observe(0, rows_of(0)).empirical_map.values, observed(0).empirical_map.values
    )
    assert copied.observe(0, rows_of(0)).other_negatives.n == 4
