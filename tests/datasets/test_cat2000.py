"""CAT2000's training set from its published layout."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from salmetrics import InputError, datasets
from tests.datasets.published import (
    OTHER_MATLAB,
    archive,
    archives_without,
    check_loading,
    check_other_matlab_file,
    image,
    mat,
)


@pytest.mark.parametrize("source", ["locs", "fixations"])
def test_from_archives_and_again(tiny, archives, tmp_path, source):
    description = tiny("cat2000-train")
    options = {} if source == "locs" else {"source": source}
    paths = archives("cat2000-train")
    dataset = check_loading("cat2000-train", options, description, paths, tmp_path)
    assert len(dataset) == 6
    assert dataset.info["variant"] == source
    categories = ["Action", "Action", "Affective", "Affective", "Art", "Art"]
    assert dataset.stimuli.attributes["category"].tolist() == categories
    assert dataset.stimuli.ids[:3] == ("Action/001", "Action/002", "Affective/001")


@pytest.fixture
def by_hand(rng, tmp_path):
    """Two images of 4 x 5 pixels, and exported scanpaths on them, counted from 1."""
    nan = np.nan
    scanpaths = {
        # twice the same place, a lost sample, off the image to the right and above
        "01-001-AK": [[2.5, 1.5, 0], [2.5, 1.5, 0], [nan, 1, 0], [6.0, 2, 0], [3, 0.5, 0]],
        "01-001-BB": [[5.0, 4.0, 0]],  # the last pixel
        "02-001-AK": [],
    }
    first = np.zeros((4, 5), np.uint8)
    first[0, 1] = first[3, 4] = 1
    second = np.zeros((4, 5), np.uint8)
    second[2, 0] = 1
    members = {
        "trainSet/Stimuli/Action/001.jpg": image((4, 5), rng),
        "trainSet/Stimuli/Art/001.jpg": image((4, 5), rng),
        "trainSet/FIXATIONLOCS/Action/001.mat": mat(fixLocs=first),
        "trainSet/FIXATIONLOCS/Art/001.mat": mat(fixLocs=second),
    }
    files = {
        f"fixations/{k}.mat": mat(name=f"{name}.eye", data=np.array(data))
        for k, (name, data) in enumerate(scanpaths.items())
    }
    return [archive(tmp_path / "trainSet.zip", members), archive(tmp_path / "fixations.zip", files)]


def test_pixels_by_hand(tiny, by_hand, tmp_path):
    tiny("cat2000-train")
    found = datasets.load("cat2000-train", tmp_path / "root", archive=by_hand).fixations
    assert found.image.tolist() == [0, 0, 1]
    assert found.x.tolist() == [1, 4, 0]
    assert found.y.tolist() == [0, 3, 2]
    assert found.subject.tolist() == [0, 0, 0]


def test_scanpaths_by_hand(tiny, by_hand, tmp_path):
    """From 1 to 0; repeated, lost and outside samples are dropped."""
    tiny("cat2000-train")
    found = datasets.load(
        "cat2000-train", tmp_path / "root", archive=by_hand, source="fixations"
    ).fixations
    assert found.image.tolist() == [0, 0]
    assert found.x.tolist() == [1.5, 4.0]
    assert found.y.tolist() == [0.5, 3.0]
    assert found.subject.tolist() == ["AK", "BB"]
    assert found.index.tolist() == [0, 0]


def test_wrong_source(tiny, archives, tmp_path):
    tiny("cat2000-train")
    with pytest.raises(InputError, match="source must be one of 'locs', 'fixations'"):
        datasets.load("cat2000-train", tmp_path, archive=archives("cat2000-train"), source="x")


def test_a_missing_map(tiny, archives, tmp_path):
    tiny("cat2000-train")
    paths = archives_without(archives("cat2000-train"), tmp_path, "FIXATIONLOCS/Art/002")
    with pytest.raises(InputError, match=r"no file .*Art/002\.mat'"):
        datasets.load("cat2000-train", tmp_path / "root", archive=paths)


@pytest.mark.parametrize("content", OTHER_MATLAB)
def test_other_matlab_files(tiny, archives, tmp_path, content):
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"))
    check_other_matlab_file("cat2000-train", "FIXATIONLOCS/Art/001.mat", content, tmp_path)


def test_scanpaths_of_other_images(tiny, archives, tmp_path):
    """The numbers of the categories must agree with the maps."""
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"), source="fixations")
    folder = next(tmp_path.glob("*/trainSet/FIXATIONLOCS"))
    (folder / "Action").rename(folder / "x")
    (folder / "Art").rename(folder / "Action")
    (folder / "x").rename(folder / "Art")
    with pytest.raises(InputError, match=r"do not agree with the maps .* of 4 images, such as 'Ac"):
        datasets.load("cat2000-train", tmp_path, source="fixations")


@pytest.mark.parametrize("name", ["01-009-AK.eye", "09-001-AK.eye", "x-001-AK.eye", "AK"])
def test_scanpaths_of_unknown_images(tiny, archives, tmp_path, name):
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"), source="fixations")
    path = next(tmp_path.glob("*/fixations/fix0.mat"))
    savemat(path, {"name": name, "data": np.ones((2, 3))})
    with pytest.raises(InputError, match=rf"fix0\.mat' is for image '{name}', which does not"):
        datasets.load("cat2000-train", tmp_path, source="fixations")


def test_a_map_of_another_shape(tiny, archives, tmp_path):
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"))
    path = next(tmp_path.glob("*/trainSet/FIXATIONLOCS/Art/001.mat"))
    savemat(path, {"fixLocs": np.zeros((80, 60))})
    with pytest.raises(InputError, match=r"001\.mat' is damaged.*\(80, 60\), but its image \(60,"):
        datasets.load("cat2000-train", tmp_path)


def test_damaged_and_compressed(tiny, archives, tmp_path):
    """Any byte of a compressed file may be wrong."""
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"))
    path = next(tmp_path.glob("*/trainSet/FIXATIONLOCS/Art/001.mat"))
    savemat(path, {"fixLocs": loadmat(path)["fixLocs"]}, do_compression=True)
    whole = path.read_bytes()
    stream = np.random.default_rng(0)
    n_refused = 0
    for _ in range(60):
        content = bytearray(whole)
        content[int(stream.integers(128, len(whole)))] ^= int(stream.integers(1, 256))
        path.write_bytes(bytes(content))
        try:
            datasets.load("cat2000-train", tmp_path, cache=False)
        except InputError as error:
            n_refused += "001.mat' is" in str(error)
    assert n_refused > 30
