"""The centre bias against SciPy's blur of the other images' fixations."""

import dataclasses
import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics import CentreBias, Fixations, InputError, Stimuli
from salmetrics.densities import smoothing
from salmetrics.errors import CannotFitError, InputWarning

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
        (
            {"bandwidth": 0},
            "bandwidth must be a positive share of the image's size, at most 1, and not in pi",
        ),
        ({"bandwidth": np.inf}, "bandwidth must be a positive share"),
        ({"bandwidth": 24}, "and not in pixels; got 24"),
        ({"floor": "low"}, "floor must be from 0 to 1; got 'low'"),
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


@pytest.mark.parametrize("keep_aspect", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_fit_finds_the_best_of_its_neighbours(sizes, keep_aspect):
    stimuli, fixations = clustered(SIZES[sizes])
    best = CentreBias.fit(stimuli, fixations, keep_aspect=keep_aspect)

    def likelihood(bandwidth, floor):
        model = CentreBias(
            stimuli, fixations, bandwidth=bandwidth, floor=floor, keep_aspect=keep_aspect
        )
        return model.log_likelihoods(stimuli, fixations).mean() / np.log(2)

    at = likelihood(best.bandwidth, best.floor)
    assert at == pytest.approx(best.optimum.log_likelihood, abs=1e-10)
    for factor in (0.7, 0.9, 0.97, 1.03, 1.1, 1.4):
        assert likelihood(best.bandwidth * factor, best.floor) < at
        assert likelihood(best.bandwidth, min(best.floor * factor, 1)) < at
    assert best.optimum.curvature["bandwidth"] > 0
    assert best.optimum.at_bound == ()
    assert best.parameters["fitted"]


def clustered(sizes):
    """Fixations around the middle, with some anywhere."""
    rng = np.random.default_rng(4)
    stimuli = Stimuli.from_sizes(sizes)
    image = rng.integers(0, len(sizes), 300)
    where = 0.5 + 0.1 * rng.normal(size=(300, 2))
    where[:60] = rng.random((60, 2))
    y, x = (where.clip(0.001, 0.999) * stimuli.sizes[image]).T
    return stimuli, Fixations.from_arrays(x, y, image, n_images=len(sizes))


def test_fit_of_one_parameter():
    stimuli, fixations = clustered(SIZES["one size"])
    fixed = CentreBias.fit(stimuli, fixations, floor=0.3)
    assert fixed.floor == 0.3
    assert list(fixed.optimum.curvature) == ["bandwidth"]
    given = CentreBias.fit(stimuli, fixations, bandwidth=0.07)
    assert given.bandwidth == 0.07
    assert 0.01 < given.floor < 0.6
    with pytest.raises(InputError, match="bandwidth must be one of 'fit'; got 'best'"):
        CentreBias.fit(stimuli, fixations, bandwidth="best")


def test_fit_needs_two_images():
    stimuli = Stimuli.from_sizes([(9, 9), (9, 9)])
    fixations = Fixations.from_arrays([1, 2], [1, 2], [0, 0], n_images=2)
    with pytest.raises(
        CannotFitError, match=r"least two images; there are some on 1; salmetrics\.GaussianC"
    ):
        CentreBias.fit(stimuli, fixations)


def test_fit_warns_of_equal_fixations():
    stimuli = Stimuli.from_sizes([(200, 200)] * 3)
    fixations = Fixations.from_arrays([50.5] * 3, [60.5] * 3, range(3))
    with pytest.warns(UserWarning, match="centre bias ended at the end of the range of bandwidth"):
        CentreBias.fit(stimuli, fixations)


def test_fitted_parameters_do_not_depend_on_the_order(rng):
    stimuli, fixations = clustered(SIZES["mixed"])
    shuffled = fixations[rng.permutation(len(fixations))]
    first, second = CentreBias.fit(stimuli, fixations), CentreBias.fit(stimuli, shuffled)
    assert first.parameters == second.parameters
    assert first.is_default(stimuli, shuffled)
    assert not first.is_default(stimuli, fixations[:-1])
    assert not CentreBias(stimuli, fixations).is_default(stimuli, fixations)


def test_keep_aspect_measures_from_the_middle():
    stimuli = Stimuli.from_sizes([(40, 40), (40, 80)])
    fixations = Fixations.from_arrays([20, 70], [10, 20], [0, 1])
    options = {"bandwidth": 0.05, "floor": 0.0, "keep_aspect": True}
    model = CentreBias(stimuli, fixations, **options)
    density = np.exp(model.log_density(stimuli[1]))  # 20 of 40 above the middle: 20 of 80
    assert np.unravel_index(density.argmax(), density.shape) == (0, 40)
    # 30 of 80 right of the middle: 15 of 40
    density = np.exp(model.log_density(stimuli[0]))
    assert np.unravel_index(density.argmax(), density.shape) == (20, 35)
    narrow = Stimuli.from_sizes([(80, 20)], ids=["narrow"])
    density = np.exp(model.log_density(narrow[0]))  # 30 of 80 right of the middle: outside
    assert np.unravel_index(density.argmax(), density.shape) == (20, 10)
    only = CentreBias(stimuli, fixations[1:], **options)
    np.testing.assert_allclose(np.exp(only.log_density(narrow[0])), 1 / 1600, rtol=1e-12)


def test_few_pixels_and_whole_maps_agree():
    """Sizes that few images have are not blurred as a whole."""
    sizes = [(24, 32)] * 8 + [(32, 24)]
    stimuli, fixations = clustered(sizes)
    model = CentreBias(stimuli, fixations, bandwidth=0.05)
    found = model.log_likelihoods(stimuli, fixations)
    maps = [model.log_density(s) for s in stimuli]
    columns = fixations.image, fixations.y.astype(int), fixations.x.astype(int)
    expected = [maps[i][y, x] for i, y, x in zip(*columns, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_saved_and_loaded(tmp_path):
    stimuli, fixations = clustered(SIZES["mixed"])
    model = CentreBias.fit(stimuli, fixations, boundary="renormalise")
    model.save(tmp_path / "bias.h5")
    again = CentreBias.load(tmp_path / "bias.h5")
    assert again.parameters == model.parameters
    assert again.optimum == model.optimum
    for stimulus in (stimuli[1], Stimuli.from_sizes([(9, 30)], ids=["new"])[0]):
        assert np.array_equal(again.log_density(stimulus), model.log_density(stimulus))
    with pytest.raises(InputError, match="leaves out image '0'"):
        again.log_likelihoods(stimuli, fixations[1:] if fixations.image[0] == 0 else fixations[:9])
    assert CentreBias.load(tmp_path / "bias.h5").log_likelihoods(stimuli, fixations).shape == (300,)


def test_files_that_hold_no_centre_bias(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        CentreBias.load(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="is not a readable centre bias"):
        CentreBias.load(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="holds no centre bias"):
        CentreBias.load(tmp_path / "other.h5")


def test_samples_follow_the_density():
    stimuli, fixations = clustered(SIZES["one size"])
    model = CentreBias(stimuli, fixations, bandwidth=0.1, floor=0.05)
    x, y = model.sample(stimuli[0], 50_000, seed=3)
    again = model.sample(stimuli[0], 50_000, seed=3)
    assert np.array_equal(x, again[0])
    assert not np.array_equal(x, model.sample(stimuli[1], 50_000, seed=3)[0])
    counts = np.histogram2d(y, x, bins=[24, 32], range=[[0, 24], [0, 32]])[0]
    expected = 50_000 * np.exp(model.log_density(stimuli[0]))
    # chi-square of 768 cells, about three standard deviations of sqrt(2 * 767)
    assert abs(((counts - expected) ** 2 / expected).sum() - 767) < 120


@pytest.mark.parametrize("number", [np.float32(0.05), np.float64(0.05), 0.05])
def test_fit_with_numbers_of_any_type(number):
    stimuli, fixations = clustered(SIZES["one size"])
    fitted = CentreBias.fit(stimuli, fixations, bandwidth=number)
    assert fitted.bandwidth == pytest.approx(0.05, rel=1.2e-7)  # eps of float32
    for wrong in ({"floor": 1.5}, {"floor": np.nan}, {"bandwidth": None}, {"bandwidth": 24}):
        with pytest.raises(InputError, match="must be"):
            CentreBias.fit(stimuli, fixations, **wrong)


def test_files_that_are_newer_or_incomplete(tmp_path):
    stimuli, fixations = clustered(SIZES["one size"])
    CentreBias(stimuli, fixations).save(tmp_path / "bias.h5")
    with h5py.File(tmp_path / "bias.h5", "r+") as file:
        del file["image"]
    with pytest.raises(InputError, match="is not a readable centre bias"):
        CentreBias.load(tmp_path / "bias.h5")
    with h5py.File(tmp_path / "bias.h5", "r+") as file:
        file.attrs["format"] = 99
    with pytest.raises(InputError, match="has format 99, newer than this version"):
        CentreBias.load(tmp_path / "bias.h5")


def test_fit_with_many_sizes():
    """All fixations at one size give nearly the best parameters for all sizes."""
    stimuli, fixations = clustered([(90 + 3 * i, 130 - 2 * i) for i in range(12)])
    fitted = CentreBias.fit(stimuli, fixations)
    nats = fitted.log_likelihoods(stimuli, fixations)
    # binned at one size, fixations move by up to half a pixel of a bandwidth of some seven
    assert nats.mean() / np.log(2) == pytest.approx(fitted.optimum.log_likelihood, abs=2e-3)
    for factor in (0.9, 1.1):
        options = {"bandwidth": fitted.bandwidth * factor, "floor": fitted.floor}
        other = CentreBias(stimuli, fixations, **options)
        assert other.log_likelihoods(stimuli, fixations).mean() < nats.mean()
    assert fitted.is_default(stimuli, fixations)
    assert fitted.parameters["fitted"]


def test_files_of_earlier_versions():
    """A model written by 787de87, and what it predicted then."""
    folder = Path(__file__).parent / "old_files"
    then = json.loads((folder / "centre_bias_1.json").read_text())
    stimuli = Stimuli.from_sizes(SIZES["mixed"], ids=["a", "b", "c", "d/e.jpg"])
    fixations = Fixations.from_arrays(then["x"], then["y"], then["image"], n_images=4)
    model = CentreBias.load(folder / "centre_bias_1.h5")
    assert model.parameters == then["parameters"]
    assert dataclasses.asdict(model.optimum) == then["optimum"] | {"at_bound": ()}
    model.check_data(stimuli, fixations)
    # sums of 80 kernels, of which an image's own are subtracted again: some 100 eps
    found = model.log_likelihoods(stimuli, fixations)
    np.testing.assert_allclose(found, then["log_likelihoods"], rtol=0, atol=1e-12)
    (new,) = Stimuli.from_sizes([(5, 4)], ids=["new"])
    np.testing.assert_allclose(model.log_density(new), then["log_density_new"], rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="leaves out image"):
        model.check_data(stimuli, fixations[1:])


def crowd(n, rng):
    """Many fixations around the centre of two small images."""
    stimuli = Stimuli.from_sizes([(24, 32), (24, 32)])
    x, y = np.clip(rng.normal(16, 6, n), 0, 31.9), np.clip(rng.normal(12, 4, n), 0, 23.9)
    return stimuli, Fixations.from_arrays(x, y, rng.integers(0, 2, n))


def test_counting_points_by_pixel_does_not_move_a_fit(rng, monkeypatch):
    stimuli, fixations = crowd(4400, rng)
    assert (fixations.counts() ** 2 > smoothing._MANY_PAIRS).all()
    found = CentreBias.fit(stimuli, fixations, progress=False)
    likelihoods = found.log_likelihoods(stimuli, fixations)
    monkeypatch.setattr(smoothing, "_MANY_PAIRS", 10**9)
    expected = CentreBias.fit(stimuli, fixations, progress=False)
    assert found.parameters == expected.parameters
    assert found.optimum.log_likelihood == pytest.approx(expected.optimum.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(
        likelihoods, expected.log_likelihoods(stimuli, fixations), rtol=1e-10
    )


def test_the_work_of_a_fit_does_not_grow_with_the_square_of_the_fixations(rng, monkeypatch):
    pairs = []
    original = smoothing.kernels.blurred_points_at

    def counting(rows, columns, ys, xs, masses, ends, at_y, *rest):
        pairs.append(ys.size * at_y.size)
        return original(rows, columns, ys, xs, masses, ends, at_y, *rest)

    monkeypatch.setattr(smoothing.kernels, "blurred_points_at", counting)
    CentreBias.fit(*crowd(100_000, rng), progress=False)
    # the images have 768 pixels each, and about 25 bandwidths are tried
    assert sum(pairs) <= 40 * 2 * 768**2


def test_the_only_image_with_fixations_is_noted(tmp_path):
    stimuli = Stimuli.from_sizes([(9, 9)] * 3, ids=list("abc"))
    fixations = Fixations.from_arrays([1, 2], [1, 2], [1, 1], n_images=3)
    model = CentreBias(stimuli, fixations)
    (note,) = model.notes
    assert note.startswith("all fixations of the centre bias are on 'b', whose prediction")
    np.testing.assert_array_equal(model.log_density(stimuli[1]), np.full((9, 9), -np.log(81)))
    with pytest.warns(InputWarning, match="are on 'b', whose prediction leaves them out"):
        model.check_data(stimuli, fixations)
    model.check_data(stimuli[:1], fixations.select_images([0]))  # predicted from the others
    assert CentreBias(*make_data(SIZES["mixed"])).notes == ()
