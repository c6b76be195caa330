"""Columns of tables that look like subjects, and are not read as such."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from salmetrics.data.table_cells import Cells

__all__ = ["like_subjects", "unused_subjects"]

# names without case, blanks and marks; the first words are the clearest
_CLEAR = ("subject", "participant", "observer", "recordingsessionlabel")
_NAMES = (
    *_CLEAR,
    *("subjects", "participants", "observers", "subj", "ppt", "viewer", "person", "respondent"),
    *("user", "pp", "proband", "vp", "sub", "obs", "partid", "ssid", "sid", "pid", "uid"),
)
_ENDS = ("", "id", "name", "code", "label", "no", "nr", "num", "number")
_ANSWERS = ({"true", "false"}, {"yes", "no"}, {"y", "n"})  # such as whether it shows a person
_FLAGS = {"0", "1", "0.0", "1.0"}  # two people, or answers


def like_subjects(names: Sequence[str]) -> list[str]:
    """Return the columns whose names look like subjects, the clearest first.

    Examples
    --------
    >>> like_subjects(["File", "Participant ID", "user", "subset"])
    ['Participant ID', 'user']
    """
    places = {name + end: place for place, name in enumerate(_NAMES) for end in reversed(_ENDS)}
    known = {name: _plain(name) for name in names}
    found = [name for name in dict.fromkeys(names) if known[name] in places]
    return sorted(found, key=lambda name: places[known[name]])


def unused_subjects(names: Sequence[str], cells: Callable[[str], Cells]) -> tuple[str, ...]:
    """Return notes that columns which look like subjects are not used, at most one.

    Parameters
    ----------
    names
        Columns of a table that are not used, none of which is that of the subjects.
    cells
        Function that returns the cells of a column. Those of a single subject say nothing, and
        nor do numbers of rows, or answers: yes and no, and 0 and 1 unless the name is clear.
    """
    for name in like_subjects(names):
        values = list(map(str, cells(name)))
        different = {value.casefold() for value in values}
        if different in _ANSWERS or (different <= _FLAGS and not _is_clear(name)):
            continue
        if 1 < len(set(values)) <= len(values) / 2:
            return (f"column {name!r} looks like subjects, and is not used: give subject={name!r}",)
    return ()


def _is_clear(name: str) -> bool:
    """Whether a name is that of subjects and of nothing else."""
    return _plain(name) in {first + end for first in _CLEAR for end in _ENDS}


def _plain(name: str) -> str:
    """Return a name without case, blanks and marks."""
    return "".join(filter(str.isalnum, name.casefold()))
