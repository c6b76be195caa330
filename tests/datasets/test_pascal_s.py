"""PASCAL-S from its published layout."""

import h5py
import numpy as np
import pytest

from salmetrics import InputError, datasets
from tests.datasets.published import (
    OTHER_MATLAB,
    archives_without,
    check_loading,
    check_other_matlab_file,
)


def test_from_archives_and_again(tiny, archives, tmp_path):
    description = tiny("pascal-s")
    dataset = check_loading("pascal-s", {}, description, archives("pascal-s"), tmp_path)
    assert dataset.stimuli.ids == ("1", "2", "3", "4", "5")
    # rows y, x, subject from 1, sorted by subject; all are inside, as 40 x 50 pixels
    rows = []
    with h5py.File(next(tmp_path.glob("**/pascalFix.mat"))) as file:
        for i in range(5):
            table = file[file["fixCell"][0, i]][()]
            for subject in sorted(set(table[2])):
                own = table[:, table[2] == subject].T
                rows += [(i, subject - 1, k, x - 1, y - 1) for k, (y, x, _) in enumerate(own)]
    names = ("image", "subject", "index", "x", "y")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(dataset.fixations.columns[name], values, name)


def test_a_missing_image(tiny, archives, tmp_path):
    tiny("pascal-s")
    paths = archives_without(archives("pascal-s"), tmp_path, "pascal/3.jpg")
    with pytest.raises(InputError, match=r"1 of 5 images of PASCAL-S are missing .*'3\.jpg'"):
        datasets.load("pascal-s", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("pascal-s")
    datasets.get("pascal-s", tmp_path, archive=archives("pascal-s"))
    check_other_matlab_file("pascal-s", "pascalFix.mat", content, tmp_path, reads_73=True)
