"""Tables as eye trackers write them, with the right fixations."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.data.presets import PRESETS
from salmetrics.errors import InputWarning

STIMULI = Stimuli.from_sizes([(60, 80), (30, 40)], ids=["cat.png", "dog.png"])


def table(header, *rows, separator="\t"):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([header, *rows])
    return text.getvalue()


OF_SCREEN = "hold pixels of the screen, not of the image: .* MCS"


def read(tmp_path, content, encoding="utf-8", **options):
    path = tmp_path / "t.tsv"
    path.write_bytes(content.encode(encoding))
    return Fixations.from_csv(path, STIMULI, **options)


STUDIO = [
    "ParticipantName",
    "RecordingName",
    "MediaName",
    "FixationIndex",
    "GazeEventType",
    "GazeEventDuration",
    "FixationPointX (MCSpx)",
    "FixationPointY (MCSpx)",
]


def test_a_row_of_units_is_no_row_of_the_preset(tmp_path):
    header = ["CURRENT_FIX_X", "CURRENT_FIX_Y", "image", "RECORDING_SESSION_LABEL"]
    for unit in ("[px]", "[deg]"):
        content = table(header, [unit, unit, ".", "."], [1, 2, "cat.png", "a"])
        if unit == "[px]":
            with pytest.warns(InputWarning, match="line 2, below the header, holds units"):
                found = read(tmp_path, content, preset="eyelink")
            assert (len(found), dict(found.left_out)) == (1, {})
        else:
            with pytest.raises(InputError, match=r"'CURRENT_FIX_X' is in .* units='degree'"):
                read(tmp_path, content, preset="eyelink")


@pytest.mark.parametrize("write", ["to_feather", "to_parquet"])
def test_a_row_of_units_in_a_binary_table(tmp_path, write):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"file": ["", "cat.png"], "x": ["px", "1"], "y": ["px", "2"]})
    path = tmp_path / f"t.{write[3:]}"
    getattr(frame, write)(path)
    with pytest.warns(InputWarning, match="row 0, below the header, holds units"):
        found = Fixations.from_csv(path, STIMULI)
    assert (found.x.tolist(), dict(found.left_out)) == ([1], {})


def test_tobii_studio(tmp_path):
    content = table(
        STUDIO,
        ["01", "Rec 1", "cat.png", 1, "Fixation", 210, "12,5", "7"],
        ["01", "Rec 1", "cat.png", 1, "Fixation", 210, "12,5", "7"],
        ["01", "Rec 1", "cat.png", "", "Saccade", 30, "", ""],
        ["01", "Rec 1", "cat.png", 2, "Fixation", 180, "33,25", "8"],
        ["01", "Rec 1", "dog.png", 2, "Fixation", 180, "1,5", "2"],  # one fixation, two images
        ["01", "Rec 1", "", 3, "Fixation", 99, "1", "1"],  # between two images
        ["1", "Rec 1", "dog.png", 2, "Fixation", 150, "4", "5"],
        ["1", "Rec 2", "dog.png", 2, "Fixation", 160, "6", "7"],
    )
    found = read(tmp_path, content, "utf-16", preset="tobii")
    assert found.x.tolist() == [12.5, 33.25, 1.5, 4, 6]
    assert found.y.tolist() == [7, 8, 2, 5, 7]
    assert found.image.tolist() == [0, 0, 1, 1, 1]
    assert found.subject.tolist() == ["01", "01", "01", "1", "1"]
    assert found.GazeEventDuration.tolist() == [210, 180, 180, 150, 160]
    assert dict(found.left_out) == {
        "rows that are no fixations on an image": 2,
        "further samples of the same fixations": 1,
    }


@pytest.mark.parametrize(
    "second",
    [
        [
            ["Rec", "cat.png", 1, "Fixation", 9, "30", "8"],
            ["Rec", "cat.png", 2, "Fixation", 9, 7, 7],
        ],
        [["Rec", "cat.png", 2, "Fixation", 9, "7", "7"]],
    ],
)
def test_people_who_are_not_told_apart(tmp_path, second):
    first = [
        ["Rec", "cat.png", 1, "Fixation", 9, "12", "8"],
        ["Rec", "cat.png", 2, "Fixation", 9, "20", "8"],
    ]
    content = table(STUDIO[1:], *first, *second)
    with pytest.raises(InputError, match=r"number .* come again elsewhere .* with subject="):
        read(tmp_path, content, preset="tobii")
    content = table(
        ["who", *STUDIO[1:]], *(["a", *row] for row in first), *(["b", *row] for row in second)
    )
    found = read(tmp_path, content, preset="tobii", subject="who")
    assert len(found) == 2 + len(second)
    assert dict(found.left_out) == {}


@pytest.mark.parametrize(
    ("columns", "values", "x", "y"),
    [
        (["Fixation point X [MCS norm]", "Fixation point Y [MCS norm]"], [0.5, 0.25], 40, 15),
        (["Fixation point X (MCSnorm)", "Fixation point Y (MCSnorm)"], [0.5, 0.25], 40, 15),
        (["Fixation point X [DACS px]", "Fixation point Y [DACS px]"], [5, 6], 5, 6),
        (["Fixation point X", "Fixation point Y"], [5, 6], 5, 6),
    ],
)
def test_tobii_pro_lab(tmp_path, columns, values, x, y):
    names = ["Participant name", "Presented Stimulus name", "Eye movement type"]
    header = [*names, "Eye movement type index", *columns]
    row = ["NA", "cat.png", "Fixation", 4, *values]
    unknown = ["NA", "cat.png", "EyesNotFound", 5, "", ""]
    found = read(tmp_path, table(header, row, row, unknown), preset="tobii")
    assert found.notes == ()
    assert (found.x.tolist(), found.y.tolist(), found.subject.tolist()) == ([x], [y], ["NA"])
    with pytest.raises(InputError, match=r"It looks like a table of preset='tobii'"):
        read(tmp_path, table(header, row))
    for lacking in ("Eye movement type", "Eye movement type index"):
        other = [name if name != lacking else "other" for name in header]
        with pytest.raises(InputError, match=rf"preset='tobii' needs the column '{lacking}'"):
            read(tmp_path, table(other, row), preset="tobii")


def of_screen(x, y, names):
    columns = ["Participant name", "Presented Media name", "Eye movement type"]
    columns += ["Eye movement type index", "Fixation point X", "Fixation point Y"]
    rows = [
        ["a", name, "Fixation", k, *place]
        for k, (name, *place) in enumerate(zip(names, x, y, strict=True))
    ]
    return table(columns, *rows)


@pytest.mark.parametrize(
    ("x", "y", "names"),
    [
        ([5, 85], [6, 6], ["cat.png"] * 2),  # outside
        ([5, 30], [-1, 6], ["cat.png"] * 2),
        ([5, 30], [6, 6], ["cat.png", "dog.png"]),  # images of two sizes
        (np.linspace(0, 50, 150), np.linspace(0, 58, 150), ["cat.png"] * 150),  # none at the right
    ],
)
def test_positions_of_the_screen_that_do_not_fit_the_images(tmp_path, x, y, names):
    with pytest.warns(InputWarning, match=OF_SCREEN) as caught:
        found = read(tmp_path, of_screen(x, y, names), preset="tobii")
    assert (len(caught), len(found.notes)) == (1, 1)


def test_positions_of_the_screen_that_fit_the_images(tmp_path):
    x, y = np.random.default_rng(0).uniform(0, [[80], [60]], (2, 300))
    assert read(tmp_path, of_screen(x, y, ["cat.png"] * 300), preset="tobii").notes == ()
    few = of_screen([5, 30], [6, 6], ["dog.png"] * 2)
    assert read(tmp_path, few, preset="tobii").notes == ()


def test_columns_of_the_image_are_preferred(tmp_path):
    header = ["Participant name", "Presented Media name", "Eye movement type"]
    header += ["Eye movement type index", "Fixation point X", "Fixation point Y"]
    header += ["Fixation point X (MCSnorm)", "Fixation point Y (MCSnorm)"]
    content = table(header, ["a", "cat.png", "Fixation", 1, 1000, 900, 0.5, 0.5])
    assert read(tmp_path, content, preset="tobii").x.tolist() == [40]
    screen = {"x": "Fixation point X", "y": "Fixation point Y"}
    with pytest.warns(InputWarning, match=OF_SCREEN):
        assert read(tmp_path, content, preset="tobii", **screen).x.tolist() == [1000]


def test_eyelink(tmp_path):
    header = ["RECORDING_SESSION_LABEL", "TRIAL_INDEX", "image", "CURRENT_FIX_X", "CURRENT_FIX_Y"]
    header += ["CURRENT_FIX_DURATION"]
    rows = [["s01", 1, "cat.png", "12.5", "33.1", 210], ["s01", 1, "cat.png", ".", ".", "."]]
    rows += [["s02", 2, "dog.png", "1.5", "2.5", 99], ["s02", 3, ".", "1", "1", 1]]
    found = read(tmp_path, table(header, *rows), preset="eyelink", missing="drop")
    assert (found.x.tolist(), found.y.tolist()) == ([12.5, 1.5], [33.1, 2.5])
    assert found.subject.tolist() == ["s01", "s02"]
    assert found.CURRENT_FIX_DURATION.tolist() == [210, 99]
    assert dict(found.left_out) == {
        "rows that are no fixations on an image": 1,
        "rows without values": 1,
    }
    with pytest.raises(InputError, match=r"no value in column 'CURRENT_FIX_X' or .* line 3 \('\.'"):
        read(tmp_path, table(header, *rows), preset="eyelink")
    header[2] = "picname"
    with pytest.raises(InputError, match=r"no column 'image' or .* Name yours with image="):
        read(tmp_path, table(header, rows[0]), preset="eyelink")
    assert len(read(tmp_path, table(header, rows[0]), preset="eyelink", image="picname")) == 1


def test_gazepoint(tmp_path):
    header = ["MEDIA_ID", "MEDIA_NAME", "CNT", "TIME(2024/01/01)", "FPOGX", "FPOGY", "FPOGD"]
    header += ["FPOGID", "FPOGV", "USER"]
    rows = [
        [0, "cat.png", 0, 0.0, 0.10, 0.20, 0.1, 1, 1, ""],
        [0, "cat.png", 1, 0.1, 0.25, 0.50, 0.2, 1, 1, ""],  # the fixation's final position
        [0, "cat.png", 2, 0.2, 0.90, 0.90, 0.2, 1, 0, ""],  # a saccade
        [1, "dog.png", 3, 0.3, 0.50, 0.10, 0.3, 2, 1, ""],
    ]
    content = "\n".join(f"{line}," for line in table(header, *rows, separator=",").splitlines())
    found = read(tmp_path, content, preset="gazepoint")
    assert (found.x.tolist(), found.y.tolist()) == ([20, 20], [30, 3])
    assert found.FPOGD.tolist() == [0.2, 0.3]
    assert dict(found.left_out) == {
        "rows that are no fixations on an image": 1,
        "further samples of the same fixations": 1,
    }


def test_pupil(tmp_path):
    header = ["section id", "recording id", "fixation id", "duration [ms]"]
    header += ["fixation detected in reference image", "fixation x [px]", "fixation y [px]", "file"]
    rows = [["s", "r1", 1, 210, "True", 12.5, 7, "cat"], ["s", "r1", 2, 99, "False", 1, 1, "cat"]]
    found = read(tmp_path, table(header, *rows, separator=","), preset="pupil")
    assert (found.x.tolist(), found.y.tolist(), found.subject.tolist()) == ([12.5], [7], ["r1"])
    # a surface of Pupil Player: one row per frame of the camera
    header = [
        "world_index",
        "fixation_id",
        "duration",
        "norm_pos_x",
        "norm_pos_y",
        "on_surf",
        "file",
    ]
    rows = [[7, 1, 210, 0.25, 0.75, "True", "cat"], [8, 1, 210, 0.26, 0.74, "True", "cat"]]
    rows += [[9, 2, 99, 1.5, 0.5, "False", "cat"]]
    found = read(tmp_path, table(header, *rows, separator=","), preset="pupil")
    assert (found.x.tolist(), found.y.tolist()) == ([20], [15])
    down = read(tmp_path, table(header, *rows, separator=","), preset="pupil", origin="top-left")
    assert down.y.tolist() == [45]


def test_pymovements(tmp_path):
    header = ["subject_id", "stimulus", "name", "onset", "offset", "location_x", "location_y"]
    rows = [
        ["3", "cat.png", "fixation", 0, 200, 12.5, 7],
        ["3", "cat.png", "saccade", 200, 230, 1, 1],
    ]
    rows += [["3", "dog.png", "fixation_ivt", 230, 400, 5, 6]]
    found = read(tmp_path, table(header, *rows, separator=","), preset="pymovements")
    assert (found.x.tolist(), found.image.tolist()) == ([12.5, 5], [0, 1])
    assert found.subject.tolist() == ["3", "3"]


def webgazer(*targets, samples=({"x": 150, "y": 80, "t": 12}, {"x": 170, "y": 65, "t": 46})):
    rows = [["a", "instructions", "", ""]]
    rows += [["a", "cat.png", json.dumps(samples), json.dumps(target)] for target in targets]
    return table(["subject", "stimulus", "webgazer_data", "webgazer_targets"], *rows, separator=",")


def test_webgazer(tmp_path):
    shown = {"x": 110, "y": 50, "width": 160, "height": 60, "left": 110, "top": 50}
    found = read(tmp_path, webgazer({"#image": shown}), preset="webgazer")
    # the image of 80 x 60 pixels is shown in 160 x 60, at (110, 50)
    assert (found.x.tolist(), found.y.tolist()) == ([20, 30], [30, 15])
    assert (found.t.tolist(), found.subject.tolist()) == ([12, 46], ["a", "a"])
    assert dict(found.left_out) == {"rows that are no fixations on an image": 1}
    window = read(tmp_path, webgazer({"#image": shown}), preset="webgazer", units="pixel")
    assert window.x.tolist() == [150, 170]
    assert read(tmp_path, webgazer({}), preset="webgazer").x.tolist() == [150, 170]
    with pytest.raises(InputError, match="some rows have the rectangle of the image"):
        read(tmp_path, webgazer({}, {"#image": shown}), preset="webgazer")
    with pytest.raises(InputError, match=r"at most one rectangle.*1 rows do not: line 3 "):
        read(tmp_path, webgazer({"#a": shown, "#b": shown}), preset="webgazer")
    plain = "image,x,y\ncat.png,1,2\n"
    assert read(tmp_path, plain, preset="webgazer").y.tolist() == [2]


def test_unknown_preset(tmp_path):
    with pytest.raises(InputError, match="preset must be one of 'eyelink', 'gazepoint', 'pupil', "):
        read(tmp_path, "file,x,y\n", preset="smi")


def test_presets_are_documented():
    assert list(PRESETS) == sorted(PRESETS)
    for name in PRESETS:
        assert f'"{name}"' in (Fixations.from_csv.__doc__ or "")


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_files_of_columns(tmp_path, suffix):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "subject_id": [3, 3, 4],
            "stimulus": ["cat.png", "cat.png", "dog.png"],
            "name": ["fixation", "saccade", "fixation_idt"],
            "location_x": [12.5, 1.0, None],
            "location_y": [0.1 + 0.2, 1.0, 2.0],
        }
    )
    path = tmp_path / f"t.{suffix}"
    getattr(frame, f"to_{suffix}")(path)
    found = Fixations.from_csv(path, STIMULI, preset="pymovements", missing="drop")
    assert (found.x.tolist(), found.y.tolist()) == ([12.5], [0.1 + 0.2])
    assert found.subject.tolist() == ["3"]
    assert sorted(found.left_out.values()) == [1, 1]
    with pytest.raises(InputError, match=r"no value in column 'location_x' .*: row 2 \(''"):
        Fixations.from_csv(path, STIMULI, preset="pymovements")
    with pytest.raises(InputError, match=r"no column 'file'.*It looks like .*preset='pymovements'"):
        Fixations.from_csv(path, STIMULI)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="it cannot be read: "):
        Fixations.from_csv(path, STIMULI, preset="pymovements")


def test_degrees_of_pymovements_are_counted_downwards(tmp_path):
    for names in (["location_x", "location_y"], ["location_0", "location_1"], ["gx", "gy"]):
        content = table(["image", "name", *names], ["cat.png", "fixation_ivt", -1, 2])
        path = tmp_path / "t.tsv"
        path.write_text(content)
        columns = {"x": "gx", "y": "gy"} if names[0] == "gx" else {}
        stimuli = Stimuli.from_sizes([(60, 80)], ids=["cat.png"], pixels_per_degree=10)
        options = {"preset": "pymovements", "units": "degree", **columns}
        found = Fixations.from_csv(path, stimuli, **options)
        assert (found.x.tolist(), found.y.tolist()) == ([30], [50])
        found = Fixations.from_csv(path, stimuli, origin="centre", **options)
        assert (found.x.tolist(), found.y.tolist()) == ([30], [10])
        with pytest.raises(InputError, match=r"units='degree' needs pixels_per_degree=$"):
            Fixations.from_csv(path, STIMULI, **options)
