"""MIT1003 from its published layout: which fixations are kept, by hand."""

import numpy as np
import pytest

from salmetrics import datasets
from salmetrics.datasets import judd_fixations, registry
from salmetrics.datasets.mit1003 import _gaze
from tests.datasets.published import mit1003, small


@pytest.fixture
def mit(tmp_path, monkeypatch):
    archives, traces = mit1003(tmp_path, np.random.default_rng(1))
    tiny = small("mit1003")
    monkeypatch.setattr(registry, "described", lambda _: tiny)

    def load(**options):
        return datasets.load("mit1003", tmp_path / "root", archive=archives, **options)

    return load, traces


def expected(traces, sizes, *, initial=False, replace=False):
    """Rows (image, subject, index, x, y, t, duration), loop by loop."""
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
    assert dataset.stimuli.ids == tuple(SIZES)  # in natural order
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
            np.testing.assert_allclose(column, values, rtol=1e-12)
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
    np.testing.assert_allclose(
        two.fixations.x[chosen], all_sizes.fixations.of_image(1).x * 768 / 700
    )


def test_published_layout(shared):
    """Files of the published layout with synthetic traces."""
    import json

    folder = shared / "golden" / "mit1003_layout"
    recorded = np.load(shared / "golden" / "checkfixations_dev.npz")
    for entry in json.loads((folder / "manifest.json").read_text()):
        path = folder / entry["file"]
        t = entry["dev_trace_index"]
        gaze = recorded["eye_xy"][slice(*recorded["eye_offsets"][t : t + 2])]
        np.testing.assert_array_equal(_gaze(path, path.stem), gaze)
