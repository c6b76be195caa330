"""Short names of models that are paths."""

from pathlib import Path

import pytest

from salmetrics import InputError
from salmetrics.models.short_names import checked_names, distinct_names, names_of_path


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/maps", "b/sam"], ["maps", "sam"]),
        (["a/maps", "b/maps"], ["a/maps", "b/maps"]),
        (["a/x/maps", "b/x/maps", "c/maps"], ["a/x/maps", "b/x/maps", "c/maps"]),
        (["a/maps.zip", "a/maps.h5"], ["maps.zip", "maps.h5"]),
        (["a/maps.tar.gz"], ["maps"]),
        (["a/maps", "a/maps"], [None, None]),  # which no name can tell apart
    ],
)
def test_names(tmp_path, monkeypatch, paths, expected):
    monkeypatch.chdir(tmp_path)
    names = distinct_names([names_of_path(path) for path in paths])
    if None in expected:
        assert names[0] == names[1]
    else:
        assert names == expected
    absolute = [names_of_path(Path(path).absolute()) for path in paths]
    assert distinct_names(absolute) == names


def test_names_that_are_given_stay():
    assert distinct_names([["maps"], ["maps", "a/maps"]]) == ["maps", "a/maps"]


@pytest.mark.parametrize("name", [None, "", " ", (1, 2), 1.5, True])
def test_names_that_are_no_text(name):
    with pytest.raises(InputError, match="names of models must be text; got"):
        checked_names([name])
