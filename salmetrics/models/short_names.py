"""Short names of models that are paths: the last part, and more parts where two are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError, is_whole
from salmetrics.models.stored_maps import stem_of

__all__ = ["checked_names", "distinct_names", "names_of_path"]


def checked_names(names: Iterable[Any]) -> list[str]:
    """Return the names of models, which are texts or whole numbers, as text.

    Raises
    ------
    InputError
        For anything else, and for empty text.

    Examples
    --------
    >>> checked_names(["sam", 1])
    ['sam', '1']
    """
    names = list(names)
    for name in names:
        if not (is_whole(name) or (isinstance(name, str) and name.strip())):
            raise InputError(f"names of models must be text; got {name!r}")
    return [str(name) for name in names]


def names_of_path(path: str | Path, stem: str | None = None) -> list[str]:
    """Return the names that the model of a path may have, from short to long.

    Parameters
    ----------
    path
        Folder or file.
    stem
        Shortest name; by default the last part of the path, without the suffix of a file.

    Examples
    --------
    >>> names_of_path("/models/sam/maps.zip")[:4]
    ['maps', 'maps.zip', 'sam/maps', 'sam/maps.zip']
    """
    whole = Path(path).absolute()
    lasts = (stem_of(Path(path)) if stem is None else stem, whole.name)
    folders = whole.parent.parts[1:]
    return ["/".join([*folders[k:], last]) for k in range(len(folders), -1, -1) for last in lasts]


def distinct_names(candidates: Sequence[Sequence[str]]) -> list[str]:
    """Choose one of the names of each model, such that no two are equal where that is possible.

    Parameters
    ----------
    candidates
        Names of each model, from short to long.

    Returns
    -------
    names : list of str
        The shortest names that differ; names that cannot differ are equal.

    Examples
    --------
    >>> distinct_names([["maps", "old/maps"], ["maps", "new/maps"], ["net"]])
    ['old/maps', 'new/maps', 'net']
    """
    level = [0] * len(candidates)
    while True:
        chosen = [names[k] for names, k in zip(candidates, level, strict=True)]
        counts = Counter(chosen)
        longer = [
            i
            for i, name in enumerate(chosen)
            if counts[name] > 1 and level[i] + 1 < len(candidates[i])
        ]
        if not longer:
            return chosen
        for i in longer:
            level[i] += 1
