"""A generated data set whose true density is known, so every score can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.models.base import DensityModel

__all__ = ["GeneratedDataset", "TrueDensity", "generate_dataset"]

_BUMPS = 4


class TrueDensity(DensityModel):
    """The density that generated fixations were drawn from.

    Parameters
    ----------
    log_densities
        By image id, shape (h, w).
    """

    name = "truth"

    def __init__(self, log_densities: dict[str, NDArray[np.float64]]) -> None:
        self._log_densities = log_densities

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return the true log density of a generated image."""
        return self._log_densities[stimulus.id]


@dataclass(frozen=True)
class GeneratedDataset:
    """A data set and its truth.

    Attributes
    ----------
    dataset
        Images and fixations.
    truth
        The density they were drawn from.
    expected_gains
        Information gain of the truth over a uniform density, bits per fixation, one value an
        image: log2(h w) minus the density's entropy, exactly.
    """

    dataset: Dataset
    truth: TrueDensity
    expected_gains: NDArray[np.float64]


def generate_dataset(
    n_images: int = 60,
    *,
    size: tuple[int, int] = (240, 320),
    n_subjects: int = 12,
    n_fixations: int = 12,
    seed: int = 0,
) -> GeneratedDataset:
    """Draw images with a few textured blobs, and fixations from a density around them.

    The density of an image is a mixture of Gaussians on the blobs, a Gaussian in the middle
    and 5 % uniform, normalised over the pixels.

    Parameters
    ----------
    n_images
        Number of images.
    size
        Their height and width.
    n_subjects, n_fixations
        Subjects, and fixations of each subject on each image.
    seed
        The same seed gives the same data set.
    """
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


def _image_and_density(
    size: tuple[int, int], stream: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    height, width = size
    y, x = np.mgrid[:height, :width] + 0.5
    density = 0.3 * _bump(x, y, width / 2, height / 2, width / 5, height / 5)
    contrast = np.zeros(size)
    shares = stream.dirichlet(np.full(_BUMPS, 2.0))
    for share in shares:
        at_x, at_y = stream.uniform(0.1, 0.9) * width, stream.uniform(0.1, 0.9) * height
        spread = stream.uniform(0.03, 0.08) * height
        bump = _bump(x, y, at_x, at_y, spread, spread)
        density += 0.65 * share * bump
        contrast = np.maximum(contrast, bump / bump.max())
    density += 0.05 / density.size
    background = 110 + 40 * (y / height)
    texture = 80 * contrast * stream.standard_normal(size)
    tint = np.array([1.0, 0.95, 0.9])
    pixels = (background + texture)[:, :, np.newaxis] * tint
    return np.clip(pixels, 0, 255).astype(np.uint8), density / density.sum()


def _bump(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    at_x: float,
    at_y: float,
    along_x: float,
    along_y: float,
) -> NDArray[np.float64]:
    bump: NDArray[np.float64] = np.exp(
        -0.5 * (((x - at_x) / along_x) ** 2 + ((y - at_y) / along_y) ** 2)
    )
    return np.asarray(bump / bump.sum())
