"""FIGRIM from its published layout."""

import numpy as np
import pytest

from salmetrics import InputError, datasets
from tests.datasets.published import (
    OTHER_MATLAB,
    archive,
    check_loading,
    check_other_matlab_file,
    image,
    mat,
    structs,
)


@pytest.mark.parametrize(
    ("options", "n_fixations"), [({}, 2 * 6 * 2 * 4), ({"phase": "all"}, 2 * 6 * 2 * 8)]
)
def test_from_archives_and_again(tiny, archives, tmp_path, options, n_fixations):
    description = tiny("figrim")
    dataset = check_loading("figrim", options, description, archives("figrim"), tmp_path)
    assert len(dataset) == 12
    assert len(dataset.fixations) == n_fixations
    assert dataset.info["variant"] == options.get("phase", "encoding")
    # relative to the folder, in which each archive has a folder of its own
    first = "Fillers-zip/Fillers/airport_terminal/fillers_airport_terminal_0"
    assert dataset.stimuli.ids[0] == first


@pytest.fixture
def by_hand(rng, tmp_path):
    """One target and one filler; the second subject was not shown the target."""

    def record(name, people):
        return {"filename": name, "category": "c", "userdata": structs(people)}

    def person(first, second, responses):
        views = {"enc": np.array(first), "rec": np.array(second), "rec2": []}
        return {"trial": 5, "fixations": views, "SDT": np.array(responses)}

    unseen = {"trial": [], "fixations": [], "SDT": []}
    target = record("t.jpg", [person([[1.0, 2], [3, 4]], [[5.0, 6]], [3, 1, 0]), unseen])
    filler = record("f.jpg", [unseen, person([[7.0, 8]], [[9.0, 10], [11, 12]], [4, 2, 0])])
    size = (1000, 1000)
    paths = [
        archive(tmp_path / "Fillers.zip", {"Fillers/c/f.jpg": image(size, rng)}),
        archive(tmp_path / "Targets.zip", {"Targets/c/t.jpg": image(size, rng)}),
    ]
    for name, content in (("allImages_fillers", filler), ("allImages_release", target)):
        paths.append(tmp_path / f"{name}.mat")
        paths[-1].write_bytes(mat(allImages=structs([content])))
    return paths


def test_views_by_hand(tiny, by_hand, tmp_path):
    tiny("figrim")
    dataset = datasets.load("figrim", tmp_path / "root", archive=by_hand, phase="all")
    assert dataset.stimuli.ids == ("Fillers-zip/Fillers/c/f", "Targets-zip/Targets/c/t")
    expected = {
        "image": [0, 0, 0, 1, 1, 1],
        "subject": [1, 1, 1, 0, 0, 0],
        "x": [7, 9, 11, 1, 3, 5],
        "y": [8, 10, 12, 2, 4, 6],
        "index": [0, 0, 1, 0, 1, 0],
        "phase": [0, 1, 1, 0, 0, 1],
        "response": [4, 2, 2, 3, 3, 1],
    }
    for name, values in expected.items():
        assert dataset.fixations.columns[name].tolist() == values, name
    encoding = datasets.load("figrim", tmp_path / "root").fixations
    assert encoding.x.tolist() == [7, 1, 3]


def test_wrong_phase(tiny, archives, tmp_path):
    tiny("figrim")
    with pytest.raises(InputError, match="phase must be one of 'encoding', 'all'"):
        datasets.load("figrim", tmp_path, archive=archives("figrim"), phase="x")


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("figrim")
    datasets.get("figrim", tmp_path, archive=archives("figrim"))
    check_other_matlab_file("figrim", "allImages_release.mat", content, tmp_path)


def test_fixations_on_an_unknown_image(tiny, by_hand, tmp_path):
    tiny("figrim")
    datasets.get("figrim", tmp_path / "root", archive=by_hand)
    path = next((tmp_path / "root").glob("**/t.jpg"))
    path.rename(path.with_name("u.jpg"))
    with pytest.raises(InputError, match=r"has fixations on image 't\.jpg', which does not exist"):
        datasets.load("figrim", tmp_path / "root", cache=False)
