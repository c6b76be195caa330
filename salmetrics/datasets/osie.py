"""OSIE: 700 photographs, 15 subjects, 3 seconds each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    elements,
    read_mat,
    require_path,
    stimuli_of,
)

__all__ = ["read"]


def read(folder: Path, description: Description) -> RawData:
    """Read ``stimuli/1001.jpg`` ... and ``eye/fixations.mat``."""
    path = require_path(folder, description.files[0].holds, description)
    images = path.parent.parent / "stimuli"
    names, columns = read_mat(path, _scanpaths)
    stimuli = stimuli_of([images / name for name in names], description, root=images)
    return RawData(stimuli, columns.fixations(len(names)))


def _scanpaths(file: dict[str, Any]) -> tuple[list[str], Columns]:
    names = []
    columns = Columns("duration", "index")
    for i, record in enumerate(elements(file["fixations"])):
        names.append(str(record.img))
        for subject, scanpath in enumerate(elements(record.subjects)):
            x = np.ravel(scanpath.fix_x)
            seconds = np.ravel(scanpath.fix_duration) / 1000
            index = np.arange(x.size)
            columns.add(x, np.ravel(scanpath.fix_y), i, subject, duration=seconds, index=index)
    return names, columns
