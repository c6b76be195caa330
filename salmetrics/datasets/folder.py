"""Anyone's own data: a folder of images and a CSV of fixations."""

from __future__ import annotations

from pathlib import Path

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import files_below
from salmetrics.io.images import IMAGE_SUFFIXES

__all__ = ["load_folder", "load_images"]


def load_folder(
    images: str | Path,
    fixations: str | Path,
    *,
    image: str = "file",
    x: str = "x",
    y: str = "y",
    subject: str | None = None,
    sigma: float | None = None,
    pixels_per_degree: float | None = None,
    outside: str = "error",
) -> Dataset:
    """Load images below a folder, sorted by name, and the fixations on them.

    Parameters
    ----------
    images
        Folder, searched with its sub-folders; ids are paths relative to it.
    fixations
        CSV file with one row a fixation; other columns are kept.
    image, x, y, subject
        Names of the file's columns; see `Fixations.from_dataframe`.
    sigma, pixels_per_degree
        See `Stimuli`; CC, KLDiv and SIM need one of them.
    outside
        What to do with fixations outside their image: "error", "drop" or "clip".

    Raises
    ------
    InputError
        Naming the folder, file, column, row or image at fault.
    """
    check_choice("outside", outside, ("error", "drop", "clip"))
    folder = Path(images)
    stimuli = load_images(folder, sigma=sigma, pixels_per_degree=pixels_per_degree)
    points = Fixations.from_csv(fixations, stimuli, image=image, x=x, y=y, subject=subject)
    if outside == "drop":
        points = points.drop_outside(stimuli)
    elif outside == "clip":
        points = points.clip_to(stimuli)
    return Dataset(folder.resolve().name, stimuli, points)


def load_images(
    folder: str | Path, *, sigma: float | None = None, pixels_per_degree: float | None = None
) -> Stimuli:
    """Load images below a folder, sorted by name; arguments and errors as of `load_folder`."""
    if not Path(folder).is_dir():
        raise InputError(f"image folder {str(folder)!r} does not exist")
    paths = files_below(Path(folder), IMAGE_SUFFIXES)
    if not paths:
        raise InputError(
            f"no images in {str(folder)!r}; known suffixes: {', '.join(IMAGE_SUFFIXES)}"
        )
    return Stimuli.from_files(paths, root=folder, sigma=sigma, pixels_per_degree=pixels_per_degree)
