"""Evaluations of models of small pictures."""

import numpy as np
from scored_models import pictures

import salmetrics

__all__ = ["METRICS", "FailsOnTheHard", "Noise", "make"]

METRICS = ["LL", "AUC", "NSS", "CC"]


class Noise(salmetrics.SaliencyMapModel):
    """Like the pixels, with noise."""

    def __init__(self, seed=0):
        self.seed = seed

    def saliency_map(self, stimulus):
        rng = np.random.default_rng([self.seed, int(stimulus.id)])
        return stimulus.image + rng.normal(scale=2.0, size=stimulus.size)


def make(models, dataset=None, **options):
    dataset = pictures(24) if dataset is None else dataset
    options = {"metrics": METRICS, "n_bootstrap": 60, "progress": False} | options
    return salmetrics.evaluate(models, *dataset, **options)


class FailsOnTheHard(salmetrics.SaliencyMapModel):
    """Pixels, but not on the first images."""

    def saliency_map(self, stimulus):
        if int(stimulus.id) < 4:
            raise ValueError("too hard")
        return stimulus.image
