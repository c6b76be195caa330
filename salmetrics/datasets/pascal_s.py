"""PASCAL-S: 850 photographs, 8 to 12 subjects each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import Columns, Found, explained, placed, stimuli_of

__all__ = ["read"]


def read(folder: Path, description: Description) -> Found:
    """Read images ``1.jpg`` ..., and ``fixCell``: rows y, x and subject of each image, from 1."""
    import h5py

    path = placed(folder, description.files[0].holds, description)
    images = path.parent.parent / "imgs" / "pascal"
    columns = Columns("index")
    with explained(path), h5py.File(path) as file:
        cells = file["fixCell"]
        n = cells.shape[1]
        for i in range(n):
            ys, xs, subjects = file[cells[0, i]][:] - 1.0
            for subject in np.unique(subjects):
                of_subject = subjects == subject
                places = np.arange(of_subject.sum())
                columns.add(xs[of_subject], ys[of_subject], i, int(subject), index=places)
    paths = [images / f"{i}.jpg" for i in range(1, n + 1)]
    stimuli = stimuli_of(paths, description, root=images)
    return Found(stimuli, columns.fixations(n))
