"""Many models on many data sets: leaderboards, and one table of how models generalise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation import evaluate
from salmetrics.io.files import replacing
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model, SaliencyMapModel
from salmetrics.models.convert import as_model
from salmetrics.models.fitted_density import fit_density
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.rendering import as_markdown, as_text
from salmetrics.results import Evaluation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Benchmark", "Skipped", "benchmark", "fitted_if_map", "part_for"]

_N_FOLDS = 5  # of fits of densities to maps


@dataclass(frozen=True)
class Skipped:
    """A model that is not in the table of a data set, and why."""

    dataset: str
    model: str
    reason: str


class Benchmark:
    """Scores of models on data sets; made by `benchmark`.

    Attributes
    ----------
    evaluations
        An `Evaluation` by name of the data set, models from best to worst.
    skipped
        Models that are missing from the table of a data set.
    sort_by
        The metric that models are sorted by.
    """

    def __init__(
        self, evaluations: Mapping[str, Evaluation], skipped: Sequence[Skipped], sort_by: str
    ) -> None:
        self.skipped = tuple(skipped)
        self.sort_by = sort_by
        self._ranks = {name: _ranked(result, sort_by) for name, result in evaluations.items()}
        self.evaluations = {
            name: result.select(_best_first(result, self._ranks[name]))
            for name, result in evaluations.items()
        }

    def leaderboard(self, dataset: str) -> pd.DataFrame:
        """Return one row a model, best first: its group, and the value of each metric.

        Models that share a letter in ``group`` can't be told apart by `sort_by`; see
        `Evaluation.rank`.
        """
        check_choice("dataset", dataset, self.evaluations)
        table = self.evaluations[dataset].table
        table.insert(0, "group", [self._groups(dataset).get(m, "") for m in table.index])
        table.index.name = "model"
        return table

    @cached_property
    def generalisation(self) -> pd.DataFrame:
        """One row a model, by mean rank; columns (data set, value | low | high) and mean rank.

        Values are those of `sort_by`. A model that is missing from a data set ranks last there.
        """
        import pandas as pd

        models = dict.fromkeys(m for e in self.evaluations.values() for m in e.models)
        columns: dict[tuple[str, str], list[float]] = {}
        places = []
        for name, result in self.evaluations.items():
            summary = result.summary.xs(self.sort_by, level="metric")
            for part in ("value", "low", "high"):
                columns[name, part] = [float(summary[part].get(m, np.nan)) for m in models]
            order = list(self._ranks[name].index) if name in self._ranks else []
            places.append([order.index(m) + 1 if m in order else len(models) for m in models])
        columns["mean rank", ""] = np.mean(places, axis=0).tolist()
        table = pd.DataFrame(columns, index=pd.Index(list(models), name="model"))
        return table.sort_values(("mean rank", ""), kind="stable")

    def save(self, folder: str | Path) -> None:
        """Write for each data set .h5, .csv and .md, generalisation.csv, and skipped.tsv."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, result in self.evaluations.items():
            result.save(target / f"{name}.h5")
            _write(target / f"{name}.csv", self.leaderboard(name).to_csv())
            _write(target / f"{name}.md", self._text(name, as_markdown))
        if len(self.evaluations) > 1:
            _write(target / "generalisation.csv", self.generalisation.to_csv())
        lines = [f"{s.dataset}\t{s.model}\t{s.reason}" for s in self.skipped]
        _write(target / "skipped.tsv", "\n".join(["dataset\tmodel\treason", *lines]) + "\n")

    def __repr__(self) -> str:
        parts = []
        for name, result in self.evaluations.items():
            data = result.provenance["dataset"]
            head = f"{name}: {data['n_images']} images, {data['n_fixations']} fixations"
            parts.append(f"{head}, by {self.sort_by}\n\n{self._text(name, as_text)}")
        if len(self.evaluations) > 1:
            parts.append(f"{self.sort_by} on all data sets\n\n{self._generalisation_text()}")
        if self.skipped:
            lines = [f"- {s.model} on {s.dataset}: {s.reason}" for s in self.skipped]
            parts.append("\n".join([f"skipped: {len(lines)}", *lines]))
        return "\n\n".join(parts)

    def _text(self, name: str, render: Callable[..., str]) -> str:
        result = self.evaluations[name]
        notes = (
            f"{result.footnotes()}\nmodels that share a letter can't be told apart by "
            f"{self.sort_by} (paired tests over images, Holm, 5 %)"
        )
        return render(result.summary, notes, self._groups(name))

    def _groups(self, name: str) -> dict[str, str]:
        return {str(model): str(group) for model, group in self._ranks[name]["group"].items()}

    def _generalisation_text(self) -> str:
        import pandas as pd

        table = self.generalisation
        shown = {}
        for name in self.evaluations:
            cells = table[name]
            shown[name] = [
                "-" if np.isnan(v) else f"{v:.3f} ±{(high - low) / 2:.3f}"
                for v, low, high in zip(cells["value"], cells["low"], cells["high"], strict=True)
            ]
        shown["mean rank"] = [f"{rank:.1f}" for rank in table["mean rank", ""]]
        return pd.DataFrame(shown, index=list(table.index)).to_string()


def benchmark(
    datasets: Sequence[Dataset],
    models: Mapping[str, Any],
    *,
    made: Mapping[str, Callable[[Dataset], Any]] | None = None,
    protocol: str | Protocol = "default",
    metrics: Sequence[str] | None = None,
    sort_by: str | None = None,
    gold_standard: bool = False,
    kind: str | None = None,
    resize: str | None = None,
    fit: bool = False,
    keep_going: bool = False,
    checkpoint: str | Path | None = None,
    n_bootstrap: int = 1000,
    n_jobs: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Benchmark:
    """Score many models on many data sets.

    Everything is opened and checked before anything is scored.

    Parameters
    ----------
    datasets
        With different names.
    models
        By name: anything that `as_model` takes. Of a folder of maps that has a sub-folder or file
        named like the data set (``maps/toronto``, ``maps/toronto.zip``), that is taken.
    made
        By name: functions that make a model for a data set, such as
        ``{"centre-bias": lambda dataset: CentreBias.fit(*dataset)}``.
    protocol, metrics, gold_standard, n_bootstrap, n_jobs, seed, progress
        As in `evaluate`.
    sort_by
        The metric that models are sorted by; by default the first that all models have.
    kind, resize
        As in `as_model`.
    fit
        Turn saliency maps into densities first, with `fit_density`, so that they have LL and IG.
    keep_going
        Leave out models that can't be opened, or fail on an image, and say so in the result;
        by default, they are an error.
    checkpoint
        A folder: what is done is kept there, and a run that was interrupted goes on from it.

    Returns
    -------
    `Benchmark`.

    Raises
    ------
    InputError
        Naming everything that is wrong with all models; or, with `keep_going`, if no model is
        left on a data set.
    """
    names = [dataset.name for dataset in datasets]
    if not datasets or len(set(names)) < len(names):
        raise InputError(f"data sets must be at least one, with different names; got {names!r}")
    makers: dict[str, Callable[[Dataset], Any]] = {**_given(models), **(made or {})}
    if len(makers) < len(models) + len(made or {}) or not makers:
        raise InputError("models must be at least one, with different names")
    chosen = get_protocol(protocol)
    if metrics is not None:
        chosen = chosen.override(metrics=tuple(metrics))
    if sort_by is not None:
        check_choice("sort_by", sort_by, chosen.metrics)
    skipped: list[Skipped] = []
    opened: dict[str, dict[str, Model]] = {}
    for dataset in datasets:
        opened[dataset.name] = {}
        for name, make in makers.items():
            try:
                opened[dataset.name][name] = _opened(make, dataset, kind, resize, fit, seed)
            except (InputError, OSError) as error:
                skipped.append(Skipped(dataset.name, name, str(error)))
    if skipped and not keep_going:
        raise InputError("\n".join(f"{s.model} on {s.dataset}: {s.reason}" for s in skipped))
    evaluations = {}
    for dataset in datasets:
        _check_left(opened[dataset.name], dataset, skipped)
        result = evaluate(
            opened[dataset.name],
            *dataset,
            protocol=chosen,
            gold_standard=gold_standard,
            n_bootstrap=n_bootstrap,
            n_jobs=n_jobs,
            seed=seed,
            checkpoint=None if checkpoint is None else Path(checkpoint) / dataset.name,
            on_error="record" if keep_going else "raise",
            progress=progress,
        )
        evaluations[dataset.name] = _without_failures(result, dataset, skipped)
    return Benchmark(evaluations, skipped, sort_by or _first_shared(evaluations))


def _given(models: Mapping[str, Any]) -> dict[str, Callable[[Dataset], Any]]:
    return {str(name): partial(part_for, model) for name, model in models.items()}


def part_for(model: Any, dataset: Dataset) -> Any:
    """Return the part of a folder of maps that is named like the data set, if there is one."""
    if not isinstance(model, (str, Path)) or not Path(model).is_dir():
        return model
    parts = sorted(
        path
        for path in Path(model).iterdir()
        if path.name == dataset.name or path.name.startswith(f"{dataset.name}.")
    )
    if len(parts) > 1:
        raise InputError(
            f"{str(model)!r} has {len(parts)} things named like the data set: "
            f"{', '.join(path.name for path in parts)}"
        )
    return parts[0] if parts else model


def _opened(
    make: Callable[[Dataset], Any],
    dataset: Dataset,
    kind: str | None,
    resize: str | None,
    fit: bool,
    seed: int,
) -> Model:
    made = make(dataset)
    stored = isinstance(made, (str, Path))
    model = as_model(made, dataset.stimuli, kind=kind, resize=resize if stored else None)
    return fitted_if_map(model, dataset, seed) if fit else model


def fitted_if_map(model: Model, dataset: Dataset, seed: int) -> Model:
    """Turn a saliency map model into a density; a density model is returned as it is."""
    if not isinstance(model, SaliencyMapModel):
        return model
    n_images = int((dataset.fixations.counts() > 0).sum())
    return fit_density(model, *dataset, folds=min(_N_FOLDS, n_images), seed=seed)


def _check_left(models: Mapping[str, Model], dataset: Dataset, skipped: Sequence[Skipped]) -> None:
    if not models:
        reasons = "; ".join(f"{s.model}: {s.reason}" for s in skipped if s.dataset == dataset.name)
        raise InputError(f"no model is left on {dataset.name}: {reasons}")


def _without_failures(result: Evaluation, dataset: Dataset, skipped: list[Skipped]) -> Evaluation:
    """Leave out models that failed on any image: they could not be compared with the others."""
    failed = result.errors.groupby("model", sort=False)
    for model, rows in failed:
        n, first = len(rows), rows.iloc[0]
        skipped.append(
            Skipped(
                dataset.name,
                str(model),
                f"failed on {n} of {len(dataset)} images, the first is {first['image']!r}: "
                f"{first['error']}",
            )
        )
    left = [model for model in result.models if model not in failed.groups]
    _check_left({m: None for m in left if m != result.gold_standard}, dataset, skipped)  # type: ignore[misc]
    return result.select(left)


def _first_shared(evaluations: Mapping[str, Evaluation]) -> str:
    """Return the first metric that all models have, else the first that any has."""
    metrics = [key for key in next(iter(evaluations.values())).metrics if key != "IGE"]
    missing = {
        key: sum(
            bool(np.isnan(result.value(model, key)))
            for result in evaluations.values()
            for model in result.models
        )
        for key in metrics
    }
    return min(metrics, key=missing.__getitem__)


def _ranked(result: Evaluation, metric: str) -> pd.DataFrame:
    if len(result.per_image.dropna(how="all")) < 2:
        return _by_value(result, metric)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "some models lack a value")
        return result.rank(metric)


def _by_value(result: Evaluation, metric: str) -> pd.DataFrame:
    """Models from best to worst where nothing can be tested."""
    table = result.table[[metric]].dropna()
    better = METRICS[metric].higher_is_better
    table = table.sort_values(metric, ascending=not better, kind="stable")
    return table.assign(group="")


def _best_first(result: Evaluation, ranks: pd.DataFrame) -> list[str]:
    order = [str(model) for model in ranks.index]
    return order + [model for model in result.models if model not in order]


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
