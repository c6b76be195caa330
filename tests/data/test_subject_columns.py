"""Columns that look like subjects, and are not read."""

import pytest

from salmetrics.data.subject_columns import like_subjects, unused_subjects


@pytest.mark.parametrize(
    "name",
    [
        *("Subject", "SUBJECT_ID", "subjects", "Subject Nr.", "participant", "ParticipantName"),
        *("Observer", "ppt", "RECORDING_SESSION_LABEL", "subj", "vp_nr", "userId", "Person"),
    ],
)
def test_names_of_subjects(name):
    assert like_subjects(["file", "x", "y", name, "duration"]) == [name]


@pytest.mark.parametrize("name", ["index", "trial", "subset", "object", "session", "user agent"])
def test_other_names(name):
    assert like_subjects([name]) == []


def test_the_clearest_name_comes_first():
    assert like_subjects(["user", "Observer", "Participant"]) == ["Participant", "Observer", "user"]


@pytest.mark.parametrize(
    ("cells", "noted"),
    [
        (["a", "a", "b", "b"], True),
        ([1, 1, 2, 2], True),
        (["a", "a", "a", "a"], False),  # one person
        ([1, 2, 3, 4], False),  # numbers of rows
        ([], False),
    ],
)
def test_what_is_noted(cells, noted):
    found = unused_subjects(["x2", "Subject"], {"Subject": cells}.__getitem__)
    text = "column 'Subject' looks like subjects, and is not used: give subject='Subject'"
    assert found == ((text,) if noted else ())


@pytest.mark.parametrize(
    ("name", "cells", "noted"),
    [
        ("person", [0, 1, 1, 0, 0], False),  # whether the image shows one
        ("person", [0.0, 1.0, 1.0, 0.0], False),
        ("Person", ["yes", "No", "yes", "No"], False),
        ("subject", [True, False, True, False], False),
        ("person", [0, 1, 2, 0, 1, 2], True),
        ("person", ["y", "z", "y", "z"], True),
        ("Subject ID", [0, 1, 1, 0, 0], True),
    ],
)
def test_answers_are_no_subjects(name, cells, noted):
    assert bool(unused_subjects([name], {name: cells}.__getitem__)) == noted
