"""Data sets in HDF5: round trips, alone and through pysaliency, and damaged files."""

import json
import os
import pickle

import h5py
import numpy as np
import pytest
from PIL import Image
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics import Dataset, Fixations, InputError, Stimuli, read_hdf5, write_hdf5
from salmetrics.data import hdf5

RNG = np.random.default_rng(0)
ARRAYS = [RNG.integers(0, 256, (6, 8, 3), np.uint8), RNG.integers(0, 256, (7, 5), np.uint8)]


def fixations():
    return Fixations.from_arrays(
        [1.5, 2, 3, 4, 0.25],
        [5.5, 1, 2, 3, 0],
        [0, 0, 0, 1, 1],
        subject=["ann", "ann", "bob", "bob", "bob"],
        index=[0, 1, 0, 1, 0],
        t=[0.1, 0.3, 0.2, 0.5, 0.1],
        duration=[100, 200, 300, 400, 500],
        task=["free", "free", "search", "free", "free"],
        x_hist=[1, 2, 3, 4, 5],  # a name that pysaliency uses
        n_images=3,
    )


def facts():
    return {
        "attributes": {"category": ["in", "out", "in"], "ids": [1, 2, 3]},
        "pixels_per_degree": 30.5,
        "sigma": 12.0,
    }


def from_files(folder):
    files = []
    for i, array in enumerate([*ARRAYS, ARRAYS[0]]):
        files.append(folder / "images" / f"{i}.png")
        files[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(files[-1])
    return Stimuli.from_files(files, **facts())


def from_arrays(folder):
    return Stimuli.from_arrays([*ARRAYS, ARRAYS[0]], ids=["x", "y", "z"], **facts())


def from_sizes(folder):
    return Stimuli.from_sizes([(6, 8), (7, 5), (6, 8)], ids=["x", "y", "z"], **facts())


def assert_same_stimuli(found, expected):
    assert found.ids == expected.ids
    assert found.name == expected.name
    assert (found.sigma, found.pixels_per_degree) == (expected.sigma, expected.pixels_per_degree)
    np.testing.assert_array_equal(found.sizes, expected.sizes)
    assert list(found.attributes) == list(expected.attributes)
    for name, values in expected.attributes.items():
        np.testing.assert_array_equal(found.attributes[name], values)
    for one, other in zip(found, expected, strict=True):
        assert one.has_pixels == other.has_pixels
        if one.has_pixels:
            np.testing.assert_array_equal(one.image, other.image)


def assert_same_fixations(found, expected):
    assert found.n_images == expected.n_images
    assert list(found.columns) == list(expected.columns)
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name], values)
        assert found.columns[name].dtype == values.dtype


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("make", [from_files, from_arrays, from_sizes])
def test_round_trip(make, images, tmp_path):
    dataset = Dataset("mine", make(tmp_path), fixations(), {"citation": "Me (2026)"})
    write_hdf5(dataset, tmp_path / "x.h5", images=images)
    found = read_hdf5(tmp_path / "x.h5")
    assert (found.name, found.info) == ("mine", {"citation": "Me (2026)"})
    assert_same_stimuli(found.stimuli, dataset.stimuli)
    assert_same_stimuli(pickle.loads(pickle.dumps(found.stimuli)), dataset.stimuli)
    assert_same_fixations(found.fixations, dataset.fixations)
    assert found.fixations.notes == ()
    links = images == "link" and make is from_files
    assert (found.stimuli[0].path is not None) == links


def test_what_was_noticed_and_left_out(tmp_path):
    plain = fixations()
    noted = Fixations(plain.columns, plain.n_images, {"why": 3}, ["first: ü", "second"])
    write_hdf5(noted, tmp_path / "x.h5")
    found = read_hdf5(tmp_path / "x.h5")
    assert (dict(found.left_out), found.notes) == ({"why": 3}, ("first: ü", "second"))
    for other in ('"text"', "[1]", "{}"):
        with h5py.File(tmp_path / "x.h5", "a") as file:
            file.attrs["notes"] = other
        with pytest.raises(InputError, match="notes must be a list of texts"):
            read_hdf5(tmp_path / "x.h5")


@pytest.mark.parametrize("make", [from_files, from_arrays, from_sizes])
def test_parts_alone(make, tmp_path):
    write_hdf5(make(tmp_path), tmp_path / "s.h5")
    assert_same_stimuli(read_hdf5(tmp_path / "s.h5"), make(tmp_path))
    write_hdf5(fixations(), tmp_path / "f.h5")
    assert_same_fixations(read_hdf5(tmp_path / "f.h5"), fixations())


def test_format_1_by_hand(tmp_path):
    """A file in the documented layout, written without the code under test."""
    text = h5py.string_dtype()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["salmetrics"], file.attrs["format"] = "dataset", 1
        file.attrs["name"], file.attrs["info"] = "old", json.dumps({"licence": "MIT"})
        group = file.create_group("stimuli")
        group.attrs["type"], group.attrs["size"] = "salmetrics sizes", 2
        group.attrs["name"], group.attrs["sigma"] = "old", 3.0
        group["sizes"] = [[4, 5], [6, 7]]
        group.create_dataset("ids", data=["a", "b"], dtype=text)
        group.create_dataset("attributes/category", data=["in", "out"], dtype=text)
        group = file.create_group("fixations")
        group.attrs["type"], group.attrs["n_images"] = "Fixations", 2
        group.attrs["order"] = json.dumps(["x", "y", "image", "subject", "t"])
        group["columns/x"], group["columns/y"] = [1.5, 2.5], [3.5, 0.5]
        group["columns/image"], group["columns/t"] = [0, 1], [0.1, 0.2]
        group.create_dataset("columns/subject", data=["ann", "bob"], dtype=text)
    found = read_hdf5(tmp_path / "x.h5")
    assert (found.name, found.info) == ("old", {"licence": "MIT"})
    assert (found.stimuli.ids, found.stimuli.sizes.tolist()) == (("a", "b"), [[4, 5], [6, 7]])
    assert (found.stimuli.sigma, found.stimuli.pixels_per_degree) == (3.0, None)
    assert found.stimuli.attributes["category"].tolist() == ["in", "out"]
    columns = {name: values.tolist() for name, values in found.fixations.columns.items()}
    assert columns == {
        "x": [1.5, 2.5],
        "y": [3.5, 0.5],
        "image": [0, 1],
        "subject": ["ann", "bob"],
        "t": [0.1, 0.2],
    }


def test_nothing_at_all(tmp_path):
    empty = Dataset("none", Stimuli.from_sizes([]), Fixations.from_arrays([], [], []))
    write_hdf5(empty, tmp_path / "x.h5")
    found = read_hdf5(tmp_path / "x.h5")
    assert len(found) == len(found.fixations) == 0


def test_images_move_with_the_file(tmp_path):
    (tmp_path / "here").mkdir()
    write_hdf5(from_files(tmp_path / "here"), tmp_path / "here" / "x.h5")
    (tmp_path / "here").rename(tmp_path / "there")
    found = read_hdf5(tmp_path / "there" / "x.h5")
    np.testing.assert_array_equal(found[0].image, ARRAYS[0])
    (tmp_path / "there" / "images").rename(tmp_path / "gone")
    with pytest.raises(
        InputError, match=r"refers to image files by relative paths .*, and one cannot"
    ):
        read_hdf5(tmp_path / "there" / "x.h5")


# ---- pysaliency


def test_pysaliency_reads_our_stimuli(tmp_path):
    for make, images in ((from_files, "link"), (from_files, "copy"), (from_arrays, "link")):
        ours = make(tmp_path)
        path = tmp_path / f"{make.__name__} {images}.h5"
        write_hdf5(ours, path, images=images)
        theirs = pysaliency.datasets.read_hdf5(str(path))
        assert isinstance(theirs, pysaliency.FileStimuli) == (
            make is from_files and images == "link"
        )
        assert list(theirs.attributes["category"]) == ["in", "out", "in"]
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one.image, other.stimulus_data)


def test_pysaliency_reads_our_fixations(tmp_path):
    dataset = Dataset("mine", from_arrays(tmp_path), fixations())
    write_hdf5(dataset, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        theirs = pysaliency.datasets.read_hdf5(file["fixations"])
        assert len(pysaliency.datasets.read_hdf5(file["stimuli"])) == 3
    ours = dataset.fixations
    for name, values in (("x", ours.x), ("y", ours.y), ("n", ours.image), ("t", ours.t)):
        np.testing.assert_array_equal(getattr(theirs, name), values)
    np.testing.assert_array_equal(theirs.subjects, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(theirs.duration, ours.duration)
    nan = np.nan
    np.testing.assert_array_equal(theirs.x_hist, [[nan], [1.5], [nan], [0.25], [nan]])
    np.testing.assert_array_equal(theirs.t_hist, [[nan], [0.1], [nan], [0.1], [nan]])


# pysaliency leaves images open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_we_read_pysaliencys_stimuli(tmp_path):
    files = [str(stimulus.path) for stimulus in from_files(tmp_path)]
    made = {
        "files": pysaliency.FileStimuli(files, attributes={"category": np.array(["a", "b", "a"])}),
        "arrays": pysaliency.Stimuli([*ARRAYS, ARRAYS[0]], attributes={"number": [3, 2, 1]}),
    }
    for name, theirs in made.items():
        theirs.to_hdf5(str(tmp_path / f"{name}.h5"))
        ours = read_hdf5(tmp_path / f"{name}.h5")
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one.image, other.stimulus_data)
    found = read_hdf5(tmp_path / "files.h5")
    assert found.ids == ("0.png", "1.png", "2.png")
    assert found.attributes["category"].tolist() == ["a", "b", "a"]
    assert ours.ids == ("0", "1", "2")
    assert ours.attributes["number"].tolist() == [3, 2, 1]


def scanpaths():
    return pysaliency.FixationTrains.from_fixation_trains(
        xs=[[1, 2, 3], [4, 5]],
        ys=[[5, 4, 3], [2, 1]],
        ts=[[0.1, 0.2, 0.3], [0.1, 0.4]],
        ns=[1, 0],
        subjects=[7, 8],
        scanpath_attributes={"task": np.array([1, 0])},
        scanpath_fixation_attributes={"durations": [[10, 20, 30], [40, 50]]},
        scanpath_attribute_mapping={"durations": "duration"},
    )


def test_we_read_pysaliencys_scanpaths(tmp_path):
    theirs = scanpaths()
    theirs.to_hdf5(str(tmp_path / "x.h5"))
    ours = read_hdf5(tmp_path / "x.h5", n_images=4)
    assert ours.n_images == 4
    for name, values in (
        ("x", [1, 2, 3, 4, 5]),
        ("y", [5, 4, 3, 2, 1]),
        ("t", [0.1, 0.2, 0.3, 0.1, 0.4]),
        ("image", [1, 1, 1, 0, 0]),
        ("subject", [7, 7, 7, 8, 8]),
        ("scanpath", [0, 0, 0, 1, 1]),
        ("index", [0, 1, 2, 0, 1]),
        ("task", [1, 1, 1, 0, 0]),
        ("duration", [10, 20, 30, 40, 50]),
    ):
        np.testing.assert_array_equal(ours.columns[name], values)


def test_we_read_pysaliencys_fixations_and_they_read_them_again(tmp_path):
    theirs = scanpaths()[np.array([0, 2, 3, 4])]
    assert type(theirs) is pysaliency.Fixations
    theirs.to_hdf5(str(tmp_path / "x.h5"))
    ours = read_hdf5(tmp_path / "x.h5")
    np.testing.assert_array_equal(ours.x, [1, 3, 4, 5])
    np.testing.assert_array_equal(ours.index, [0, 2, 0, 1])
    np.testing.assert_array_equal(ours.subject, [7, 7, 8, 8])
    assert ours.n_images == 2
    write_hdf5(ours, tmp_path / "y.h5")
    again = pysaliency.datasets.read_hdf5(str(tmp_path / "y.h5"))
    for name in ("x", "y", "t", "n", "subjects"):
        np.testing.assert_array_equal(getattr(again, name), getattr(theirs, name))


def test_scores_of_a_round_trip_through_pysaliency(tmp_path):
    """A file of salmetrics, read and written by pysaliency, gives the same score."""
    dataset = Dataset("mine", from_arrays(tmp_path), fixations())
    write_hdf5(dataset, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        pysaliency.datasets.read_hdf5(file["fixations"]).to_hdf5(str(tmp_path / "y.h5"))
        pysaliency.datasets.read_hdf5(file["stimuli"]).to_hdf5(str(tmp_path / "z.h5"))
    stimuli, back = read_hdf5(tmp_path / "z.h5"), read_hdf5(tmp_path / "y.h5", n_images=3)
    model = salmetrics.GaussianCentreBias()
    assert salmetrics.nss(model, stimuli, back) == salmetrics.nss(model, *dataset)


# ---- wrong input


def nothing(path):
    pass


def text(path):
    path.write_text("no HDF5")


def empty(path):
    h5py.File(path, "w").close()


def evaluation(path):
    dataset = Dataset("mine", from_sizes(None), fixations())
    salmetrics.evaluate(salmetrics.Uniform(), *dataset, metrics=["LL"]).save(path)


def newer(path):
    write_hdf5(Dataset("mine", from_sizes(None), fixations()), path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = 99


def newer_part(path):
    write_hdf5(from_sizes(None), path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = 99


def half(path):
    write_hdf5(Dataset("mine", from_sizes(None), fixations()), path)
    with h5py.File(path, "a") as file:
        del file["fixations"]


def cut(path):
    write_hdf5(fixations(), path)
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (nothing, "there is no file"),
        (text, "cannot be read as a data set"),
        (empty, "is an HDF5 file, but holds no data set; expected a data set, stimuli or"),
        (evaluation, "is an HDF5 file, but holds evaluation"),
        (newer, "has format 99, newer than this version of salmetrics knows"),
        (newer_part, "has format 99, newer than this version of salmetrics knows"),
        (half, "cannot be read as a data set"),
        (cut, "cannot be read as a data set"),
    ],
)
def test_other_files(make, text, tmp_path):
    make(tmp_path / "x.h5")
    with pytest.raises(InputError, match=text):
        read_hdf5(tmp_path / "x.h5")


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        write_hdf5(fixations(), tmp_path)
    with pytest.raises(InputError, match="does not exist; create it first"):
        write_hdf5(fixations(), tmp_path / "none" / "x.h5")
    with pytest.raises(InputError, match="images must be one of 'link', 'copy'; got 'move'"):
        write_hdf5(fixations(), tmp_path / "x.h5", images="move")


def test_full_disk(tmp_path, monkeypatch):
    write_hdf5(fixations(), tmp_path / "x.h5")
    before = (tmp_path / "x.h5").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hdf5, "_write_fixations", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_hdf5(fixations(), tmp_path / "x.h5")
    assert os.listdir(tmp_path) == ["x.h5"]
    assert (tmp_path / "x.h5").read_bytes() == before


def test_pixels_that_are_gone(tmp_path):
    write_hdf5(from_arrays(tmp_path), tmp_path / "x.h5")
    found = read_hdf5(tmp_path / "x.h5")
    (tmp_path / "x.h5").unlink()
    with pytest.raises(InputError, match=r"image '/0' in .* cannot be read"):
        _ = found[0].image


def test_info_is_plain(tmp_path):
    dataset = Dataset("mine", from_sizes(None), fixations(), {"path": tmp_path, "n": 3})
    write_hdf5(dataset, tmp_path / "x.h5")
    assert read_hdf5(tmp_path / "x.h5").info == {"path": str(tmp_path), "n": 3}
    with h5py.File(tmp_path / "x.h5") as file:
        assert json.loads(file.attrs["info"])["n"] == 3


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (
            {"day": np.array(["2026-01-01"] * 5, "datetime64[D]")},
            "HDF5 does not support part of it",
        ),
        ({"a/b": np.arange(5)}, None),
    ],
)
def test_columns_that_hdf5_can_not_hold(columns, text, tmp_path):
    points = Fixations.from_arrays(np.zeros(5), np.zeros(5), np.zeros(5, int), **columns)
    if text is None:
        write_hdf5(points, tmp_path / "x.h5")
        assert_same_fixations(read_hdf5(tmp_path / "x.h5"), points)
        return
    with pytest.raises(InputError, match=text):
        write_hdf5(points, tmp_path / "x.h5")
    assert os.listdir(tmp_path) == []


def test_something_else():
    with pytest.raises(TypeError, match="data must be a Dataset, Stimuli or Fixations; got str"):
        write_hdf5("hello", "x.h5")


def test_damaged_bytes(tmp_path):
    """With any bytes damaged, the data are read, or the error is an InputError."""
    write_hdf5(Dataset("mine", from_sizes(None), fixations()), tmp_path / "x.h5")
    whole = (tmp_path / "x.h5").read_bytes()
    rng = np.random.default_rng(1)
    n_errors = 0
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 8):
            data[place] = rng.integers(0, 256)
        (tmp_path / "y.h5").write_bytes(data)
        try:
            read_hdf5(tmp_path / "y.h5")
        except InputError:
            n_errors += 1
    assert n_errors > 5
