import pickle

import numpy as np
import pandas as pd
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.fingerprint import fingerprint


@pytest.fixture
def stimuli():
    return Stimuli.from_sizes([(10, 20), (30, 10), (5, 5)], ids=["a/1.png", "a/2.png", "b/3.png"])


@pytest.fixture
def fixations():
    return Fixations.from_arrays(
        [1.5, 2, 3, 4, 19.9],
        [5, 6, 7, 8, 9.9],
        [1, 0, 1, 1, 0],
        subject=["u", "v", "u", "v", "v"],
        n_images=3,
        duration=[10, 20, 30, 40, 50],
    )


def test_columns(fixations):
    assert (len(fixations), fixations.n_images) == (5, 3)
    assert fixations.x.dtype == fixations.y.dtype == np.float64
    assert fixations.image.dtype == np.int64
    assert fixations.duration.tolist() == [10, 20, 30, 40, 50]
    assert fixations.counts().tolist() == [2, 3, 0]
    assert repr(fixations) == "Fixations(5 fixations, 3 images, 2 subjects)"
    plain = Fixations.from_arrays([1], [2], [4])
    assert (plain.n_images, plain.subject.tolist()) == (5, [0])
    with pytest.raises(AttributeError, match="no column or attribute 'speed'; columns: x, y"):
        fixations.speed  # noqa: B018
    with pytest.raises(TypeError, match="not iterated row by row"):
        iter(fixations)


def test_immutable(fixations):
    for table in (fixations, fixations[1:], fixations.of_image(1), fixations.select_images([1])):
        for column in table.columns.values():
            with pytest.raises(ValueError, match="read-only"):
                column[0] = column[1]
    x = np.array([1.0, 2.0])
    made = Fixations.from_arrays(x, x, [0, 0])
    x[0] = 7
    assert made.x.tolist() == made.y.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 3), [1, 2]),
        ([4, 0], [4, 0]),
        ([-1], [4]),
        (np.array([True, False, False, True, False]), [0, 3]),
        ([], []),
    ],
)
def test_selection(fixations, index, rows):
    chosen = fixations[index]
    for name, column in fixations.columns.items():
        assert chosen.columns[name].tolist() == column[rows].tolist()
    assert chosen.n_images == 3


def test_of_image(fixations):
    assert fixations.of_image(1).duration.tolist() == [10, 30, 40]
    assert fixations.of_image(-3).duration.tolist() == [20, 50]
    assert fixations.rows_of_image(1).tolist() == [0, 2, 3]
    empty = fixations.of_image(2)
    assert (len(empty), empty.n_images) == (0, 3)
    for i in (3, -4):
        with pytest.raises(InputError, match=f"image {i} is out of range for 3 images"):
            fixations.of_image(i)


@pytest.mark.parametrize(
    ("index", "images", "durations"),
    [
        ([1, 0], [0, 0, 0, 1, 1], [10, 30, 40, 20, 50]),
        ([2, 0], [1, 1], [20, 50]),
        (np.array([False, True, True]), [0, 0, 0], [10, 30, 40]),
        (slice(2, 3), [], []),
        ([], [], []),
    ],
)
def test_select_images(fixations, index, images, durations):
    chosen = fixations.select_images(index)
    assert chosen.image.tolist() == images
    assert chosen.image.dtype == np.int64
    assert chosen.duration.tolist() == durations
    assert chosen.n_images == len(np.arange(3)[index])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([1, 2], [1], [0, 0]), "columns must have equal lengths; x has 2, y has 1"),
        (([1], [1], [0, 0]), "x has 1, image has 2"),
        (([1, np.nan], [1, 1], [0, 0]), r"1 rows are not, the first is row 1: \(nan, 1.0\)"),
        (([1, 2], [np.inf, -np.inf], [0, 0]), r"2 rows are not, the first is row 0: \(1.0, inf\)"),
        (([1], [1], [-1]), "image indices must be at least 0; 1 rows are not, .*row 0: -1"),
        (([1], [1], [0.0]), "column 'image' must hold integer indices; got float64"),
        ((["p"], [1], [0]), "column 'x' cannot be read as numbers"),
        (([[1]], [1], [0]), r"column 'x' must be one-dimensional; got shape \(1, 1\)"),
    ],
)
def test_wrong_columns(arguments, text):
    with pytest.raises(InputError, match=text):
        Fixations.from_arrays(*arguments)


@pytest.mark.parametrize("n_images", [2, 0])
def test_image_out_of_range(n_images):
    with pytest.raises(InputError, match=rf"below n_images = {n_images}; "):
        Fixations.from_arrays([1, 1], [1, 1], [1, 3], n_images=n_images)


def test_unequal_further_column():
    with pytest.raises(InputError, match="x has 1, duration has 2"):
        Fixations.from_arrays([1], [1], [0], duration=[1, 2])


def test_empty(stimuli):
    empty = Fixations.from_arrays([], [], [], n_images=3)
    empty.check_against(stimuli)
    assert len(empty.drop_outside(stimuli)) == len(empty.clip_to(stimuli)) == 0
    assert empty.counts().tolist() == [0, 0, 0]
    assert len(empty.of_image(1)) == 0
    assert Fixations.from_arrays([], [], []).n_images == 0


@pytest.mark.parametrize(
    ("x", "y"),
    [(20, 5), (5, 10), (-0.1, 5), (5, -1), (1e9, 5)],
    ids=["right", "below", "left", "above", "far"],
)
def test_outside(stimuli, x, y):
    fixations = Fixations.from_arrays([5, x, x], [5, y, y], [0, 0, 0], n_images=3)
    assert fixations.outside(stimuli).tolist() == [False, True, True]
    text = (
        rf"2 of 3 fixations are outside their image; the first is row 1: x={x:g}, y={y:g} on "
        r"'a/1.png' \(width 20, height 10\).*drop_outside\(stimuli\) or fixations.clip_to"
    ).replace("+", r"\+")
    with pytest.raises(InputError, match=text):
        fixations.check_against(stimuli)
    assert fixations.drop_outside(stimuli).x.tolist() == [5]
    clipped = fixations.clip_to(stimuli)
    clipped.check_against(stimuli)
    assert (clipped.x[0], clipped.y[0]) == (5, 5)
    assert clipped.x[1] == np.clip(x, 0.5, 19.5)
    assert clipped.y[1] == np.clip(y, 0.5, 9.5)


def test_on_the_edge(stimuli):
    Fixations.from_arrays([0, 19.999], [0, 9.999], [0, 0], n_images=3).check_against(stimuli)


def test_another_number_of_images(stimuli):
    one = Fixations.from_arrays([1], [1], [0])
    for check in (one.check_against, one.outside, one.drop_outside, one.clip_to):
        with pytest.raises(InputError, match="on 1 images, but there are 3 stimuli; give"):
            check(stimuli)


@pytest.mark.parametrize(
    "names", [["a/1.png", "b/3.png"], ["1.png", "3.png"], ["1", "3"], ["x\\a\\1.png", "3.PNG"]]
)
def test_image_names(stimuli, names):
    table = pd.DataFrame({"file": names, "x": [1, 2], "y": [3, 4]})
    assert Fixations.from_dataframe(table, stimuli).image.tolist() == [0, 2]


def test_ambiguous_and_unknown_names():
    stimuli = Stimuli.from_sizes([(9, 9)] * 2, ids=["a/1.png", "b/1.png"])
    table = pd.DataFrame({"file": ["a/1.png", "1.png", "cat"], "x": 1, "y": 1})
    text = (
        r"2 image names .*: '1.png' \(may be 'a/1.png', 'b/1.png'\) in row 1, 'cat' in row 2; ids"
    )
    with pytest.raises(InputError, match=text):
        Fixations.from_dataframe(table, stimuli)


def test_dataframe(stimuli, fixations):
    table = fixations.to_dataframe(stimuli)
    assert table["file"].tolist() == [stimuli.ids[i] for i in fixations.image]
    back = Fixations.from_dataframe(table, stimuli)
    for name, column in fixations.columns.items():
        assert back.columns[name].tolist() == column.tolist()
    assert back.columns["image_"].tolist() == fixations.image.tolist()  # a reserved name
    assert list(fixations.to_dataframe().columns) == ["x", "y", "image", "subject", "duration"]
    with pytest.raises(InputError, match="on 3 images, but there are 2"):
        fixations.to_dataframe(stimuli[:2])


def test_other_column_names(stimuli):
    table = pd.DataFrame({"name": ["1"], "col": [3], "row": [4], "who": ["me"], "n_images": [7]})
    found = Fixations.from_dataframe(table, stimuli, image="name", x="col", y="row", subject="who")
    assert (found.x[0], found.y[0], found.subject[0], found.n_images) == (3, 4, "me", 3)
    assert found.n_images_.tolist() == [7]


def test_csv(stimuli, fixations, tmp_path):
    path = tmp_path / "fixations.csv"
    fixations.to_dataframe(stimuli).to_csv(path, index=False)
    found = Fixations.from_csv(path, stimuli)
    assert found.y.tolist() == fixations.y.tolist()
    assert found.subject.tolist() == fixations.subject.tolist()
    path.write_text("file,x,y\n")
    assert len(Fixations.from_csv(path, stimuli)) == 0


def test_mixed_labels_in_arrays():
    mixed = np.array([1, "b"], dtype=object)
    assert repr(Fixations.from_arrays([1, 2], [1, 2], [0, 0], subject=mixed)).endswith(
        "2 subjects)"
    )
    missing = pd.array(["a", None], dtype="string")
    with pytest.raises(InputError, match="'subject' has no value in 1 rows, the first is row 1"):
        Fixations.from_arrays([1, 2], [1, 2], [0, 0], subject=missing)


def test_what_is_left_out_is_kept(stimuli):
    fixations = Fixations.from_arrays([5, -3, 99, 6], [5] * 4, [0, 0, 0, 1], n_images=3)
    assert dict(fixations.left_out) == {}
    inside = fixations.drop_outside(stimuli)
    expected = {"fixations outside their image": 2}
    for same in (
        inside,
        inside[1:],
        inside.select_images([1]),
        inside.of_image(0),
        inside.drop_outside(stimuli),
        pickle.loads(pickle.dumps(inside)),
    ):
        assert dict(same.left_out) == expected
    with pytest.raises(TypeError):
        inside.left_out["more"] = 1
    moved = fixations.clip_to(stimuli)
    assert dict(moved.left_out) == {"fixations moved into their image": 2}
    assert dict(moved[:1].drop_outside(stimuli).left_out) == dict(moved.left_out)
    # digests of fixations, and of models that hold them, do not change
    same = Fixations.from_arrays([5, 6], [5] * 2, [0, 1], n_images=3)
    assert fingerprint(same) == fingerprint(fixations.drop_outside(stimuli))


def test_notes_are_kept(stimuli):
    plain = Fixations.from_arrays([5, -3, 99, 6], [5] * 4, [0, 0, 0, 1], n_images=3)
    assert plain.notes == ()
    noted = Fixations(plain.columns, 3, notes=["one", "two", "one"])
    assert fingerprint(noted) == fingerprint(plain)
    for same in (
        noted,
        noted[1:],
        noted.select_images([1]),
        noted.of_image(0),
        noted.drop_outside(stimuli),
        noted.clip_to(stimuli),
        pickle.loads(pickle.dumps(noted)),
    ):
        assert same.notes == ("one", "two")
    with pytest.raises(AttributeError):
        noted.notes = ()


def test_pickle(fixations):
    copy = pickle.loads(pickle.dumps(fixations))
    assert copy.duration.tolist() == fixations.duration.tolist()
    assert copy.of_image(1).x.tolist() == fixations.of_image(1).x.tolist()
    with pytest.raises(ValueError, match="read-only"):
        copy.x[0] = 1


def test_arrays_of_other_packages():
    class Other:
        def __init__(self, array):
            self.array = np.array(array)

        def __array__(self, dtype=None, copy=None):
            return self.array if dtype is None else self.array.astype(dtype)

    places = Other([0.5, 2.0])
    fixations = Fixations.from_arrays(places, places, Other([0, 1]), duration=places)
    assert fixations.x.tolist() == fixations.duration.tolist() == [0.5, 2]
    assert Fixations.from_maps(Other([[[0, 2, 1]], [[0, 0, 1]]])).x.tolist() == [1.5, 1.5, 2.5, 2.5]
