"""COCO-FreeView and COCO-Search18 from their published layouts."""

import json

import numpy as np
import pytest

from salmetrics import InputError, datasets
from tests.datasets.published import archives_without, check_loading, overwrite


@pytest.mark.parametrize(
    ("name", "options", "n_images", "n_fixations"),
    [
        ("coco-freeview", {}, 3, None),
        ("coco-freeview", {"part": "validation"}, 1, None),
        ("coco-freeview", {"part": "test"}, 2, 0),
        ("coco-search18", {}, 3, None),
        ("coco-search18", {"part": "validation"}, 2, None),
    ],
)
def test_from_archives_and_again(tiny, archives, tmp_path, name, options, n_images, n_fixations):
    description = tiny(name)
    dataset = check_loading(name, options, description, archives(name), tmp_path)
    assert len(dataset) == n_images
    assert n_fixations is None or len(dataset.fixations) == n_fixations
    assert dataset.info["variant"] == options.get("part", "train")


def test_columns_of_a_search(tiny, archives, tmp_path):
    """Every recorded number is that of the trial, times in seconds."""
    tiny("coco-search18")
    paths = archives("coco-search18")
    fixations = datasets.load("coco-search18", tmp_path, archive=paths).fixations
    trials = [
        trial
        for file in sorted(tmp_path.rglob("coco_search18_fixations_*.json"), reverse=True)
        for trial in json.loads(file.read_text())
        if trial["split"] == "train"
    ]
    absent = [trial for trial in trials if trial["condition"] == "absent"]
    present = [trial for trial in trials if trial["condition"] == "present"]
    rows = [
        (x, y, trial["subject"], k, t / 1000, trial["condition"] == "present")
        for trial in (*present, *absent)
        for k, (x, y, t) in enumerate(zip(trial["X"], trial["Y"], trial["T"], strict=True))
        if 0 <= x < 1680
    ]
    names = ("x", "y", "subject", "index", "duration", "target_present")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(fixations.columns[name], values, name)
    assert set(fixations.task) == {"potted plant"}
    assert fixations.correct.all()
    assert (fixations.reaction_time == 1.5).all()


@pytest.mark.parametrize(
    ("name", "part", "text"),
    [
        ("coco-freeview", "val", "part must be one of 'train', 'validation', 'test'"),
        ("coco-search18", "test", "part must be one of 'train', 'validation'; got"),
    ],
)
def test_wrong_parts(tiny, archives, tmp_path, name, part, text):
    tiny(name)
    with pytest.raises(InputError, match=text):
        datasets.load(name, tmp_path, archive=archives(name), part=part)


@pytest.mark.parametrize(
    ("name", "missing", "text"),
    [
        ("coco-freeview", "images/car/000000000000", None),  # another task has the same image
        ("coco-freeview", "images/", "lacks 'images'"),
        ("coco-search18", "validation_split1", "is damaged, or not the published file"),
    ],
)
def test_missing_members(tiny, archives, tmp_path, name, missing, text):
    tiny(name)
    paths = archives_without(archives(name), tmp_path, missing)
    if text is None:
        assert len(datasets.load(name, tmp_path / "root", archive=paths)) == 3
        return
    with pytest.raises(InputError, match=text):
        datasets.load(name, tmp_path / "root", archive=paths)


def test_images_that_differ(tiny, archives, tmp_path):
    tiny("coco-freeview")
    datasets.get("coco-freeview", tmp_path, archive=archives("coco-freeview"))
    other = next(tmp_path.glob("**/cup/000000000000.jpg")).read_bytes()
    overwrite(tmp_path, "car/000000000001.jpg", other)
    with pytest.raises(InputError, match="must be the same image"):
        datasets.load("coco-freeview", tmp_path)


def test_trials_of_other_splits(tiny, archives, tmp_path):
    tiny("coco-freeview")
    datasets.get("coco-freeview", tmp_path, archive=archives("coco-freeview"))
    (path,) = tmp_path.glob("COCO*.json")
    trials = json.loads(path.read_text())
    path.write_text(json.dumps([trials[0] | {"split": "dev"}]))
    with pytest.raises(InputError, match="has trials of split 'dev'; expected train, valid"):
        datasets.load("coco-freeview", tmp_path)
    path.write_text(json.dumps([trials[0] | {"name": "x.jpg"}]))
    with pytest.raises(InputError, match=r"1 images of COCO-FreeView are missing: 'x\.jpg'"):
        datasets.load("coco-freeview", tmp_path)
    path.write_text("[{]")
    with pytest.raises(InputError, match="is damaged, or not the published file"):
        datasets.load("coco-freeview", tmp_path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"X": [1.0]}, "damaged, or not the published"),
        ({"Y": [1.0]}, "y has shape"),
        ({"T": [1.0]}, "duration has shape"),
        ({"X": [float("nan")] * 9}, "a position is not finite"),
        ({"subject": "x"}, "damaged, or not the published"),
        ({"condition": None}, None),
        ({"RT": None}, None),
    ],
)
def test_odd_trials(tiny, archives, tmp_path, change, text):
    tiny("coco-search18")
    datasets.get("coco-search18", tmp_path, archive=archives("coco-search18"))
    (path,) = tmp_path.glob("coco_search18_fixations_TA*.json")
    trials = json.loads(path.read_text())
    if "X" in change and len(change["X"]) == 9:
        change = {key: change["X"] if key == "X" else [1.0] * 9 for key in ("X", "Y", "T")}
    path.write_text(json.dumps([trials[0] | change, *trials[1:]]))
    if text is None:
        fixations = datasets.load("coco-search18", tmp_path).fixations
        assert np.isnan(fixations.reaction_time).any() == ("RT" in change)
        return
    with pytest.raises(InputError, match=rf"{path.name}' is {text}|{text}"):
        datasets.load("coco-search18", tmp_path)
