"""Short names of models that are paths: the last part, and more parts where two are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from salmetrics.models.stored_maps import stem_of

__all__ = ["distinct_names", "names_of_path"]


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
