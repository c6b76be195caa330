"""Densities on a small image, and the options with which optimal maps of them are scored."""

import numpy as np

from salmetrics.densities.smoothing import Smoothing

__all__ = ["DENSITIES", "KEYS", "NONFIXATED", "OPTIONS", "SIGMA", "SIZE", "SMOOTHING"]

SIZE = (24, 32)
SIGMA = 2.0
SMOOTHING = Smoothing(sigma=SIGMA)


def mixture(*bumps, floor=0.02):
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    p = np.full(SIZE, floor)
    for at_y, at_x, width, height in bumps:
        p = p + height * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width**2))
    return np.log(p / p.sum())


DENSITIES = {
    "two bumps": mixture((8, 20, 2, 1), (16, 6, 3, 0.5)),
    "edge": mixture((0, 31, 3, 1), (20, 10, 1, 0.3), floor=0.005),
    "broad": mixture((12, 16, 9, 1), floor=0.1),
}
NONFIXATED = np.exp(mixture((12, 16, 7, 1)))
OPTIONS = {"n_fixations": 20, "sigma": SIGMA, "mean_density": NONFIXATED}
KEYS = ("AUC", "CC", "KLDiv", "NSS", "SIM", "sAUC")
