"""FIGRIM from its published layout."""

import shutil
import zipfile
from functools import cache

import numpy as np
import pytest
from scipy.io import loadmat

from salmetrics import InputError, datasets
from salmetrics.datasets import figrim
from salmetrics.datasets.description import described
from tests.datasets.published import (
    OTHER_MATLAB,
    archive,
    assert_same,
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
    # as published, though each archive has a folder of its own
    assert dataset.stimuli.ids[0] == "Fillers/airport_terminal/fillers_airport_terminal_0"
    assert dataset.stimuli.ids[-1] == "Targets/bathroom/targets_bathroom_2"


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
    assert dataset.stimuli.ids == ("Fillers/c/f", "Targets/c/t")
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
    with pytest.raises(
        InputError, match=r"has fixations on image 'Targets/c/t\.jpg', which does not exist"
    ):
        datasets.load("figrim", tmp_path / "root", cache=False)


def test_ids_do_not_depend_on_the_layout_of_folders(tiny, by_hand, tmp_path):
    tiny("figrim")
    unpacked = tmp_path / "unpacked"
    for path in by_hand[:2]:  # both into one folder
        with zipfile.ZipFile(path) as archive:
            archive.extractall(unpacked)
    for path in by_hand[2:]:
        shutil.copy(path, unpacked)
    apart = datasets.load("figrim", tmp_path / "root", archive=by_hand, cache=False)
    together = datasets.load("figrim", unpacked, cache=False)
    assert_same(apart, together)
    assert apart.stimuli.ids == ("Fillers/c/f", "Targets/c/t")


def test_one_name_among_targets_and_fillers(rng, tmp_path):
    """Fixations belong to the image of their own list."""
    for part, source in (("Fillers", "allImages_fillers"), ("Targets", "allImages_release")):
        (tmp_path / part / "c").mkdir(parents=True)
        (tmp_path / part / "c" / "same.jpg").write_bytes(image((1000, 1000), rng))
        views = {"enc": np.full((1, 2), float(len(part))), "rec": [], "rec2": []}
        person = {"trial": 5, "fixations": views, "SDT": np.array([1, 0, 0])}
        record = {"filename": "same.jpg", "category": "c", "userdata": structs([person])}
        (tmp_path / f"{source}.mat").write_bytes(mat(allImages=structs([record])))
    data = figrim.read(tmp_path, described("figrim"))
    assert data.stimuli.ids == ("Fillers/c/same", "Targets/c/same")
    assert data.fixations.image.tolist() == [0, 1]


@pytest.mark.slow
def test_the_published_files(shared, tmp_path, monkeypatch):
    """Their counts, with one picture in place of all images, which are not at hand."""

    @cache  # reading one takes seconds
    def loaded(name):
        return loadmat(tmp_path / name, squeeze_me=True, struct_as_record=False)

    monkeypatch.setattr(figrim, "read_mat", lambda path, convert: convert(loaded(path.name)))
    published = shared / "data" / "figrim"
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(image((1000, 1000), np.random.default_rng(0)))
    for part, name in (("Fillers", "allImages_fillers.mat"), ("Targets", "allImages_release.mat")):
        shutil.copy(published / name, tmp_path)
        for entry in loaded(name)["allImages"]:
            assert entry.impath == f"{part}/{entry.category}/{entry.filename}"
            path = tmp_path / entry.impath
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(picture)
    every = figrim.read(tmp_path, described("figrim"), phase="all")
    assert len(every.stimuli) == 2787
    assert len(every.fixations) == 424_712
    assert np.bincount(every.fixations.phase).tolist() == [291_328, 77_184, 56_200]
    assert np.unique(every.stimuli.attributes["category"]).size == 21
    positions = np.array([every.fixations.x, every.fixations.y])
    assert ((positions >= 0) & (positions < 1000)).all()
    targets = np.char.startswith(np.array(every.stimuli.ids), "Targets/")
    assert targets.sum() == 630
    assert targets[every.fixations.image].sum() == 64_573 + 61_762 + 56_200
    encoding = figrim.read(tmp_path, described("figrim"))
    assert len(encoding.fixations) == 291_328
    assert np.unique(encoding.fixations.subject).size == 67
