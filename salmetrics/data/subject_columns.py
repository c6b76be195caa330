"""Columns of tables that look like subjects, and are not read as such."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from salmetrics.data.table_cells import Cells

__all__ = ["like_subjects", "unused_subjects"]

# names without case, blanks and marks; the first words are the clearest
_NAMES = (
    *("subject", "participant", "observer", "recordingsessionlabel"),
    *("subjects", "participants", "observers", "subj", "ppt", "viewer", "person", "respondent"),
    *("user", "pp", "proband", "vp", "sub", "obs", "partid", "ssid", "sid", "pid", "uid"),
)
_ENDS = ("", "id", "name", "code", "label", "no", "nr", "num", "number")


def like_subjects(names: Sequence[str]) -> list[str]:
    """Return the columns whose names look like subjects, the clearest first.

    Examples
    --------
    >>> like_subjects(["File", "Participant ID", "user", "subset"])
    ['Participant ID', 'user']
    """
    places = {name + end: place for place, name in enumerate(_NAMES) for end in reversed(_ENDS)}
    known = {name: "".join(filter(str.isalnum, name.casefold())) for name in names}
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
        nor do numbers of rows.
    """
    for name in like_subjects(names):
        values = list(map(str, cells(name)))
        if 1 < len(set(values)) <= len(values) / 2:
            return (f"column {name!r} looks like subjects, and is not used: give subject={name!r}",)
    return ()
