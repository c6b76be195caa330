"""Rows of tables of fixations, and what is noticed while they are read."""

import numpy as np
import pandas as pd
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.errors import InputWarning
from salmetrics.io.names import match_rows


@pytest.fixture
def stimuli():
    return Stimuli.from_sizes([(10, 20), (30, 10), (5, 5)], ids=["a/1.png", "a/2.png", "b/3.png"])


@pytest.mark.parametrize(
    ("columns", "options", "text"),
    [
        (
            {"file": ["1"], "fix_y": [1], "fix_x": [1]},
            {},
            r"no column 'x', 'y'; its columns are 'file', 'fix_y', 'fix_x'. Name yours with "
            r"x=, y=, perhaps x='fix_x', y='fix_y'",
        ),
        ({"x": [1], "y": [1]}, {}, r"no column 'file'; .* Name yours with image=$"),
        (
            {"file": ["1"], "x": [1], "y": [1]},
            {"subject": "who"},
            r"no column 'who'; .* Name yours with subject=",
        ),
        (
            {"file": ["1"], "x": ["one"], "y": [1]},
            {},
            r"column 'x' must hold finite numbers; 1 of 1 rows do not: row 0 \('one'\)",
        ),
        (
            {"file": ["1", "1"], "x": [1, None], "y": [1, 1]},
            {},
            r"1 of 2 rows have no value in column 'x' or 'y': row 1 \(nan, 1\); .*missing='drop'",
        ),
        (
            {"file": ["1", "1"], "x": [1, np.inf], "y": [1, 1]},
            {},
            r"finite numbers; .* row 1 \(inf\)",
        ),
        ({"file": ["1", None], "x": [1, 2], "y": [1, 1]}, {}, r"no value in column 'file': row 1 "),
        (
            {"file": ["1"] * 5, "x": [1] * 5, "y": [1] * 5, "subject": [None] * 4 + ["a"]},
            {},
            r"4 of 5 rows have no value in column 'subject': row 0 .*, row 2 \(\w+\) \.\.\.;",
        ),
        (
            {"file": ["1"], "x": [1], "y": [1]},
            {"missing": "skip"},
            "missing must be one of 'error'",
        ),
    ],
)
def test_wrong_tables(stimuli, columns, options, text):
    with pytest.raises(InputError, match=text):
        Fixations.from_dataframe(pd.DataFrame(columns), stimuli, **options)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", r"f\.csv': the file is empty; the first line of a table names its columns"),
        (b"file,x,y\n1,2,3,4,5\n1,2\n", r"line 2 has 5, line 3 has 2$"),
        (b"file,x\n1,2\n", r"f\.csv': .*needed are 'file', 'x', 'y'"),
        (b"file,x,z\n1,2,3\n", r"f\.csv': the table has no column 'y'; its columns are"),
        (b"# by me\nfile,x,y\n1,1,1\n9,2,3\n", r"f\.csv': 1 image names .*: '9' in line 4"),
    ],
)
def test_wrong_csv(stimuli, tmp_path, content, text):
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=text):
        Fixations.from_csv(path, stimuli)
    with pytest.raises(InputError, match=r"none\.csv' does not exist"):
        Fixations.from_csv(tmp_path / "none.csv", stimuli)
    with pytest.raises(InputError, match="is a folder; expected a file, a table of fixations"):
        Fixations.from_csv(tmp_path, stimuli)


@pytest.mark.parametrize(
    "names",
    [
        ["01", "1", "001"],
        ["2E1", "20", "20.0"],
        ["NA", "nan", "None"],
        ["1", "1.0", "P1"],
        ["0x1", "-", "."],
    ],
)
def test_subjects_of_files_are_text(stimuli, tmp_path, names):
    # more rows than pandas reads at once; it would guess types block by block
    n = 90_000 if names[0] == "01" else 3
    rows = [f"1,2,3,{names[i % 3]}" for i in range(n)]
    (tmp_path / "f.csv").write_text("\n".join(["file,x,y,subject", *rows]))
    found = Fixations.from_csv(tmp_path / "f.csv", stimuli)
    assert found.subject.tolist()[:3] == names
    assert set(found.subject.tolist()) == set(names)
    assert repr(found) == f"Fixations({n} fixations, 3 images, 3 subjects)"


def test_rows_without_values(stimuli, tmp_path):
    path = tmp_path / "f.csv"
    lines = [
        "file,x,y,subject,duration",
        "1,.,.,u,.",
        "2,1,2,u,210",
        ",3,4,v,180",
        "1,3,4,,1",
        "1,5,NA,v,.",
    ]
    path.write_text("\n".join(lines))
    text = r"2 of 5 rows have no value in .*: line 2 \('\.', '\.'\), line 6 \('5', 'NA'\);"
    with pytest.raises(InputError, match=text):
        Fixations.from_csv(path, stimuli)
    found = Fixations.from_csv(path, stimuli, missing="drop")
    assert (found.x.tolist(), found.subject.tolist(), found.duration.tolist()) == (
        [1],
        ["u"],
        [210],
    )
    assert dict(found.left_out) == {
        "rows without values": 2,
        "rows without the name of an image": 1,
        "rows without a subject": 1,
    }


def test_what_is_no_dataframe_or_has_numbers_for_names():
    stimuli = Stimuli.from_sizes([(9, 9)], ids=["cat.png"])
    with pytest.raises(InputError, match=r"table must be a DataFrame of pandas; got dict"):
        Fixations.from_dataframe({"file": ["cat"], "x": [1], "y": [2]}, stimuli)
    table = pd.DataFrame([["cat", 1, 2]])
    with pytest.raises(InputError, match="the table has no column 'file'"):
        Fixations.from_dataframe(table, stimuli)
    found = Fixations.from_dataframe(table, stimuli, image=0, x=1, y=2)
    assert (found.x.tolist(), found.y.tolist()) == ([1], [2])


RULE = "image names: "


@pytest.mark.parametrize("unknown_images", ["error", "drop"])
def test_the_rule_of_names_is_kept(stimuli, tmp_path, unknown_images):
    table = pd.DataFrame({"file": ["1_x", "2_x", "3_x"], "x": [1, 2, 3], "y": 1})
    table.to_csv(tmp_path / "f.csv", index=False)
    with pytest.warns(InputWarning, match=RULE) as warned:
        found = Fixations.from_csv(tmp_path / "f.csv", stimuli, unknown_images=unknown_images)
    assert found.notes == (str(warned[0].message),)
    assert warned[0].filename == __file__
    with pytest.warns(InputWarning, match=RULE) as warned:
        assert Fixations.from_dataframe(table, stimuli).notes == found.notes
    assert warned[0].filename == __file__


def test_names_are_matched_once(stimuli, tmp_path, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(arguments)
        return match_rows(*arguments, **options)

    monkeypatch.setattr("salmetrics.data.fixation_tables.match_rows", counted)
    (tmp_path / "f.csv").write_text("file,x,y\n1,2,3\n2,4,5\n9,1,1\n")
    found = Fixations.from_csv(tmp_path / "f.csv", stimuli, unknown_images="drop")
    assert (len(found), len(calls)) == (2, 1)


def test_a_row_of_units_is_left_out_and_said(stimuli, tmp_path):
    (tmp_path / "f.csv").write_text("file,x,y,duration\n,px,px,ms\n1,2,3,210\n2,4,5,180\n")
    with pytest.warns(InputWarning, match="line 2, below the header, holds units"):
        found = Fixations.from_csv(tmp_path / "f.csv", stimuli)
    assert (found.x.tolist(), found.duration.tolist()) == ([2, 4], [210, 180])
    assert (len(found.notes), dict(found.left_out)) == (1, {})
    with pytest.raises(InputError, match="'x' is in 'px', but units='normalised' is assumed"):
        Fixations.from_csv(tmp_path / "f.csv", stimuli, units="normalised")
    table = pd.read_csv(tmp_path / "f.csv", dtype=str)
    with pytest.warns(InputWarning, match="row 0, below the header, holds units"):
        same = Fixations.from_dataframe(table, stimuli)
    assert (same.x.tolist(), same.duration.tolist()) == ([2, 4], [210, 180])
    table.loc[1, "x"] = "a"
    with pytest.raises(InputError, match=r"row 1 \('a'\)"):
        Fixations.from_dataframe(table, stimuli)


def test_tables_of_r(stimuli, tmp_path):
    (tmp_path / "f.csv").write_text('"","file","x","y"\n"1","1",2,3\n"2","2",4,5\n')
    found = Fixations.from_csv(tmp_path / "f.csv", stimuli)
    assert (found.x.tolist(), found.notes) == ([2, 4], ())
    assert list(found.columns) == ["x", "y", "image", "subject"]
    (tmp_path / "f.txt").write_text('"file" "x" "y"\n"1" "1" 2 3\n"2" "2" 4 5\n')
    with pytest.warns(InputWarning, match="the header has one cell less than the rows"):
        found = Fixations.from_csv(tmp_path / "f.txt", stimuli)
    assert (found.x.tolist(), found.image.tolist()) == ([2, 4], [0, 1])
    assert len(found.notes) == 1


@pytest.mark.parametrize("as_frame", [False, True])
def test_subjects_that_are_not_read_are_noted(tmp_path, stimuli, as_frame):
    frame = pd.DataFrame(
        {"file": ["1", "2"] * 2, "x": [1] * 4, "y": [2] * 4, "Participant": list("aabb")}
    )
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)

    def read(**options):
        if as_frame:
            return Fixations.from_dataframe(frame, stimuli, **options)
        return Fixations.from_csv(path, stimuli, **options)

    with pytest.warns(InputWarning, match=r"'Participant' looks .* give subject='Participant'"):
        found = read()
    assert len(found.notes) == 1
    assert read(subject="Participant").subject.tolist() == list("aabb")
    with pytest.raises(InputError, match=r"perhaps x='x'|to be in another, too: subject='Part"):
        read(x="gaze")
    with pytest.raises(InputError, match=r"no column 'gaze'(?!.*subject=)"):
        read(x="gaze", subject="Participant")


def test_a_guessed_encoding_is_said_with_unknown_names(tmp_path, stimuli):
    path = tmp_path / "t.csv"
    path.write_bytes("file,x,y\nлифт.png,1,2\n".encode("cp1251"))
    with pytest.raises(InputError, match=r"not among the stimuli: .*; the text is not UTF-8, .*g="):
        Fixations.from_csv(path, stimuli)
