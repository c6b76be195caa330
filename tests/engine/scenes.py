"""A scene of four small images, and models of every kind that the engine distinguishes."""

import numpy as np

import salmetrics

__all__ = ["Density", "Map", "PerSubject", "log_density", "saliency_map", "scene"]

SIZES = [(6, 8), (8, 6), (5, 5), (6, 8)]


def scene():
    """Four images, nobody looked at the third; two subjects, in no order."""
    stimuli = salmetrics.Stimuli.from_sizes(SIZES, sigma=1.0, ids=["a", "b", "c", "d"])
    fixations = salmetrics.Fixations.from_arrays(
        [1.5, 7.2, 3.0, 0.1, 5.5, 2.5, 1.5],
        [0.5, 5.9, 4.0, 7.3, 2.5, 3.5, 0.5],
        [0, 3, 1, 1, 0, 3, 0],
        subject=["x", "y", "x", "y", "y", "x", "x"],
        n_images=4,
    )
    return stimuli, fixations


def saliency_map(stimulus):
    return np.random.default_rng(ord(stimulus.id)).random(stimulus.size)


def log_density(stimulus, subject=None):
    rng = np.random.default_rng([ord(stimulus.id), 0 if subject is None else ord(subject)])
    p = 0.1 + rng.random(stimulus.size)
    return np.log(p / p.sum())


class Map(salmetrics.SaliencyMapModel):
    name = "map"

    def saliency_map(self, stimulus):
        return saliency_map(stimulus)


class Density(salmetrics.DensityModel):
    name = "density"

    def log_density(self, stimulus, *, subject=None):
        return log_density(stimulus)


class PerSubject(salmetrics.DensityModel):
    name = "per subject"
    subject_dependent = True

    def log_density(self, stimulus, *, subject=None):
        return log_density(stimulus, subject)
