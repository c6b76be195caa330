"""OSIE from its published layout, and the published data."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from salmetrics import InputError, datasets
from tests.datasets.published import (
    OTHER_MATLAB,
    archives_without,
    check_loading,
    check_other_matlab_file,
)


def test_from_archives_and_again(tiny, archives, tmp_path):
    description = tiny("osie")
    dataset = check_loading("osie", {}, description, archives("osie"), tmp_path)
    assert (len(dataset), len(dataset.fixations)) == (4, 4 * 9)
    assert dataset.stimuli.ids == ("1001", "1002", "1003", "1004")
    # each column by loops over MATLAB's structs
    cells = loadmat(next(tmp_path.glob("**/fixations.mat")))["fixations"]
    rows = []
    for i in range(4):
        subjects = cells.ravel()[i]["subjects"][0, 0].ravel()
        for subject, scanpath in enumerate(subjects):
            x, y, ms = (scanpath[0, 0][name].ravel() for name in ("fix_x", "fix_y", "fix_duration"))
            rows += [(i, subject, k, x[k], y[k], ms[k] / 1000) for k in range(x.size)]
    names = ("image", "subject", "index", "x", "y", "duration")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(dataset.fixations.columns[name], values, name)


def test_a_missing_image(tiny, archives, tmp_path):
    tiny("osie")
    paths = archives_without(archives("osie"), tmp_path, "1002.jpg")
    text = r"1 of 4 images of Object.* are missing from .*'1002.jpg'"
    with pytest.raises(InputError, match=text):
        datasets.load("osie", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("osie")
    datasets.get("osie", tmp_path, archive=archives("osie"))
    check_other_matlab_file("osie", "eye/fixations.mat", content, tmp_path)


def test_wrong_sizes(tiny, archives, tmp_path):
    tiny("osie")
    datasets.get("osie", tmp_path, archive=archives("osie"))
    (path,) = tmp_path.glob("**/1003.jpg")
    Image.new("RGB", (80, 60)).save(path)
    with pytest.raises(InputError, match=r"must have size \(600, 800\) .*; 1 do not: '1003'"):
        datasets.load("osie", tmp_path)


@pytest.mark.slow
@pytest.mark.real_data
def test_published_data(shared):
    folder = shared / "data" / "osie"
    if not folder.is_dir():
        pytest.skip("OSIE not found")
    stimuli, fixations = dataset = datasets.load("osie", folder, download=False)
    assert not list(folder.glob("*.h5"))
    assert (dataset.name, dataset.info["licence"]) == ("osie", "MIT")
    assert (len(stimuli), len(fixations), stimuli.sigma) == (700, 98321, 24)
    assert dataset.info["dropped_outside"] == 0
    assert (stimuli.sizes == [600, 800]).all()
    assert (stimuli.ids[0], stimuli.ids[-1]) == ("1001", "1700")
    assert np.unique(fixations.subject).size == 15
    assert stimuli[3].image.shape == (600, 800, 3)
    assert 0 < fixations.duration.min() < fixations.duration.max() < 3.5
    assert datasets.info("osie").seconds == 3
