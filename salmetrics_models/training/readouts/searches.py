"""Many trainings that differ in one thing: the layers that are read, or the random start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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
    """What came of a search.

    Attributes
    ----------
    table
        One row an instance: configuration, instance, validation_IG (bits; what to choose by), IG on
        the test images with its interval (bits), and for layers: layers, n_channels.
    evaluation
        Of all instances, and of the ensemble of each configuration's, on the test images.
    groups
        Names of the instances in `evaluation`, by configuration.
    trained
        By configuration.
    """

    table: pd.DataFrame
    evaluation: Evaluation
    groups: dict[str, list[str]]
    trained: dict[str, Trained]

    @property
    def best(self) -> str:
        """The configuration with the highest mean over instances of validation_IG."""
        means = self.table.groupby("configuration", sort=False)["validation_IG"].mean()
        return str(means.idxmax())

    def plot(self, metric: str = "IG", *, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw how instances are spread, as `salmetrics.plotting.plot_instances` does."""
        from salmetrics.plotting import plot_instances

        names = [name for name in self.evaluation.models if name.endswith(_ENSEMBLE)]
        shown = names if len(self.groups) == 1 else []
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
    **options: Any,
) -> Search:
    """Train a model from several random starts, and score each instance, and all together.

    Parameters
    ----------
    architecture, stages, out
        As of `train`; the last stage has folds.
    n
        Number of instances.
    metrics
        Of the evaluation.
    **options
        As of `train`.
    """
    _check(stages, metrics)
    trained = train(architecture, stages, out, n_instances=n, **options)
    return _scored({"instances": trained}, {}, metrics, options.get("progress", True))


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
    seed: int = 0,
    **options: Any,
) -> Search:
    """Train a model on random sets of layers of its backbone, and score each.

    The features of all layers are computed once, for all sets.

    Parameters
    ----------
    architecture
        With one backbone.
    layers
        To choose from: names of modules of the backbone.
    stages, out
        As of `train`; the last stage has folds.
    n
        Number of sets, all different; all of them if there are fewer.
    n_layers
        Fewest and most layers of a set.
    n_instances
        Trainings of each.
    metrics
        Of the evaluation.
    seed
        Of the sets, and as of `train`.
    **options
        As of `train`.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017) chose the layers of DeepGaze II by a random search.
    """
    if len(architecture.backbones) != 1:
        raise InputError(
            f"layers are sought in one backbone; the architecture has {len(architecture.backbones)}"
        )
    _check(stages, metrics)
    backbone = architecture.backbones[0]
    pool = tuple(check_list("layers", layers))
    ends = [check_whole("n_layers", value, 1) for value in check_list("n_layers", n_layers)]
    if len(ends) != 2 or not ends[0] <= ends[1] or ends[0] > len(pool):
        raise InputError(
            f"n_layers must be two numbers that go up, from 1 to {len(pool)}; got {n_layers}"
        )
    backbone.reading(pool)  # names that are wrong are said before anything is trained
    if options.get("features") is None:
        options = options | {"features": Path(out) / "features"}
    trained: dict[str, Trained] = {}
    about: dict[str, dict[str, Any]] = {}
    chosen = _sets(pool, check_whole("n", n, 1), (ends[0], min(ends[1], len(pool))), seed)
    for number, some in enumerate(chosen):
        name = f"layers {number}"
        read: Backbone = backbone.reading(some, pool=pool)
        about[name] = {"layers": ", ".join(some), "n_channels": read.channels}
        trained[name] = train(
            replace(architecture, backbones=(read,)),
            stages,
            Path(out) / f"layers-{number}",
            n_instances=n_instances,
            seed=seed,
            **options,
        )
    return _scored(trained, about, metrics, options.get("progress", True))


def _check(stages: Sequence[Stage], metrics: Sequence[str]) -> None:
    """Raise `InputError` for what would be found out after hours only."""
    if checked_stages(stages)[-1].folds is None:
        raise InputError("a search scores images of folds; the last stage has none")
    for metric in check_list("metrics", metrics):
        check_choice("metric", metric, METRICS)


def _sets(
    pool: tuple[str, ...], n: int, n_layers: tuple[int, int], seed: int
) -> list[tuple[str, ...]]:
    """Draw different sets of layers, each in the order of the pool."""
    sizes = range(n_layers[0], n_layers[1] + 1)
    total = sum(comb(len(pool), size) for size in sizes)
    rng = np.random.default_rng(seed)
    if total <= max(1000, 2 * n):  # too few to hope that others are drawn
        every = [some for size in sizes for some in combinations(pool, size)]
        return [every[i] for i in rng.permutation(total)[:n]]
    found: dict[tuple[str, ...], None] = {}  # in the order of drawing
    while len(found) < n:
        size = int(rng.integers(n_layers[0], n_layers[1] + 1))
        places = np.sort(rng.choice(len(pool), size, replace=False))
        found[tuple(pool[i] for i in places)] = None
    return list(found)


def _scored(
    trained: dict[str, Trained],
    about: dict[str, dict[str, Any]],
    metrics: Sequence[str],
    progress: bool,
) -> Search:
    """Score all instances on their test images, and all of a configuration together."""
    import pandas as pd

    models: list[DensityModel] = []
    groups: dict[str, list[str]] = {}
    rows = []
    for name, one in trained.items():
        own: list[str] = []
        for j in range(one.n_instances):
            own.append(f"{name}, instance {j}")
            models.append(one.from_features(instance=j, name=own[-1]))
            row = {"configuration": name, "instance": j, **about.get(name, {})}
            rows.append(row | {"validation_IG": one.validation(j)})
        groups[name] = own
        if one.n_instances > 1:
            models.append(one.from_features(name=f"{name}, {_ENSEMBLE}"))
    dataset = next(iter(trained.values())).stage.dataset
    wanted = list(dict.fromkeys([*metrics, "IG"]))
    evaluation = evaluate(models, *dataset, metrics=wanted, progress=progress)
    summary = evaluation.summary
    for row in rows:
        key = (groups[row["configuration"]][row["instance"]], "IG")
        for column, found in (("IG", "value"), ("IG_low", "low"), ("IG_high", "high")):
            row[column] = summary.loc[key, found]
    return Search(pd.DataFrame(rows), evaluation, groups, trained)
