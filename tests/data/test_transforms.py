"""Data sets derived from data sets: nothing is lost, nothing is moved."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salmetrics
from salmetrics import (
    Dataset,
    Fixations,
    InputError,
    Stimuli,
    concatenate,
    rescale,
    resize,
    split,
    subsample,
)
from salmetrics.datasets import generate_dataset

SIZES = [(20, 30), (40, 30), (20, 30), (7, 5)]


def make(name="mine", sizes=SIZES, seed=0, attributes=None, columns=None, **facts):
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    stimuli = Stimuli.from_arrays(
        images,
        ids=[f"{k}.png" for k in range(len(sizes))],
        attributes={"category": ["in", "out", "out", "in"]} if attributes is None else attributes,
        **facts,
    )
    n = 40
    image = np.sort(rng.integers(0, len(sizes), n))
    height, width = stimuli.sizes[image].T
    fixations = Fixations.from_arrays(
        rng.random(n) * width,
        rng.random(n) * height,
        image,
        subject=rng.integers(0, 5, n),
        n_images=len(sizes),
        **(
            {"duration": rng.integers(50, 400, n), "index": np.arange(n) % 4}
            if columns is None
            else columns
        ),
    )
    return Dataset(name, stimuli, fixations, {"licence": "MIT"})


# ---- which images, which fixations


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"category": "in"}, [0, 3]),
        ({"category": ["in", "out"]}, [0, 1, 2, 3]),
        ({"size": (20, 30)}, [0, 2]),
        ({"size": [(20, 30), (7, 5)]}, [0, 2, 3]),
        ({"size": np.array([20, 30])}, [0, 2]),
        ({"category": ("in", "out")}, [0, 1, 2, 3]),
        ({"category": np.array("in")}, [0, 3]),
        ({"category": {"in"}}, [0, 3]),
        ({"id": ["3.png", "1.png"]}, [1, 3]),
        ({"category": "out", "size": (20, 30)}, [2]),
        ({"size": lambda sizes: sizes[:, 0] > 10}, [0, 1, 2]),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_where(conditions, expected):
    dataset = make()
    found = dataset.where(**conditions)
    assert found.stimuli.ids == tuple(f"{k}.png" for k in expected)
    np.testing.assert_array_equal(found.fixations.x, dataset[expected].fixations.x)
    assert (found.name, found.info) == (dataset.name, dataset.info)


@pytest.mark.parametrize(
    ("conditions", "mask"),
    [
        ({"subject": 2}, lambda f: f.subject == 2),
        ({"subject": [0, 4]}, lambda f: (f.subject == 0) | (f.subject == 4)),
        ({"index": lambda index: index > 0}, lambda f: f.index > 0),
        (
            {"duration": lambda ms: ms >= 80, "index": [1, 2]},
            lambda f: (f.duration >= 80) & (f.index > 0) & (f.index < 3),
        ),
    ],
)
def test_where_fixations(conditions, mask):
    dataset = make()
    found = dataset.where_fixations(**conditions)
    expected = dataset.fixations[mask(dataset.fixations)]
    assert len(found) == 4
    assert 0 < len(expected) < 40
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.fixations.columns[name], values)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda d: d.where(colour="red"),
            "a condition on images must be one of 'category', 'id', 'size'",
        ),
        (
            lambda d: d.where(category="none"),
            "no image meets the conditions up to 'category': 'none'",
        ),
        (lambda d: d.where(id=lambda ids: ids), "must return one boolean for each of 4 images"),
        (lambda d: d.where(size=(1, 2, 3)), r"size must be \(height, width\), or several of these"),
        (lambda d: d.where_fixations(t=1), "a condition on fixations must be one of 'x', 'y'"),
        (
            lambda d: d.where_fixations(subject="0"),
            "no fixation meets the conditions up to 'subject'",
        ),
    ],
)
def test_invalid_conditions(call, text):
    with pytest.raises(InputError, match=text):
        call(make())


# ---- sizes


def test_resize():
    dataset = make(pixels_per_degree=10.0, sigma=4.0)
    found = resize(dataset, (40, 60))
    assert found.stimuli.sizes.tolist() == [[40, 60]] * 4
    assert found.stimuli.ids == dataset.stimuli.ids
    assert found.stimuli.sigma is found.stimuli.pixels_per_degree is None  # scales differ
    ratio = 60 / dataset.stimuli.sizes[dataset.fixations.image, 1]
    np.testing.assert_allclose(found.fixations.x, dataset.fixations.x * ratio, rtol=1e-14)
    np.testing.assert_array_equal(found.fixations.duration, dataset.fixations.duration)
    image = pickle.loads(pickle.dumps(found.stimuli))[0].image
    assert image.shape == (40, 60, 3)
    # bilinear at twice the size: odd pixels are 3/4 of their own and 1/4 of the next one
    small = dataset.stimuli[0].image.astype(float)
    assert abs(image.mean() - small.mean()) < 2
    rows = 0.75 * small[:-1] + 0.25 * small[1:]
    expected = 0.75 * rows[:, :-1] + 0.25 * rows[:, 1:]
    # Pillow rounds to whole grey levels once for each axis
    assert np.abs(image[1:-1:2, 1:-1:2] - expected).max() <= 1
    flat = Stimuli.from_arrays([np.full((8, 6), 77, np.uint8)])
    one = Dataset("flat", flat, Fixations.from_arrays([1], [1], [0]))
    assert (resize(one, (3, 17)).stimuli[0].image == 77).all()


def noted(name, *notes):
    dataset = make(name)
    old = dataset.fixations
    return Dataset(name, dataset.stimuli, Fixations(old.columns, old.n_images, notes=notes))


def test_notes_are_kept():
    one = noted("one", "odd", "odder")
    assert resize(one, (10, 12)).fixations.notes == ("odd", "odder")
    assert subsample(one, 2).fixations.notes == ("odd", "odder")
    assert concatenate([one[:2], one[2:]]).fixations.notes == ("odd", "odder")
    joined = concatenate([one, noted("two", "odd"), noted("three")])
    assert joined.fixations.notes == ("one: odd", "one: odder", "two: odd")


def test_resize_by_a_rule():
    def turned(size):
        return (12, 16) if size[1] >= size[0] else (16, 12)

    found = resize(make(), turned)
    assert found.stimuli.sizes.tolist() == [[12, 16], [16, 12], [12, 16], [16, 12]]


@given(st.integers(1, 60), st.integers(1, 60))
def test_fixations_stay_where_they_were(height, width):
    """Relative to the size of the image."""
    dataset = make()
    found = resize(dataset, (height, width))
    found.fixations.check_against(found.stimuli)
    before = dataset.fixations.x / dataset.stimuli.sizes[dataset.fixations.image, 1]
    # positions from 0 to 1: three roundings, and one step off the edge
    np.testing.assert_allclose(found.fixations.x / width, before, rtol=0, atol=1e-14)


def test_a_fixation_at_the_very_end():
    stimuli = Stimuli.from_sizes([(3, 3)])
    fixations = Fixations.from_arrays([np.nextafter(3, 0)], [np.nextafter(3, 0)], [0])
    found = resize(Dataset("x", stimuli, fixations), (7, 49))
    found.fixations.check_against(found.stimuli)


def test_sizes_alone_are_resized():
    stimuli = Stimuli.from_sizes([(10, 20)], sigma=3)
    dataset = Dataset("x", stimuli, Fixations.from_arrays([1], [1], [0]))
    found = resize(dataset, (20, 40))
    assert not found.stimuli[0].has_pixels
    assert found.stimuli.sigma == 6  # the factor is 2


def test_rescale():
    dataset = make(pixels_per_degree=10.0, sigma=4.0)
    found = rescale(dataset, 15)
    assert found.stimuli.sizes.tolist() == [[30, 45], [60, 45], [30, 45], [10, 8]]
    assert (found.stimuli.pixels_per_degree, found.stimuli.sigma) == (15, 6)
    assert found.stimuli.attributes["category"].tolist() == ["in", "out", "out", "in"]
    before = dataset.fixations.x[0] / 30
    np.testing.assert_allclose(found.fixations.x[0] / 45, before, rtol=1e-14)


def test_sides_that_are_scaled_apart():
    dataset = make(pixels_per_degree=10.0, sigma=4.0)
    found = resize(dataset, lambda size: (size[0], 2 * size[1]))
    assert found.stimuli.pixels_per_degree is found.stimuli.sigma is None


def test_scores_after_rescaling():
    """Twice the pixels, twice sigma: AUC of a smooth density changes little."""
    dataset = generate_dataset(10, size=(60, 80), n_subjects=3).dataset
    dataset = Dataset(
        "x", dataset.stimuli.with_scale(pixels_per_degree=5, sigma=3), dataset.fixations
    )
    model = salmetrics.GaussianCentreBias()
    found = rescale(dataset, 10)
    assert found.stimuli.sigma == 6
    expected = salmetrics.auc(model, *dataset)
    # AUC counts pixels below the fixated one: 1 of 4800 is 2e-4, and a few are tied or moved
    assert salmetrics.auc(model, *found) == pytest.approx(expected, rel=0, abs=2e-3)


# ---- parts


def test_subsample():
    dataset = make()
    images = subsample(dataset, 2, seed=1)
    assert len(images) == 2
    assert set(images.stimuli.ids) < set(dataset.stimuli.ids)
    subjects = subsample(dataset, 3, of="subjects", seed=1)
    assert (len(subjects), len(np.unique(subjects.fixations.subject))) == (4, 3)
    kept = np.isin(dataset.fixations.subject, subjects.fixations.subject)
    assert len(subjects.fixations) == kept.sum()
    fixations = subsample(dataset, 7, of="fixations", seed=1)
    assert (len(fixations), len(fixations.fixations)) == (4, 7)
    assert (
        np.diff(np.searchsorted(np.sort(dataset.fixations.x), fixations.fixations.x)) != 0
    ).all()
    for of, n in (("images", 2), ("subjects", 3), ("fixations", 7)):
        drawn = [subsample(dataset, n, of=of, seed=s).fixations.x.tolist() for s in (*range(6), 0)]
        assert drawn[0] == drawn[-1]
        assert len({tuple(each) for each in drawn}) > 1


@given(st.integers(1, 30), st.lists(st.floats(0.01, 1), min_size=1, max_size=5), st.integers(0, 9))
def test_split(n, weights, seed):
    stimuli = Stimuli.from_sizes([(3, 4)] * n)
    dataset = Dataset("x", stimuli, Fixations.from_arrays([1] * n, [1] * n, np.arange(n)))
    shares = np.array(weights) / np.sum(weights)
    parts = split(dataset, shares, seed=seed)
    assert sorted(name for part in parts for name in part.stimuli.ids) == sorted(stimuli.ids)
    assert all(abs(len(part) - share * n) <= 1 for part, share in zip(parts, shares, strict=True))
    again = split(dataset, shares, seed=seed)
    assert [part.stimuli.ids for part in again] == [part.stimuli.ids for part in parts]


@given(st.integers(0, 2**31))
def test_split_within_an_attribute(seed):
    """64, 16 and 20 of the 100 images of each category, as DeepGaze IIE-ACW's report has."""
    n = 300
    stimuli = Stimuli.from_sizes([(3, 4)] * n, attributes={"kind": ["a", "b", "c"] * 100})
    dataset = Dataset("x", stimuli, Fixations.from_arrays([1] * n, [1] * n, np.arange(n)))
    parts = split(dataset, [0.64, 0.16, 0.2], by="kind", seed=seed)
    assert sorted(name for part in parts for name in part.stimuli.ids) == sorted(stimuli.ids)
    for part, expected in zip(parts, (64, 16, 20), strict=True):
        kinds, counts = np.unique(part.stimuli.attributes["kind"], return_counts=True)
        assert kinds.tolist() == ["a", "b", "c"]
        assert set(counts.tolist()) == {expected}
        numbers = [int(name) for name in part.stimuli.ids]
        assert numbers == sorted(numbers)
    other = split(dataset, [0.64, 0.16, 0.2], by="kind", seed=seed + 1)
    assert [p.stimuli.ids for p in other] != [p.stimuli.ids for p in parts]


# ---- together


def test_parts_are_concatenated_to_the_whole():
    dataset = make(pixels_per_degree=10.0, sigma=4.0)
    found = concatenate([dataset[:1], dataset[1:3], dataset[3:]])
    assert (found.name, found.info) == ("mine", {"licence": "MIT"})
    assert found.stimuli.ids == dataset.stimuli.ids
    assert (found.stimuli.sigma, found.stimuli.pixels_per_degree) == (4, 10)
    for name, values in dataset.fixations.columns.items():
        np.testing.assert_array_equal(found.fixations.columns[name], values)
        assert found.fixations.columns[name].dtype == values.dtype
    np.testing.assert_array_equal(found.stimuli[2].image, dataset.stimuli[2].image)
    assert found.stimuli.attributes["dataset"].tolist() == ["mine"] * 4


def test_different_data_sets_are_concatenated():
    one = make("one", pixels_per_degree=10.0, sigma=4.0)
    two = make(
        "two",
        [(5, 6)],
        seed=1,
        attributes={"year": [2020]},
        columns={"t": np.arange(40)},
        pixels_per_degree=10.0,
        sigma=5.0,
    )
    found = concatenate([one, two])
    assert (found.name, len(found), found.info) == ("one+two", 5, {"licence": "MIT"})
    assert found.stimuli.ids == ("one/0.png", "one/1.png", "one/2.png", "one/3.png", "two/0.png")
    assert found.stimuli.attributes["category"].tolist() == ["in", "out", "out", "in", ""]
    np.testing.assert_array_equal(found.stimuli.attributes["year"], [np.nan] * 4 + [2020])
    assert found.stimuli.attributes["dataset"].tolist() == ["one"] * 4 + ["two"]
    assert (found.stimuli.pixels_per_degree, found.stimuli.sigma) == (10, None)
    assert set(found.fixations.subject) == {
        f"{name}/{k}"
        for name, each in (("one", one), ("two", two))
        for k in set(each.fixations.subject)
    }
    np.testing.assert_array_equal(found.fixations.t, [np.nan] * 40 + list(range(40)))
    back = found.where(dataset="two")
    np.testing.assert_array_equal(back.fixations.x, two.fixations.x)
    np.testing.assert_array_equal(back.stimuli[0].image, two.stimuli[0].image)
    assert concatenate([one, two], name="both").name == "both"
    three = make("three", columns={"t": ["a"] * 40})
    again = concatenate([found, three])
    assert again.stimuli.attributes["dataset"].tolist() == ["one"] * 4 + ["two"] + ["three"] * 4
    assert set(again.fixations.t[:40]) == {""}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: resize(d, (3, 0)), r"size must be two whole numbers \(height, width\); got"),
        (lambda d: resize(d, 3), "size must be two whole numbers"),
        (lambda d: resize(d, lambda size: (size[0] / 2, size[1])), "size must be two whole"),
        (lambda d: rescale(d, 10), "pixels_per_degree of 'mine' is unknown; set it with stimuli"),
        (
            lambda d: rescale(make(pixels_per_degree=10.0), -1),
            "pixels_per_degree must be a positive number; got -1",
        ),
        (lambda d: subsample(d, 5), "n must be from 1 to 4, the number of images; got 5"),
        (lambda d: subsample(d, 0, of="subjects"), "n must be from 1 to 5, the number of subjects"),
        (lambda d: subsample(d, 1, of="pixels"), "of must be one of 'images', 'subjects', 'fix"),
        (lambda d: subsample(d, 1, seed=-1), "seed must be a whole number >= 0; got -1"),
        (lambda d: split(d, [0.5, 0.6]), r"shares must be at least 0 and add up to 1; got \[0.5"),
        (lambda d: split(d, [1.5, -0.5]), "shares must be at least 0"),
        (lambda d: split(d, [0.5, 0.5], by="x"), "by must be one of .*; got 'x'"),
        (lambda d: concatenate([]), "concatenate needs at least one data set"),
        (lambda d: concatenate([d, d]), "ids must be unique; repeated"),
        (
            lambda d: concatenate([d[:1], d[1:], make("other")]),
            "concatenate the parts of one data set first",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(make())
