"""Test sets: images whose fixations are not published."""

from __future__ import annotations

from pathlib import Path

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import Columns, RawData, images_in, require_path, stimuli_of

__all__ = ["read_cat2000_test", "read_mit300"]


def read_mit300(folder: Path, description: Description) -> RawData:
    """Read ``i1.jpg`` ..., in natural order."""
    images = require_path(folder, description.files[0].holds, description)
    stimuli = stimuli_of(images_in(images, "*.jpg"), description, root=images)
    return RawData(stimuli, Columns().fixations(len(stimuli)))


def read_cat2000_test(folder: Path, description: Description) -> RawData:
    """Read the images of all categories."""
    images = require_path(folder, description.files[0].holds, description)
    paths = images_in(images, "*/*.jpg")
    category = [path.parent.name for path in paths]
    stimuli = stimuli_of(paths, description, root=images, category=category)
    return RawData(stimuli, Columns().fixations(len(stimuli)))
