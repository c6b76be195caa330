"""The centre bias against SciPy's blur of the other images' fixations."""

import pickle

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics import CentreBias, Fixations, InputError, Stimuli

SIZES = {"one size": [(24, 32)] * 4, "mixed": [(24, 32), (32, 24), (24, 32), (17, 41)]}


def make_data(sizes, n=80):
    rng = np.random.default_rng(2)
    stimuli = Stimuli.from_sizes(sizes, ids=["a", "b", "c", "d"])
    image = rng.choice([0, 1, 3], n)  # none on image c
    heights, widths = stimuli.sizes[image].T
    return stimuli, Fixations.from_arrays(
        rng.random(n) * widths, rng.random(n) * heights, image, n_images=4
    )


def slow_density(stimuli, fixations, left_out, size, boundary, bandwidth, floor):
    """Blur the histogram of the other images' fixations with SciPy, and normalise."""
    histogram = np.zeros(size)
    for x, y, i in zip(fixations.x, fixations.y, fixations.image, strict=True):
        if i != left_out:
            height, width = stimuli.sizes[i]
            histogram[int(y / height * size[0]), int(x / width * size[1])] += 1
    sigma = bandwidth * size[0], bandwidth * size[1]
    if boundary == "renormalise":
        histogram /= gaussian_filter(np.ones(size), sigma, mode="constant")
    mode = "reflect" if boundary == "reflect" else "constant"
    blurred = gaussian_filter(histogram, sigma, mode=mode)
    return (1 - floor) * blurred / blurred.sum() + floor / blurred.size


@pytest.mark.parametrize("floor", [0.0, 1e-3])
@pytest.mark.parametrize("boundary", ["reflect", "constant", "renormalise"])
@pytest.mark.parametrize("sizes", SIZES)
def test_leaves_one_image_out(sizes, boundary, floor):
    stimuli, fixations = make_data(SIZES[sizes])
    options = {"bandwidth": 0.08, "boundary": boundary, "floor": floor}
    model = CentreBias(stimuli, fixations, **options)
    for i, stimulus in enumerate(stimuli):
        expected = slow_density(stimuli, fixations, i, stimulus.size, **options)
        found = np.exp(model.log_density(stimulus))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("boundary", ["reflect", "constant", "renormalise"])
@pytest.mark.parametrize("sizes", SIZES)
def test_log_likelihoods_are_looked_up_in_the_map(sizes, boundary):
    stimuli, fixations = make_data(SIZES[sizes])
    model = CentreBias(stimuli, fixations, bandwidth=0.08, boundary=boundary)
    found = model.log_likelihoods(stimuli, fixations)
    maps = [model.log_density(s) for s in stimuli]
    columns = fixations.image, fixations.y.astype(int), fixations.x.astype(int)
    expected = [maps[i][y, x] for i, y, x in zip(*columns, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_new_images():
    stimuli, fixations = make_data(SIZES["mixed"])
    options = {"bandwidth": 0.08, "boundary": "reflect", "floor": 1e-6}
    model = CentreBias(stimuli, fixations, **options)
    new = Stimuli.from_sizes([(20, 50)], ids=["new"])
    expected = slow_density(stimuli, fixations, None, (20, 50), **options)
    np.testing.assert_allclose(np.exp(model.log_density(new[0])), expected, rtol=0, atol=1e-12)
    seen = Fixations.from_arrays([1, 49.5], [19, 0], [0, 0])
    np.testing.assert_allclose(
        model.log_likelihoods(new, seen), np.log(expected[[19, 0], [1, 49]]), rtol=1e-9
    )


def test_a_known_image_must_not_change():
    stimuli, fixations = make_data(SIZES["one size"])
    model = CentreBias(stimuli, fixations)
    other = Stimuli.from_sizes([(25, 32)], ids=["b"])
    with pytest.raises(InputError, match=r"'b' has size \(25, 32\), but \(24, 32\) in the stimuli"):
        model.log_density(other[0])
    with pytest.raises(InputError, match=r"'b' has size \(25, 32\)"):
        model.log_likelihoods(other, Fixations.from_arrays([1], [1], [0]))
    text = "leaves out image 'a', which now comes with other fixations; make a new one"
    with pytest.raises(InputError, match=text):
        model.log_likelihoods(stimuli, fixations[np.flatnonzero(fixations.image == 0)[1:]])
    # an image that had no fixations has some now
    with pytest.raises(InputError, match="leaves out image 'c'"):
        model.log_likelihoods(stimuli, Fixations.from_arrays([1], [1], [2], n_images=4))
    shuffled = np.random.default_rng(0).permutation(len(fixations))
    np.testing.assert_allclose(
        model.log_likelihoods(stimuli, fixations[shuffled]),
        model.log_likelihoods(stimuli, fixations)[shuffled],
        rtol=1e-12,
    )


def test_all_fixations_on_one_image():
    stimuli = Stimuli.from_sizes([(4, 5), (4, 5)])
    model = CentreBias(stimuli, Fixations.from_arrays([1, 2], [1, 2], [0, 0], n_images=2))
    np.testing.assert_allclose(np.exp(model.log_density(stimuli[0])), 1 / 20, rtol=1e-12)
    assert np.exp(model.log_density(stimuli[1])).max() > 1 / 20


def test_more_sizes_than_are_kept():
    sizes = [(10 + i, 20) for i in range(7)]
    stimuli = Stimuli.from_sizes(sizes)
    fixations = Fixations.from_arrays(np.arange(7) + 1.0, np.full(7, 5.0), range(7))
    model = CentreBias(stimuli, fixations)
    first = [model.log_density(s) for s in stimuli]
    again = [model.log_density(s) for s in reversed(list(stimuli))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(model._totals) == 4


def test_pickles_small():
    stimuli, fixations = make_data(SIZES["one size"])
    model = CentreBias(stimuli, fixations)
    expected = model.log_density(stimuli[0])
    data = pickle.dumps(model)
    assert len(data) < 5000 < len(pickle.dumps(model._totals))
    assert np.array_equal(pickle.loads(data).log_density(stimuli[0]), expected)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bandwidth": 0}, "bandwidth must be a positive share of the size; got 0"),
        ({"bandwidth": np.inf}, "bandwidth must be a positive share"),
        ({"floor": -0.1}, "floor must be from 0 to 1; got -0.1"),
        ({"floor": 1.1}, "floor must be from 0 to 1; got 1.1"),
        ({"boundary": "wrap"}, "boundary must be one of 'constant', 'reflect', 'renormalise'"),
    ],
)
def test_errors(options, text):
    with pytest.raises(InputError, match=text):
        CentreBias(*make_data(SIZES["mixed"]), **options)


def test_errors_of_the_data():
    stimuli, fixations = make_data(SIZES["mixed"])
    with pytest.raises(InputError, match="a centre bias needs fixations; there are none"):
        CentreBias(stimuli, fixations[:0])
    with pytest.raises(InputError, match="on 4 images, but there are 2"):
        CentreBias(stimuli[:2], fixations)
