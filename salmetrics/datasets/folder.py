"""Data sets of the user: a folder of images and a CSV file of fixations."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import files_below
from salmetrics.io.images import IMAGE_SUFFIXES

__all__ = ["Outside", "load_folder", "load_images"]

Outside = Literal["error", "drop", "clip"]


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
    outside: Outside = "error",
) -> Dataset:
    """Load the images in a folder, sorted by name, and the fixations on them.

    Parameters
    ----------
    images
        Folder of images, searched with its sub-folders; ids are paths relative to it.
    fixations
        CSV file with one row per fixation; further columns are kept.
    image, x, y
        Names of these columns in the file; see `Fixations.from_dataframe`.
    subject
        Name of the column of subjects; by default ``subject``, if the file has it.
    sigma
        Standard deviation, in pixels, of the Gaussian that blurs empirical maps; CC, KLDiv and SIM
        need it or `pixels_per_degree`.
    pixels_per_degree
        Pixels in one degree of visual angle.
    outside
        Treatment of fixations outside their image: "error"; "drop"; or "clip", to the centre of the
        nearest pixel.

    Returns
    -------
    dataset : Dataset
        Images and fixations, with the name of the folder.

    Raises
    ------
    InputError
        If the folder, the file, a column, a row or an image is missing or invalid; the message
        names it.

    Examples
    --------
    >>> import os, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat.png", "dog.png"):
    ...         Image.new("RGB", (40, 30)).save(Path(folder) / name)
    ...     lines = ["file,x,y", "cat,10,20", "dog,3,4"]
    ...     _ = (Path(folder) / "table.csv").write_text(os.linesep.join(lines))
    ...     load_folder(folder, Path(folder) / "table.csv").fixations
    Fixations(2 fixations, 2 images, 1 subjects)
    """
    check_choice("outside", outside, get_args(Outside))
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
    """Load the images in a folder, sorted by name; for the parameters see `load_folder`."""
    if not Path(folder).is_dir():
        raise InputError(f"image folder {str(folder)!r} does not exist")
    paths = files_below(Path(folder), IMAGE_SUFFIXES)
    if not paths:
        raise InputError(
            f"no images in {str(folder)!r}; known suffixes: {', '.join(IMAGE_SUFFIXES)}"
        )
    return Stimuli.from_files(paths, root=folder, sigma=sigma, pixels_per_degree=pixels_per_degree)
