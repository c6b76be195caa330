"""The figures of `salmetrics demo`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.data.dataset import Dataset
from salmetrics.datasets.generated import GeneratedDataset
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.results.evaluation import Evaluation

__all__ = ["draw_generated", "draw_sample", "shown"]

_GROUND = "#fbfaf7"
_MASSES = (0.5,)


def shown(result: Evaluation) -> list[str]:
    """Return the images on which litegaze gains most, the median, and least."""
    gains = result.per_image["litegaze", "IG"].sort_values(kind="stable")
    return [str(gains.index[place]) for place in (-1, len(gains) // 2, 0)]


def draw_sample(
    dataset: Dataset, models: Mapping[str, Model], result: Evaluation, path: Path
) -> None:
    """Draw three photographs, people's fixations and the maps of models, and all scores.

    Parameters
    ----------
    dataset
        The sample.
    models
        The models, among them ``litegaze`` and ``local-contrast``.
    result
        Their scores, with those of the gold standard.
    path
        File to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    from salmetrics.plotting import plot_density, plot_fixations, plot_scores

    stimuli, fixations = dataset
    people = GoldStandard.fit(stimuli, fixations, upper_bound=True)
    litegaze, contrast = models["litegaze"], models["local-contrast"]
    assert isinstance(litegaze, DensityModel)
    assert isinstance(contrast, SaliencyMapModel)
    names = shown(result)
    figure = Figure(figsize=(14, 10.2), layout="constrained", facecolor=_GROUND)
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=[4.3, 1], hspace=0.02)
    upper, lower = parts
    panels: Any = upper.subplots(len(names), 4)
    for row, image, which in zip(panels, names, ("best", "median", "worst"), strict=True):
        i = stimuli.ids.index(image)
        stimulus = stimuli[i]
        plot_fixations(stimulus, fixations.of_image(i), ax=row[0], s=14)
        row[1].imshow(contrast.saliency_map(stimulus), cmap="gray")
        row[1].set(xticks=[], yticks=[])
        logs = [model.log_density(stimulus) for model in (litegaze, people)]
        highest = max(float(np.exp(log.max()) * log.size) for log in logs)
        for ax, log in zip(row[2:], logs, strict=True):
            norm = PowerNorm(0.5, 0, highest)
            plot_density(log, masses=_MASSES, bar=False, legend=False, ax=ax, norm=norm)
        gain, most = (
            float(result.per_image[name, "IG"][image]) for name in ("litegaze", "gold-standard")
        )
        place = f"{which} of {len(stimuli)}, photograph {image}"
        row[0].set_ylabel(f"{place}\nlitegaze {gain:.2f}, people {most:.2f} bit")
    titles = (
        "where 15 people looked",
        "local contrast",
        "litegaze (half of it: inside the dots)",
        "all people's fixations, blurred",
    )
    for ax, text in zip(panels[0], titles, strict=True):
        ax.set_title(text, fontsize="large")
    left, right = lower.subplots(1, 2)
    plot_scores(result, "IG", ax=left)
    left.set_title("how many bits the models know beyond the centre bias")
    plot_scores(result, "AUC", ax=right)
    right.set_xlim(0.5, 1.05)
    right.set_title("how well they tell fixated from other pixels")
    figure.savefig(path, dpi=110)


def draw_generated(generated: GeneratedDataset, result: Evaluation, path: Path) -> None:
    """Draw an image, the density behind its fixations, and the scores of all models.

    Parameters
    ----------
    generated
        The data set and its true density.
    result
        Scores of the models.
    path
        File to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from salmetrics.plotting import plot_density, plot_fixations, plot_scores

    stimuli, fixations = generated.dataset
    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(2, 2)
    plot_fixations(stimuli[0], fixations.of_image(0), ax=axes[0, 0])
    axes[0, 0].set_title("generated image and fixations")
    plot_density(generated.truth.log_density(stimuli[0]), ax=axes[0, 1])
    axes[0, 1].set_title("the density they were drawn from")
    plot_scores(result, "IG", ax=axes[1, 0])
    expected = float(generated.expected_gains.mean())
    axes[1, 0].axvline(expected, color="#cc3311", linestyle="--")
    axes[1, 0].annotate(
        "truth, by theory", (expected, 0), (-6, 0), textcoords="offset points", ha="right"
    )
    axes[1, 0].set_title("information gain over uniform")
    plot_scores(result, "AUC", ax=axes[1, 1])
    axes[1, 1].set_xlim(0.45, 1.0)
    axes[1, 1].set_title("AUC")
    figure.savefig(path, dpi=120)
