"""Toronto: 120 photographs, pixels that 20 subjects looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    Found,
    explained,
    placed,
    read_mat,
    shaped,
    stimuli_of,
)

__all__ = ["read"]


def read(folder: Path, description: Description) -> Found:
    """Read images ``1.jpg`` ... and their maps of fixated pixels."""
    base = placed(folder, description.files[0].holds, description)
    maps = read_mat(base / "origfixdata.mat", lambda file: list(file["white"]))
    images = base / "Original Image Set"
    paths = [images / f"{i}.jpg" for i in range(1, len(maps) + 1)]
    stimuli = stimuli_of(paths, description, root=images)
    columns = Columns()
    with explained(base / "origfixdata.mat"):
        for i, fixated in enumerate(maps):
            rows, across = np.nonzero(shaped(fixated, stimuli.sizes[i]))
            columns.add(across, rows, i, 0)
    return Found(stimuli, columns.fixations(len(stimuli)), facts={"subjects_known": False})
