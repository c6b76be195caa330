import numpy as np
import pytest

from salmetrics import Fixations, Stimuli
from salmetrics.engine.nonfixations import OtherFixations

# more sizes than the totals that are kept
SIZES = [(10 + i, 40 - 2 * i) for i in range(11)] + [(10, 40)]


@pytest.fixture
def data(rng):
    stimuli = Stimuli.from_sizes(SIZES)
    image = rng.choice([i for i in range(12) if i != 4], 150)  # none on image 4
    heights, widths = stimuli.sizes[image].T
    x = np.concatenate([rng.random(149) * widths[:-1], [widths[-1] - 1e-9]])  # on the edge
    return stimuli, Fixations.from_arrays(x, rng.random(150) * heights, image, n_images=12)


def slow_counts(stimuli, fixations, i, others):
    height, width = stimuli.sizes[i]
    counts = np.zeros((height, width), int)
    for x, y, k in zip(fixations.x, fixations.y, fixations.image, strict=True):
        if k in others:
            their_height, their_width = stimuli.sizes[k]
            row = min(int(y * (height / their_height)), height - 1)
            counts[row, min(int(x * (width / their_width)), width - 1)] += 1
    return counts.ravel()


def test_all_others(data):
    stimuli, fixations = data
    made = OtherFixations(*data)
    for i in [*range(12), 0, 11]:
        found = made.on_all(i)
        counts = np.zeros(np.prod(SIZES[i]), int)
        counts[found.pixels] = found.counts
        np.subtract.at(counts, found.without, 1)
        assert np.all(np.diff(found.pixels) > 0)
        others = set(range(12)) - {i}
        assert np.array_equal(counts, slow_counts(stimuli, fixations, i, others))


def test_all_others_as_a_set(data):
    for i in (0, 4, 7):
        expected = np.flatnonzero(slow_counts(*data, i, set(range(12)) - {i}))
        for n_other in (None, 11, 50):
            assert np.array_equal(OtherFixations(*data).on_some(i, n_other, 0), expected)


def test_some_others(data):
    stimuli, fixations = data
    made = OtherFixations(*data)
    single = [set(np.flatnonzero(slow_counts(*data, 0, {k}))) for k in range(12)]
    seen = set()
    for seed in range(20):
        found = made.on_some(0, 1, seed)
        assert np.array_equal(found, made.on_some(0, 1, seed))
        assert set(found) in single[1:]
        seen.add(tuple(found))
    assert len(seen) > 3  # other seeds draw other images
    several = made.on_some(0, 3, 0)
    assert len(several) > len(found)


@pytest.mark.parametrize("n_other", [1, 3, 10])
def test_draws_do_not_depend_on_the_order_of_images(data, rng, n_other):
    stimuli, fixations = data
    order = rng.permutation(12)
    moved = OtherFixations(stimuli[order], fixations.select_images(order))
    for new, old in enumerate(order):
        assert np.array_equal(
            moved.on_some(new, n_other, 5), OtherFixations(*data).on_some(old, n_other, 5)
        )


def test_a_single_image():
    stimuli = Stimuli.from_sizes([(5, 5)])
    made = OtherFixations(stimuli, Fixations.from_arrays([1], [1], [0]))
    assert made.on_all(0).n == 0
    assert made.on_some(0, 3, 0).size == 0
