"""Figures of everything that has names, with names of any kind."""

from functools import lru_cache
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import salmetrics
from salmetrics import plotting
from salmetrics.datasets import generate_dataset
from salmetrics.results.image_selection import image_differences
from salmetrics.results.mixtures import mixture_sweep, mixtures

NAMES = {
    "short": [f"model {k}" for k in range(30)],
    "long": [
        f"/very/long/path/to/the/predictions/of/model-{k}/log_densities.h5" for k in range(30)
    ],
    "Cyrillic": [f"Модель внимания, обученная на изображениях, № {k}" for k in range(30)],
    "CJK": [f"视觉显著性预测模型第{k}号的对数密度" for k in range(30)],
}
NUMBERS = (1, 3, 30)


@lru_cache
def data():
    made = generate_dataset(4, size=(20, 30), n_subjects=2, n_fixations=4)
    gold = salmetrics.GoldStandard(
        *made.dataset, bandwidth=3, centre_weight=0.1, uniform_weight=0.1
    )
    return made, gold


@lru_cache
def evaluated(kind, n):
    """Return an evaluation of n models, of a gold standard, and of images in four categories."""
    made, gold = data()
    names = NAMES[kind]
    stimuli = salmetrics.Stimuli.from_arrays(
        [s.rgb for s in made.dataset.stimuli], attributes={"category": names[:4]}
    )
    widths = np.linspace(0.15, 0.6, 30)
    models = {
        name: salmetrics.GaussianCentreBias(width)
        for name, width in zip(names[:n], widths, strict=False)
    }
    result = salmetrics.evaluate(
        models,
        stimuli,
        made.dataset.fixations,
        metrics=["IG"],
        baseline=salmetrics.Uniform(),
        gold_standard=gold,
        n_bootstrap=20,
        progress=False,
    )
    calibration = salmetrics.calibration(salmetrics.GaussianCentreBias(), *made.dataset, n_bins=5)
    return SimpleNamespace(
        result=result,
        models=models,
        names=names[:n],
        stimuli=stimuli,
        fixations=made.dataset.fixations,
        calibration=calibration,
    )


def _two(found):
    return (found.names * 2)[0], [*found.names, "gold-standard"][1]


def differences(found, ax):
    first, second = _two(found)
    return plotting.plot_image_differences(image_differences(found.result, first, second), ax=ax)


def sweep(found, ax):
    return plotting.plot_mixture_sweep(mixture_sweep(found.result, *_two(found)), ax=ax)


def mixed(found, ax):
    sizes = [1] if len(found.names) == 1 else [2, 3]
    some = found.result.select([*found.names[:4], "gold-standard"])
    return plotting.plot_scores(mixtures(some, sizes), "IG", ax=ax)


def one_calibration(found, ax):
    model = salmetrics.GaussianCentreBias()
    model.name = found.names[-1]
    calibration = salmetrics.calibration(model, found.stimuli, found.fixations, n_bins=5)
    return plotting.plot_calibration(calibration, ax=ax)


ON_AXES = {
    "scores": lambda found, ax: plotting.plot_scores(found.result, "IG", ax=ax),
    "mixtures": mixed,
    "groups": lambda found, ax: plotting.plot_groups(found.result, "category", "IG", ax=ax),
    "instances": lambda found, ax: plotting.plot_instances(
        found.result,
        {name: [name] for name in found.names},
        references=["gold-standard", found.names[0]],
        ax=ax,
    ),
    "against": lambda found, ax: plotting.plot_against_gold_standard(found.result, ax=ax),
    "differences": differences,
    "sweep": sweep,
    "calibration": one_calibration,
}
"""Figures on given axes, by name."""


def calibrations(found):
    by_model = dict.fromkeys(found.names, found.calibration)
    return plotting.plot_calibrations({found.names[0]: by_model, "b" * 50: by_model})[0, 0].figure


def weights(found, by="category"):
    rng = np.random.default_rng(0)
    names = found.names
    rows = [
        (name, backbone, epoch, rng.uniform())
        for name in names
        for backbone in names[:4]
        for epoch in range(3)
    ]
    table = pd.DataFrame(rows, columns=["category", "backbone", "epoch", "weight"])
    runs = dict.fromkeys(names[:2], table)
    return plotting.plot_category_weights(runs, by=by)[0, 0].figure


def gallery(found):
    models = dict(list(found.models.items())[:8])
    labels = dict.fromkeys(found.stimuli.ids, f"{found.names[0]}\nIG 0.12")
    axes = plotting.plot_gallery(
        found.stimuli, found.fixations, models, found.stimuli.ids[:2], labels=labels
    )
    return axes[0, 0].figure


NEW = {
    "calibrations": calibrations,
    "weights": weights,
    "weights by backbone": lambda found: weights(found, "backbone"),
    "gallery": gallery,
}
"""Figures of several axes, by name."""


def drawn(name, kind, n, figure=None):
    """Return a figure, on the axes of the given one if it has axes of its own."""
    found = evaluated(kind, n)
    if name in NEW:
        return NEW[name](found)
    figure = figure or plt.figure(layout="constrained")
    return ON_AXES[name](found, figure.add_subplot()).figure
