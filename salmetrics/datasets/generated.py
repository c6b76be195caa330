"""A generated data set whose true density is known, for checking scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array, Size
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_whole
from salmetrics.models.base import DensityModel

__all__ = ["GeneratedDataset", "TrueDensity", "generate_dataset"]

_BUMPS = 4


class TrueDensity(DensityModel):
    """The density from which generated fixations were drawn.

    Parameters
    ----------
    log_densities
        Natural log density of each image, shape (h, w), by image id.
    """

    name = "truth"

    def __init__(self, log_densities: dict[str, Array]) -> None:
        self._log_densities = log_densities

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the true log density of a generated image, shape (h, w)."""
        return self._log_densities[stimulus.id]


@dataclass(frozen=True)
class GeneratedDataset:
    """A data set and its true density.

    Parameters
    ----------
    dataset
        Images and fixations.
    truth
        Density from which the fixations were drawn.
    expected_gains
        Expected information gain of the true density over a uniform one, in bits per fixation,
        shape (n_images,): log2(h w) minus the entropy of the density.
    """

    dataset: Dataset
    truth: TrueDensity
    expected_gains: Array


def generate_dataset(
    n_images: int = 60,
    *,
    size: Size = (240, 320),
    n_subjects: int = 12,
    n_fixations: int = 12,
    seed: int = 0,
) -> GeneratedDataset:
    """Generate images with a few textured blobs, and draw fixations from a density around them.

    The density of an image is a mixture of Gaussians on the blobs, a Gaussian at the centre and 5 %
    uniform, normalised over the pixels.

    Parameters
    ----------
    n_images
        Number of images.
    size
        (height, width) of all images in pixels.
    n_subjects
        Number of subjects.
    n_fixations
        Number of fixations of each subject on each image.
    seed
        Seed of all random draws. Each image has its own stream, so the first images do not depend
        on `n_images`.

    Returns
    -------
    generated : GeneratedDataset
        The data set as ``dataset``, its true density as the model ``truth``, and the
        ``expected_gains`` of the true density in bits per fixation, shape (n_images,).

    Raises
    ------
    InputError
        If a number is not whole or too small, or the size is not two numbers.

    Examples
    --------
    >>> generated = generate_dataset(2, size=(24, 32), n_subjects=3, n_fixations=4)
    >>> generated.dataset.fixations
    Fixations(24 fixations, 2 images, 3 subjects)
    >>> generated.truth.log_density(generated.dataset.stimuli[0]).shape
    (24, 32)
    """
    check_whole("n_images", n_images, 1)
    check_whole("n_subjects", n_subjects, 1)
    check_whole("n_fixations", n_fixations, 1)
    check_whole("seed", seed, 0)
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise InputError(f"size must be two whole numbers (height, width); got {size!r}")
    size = check_whole("height", size[0], 1), check_whole("width", size[1], 1)
    images, log_densities, gains = [], {}, []
    columns: dict[str, list[NDArray[Any]]] = {"x": [], "y": [], "image": [], "subject": []}
    n = n_subjects * n_fixations
    for i in range(n_images):
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        image, density = _image_and_density(size, stream)
        pixels = stream.choice(density.size, n, p=density.ravel())
        images.append(image)
        log_densities[str(i)] = np.log(density)
        gains.append(np.log2(density.size) + np.sum(density * np.log2(density)))
        columns["x"].append(pixels % size[1] + stream.random(n))
        columns["y"].append(pixels // size[1] + stream.random(n))
        columns["image"].append(np.full(n, i))
        columns["subject"].append(np.repeat(np.arange(n_subjects), n_fixations))
    stimuli = Stimuli.from_arrays(images, sigma=size[0] / 24)
    fixations = Fixations.from_arrays(
        n_images=n_images, **{name: np.concatenate(parts) for name, parts in columns.items()}
    )
    dataset = Dataset("generated", stimuli, fixations)
    return GeneratedDataset(dataset, TrueDensity(log_densities), np.array(gains))


def _image_and_density(size: Size, stream: np.random.Generator) -> tuple[NDArray[np.uint8], Array]:
    height, width = size
    y, x = np.mgrid[:height, :width] + 0.5
    density = 0.3 * _bump(x, y, width / 2, height / 2, width / 5, height / 5)
    contrast = np.zeros(size)
    shares = stream.dirichlet(np.full(_BUMPS, 2.0))
    for share in shares:
        centre_x, centre_y = stream.uniform(0.1, 0.9) * width, stream.uniform(0.1, 0.9) * height
        spread = stream.uniform(0.03, 0.08) * height
        bump = _bump(x, y, centre_x, centre_y, spread, spread)
        density += 0.65 * share * bump
        contrast = np.maximum(contrast, bump / bump.max())
    density += 0.05 / density.size
    background = 110 + 40 * (y / height)
    texture = 80 * contrast * stream.standard_normal(size)
    tint = np.array([1.0, 0.95, 0.9])
    pixels = (background + texture)[:, :, np.newaxis] * tint
    return np.clip(pixels, 0, 255).astype(np.uint8), density / density.sum()


def _bump(
    x: Array,
    y: Array,
    centre_x: float,
    centre_y: float,
    spread_x: float,
    spread_y: float,
) -> Array:
    """Return a Gaussian on a grid of pixels, normalised to the sum 1."""
    bump: Array = np.exp(
        -0.5 * (((x - centre_x) / spread_x) ** 2 + ((y - centre_y) / spread_y) ** 2)
    )
    return np.asarray(bump / bump.sum())
