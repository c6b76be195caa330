"""MIT1003 from its published layout; which fixations are kept, by hand."""

import numpy as np
import pytest

from salmetrics import InputError, datasets
from salmetrics.datasets import judd_fixations
from salmetrics.datasets.mit1003 import read_gaze
from tests.datasets.published import (
    OTHER_MATLAB,
    archives_without,
    assert_same,
    check_loading,
    check_other_matlab_file,
    mit1003,
)


@pytest.fixture
def mit(tiny, tmp_path):
    paths, traces = mit1003(tmp_path, np.random.default_rng(1))
    tiny("mit1003")

    def load(**options):
        return datasets.load("mit1003", tmp_path / "root", archive=paths, **options)

    return load, traces


def expected(traces, sizes, *, initial=False, replace=False):
    """Return rows (image, subject, index, x, y, t, duration), computed in loops."""
    rows = []
    for i, (name, (height, width)) in enumerate(sizes.items()):
        for subject in ("CNG", "ajs", "hp"):
            scanpath = []
            gaze = traces[name, subject]
            for n, fixation in enumerate(judd_fixations(gaze).itertuples()):
                x, y = fixation.median_x, fixation.median_y
                if 0 < x < width and 0 < y < height:
                    scanpath.append((x, y, fixation.start / 240, fixation.duration_ms / 1000))
                elif (
                    n == 0
                    and (replace or not initial)
                    and not np.isnan(traces[name, subject]).all()
                ):
                    scanpath.append((width / 2, height / 2, 0.0, fixation.duration_ms / 1000))
            if not initial:
                scanpath = scanpath[1:]
            rows += [(i, subject, k, *values) for k, values in enumerate(scanpath)]
    return rows


# by image, in natural order
SIZES = {
    "i9_street_9": (768, 1024),
    f"i10_street_{'x' * 60}": (1024, 700),
    "i11_street_11": (600, 1024),
    "i12_street_12": (1024, 768),
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"initial_fixation": True},
        {"initial_fixation": True, "replace_invalid_initial": True},
    ],
)
def test_fixations(mit, options):
    load, traces = mit
    dataset = load(**options)
    assert dataset.stimuli.ids == tuple(SIZES)
    found = dataset.fixations
    rows = expected(
        traces,
        SIZES,
        initial=options.get("initial_fixation", False),
        replace=options.get("replace_invalid_initial", False),
    )
    assert len(rows) > 30
    columns = (found.image, found.subject, found.index, found.x, found.y, found.t, found.duration)
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        if column.dtype.kind == "f":
            np.testing.assert_allclose(column, values, rtol=1e-14)  # milliseconds, / 1000
        else:
            np.testing.assert_array_equal(column, values)
    assert dataset.info["traces_without_fixations"] == 1
    assert dataset.info["dropped_outside"] == 0
    assert (found.t == 0).sum() == ("replace_invalid_initial" in options)


def test_without_the_first_is_the_rest_of_with_it(mit):
    load, _ = mit
    rest = load().fixations
    whole = load(initial_fixation=True, replace_invalid_initial=True).fixations
    later = whole[whole.index > 0]
    np.testing.assert_array_equal(rest.x, later.x)
    np.testing.assert_array_equal(rest.t, later.t)
    np.testing.assert_array_equal(rest.index, later.index - 1)


def test_one_size_and_two_sizes(mit):
    load, _ = mit
    all_sizes, one = load(), load(size=(768, 1024))
    assert one.stimuli.ids == ("i9_street_9",)
    np.testing.assert_array_equal(one.fixations.x, all_sizes.fixations.of_image(0).x)
    two = load(resize="twosize")
    assert two.stimuli.sizes.tolist() == [[768, 1024], [1024, 768], [768, 1024], [1024, 768]]
    assert two.stimuli[1].image.shape == (1024, 768, 3)
    chosen = two.fixations.image == 1
    # two roundings, of x (768 / 700) and of (768 x) / 700
    np.testing.assert_allclose(
        two.fixations.x[chosen], all_sizes.fixations.of_image(1).x * 768 / 700, rtol=1e-14
    )


@pytest.mark.parametrize(
    ("options", "n_images"),
    [
        ({}, 4),
        ({"size": (768, 1024)}, 1),
        ({"initial_fixation": True}, 4),
        ({"resize": "twosize"}, 4),
    ],
)
def test_from_archives_and_again(tiny, archives, tmp_path, options, n_images):
    description = tiny("mit1003")
    dataset = check_loading("mit1003", options, description, archives("mit1003"), tmp_path)
    assert len(dataset) == n_images


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": (1, 2)}, r"size must be one of None, \(768, 1024\)"),
        ({"resize": "x"}, "resize must be one of None, 'twosize'"),
        ({"initial_fixation": 1.5}, "initial_fixation must be one of True, False"),
        ({"replace_invalid_initial": "x"}, "replace_invalid_initial must be one of"),
    ],
)
def test_wrong_options(tiny, archives, tmp_path, options, text):
    tiny("mit1003")
    paths = archives("mit1003")
    with pytest.raises(InputError, match=text):
        datasets.load("mit1003", tmp_path, archive=paths, download=False, **options)


def test_a_missing_recording(tiny, archives, tmp_path):
    tiny("mit1003")
    paths = archives_without(archives("mit1003"), tmp_path, "hp/i9_street")
    with pytest.raises(InputError, match=r"1 recordings of MIT1003 .*: 'hp/i9_street_9\.mat'"):
        datasets.load("mit1003", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("mit1003")
    datasets.get("mit1003", tmp_path, archive=archives("mit1003"))
    check_other_matlab_file("mit1003", "DATA/hp/i9_street_9.mat", content, tmp_path)


def test_folders_of_other_programs_are_no_subjects(tiny, archives, tmp_path):
    tiny("mit1003")
    first = datasets.load("mit1003", tmp_path, archive=archives("mit1003"))
    for name in (".svn", "__MACOSX"):
        (next(tmp_path.glob("*/DATA")) / name).mkdir()
    assert_same(datasets.load("mit1003", tmp_path, cache=False), first)


def test_published_layout(shared):
    """Files of the published layout with synthetic traces."""
    import json

    folder = shared / "golden" / "mit1003_layout"
    recorded = np.load(shared / "golden" / "checkfixations_dev.npz")
    for entry in json.loads((folder / "manifest.json").read_text()):
        path = folder / entry["file"]
        t = entry["dev_trace_index"]
        gaze = recorded["eye_xy"][slice(*recorded["eye_offsets"][t : t + 2])]
        np.testing.assert_array_equal(read_gaze(path, path.stem), gaze)
