"""From one value a fixation, or an image, to one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import check_choice
from salmetrics.protocols import AVERAGES

__all__ = ["average_over_fixations", "average_over_images", "image_means"]


def average_over_fixations(
    values: NDArray[np.float64],
    image: NDArray[np.int64],
    subject: NDArray[np.int64],
    average: str,
) -> float:
    """Average one value a fixation.

    "fixation": the mean of all; "image" and "subject": the mean over images, or subjects, of the
    mean over their fixations. NaN without fixations.

    Parameters
    ----------
    values, image, subject
        Shape (n,); images and subjects as codes from 0.
    average
        "fixation", "image" or "subject".
    """
    check_choice("average", average, AVERAGES)
    if values.size == 0:
        return np.nan
    # sums over images first, so that a result which keeps only those gives the same last bits
    groups = subject if average == "subject" else image
    sums = np.bincount(groups, weights=values)
    counts = np.bincount(groups)
    present = counts > 0
    if average == "fixation":
        return float(sums[present].sum() / counts.sum())
    return float(np.mean(sums[present] / counts[present]))


def average_over_images(values: NDArray[np.float64], average: str) -> float:
    """Average one value an image; NaN values are left out.

    Raises
    ------
    InputError
        If `average` is not "image".
    """
    check_choice("average of a metric with one value an image", average, ("image",))
    valid = values[~np.isnan(values)]
    return float(np.mean(valid)) if valid.size else np.nan


def image_means(
    values: NDArray[np.float64], image: NDArray[np.int64], n_images: int
) -> NDArray[np.float64]:
    """Mean of the values on each image, shape (n_images,); NaN without fixations."""
    sums = np.bincount(image, weights=values, minlength=n_images)
    counts = np.bincount(image, minlength=n_images)
    return np.divide(sums, counts, out=np.full(n_images, np.nan), where=counts > 0)
