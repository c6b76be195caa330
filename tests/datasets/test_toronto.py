"""Toronto from its published layout."""

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


def test_from_archives_and_again(tiny, archives, tmp_path):
    description = tiny("toronto")
    dataset = check_loading("toronto", {}, description, archives("toronto"), tmp_path)
    assert dataset.stimuli.ids == ("1", "2", "3", "4")
    maps = loadmat(next(tmp_path.glob("**/origfixdata.mat")))["white"].ravel()
    rows = [(i, *place) for i in range(4) for place in np.argwhere(maps[i]).tolist()]
    for name, values in zip(("image", "y", "x"), zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(dataset.fixations.columns[name], values, name)
    assert (dataset.fixations.subject == 0).all()
    assert dataset.info["subjects_known"] is False


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("Set/2.jpg", r"1 of 4 images of Toronto are missing"),
        ("origfixdata", r"there is no file .*origfixdata\.mat'"),
    ],
)
def test_missing_members(tiny, archives, tmp_path, missing, text):
    tiny("toronto")
    paths = archives_without(archives("toronto"), tmp_path, missing)
    with pytest.raises(InputError, match=text):
        datasets.load("toronto", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("toronto")
    datasets.get("toronto", tmp_path, archive=archives("toronto"))
    check_other_matlab_file("toronto", "origfixdata.mat", content, tmp_path)
