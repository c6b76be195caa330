"""FIGRIM: a memory game with targets and fillers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.data.folds import natural_key
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    Found,
    each,
    images_in,
    placed,
    read_mat,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice

__all__ = ["read"]

_PHASES = ("enc", "rec", "rec2")
_SOURCES = ("allImages_fillers.mat", "allImages_release.mat")


def read(folder: Path, description: Description, *, phase: str = "encoding") -> Found:
    """Read images and fixations.

    Parameters
    ----------
    phase
        "encoding", the first view of an image, or "all".
    """
    check_choice("phase", phase, ("encoding", "all"))
    parts = {name: placed(folder, name, description) for name in ("Fillers", "Targets")}
    found = [
        (f"{part}/{path.relative_to(base).as_posix()}", path)
        for part, base in parts.items()
        for path in images_in(base, "**/*.jpg")
    ]
    found.sort(key=lambda item: natural_key(item[0]))
    paths = [path for _, path in found]
    root = parts["Fillers"].parent
    if any(not path.is_relative_to(root) for path in paths):  # each in a folder of its archive
        root = folder
    stimuli = stimuli_of(paths, description, root=root, category=[p.parent.name for p in paths])
    numbers: dict[str, int] = {}
    for i, path in enumerate(paths):
        numbers.setdefault(path.name, i)
    columns = Columns("index", "phase", "response")
    for name in _SOURCES:
        source = placed(folder, name, description)
        for image, subject, view, points, response in read_mat(source, _views):
            if image not in numbers:
                raise InputError(f"{str(source)!r} has fixations on {image!r}, which is no image")
            if phase == "encoding" and view != 0:
                continue
            where: dict[str, Any] = {
                "index": np.arange(len(points)),
                "phase": view,
                "response": response,
            }
            columns.add(points[:, 0], points[:, 1], numbers[image], subject, **where)
    return Found(stimuli, columns.fixations(len(stimuli)), phase)


def _views(file: dict[str, Any]) -> list[tuple[str, int, int, Any, int]]:
    """Name of the image, subject, phase, points and response of each view of an image."""
    found = []
    for image in each(file["allImages"]):
        for subject, data in enumerate(each(image.userdata)):
            if np.size(data.trial) == 0:  # did not see it
                continue
            for view, name in enumerate(_PHASES):
                points = np.asarray(getattr(data.fixations, name), dtype=np.float64)
                if points.size:
                    response = int(np.ravel(data.SDT)[view])
                    points = points.reshape(-1, points.shape[-1])[:, :2]
                    found.append((str(image.filename), subject, view, points, response))
    return found
