"""Models and data that other processes can import."""

import numpy as np

import salmetrics

__all__ = ["Blurred", "Pixels", "pictures"]


class Blurred(salmetrics.DensityModel):
    """A density that needs BLAS."""

    def log_density(self, stimulus, *, subject=None):
        rows, columns = np.indices(stimulus.size) / 40.0
        energy = np.sin(rows) @ np.sin(columns).T @ np.cos(columns) / 500 + stimulus.image / 60
        return energy - np.log(np.exp(energy).sum())


class Pixels(salmetrics.SaliencyMapModel):
    """The image's pixels."""

    def saliency_map(self, stimulus):
        return stimulus.image.astype(np.float32)


def pictures(n):
    """Small grey images of two sizes, three subjects."""
    rng = np.random.default_rng(5)
    images = [rng.integers(0, 256, [(60, 80), (80, 60)][i % 2], np.uint8) for i in range(n)]
    stimuli = salmetrics.Stimuli.from_arrays(images, sigma=5)
    image = np.repeat(np.arange(n), 15)
    fixations = salmetrics.Fixations.from_arrays(
        rng.random(image.size) * 60,
        rng.random(image.size) * 60,
        image,
        subject=np.tile(["a", "b", "c"], 5 * n),
        n_images=n,
    )
    return salmetrics.Dataset("pictures", stimuli, fixations)
