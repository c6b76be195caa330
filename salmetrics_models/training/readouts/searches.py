"""Trainings that differ in one thing only: the layers that are read, or the random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, check_choice, check_list, check_whole
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel
from salmetrics.results.evaluation import Evaluation
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.training.inputs.stages import Stage, checked_stages
from salmetrics_models.training.readouts.train import train
from salmetrics_models.training.readouts.trained import Trained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Search", "instance_search", "layer_search"]

_ENSEMBLE = "ensemble"


@dataclass(frozen=True, eq=False)
class Search:
    """The result of `instance_search` or `layer_search`.

    Parameters
    ----------
    table
        One row per instance: configuration, instance, for a search over layers: layers, n_channels;
        validation_IG (bits per fixation; the column by which to choose); then IG on the test images
        with the interval IG_low to IG_high (bits per fixation), and likewise each other metric of
        the evaluation.
    evaluation
        Evaluation of all instances, and of each configuration's ensemble of them, on the test
        images; on the images of the validation if the last stage has no folds.
    groups
        Names of the instances in `evaluation`, by configuration.
    trained
        Results of `train`, by configuration.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"configuration": ["layers 0", "layers 1"], "validation_IG": [0.31, 0.42]}
    >>> Search(pd.DataFrame(rows), None, {}, {}).best
    'layers 1'
    """

    table: pd.DataFrame
    evaluation: Evaluation
    groups: dict[str, list[str]]
    trained: dict[str, Trained]

    @property
    def best(self) -> str:
        """The configuration with the highest validation_IG, averaged over its instances.

        Returns
        -------
        configuration : str
            Key of `groups` and `trained`.
        """
        means = self.table.groupby("configuration", sort=False)["validation_IG"].mean()
        return str(means.idxmax())

    @property
    def summary(self) -> pd.DataFrame:
        """Every metric over the instances of each configuration.

        Returns
        -------
        table : DataFrame
            Rows by configuration and metric; columns n (instances), mean, sd (NaN for one
            instance), lowest, highest, and ensemble (the score of all instances mixed, which is
            that of the instance if there is one).
        """
        import pandas as pd

        scores = [c for c in self.table if f"{c}_low" in self.table] + ["validation_IG"]
        rows = {}
        for name, group in self.table.groupby("configuration", sort=False):
            ensemble = _ensemble(str(name), self.groups[str(name)])
            for metric in map(str, scores):
                values = group[metric]
                mixed = np.nan
                if metric != "validation_IG":
                    mixed = self.evaluation.value(ensemble, metric)
                rows[name, metric] = {
                    "n": len(values),
                    "mean": values.mean(),
                    "sd": values.std(),
                    "lowest": values.min(),
                    "highest": values.max(),
                    "ensemble": mixed,
                }
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.index = pd.MultiIndex.from_tuples(table.index, names=["configuration", "metric"])
        return table

    def plot(self, metric: str = "IG", *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Plot the scores of all instances by configuration.

        Parameters
        ----------
        metric
            Metric of `evaluation`.
        ax
            Axes to draw on; None: the current ones.
        **kwargs
            Options of `salmetrics.plotting.plot_instances`.

        Returns
        -------
        ax : matplotlib.axes.Axes
            The axes with the plot.
        """
        from salmetrics.plotting import plot_instances

        shown = [_ensemble(*group) for group in self.groups.items() if len(group[1]) > 1]
        shown = shown if len(self.groups) == 1 else []
        gold = self.evaluation.gold_standard
        if gold is not None and np.isfinite(self.evaluation.value(gold, metric)):
            shown = [*shown, gold]
        return plot_instances(
            self.evaluation, self.groups, metric, references=shown, ax=ax, **kwargs
        )


def instance_search(
    architecture: Architecture,
    stages: Sequence[Stage],
    out: str | Path,
    *,
    n: int = 20,
    metrics: Sequence[str] = ("LL", "IG"),
    gold_standard: Any = None,
    **options: Any,
) -> Search:
    """Train a model from different random weights; score each instance and all of them together.

    Parameters
    ----------
    architecture, stages, out
        See `train`; the last stage must have folds, or images to validate on. Without folds, the
        scores are those of these images, and choosing by them makes the best a little too good.
    n
        Number of instances.
    metrics
        Keys of the metrics of the evaluation. "IGE", the share of the gold standard's information
        gain, fits a gold standard, which takes fixations with subjects.
    gold_standard
        See `salmetrics.evaluate`.
    **options
        Further options of `train`.

    Returns
    -------
    search : Search
        Its only configuration is "instances".

    Raises
    ------
    InputError
        For unknown metrics, a last stage without folds and validation, and in all cases of
        `train`.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    >>> from salmetrics_models.training import Recipe, Stage
    >>> dataset = generate_dataset(6, size=(64, 80), seed=1).dataset
    >>> folds = salmetrics.data.folds.kfold(dataset.stimuli, 3)
    >>> recipe = Recipe(max_epochs=1)
    >>> stage = Stage("generated", dataset, recipe, folds=folds, centre_bias="gaussian")
    >>> small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    >>> options = {"n": 1, "metrics": ["IG"], "device": "cpu", "progress": False}
    >>> with tempfile.TemporaryDirectory() as out:
    ...     search = instance_search(small, [stage], out, **options)
    >>> search.groups
    {'instances': ['instances, instance 0']}
    """
    gold_standard = _checked(stages, metrics, gold_standard)
    trained = train(architecture, stages, out, n_instances=n, **options)
    progress = options.get("progress", True)
    return _scored({"instances": trained}, {}, metrics, gold_standard, progress)


def layer_search(
    architecture: Architecture,
    layers: Sequence[str],
    stages: Sequence[Stage],
    out: str | Path,
    *,
    n: int = 20,
    n_layers: tuple[int, int] = (1, 5),
    n_instances: int = 1,
    metrics: Sequence[str] = ("LL", "IG"),
    gold_standard: Any = None,
    seed: int = 0,
    **options: Any,
) -> Search:
    """Train a model on random sets of layers of its backbone, and score each set.

    The features of all layers are computed once, for all sets.

    Parameters
    ----------
    architecture
        Architecture with one backbone.
    layers
        Names of modules of the backbone, from which sets are drawn.
    stages, out
        See `instance_search`.
    n
        Number of different sets; if there are fewer, all of them are trained.
    n_layers
        Fewest and most layers of a set.
    n_instances
        Number of trainings of each set, from different random weights.
    metrics, gold_standard
        See `instance_search`.
    seed
        Seed of the sets, and of each training.
    **options
        Further options of `train`.

    Returns
    -------
    search : Search
        Its configurations are "layers 0", "layers 1", ...

    Raises
    ------
    InputError
        For unknown layers or metrics, an architecture with several backbones, a last stage without
        folds and validation, and in all cases of `train`.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, doi:10.1109/ICCV.2017.513, chose the layers of
    DeepGaze II by a random search.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    >>> from salmetrics_models.training import Recipe, Stage
    >>> dataset = generate_dataset(6, size=(64, 80), seed=1).dataset
    >>> folds = salmetrics.data.folds.kfold(dataset.stimuli, 3)
    >>> recipe = Recipe(max_epochs=1)
    >>> stage = Stage("generated", dataset, recipe, folds=folds, centre_bias="gaussian")
    >>> small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    >>> layers = ["gabor", "colour", "contrast"]
    >>> options = {"n": 2, "metrics": ["IG"], "device": "cpu", "progress": False}
    >>> with tempfile.TemporaryDirectory() as out:
    ...     search = layer_search(small, layers, [stage], out, **options)
    >>> search.table["configuration"].tolist()
    ['layers 0', 'layers 1']
    """
    if len(architecture.backbones) != 1:
        raise InputError(
            "layer_search needs an architecture with one backbone; this one has "
            f"{len(architecture.backbones)}"
        )
    gold_standard = _checked(stages, metrics, gold_standard)
    backbone = architecture.backbones[0]
    pool = tuple(check_list("layers", layers))
    ends = [check_whole("n_layers", value, 1) for value in check_list("n_layers", n_layers)]
    if len(ends) != 2 or not ends[0] <= ends[1] or ends[0] > len(pool):
        raise InputError(
            f"n_layers must be the fewest and the most layers, from 1 to {len(pool)}; got "
            f"{n_layers}"
        )
    backbone.reading(pool)  # raises an error for unknown names, before anything is trained
    if options.get("features") is None:
        options = options | {"features": Path(out) / "features"}
    trained: dict[str, Trained] = {}
    facts: dict[str, dict[str, Any]] = {}
    sets = _sets(pool, check_whole("n", n, 1), (ends[0], min(ends[1], len(pool))), seed)
    for number, names in enumerate(sets):
        name = f"layers {number}"
        reading: Backbone = backbone.reading(names, pool=pool)
        facts[name] = {"layers": ", ".join(names), "n_channels": reading.channels}
        trained[name] = train(
            replace(architecture, backbones=(reading,)),
            stages,
            Path(out) / f"layers-{number}",
            n_instances=n_instances,
            seed=seed,
            **options,
        )
    return _scored(trained, facts, metrics, gold_standard, options.get("progress", True))


def _ensemble(configuration: str, instances: Sequence[str]) -> str:
    """Return the name of the mixture of all instances of a configuration."""
    return f"{configuration}, {_ENSEMBLE}" if len(instances) > 1 else instances[0]


def _checked(stages: Sequence[Stage], metrics: Sequence[str], gold_standard: Any) -> Any:
    """Return the gold standard; raise the errors that would otherwise come after the training."""
    last = checked_stages(stages)[-1]
    if last.folds is None and last.validation is None:
        raise InputError(
            "a search scores images that were not trained on: give folds to the last stage, or "
            "validation"
        )
    for metric in check_list("metrics", metrics):
        check_choice("metric", metric, METRICS)
    if gold_standard is None and "IGE" in metrics:
        gold_standard = True
    if gold_standard is True and np.unique(_held_out(last).fixations.subject).size < 2:
        raise InputError(
            "IGE needs a gold standard, and all fixations are of one subject, so nobody else can "
            "predict them; give the fixations a column subject, or leave out IGE"
        )
    return gold_standard


def _held_out(stage: Stage) -> Dataset:
    """Return the images that a search scores."""
    return stage.dataset if stage.validation is None else stage.validation


def _sets(
    pool: tuple[str, ...], n: int, n_layers: tuple[int, int], seed: int
) -> list[tuple[str, ...]]:
    """Draw n different sets of layers, each in the order of the pool."""
    sizes = range(n_layers[0], n_layers[1] + 1)
    total = sum(comb(len(pool), size) for size in sizes)
    rng = np.random.default_rng(seed)
    if total <= max(1000, 2 * n):  # so few that repeated draws would often be the same
        every = [names for size in sizes for names in combinations(pool, size)]
        return [every[i] for i in rng.permutation(total)[:n]]
    drawn: dict[tuple[str, ...], None] = {}  # a set that keeps the order
    while len(drawn) < n:
        size = int(rng.integers(n_layers[0], n_layers[1] + 1))
        places = np.sort(rng.choice(len(pool), size, replace=False))
        drawn[tuple(pool[i] for i in places)] = None
    return list(drawn)


def _scored(
    trained: dict[str, Trained],
    facts: dict[str, dict[str, Any]],
    metrics: Sequence[str],
    gold_standard: Any,
    progress: bool,
) -> Search:
    """Score all instances, and the ensemble of each configuration, on images that were held out."""
    import pandas as pd

    models: list[DensityModel] = []
    groups: dict[str, list[str]] = {}
    rows = []
    for name, result in trained.items():
        groups[name] = [f"{name}, instance {j}" for j in range(result.n_instances)]
        for j, instance in enumerate(groups[name]):
            models.append(result.from_features(instance=j, name=instance))
            row = {"configuration": name, "instance": j, **facts.get(name, {})}
            rows.append(row | {"validation_IG": result.validation(j)})
        if result.n_instances > 1:
            models.append(result.from_features(name=_ensemble(name, groups[name])))
    dataset = _held_out(next(iter(trained.values())).stage)
    wanted = list(dict.fromkeys(["IG", *(metric for metric in metrics if metric != "IGE")]))
    options: dict[str, Any] = {"gold_standard": gold_standard, "progress": progress}
    evaluation = evaluate(models, *dataset, metrics=wanted, **options)
    summary = evaluation.summary
    listed = ["IG", *(metric for metric in evaluation.metrics if metric != "IG")]
    for row in rows:
        model = groups[row["configuration"]][row["instance"]]
        for metric in listed:
            for suffix, score in (("", "value"), ("_low", "low"), ("_high", "high")):
                row[metric + suffix] = summary.loc[(model, metric), score]
    return Search(pd.DataFrame(rows), evaluation, groups, trained)
