"""Toronto: 120 photographs, and the pixels that any of 20 subjects fixated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    explained,
    map_of_size,
    read_mat,
    require_path,
    stimuli_of,
)

__all__ = ["read"]


def read(folder: Path, description: Description) -> RawData:
    """Read images ``1.jpg`` ... and their maps of fixated pixels."""
    base = require_path(folder, description.files[0].holds, description)
    maps = read_mat(base / "origfixdata.mat", lambda file: list(file["white"]))
    images = base / "Original Image Set"
    paths = [images / f"{i}.jpg" for i in range(1, len(maps) + 1)]
    stimuli = stimuli_of(paths, description, root=images)
    columns = Columns()
    with explained(base / "origfixdata.mat"):
        for i, fixated in enumerate(maps):
            y, x = np.nonzero(map_of_size(fixated, stimuli.sizes[i]))
            columns.add(x, y, i, 0)
    return RawData(stimuli, columns.fixations(len(stimuli)), facts={"subjects_known": False})
