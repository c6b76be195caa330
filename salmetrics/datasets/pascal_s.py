"""PASCAL-S: 850 photographs, 8 to 12 subjects each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import Columns, RawData, explained, require_path, stimuli_of

__all__ = ["read"]


def read(folder: Path, description: Description) -> RawData:
    """Read ``1.jpg`` ... and ``fixCell``: rows y, x and subject of each image, counted from 1."""
    import h5py

    path = require_path(folder, description.files[0].holds, description)
    images = path.parent.parent / "imgs" / "pascal"
    columns = Columns("index")
    with explained(path), h5py.File(path) as file:
        cells = file["fixCell"]
        n = cells.shape[1]
        for i in range(n):
            ys, xs, subjects = file[cells[0, i]][:] - 1.0
            for subject in np.unique(subjects):
                mask = subjects == subject
                columns.add(xs[mask], ys[mask], i, int(subject), index=np.arange(mask.sum()))
    paths = [images / f"{i}.jpg" for i in range(1, n + 1)]
    stimuli = stimuli_of(paths, description, root=images)
    return RawData(stimuli, columns.fixations(n))
