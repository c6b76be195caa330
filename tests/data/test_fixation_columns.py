import numpy as np
import pandas as pd
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.data.fixation_columns import absent_in, fixation_columns

STIMULI = Stimuli.from_sizes([(10, 20), (30, 10)], ids=["1.png", "2.png"])
ROLES = {"x": "px", "y": "py", "image": "file", "subject": "who"}
CELLS = {
    "x": ["1", ".", "3", "4,5"],
    "y": ["1", "2", "3", "4"],
    "image": ["a", "b", "", "NA"],
    "subject": ["NA", "1", "2", "."],
}


def columns(**options):
    return fixation_columns(CELLS, ROLES, where="line {}".format, decimal=",", **options)


def test_rows_without_a_value():
    found = columns(missing="drop")
    assert (found.x.tolist(), found.y.tolist()) == ([1, 4.5], [1, 4])
    assert (found.names, found.subject.tolist()) == (["a", "NA"], ["NA", "."])
    assert found.rows.tolist() == [0, 3]
    assert found.left_out == {"rows without values": 1, "rows without the name of an image": 1}
    strict = columns(missing="drop", no_name=frozenset({"", "."}))
    assert strict.rows.tolist() == [0]
    assert strict.left_out["rows without a subject"] == 1
    with pytest.raises(InputError, match=r"1 of 4 rows .* 'px' or 'py': line 1 \('\.', '2'\);"):
        columns()


def test_what_is_no_number():
    text = r"column 'px' must hold finite numbers; 1 of 4 rows do not: line 3 \('4,5'\); decimal="
    with pytest.raises(InputError, match=text):
        fixation_columns(CELLS, ROLES, where="line {}".format)


def test_missing_names():
    values = ["", " ", None, np.nan, pd.NA, pd.NaT, "NA", "nan", 0, False]
    assert absent_in(values).tolist() == [True] * 6 + [False] * 4
    assert absent_in(np.array([0, 1])).tolist() == [False, False]
    assert absent_in(np.array([0, np.nan])).tolist() == [False, True]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, "b"], ["1", "b"]),
        ([2, 1], [2, 1]),
        (pd.array([2, 1], dtype="Int64"), [2, 1]),
        (pd.array(["a", "b"], dtype="string"), ["a", "b"]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        ([1.5, "NA"], ["1.5", "NA"]),
        ([("a", 1), 2], ["('a', 1)", "2"]),
    ],
)
def test_labels_of_subjects(labels, expected):
    table = pd.DataFrame({"file": ["1", "2"], "x": 1, "y": 2, "subject": labels})
    found = Fixations.from_dataframe(table, STIMULI)
    assert found.subject.tolist() == expected
    assert repr(found).endswith("2 subjects)")


def test_lists_are_not_numbers_with_commas():
    cells = {"image": ["a"], "x": ["[1.5, 2]"], "y": ["[1.5, 2]"]}
    with pytest.raises(InputError, match=r"'\[1.5, 2\]'\); it holds lists such as \[x, y\]"):
        fixation_columns(cells, {"image": "f", "x": "p", "y": "p"}, where=str)
