"""Shared by the readers: finding files, collecting columns, MATLAB files."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import InputError
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    elements,
    explained,
    find_path,
    folders_in,
    images_in,
    map_of_size,
    read_mat,
    require_path,
    stimuli_of,
)

FACTS = Description(
    name="mine",
    title="Mine",
    homepage="https://example.org",
    licence="CC0",
    citation="Me (2026)",
    notes="none",
    files=(),
    expected={},
    size=(3, 4),
    pixels_per_degree=30.0,
    sigma=12.0,
)


def create(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


# ---- columns


def test_columns_grow_scanpath_by_scanpath():
    columns = Columns("duration")
    columns.add([1, 2], [[3], [4]], 0, "anna", duration=[0.1, 0.2])
    columns.add([], [], 1, "anna", duration=[])
    columns.add(np.float32([5]), [6], 2, "ben", duration=0.3)
    fixations = columns.fixations(4)
    assert fixations.n_images == 4
    expected = {
        "x": [1, 2, 5],
        "y": [3, 4, 6],
        "image": [0, 0, 2],
        "subject": ["anna", "anna", "ben"],
        "duration": [0.1, 0.2, 0.3],
    }
    assert fixations.columns.keys() == expected.keys()
    for name, values in expected.items():
        assert fixations.columns[name].tolist() == values
    assert fixations.x.dtype == np.float64


def test_no_scanpaths():
    fixations = Columns("duration").fixations(3)
    assert (len(fixations), fixations.n_images) == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([1, 2], [1], 0, 0), r"y has shape \(1,\), but x \(2,\)"),
        (([1, 2], [1, 2], 0, ["a"]), r"subject has shape \(1,\), but x \(2,\)"),
        (([1, np.nan], [1, 2], 0, 0), "a position is not finite"),
        (([1], [np.inf], 0, 0), "a position is not finite"),
        ((["left"], [1], 0, 0), "could not convert"),
    ],
)
def test_scanpaths_that_do_not_fit(arguments, text):
    with pytest.raises(ValueError, match=text):
        Columns().add(*arguments)


# ---- files


def test_the_topmost_path_is_found(tmp_path):
    create(tmp_path, "a/b/images/x", "c/images/y", ".hidden/images/z")
    assert find_path(tmp_path, "images") == tmp_path / "c" / "images"
    assert find_path(tmp_path, "b/images/x") == tmp_path / "a" / "b" / "images" / "x"
    create(tmp_path, "images/w")
    assert find_path(tmp_path, "images") == tmp_path / "images"
    assert find_path(tmp_path / "none", "images") is None


def test_the_search_ends_a_few_levels_deep(tmp_path):
    create(tmp_path, "1/2/3/images/x", "1/2/3/4/deep/x")
    assert find_path(tmp_path, "images") == tmp_path / "1" / "2" / "3" / "images"
    assert find_path(tmp_path, "deep") is None


def test_a_path_that_is_required(tmp_path):
    create(tmp_path, "a/images/x")
    assert require_path(tmp_path, "images", FACTS) == tmp_path / "a" / "images"
    with pytest.raises(InputError, match=r"lacks 'maps' of Mine; see https://example\.org"):
        require_path(tmp_path, "maps", FACTS)


def test_folders(tmp_path):
    create(tmp_path, "b/x", "a/x", ".git/x", "__MACOSX/x", "file")
    assert folders_in(tmp_path) == [tmp_path / "a", tmp_path / "b"]


def test_files_in_natural_order(tmp_path):
    create(tmp_path, "i10.jpg", "i9.jpg", "i1.txt", "._i9.jpg", "b/i2.jpg")
    assert images_in(tmp_path, "*.jpg") == [tmp_path / "i9.jpg", tmp_path / "i10.jpg"]
    assert images_in(tmp_path, "**/*.jpg")[0] == tmp_path / "b" / "i2.jpg"
    with pytest.raises(InputError, match=r"holds no files \*\.png"):
        images_in(tmp_path, "*.png")


def test_stimuli(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("L", (4, 3)).save(tmp_path / name)
    paths = [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    stimuli = stimuli_of(paths, FACTS, root=tmp_path, category=["in", "out"])
    assert stimuli.ids == ("a/1", "b/1")
    assert (stimuli.pixels_per_degree, stimuli.sigma) == (30, 12)
    assert stimuli.attributes["category"].tolist() == ["in", "out"]
    assert stimuli_of(paths, FACTS, ids=["x", "y"]).ids == ("x", "y")
    with pytest.raises(InputError, match=r"1 of 3 images of Mine are missing from .*'none\.png'"):
        stimuli_of([*paths, tmp_path / "none.png"], FACTS, root=tmp_path)
    Image.new("L", (5, 3)).save(paths[1])
    with pytest.raises(InputError, match=r"must have size \(3, 4\) .*; 1 do not: 'b/1'"):
        stimuli_of(paths, FACTS, root=tmp_path)


# ---- MATLAB


def test_structs_as_matlab_has_them(tmp_path):
    many, single = np.zeros((1, 2), [("n", object)]), np.zeros((1, 1), [("n", object)])
    many[0, 0]["n"], many[0, 1]["n"], single[0, 0]["n"] = 1, 2, 3
    path = tmp_path / "x.mat"
    savemat(path, {"many": many, "single": single})
    for name, expected in (("many", [1, 2]), ("single", [3])):
        values = read_mat(path, lambda file, name=name: [e.n for e in elements(file[name])])
        assert values == expected


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "x.mat"
    with pytest.raises(InputError, match=r"there is no file '.*x\.mat'"):
        read_mat(path, dict)
    savemat(path, {"a": 1})
    for convert in (lambda file: file["b"], lambda file: file["a"].b, lambda file: file["a"][7]):
        with pytest.raises(InputError, match=r"x\.mat' is damaged, or not the published file: "):
            read_mat(path, convert)


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("x"), IndexError("x"), EOFError(), OSError(5, "x")]
)
def test_errors_of_other_content(error, tmp_path):
    with pytest.raises(InputError, match="'file' is damaged, or not") as caught, explained("file"):
        raise error
    assert caught.value.__cause__ is error


def test_other_errors_stay():
    with pytest.raises(InputError, match="mine"), explained("file"):
        raise InputError("mine")
    with pytest.raises(ZeroDivisionError), explained("file"):
        1 / 0  # noqa: B018


def test_maps_of_one_size():
    values = [[1, 0, 0], [0, 0, 1]]
    found = map_of_size(values, np.array([2, 3]))
    assert found.tolist() == values
    with pytest.raises(ValueError, match=r"a map has shape \(2, 3\), but its image \(3, 2\)"):
        map_of_size(values, (3, 2))
