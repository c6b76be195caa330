"""SALICON from its published layouts."""

import json

import numpy as np
import pytest
from scipy.io import loadmat

from salmetrics import InputError, datasets
from tests.datasets.published import (
    OTHER_MATLAB,
    archives_without,
    check_loading,
    check_other_matlab_file,
)


@pytest.mark.parametrize(
    ("options", "n_fixations", "variant"),
    [
        ({}, 3 * 11, "train, 2017, fixations"),
        ({"edition": "2015", "kind": "mouse"}, 3 * 11, "train, 2015, mouse"),
        ({"part": "val", "kind": "mouse"}, 3 * 11, "val, 2017, mouse"),
        ({"part": "test"}, 0, "test"),
        ({"form": "json"}, 3 * 10, "train, json"),
    ],
)
def test_from_archives_and_again(tiny, archives, tmp_path, options, n_fixations, variant):
    description = tiny("salicon")
    dataset = check_loading("salicon", options, description, archives("salicon"), tmp_path)
    assert (len(dataset), len(dataset.fixations)) == (3, n_fixations)
    assert dataset.info["variant"] == variant
    part = options.get("part", "train")
    assert dataset.stimuli.ids == tuple(f"COCO_{part}2014_{n:012}" for n in (3, 20, 37))


@pytest.mark.parametrize(
    ("edition", "kind", "field", "column"),
    [("2017", "fixations", "fixations", "index"), ("2015", "mouse", "location", "t")],
)
def test_scanpaths(tiny, archives, tmp_path, edition, kind, field, column):
    """Positions count from 1 in the files; each scanpath has a subject of its own."""
    tiny("salicon")
    paths = archives("salicon")
    found = datasets.load("salicon", tmp_path, archive=paths, edition=edition, kind=kind).fixations
    rows, n_scanpaths = [], 0
    for i, number in enumerate((3, 20, 37)):
        (path,) = tmp_path.glob(f"fixations{edition}/train/COCO_train2014_{number:012}.mat")
        for gaze in loadmat(path)["gaze"].ravel():
            times = gaze["timestamp"].ravel()
            for k, (x, y) in enumerate(gaze[field].astype(float)):
                value = times[k] if column == "t" else k
                rows.append((i, n_scanpaths, x - 1, y - 1, value))
            n_scanpaths += 1
    names = ("image", "subject", "x", "y", column)
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(found.columns[name], values, name)


def test_json(tiny, archives, tmp_path):
    """[row, column] from 1; each annotation has a subject of its own."""
    tiny("salicon")
    paths = archives("salicon")
    found = datasets.load("salicon", tmp_path, archive=paths, form="json").fixations
    document = json.loads((tmp_path / "fixations_train2014.json").read_text())
    images = {3: 0, 20: 1, 37: 2}
    rows = [
        (images[annotation["image_id"]], n, x - 1, y - 1, k)
        for n, annotation in enumerate(document["annotations"])
        for k, (y, x) in enumerate(annotation["fixations"])
    ]
    names = ("image", "subject", "x", "y", "index")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(found.columns[name], values, name)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"edition": 2015}, "edition must be one of '2015', '2017'; got 2015"),
        ({"kind": "x"}, "kind must be one of"),
        ({"part": "x"}, "part must be one of"),
        ({"form": "x"}, "form must be one of"),
        (
            {"form": "json", "kind": "mouse"},
            "form 'json' has no mouse samples; kind 'mouse' needs form 'mat'",
        ),
    ],
)
def test_wrong_options(tiny, archives, tmp_path, options, text):
    tiny("salicon")
    paths = archives("salicon")
    with pytest.raises(InputError, match=text):
        datasets.load("salicon", tmp_path, archive=paths, download=False, **options)


def test_a_missing_file(tiny, archives, tmp_path):
    tiny("salicon")
    missing = "train/COCO_train2014_000000000020.mat"
    paths = archives_without(archives("salicon"), tmp_path, missing)
    with pytest.raises(InputError, match="lacks files of 1 images: 'COCO"):
        datasets.load("salicon", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("salicon")
    datasets.get("salicon", tmp_path, archive=archives("salicon"))
    file = "fixations2017/train/COCO_train2014_000000000003.mat"
    check_other_matlab_file("salicon", file, content, tmp_path)
