"""Leaderboards of models on several data sets, and a table of how models generalise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.errors import check_choice
from salmetrics.io.files import write_text
from salmetrics.metrics.registry import METRICS
from salmetrics.results.earlier_boards import remove_stale
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import Layout, to_latex, to_markdown, to_text
from salmetrics.results.rendering import as_markdown, as_text, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Benchmark", "Skipped", "first_shared"]


@dataclass(frozen=True)
class Skipped:
    """A model that is not in the table of a data set, and why."""

    dataset: str
    model: str
    reason: str


class Benchmark:
    """Scores of models on data sets; made by `benchmark`.

    Parameters
    ----------
    evaluations
        An `Evaluation` by name of the data set; the attribute of this name has the models from
        best to worst.
    skipped
        Models that are missing from the table of a data set, with the reason.
    sort_by
        Key of the metric by which models are sorted.
    extra
        Number of stored maps that belong to no image, by (data set, model).
    layout
        The paper's layout in which tables are printed, if any.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(6, size=(24, 32)).dataset
    >>> models = {"flat": salmetrics.Uniform(), "centred": salmetrics.GaussianCentreBias()}
    >>> result = salmetrics.benchmark([dataset], models, metrics=["LL"], progress=False)
    >>> list(result.leaderboard(dataset.name).index)
    ['centred', 'flat']
    """

    def __init__(
        self,
        evaluations: Mapping[str, Evaluation],
        skipped: Sequence[Skipped],
        sort_by: str,
        extra: Mapping[tuple[str, str], int] | None = None,
        layout: Layout | None = None,
    ) -> None:
        self.layout = layout
        self.skipped = tuple(skipped)
        self.sort_by = sort_by
        self.extra = dict(extra or {})
        # a data set without a value of that metric is sorted by one that it has
        self._sorted_by = {
            name: sort_by if _has(result, sort_by) else first_shared({name: result})
            for name, result in evaluations.items()
        }
        self._ranks = {
            name: _ranked(result, self._sorted_by[name]) for name, result in evaluations.items()
        }
        self.evaluations = {
            name: result.select(_best_first(result, self._ranks[name]))
            for name, result in evaluations.items()
        }

    def leaderboard(self, dataset: str, *, intervals: bool = False) -> pd.DataFrame:
        """Return one row per model, best first: its group, and the value of each metric.

        Parameters
        ----------
        dataset
            Name of the data set.
        intervals
            Whether columns such as "IG low" and "IG high", the ends of the 95 % intervals, follow
            each value.

        Returns
        -------
        table : DataFrame
            Models that share a letter in ``group`` are indistinguishable by `sort_by`; see
            `Evaluation.rank`.

        Raises
        ------
        InputError
            If there is no data set of that name.
        """
        import pandas as pd

        check_choice("dataset", dataset, self.evaluations)
        result = self.evaluations[dataset]
        table = result.table
        if intervals:
            wide = result.summary.unstack("metric")
            columns = {}
            for key in result.metrics:
                columns[key] = table[key]
                for part in ("low", "high"):
                    columns[f"{key} {part}"] = wide[part, key].reindex(table.index)
            table = pd.DataFrame(columns)
        table.insert(0, "group", [self._groups(dataset).get(m, "") for m in table.index])
        table.index.name = "model"
        return table

    @cached_property
    def generalisation(self) -> pd.DataFrame:
        """One row per model, by mean rank; columns (data set, value | low | high) and mean rank.

        The values are of the metric `sort_by`. A model that is missing from a data set ranks last
        there; the gold standard has no rank, and a data set on which no model has the metric does
        not count.
        """
        import pandas as pd

        models = dict.fromkeys(m for e in self.evaluations.values() for m in e.models)
        golds = {e.gold_standard for e in self.evaluations.values()}
        n_ranked = sum(m not in golds for m in models)
        columns: dict[tuple[str, str], list[float]] = {}
        places = []
        for name, result in self.evaluations.items():
            summary = result.summary.xs(self.sort_by, level="metric")
            for part in ("value", "low", "high"):
                columns[name, part] = [float(summary[part].get(m, np.nan)) for m in models]
            if self._sorted_by[name] != self.sort_by:
                continue
            order = [m for m in self._ranks[name].index if m not in golds]
            places.append([order.index(m) + 1 if m in order else n_ranked for m in models])
        ranks = np.mean(places, axis=0) if places else np.full(len(models), np.nan)
        columns["mean rank", ""] = [
            np.nan if m in golds else rank for m, rank in zip(models, ranks, strict=True)
        ]
        table = pd.DataFrame(columns, index=pd.Index(list(models), name="model"))
        return table.sort_values(("mean rank", ""), kind="stable")

    def save(self, folder: str | Path) -> None:
        """Write all tables: .h5, .csv and .md per data set, generalisation.csv and skipped.tsv.

        With a layout, also .LAYOUT.md and .LAYOUT.tex per data set.

        Parameters
        ----------
        folder
            Folder of the files, created if missing; existing files of these names are replaced.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in self.evaluations:
            self.save_dataset(name, target)
        if len(self.evaluations) > 1:
            write_text(target / "generalisation.csv", self.generalisation.to_csv())
        lines = [f"{s.dataset}\t{s.model}\t{s.reason}" for s in self.skipped]
        write_text(target / "skipped.tsv", "\n".join(["dataset\tmodel\treason", *lines]) + "\n")

    def save_dataset(self, name: str, folder: str | Path) -> None:
        """Write the tables of one data set; see `save`.

        Parameters
        ----------
        name
            Name of the data set.
        folder
            Folder of the files, created if missing. Tables of an earlier run that contradict the
            new ones are removed: those of layouts, and generalisation.csv if it has the data set.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        remove_stale(target, [name])
        result = self.evaluations[name]
        result.save(target / f"{name}.h5")
        write_text(target / f"{name}.csv", self.leaderboard(name, intervals=True).to_csv())
        write_text(target / f"{name}.md", self._text(name, as_markdown))
        if self.layout is not None:
            stem = f"{name}.{self.layout.name}"
            write_text(target / f"{stem}.md", to_markdown(result, self.layout))
            write_text(target / f"{stem}.tex", to_latex(result, self.layout))

    def __repr__(self) -> str:
        parts = []
        for name, result in self.evaluations.items():
            data = result.provenance["dataset"]
            n_images = counted(data["n_images"], "image")
            head = f"{name}: {n_images}, {counted(data['n_fixations'], 'fixation')}"
            if self.layout is None:
                by = self._sorted_by[name]
                parts.append(f"{head}, by {by}\n\n{self._text(name, as_text)}")
            else:
                parts.append(f"{head}\n\n{to_text(result, self.layout)}")
        if len(self.evaluations) > 1 and self.layout is None:
            parts.append(f"{self.sort_by} on all data sets\n\n{self._generalisation_text()}")
        if self.extra:
            lines = [f"- {n} of {m} on {name}" for (name, m), n in self.extra.items()]
            parts.append("\n".join(["maps that belong to no image:", *lines]))
        if self.skipped:
            lines = [f"- {s.model} on {s.dataset}: {s.reason}" for s in self.skipped]
            parts.append("\n".join([f"skipped: {len(lines)}", *lines]))
        return "\n\n".join(parts)

    def _text(self, name: str, render: Callable[..., str]) -> str:
        result = self.evaluations[name]
        groups = self._groups(name)
        notes = result.footnotes()
        if any(groups.values()):
            notes += (
                "\nmodels that share a letter are indistinguishable by "
                f"{self._sorted_by[name]} (paired tests over images, Holm, 5 %)"
            )
        return render(result.summary, notes, groups)

    def _groups(self, name: str) -> dict[str, str]:
        return {str(model): str(group) for model, group in self._ranks[name]["group"].items()}

    def _generalisation_text(self) -> str:
        import pandas as pd

        table = self.generalisation
        shown = {}
        for name in self.evaluations:
            cells = table[name]
            shown[name] = [
                _with_interval(v, low, high)
                for v, low, high in zip(cells["value"], cells["low"], cells["high"], strict=True)
            ]
        ranks = table["mean rank", ""]
        shown["mean rank"] = ["-" if np.isnan(rank) else f"{rank:.1f}" for rank in ranks]
        return pd.DataFrame(shown, index=list(table.index)).to_string()


def first_shared(evaluations: Mapping[str, Evaluation]) -> str:
    """Return the first metric that all models have, else the one that fewest lack.

    A gold standard does not count.

    Parameters
    ----------
    evaluations
        An `Evaluation` by name of the data set.
    """
    first = next(iter(evaluations.values()))
    metrics = [key for key in first.metrics if METRICS[key].share_of is None]
    missing = {
        key: sum(
            bool(np.isnan(result.value(model, key)))
            for result in evaluations.values()
            for model in result.models
            if model != result.gold_standard
        )
        for key in metrics
    }
    return min(metrics, key=missing.__getitem__)


def _has(result: Evaluation, metric: str) -> bool:
    return any(not np.isnan(result.value(model, metric)) for model in result.models)


def _ranked(result: Evaluation, metric: str) -> pd.DataFrame:
    if len(result.per_image.dropna(how="all")) < 2:
        return _by_value(result, metric)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "some models lack a value")
        return result.rank(metric)


def _by_value(result: Evaluation, metric: str) -> pd.DataFrame:
    """Return the models from best to worst, without groups: one image allows no test."""
    table = result.table[[metric]].dropna()
    better = METRICS[metric].higher_is_better
    table = table.sort_values(metric, ascending=not better, kind="stable")
    return table.assign(group="")


def _best_first(result: Evaluation, ranks: pd.DataFrame) -> list[str]:
    order = [str(model) for model in ranks.index]
    return order + [model for model in result.models if model not in order]


def _with_interval(value: float, low: float, high: float) -> str:
    text = "-" if np.isnan(value) else f"{value:.3f}"
    return text if np.isnan(low) else f"{text} ±{(high - low) / 2:.3f}"
