"""What `evaluate` returns: tables with units, error bars and tests, and what they rest on."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, reduce
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.densities.smoothing import EMPIRICAL_MAP_METRICS
from salmetrics.errors import InputError, check_choice
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol, protocol_from_record
from salmetrics.results.hdf5 import read_evaluation, write_evaluation
from salmetrics.results.provenance import differences
from salmetrics.results.rendering import as_html, as_latex, as_markdown, as_text, explained
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Score
from salmetrics.statistics.inference import (
    holm,
    indistinct_groups,
    intervals,
    n_clusters,
    paired_test,
)

if TYPE_CHECKING:
    import pandas as pd

    from salmetrics.models.base import DensityModel

__all__ = ["Evaluation"]

_RELATIVE = {"IG", "IG-MATLAB"}  # to the baseline


class Evaluation:
    """Scores of models under one protocol; made by `evaluate` and `Evaluation.load`.

    Attributes
    ----------
    summary
        Table with one row for each model and metric: value, low, high (95 % bootstrap interval
        over images), n_images, n_fixations, unit, higher_is_better, note (why there is no value).
    per_image
        Table with one row an image and one column for each model and metric.
    per_fixation
        Table with one row a fixation and one column for each model and metric that has one value
        a fixation.
    errors
        Table of what went wrong with which model and image, if `evaluate` recorded it.
    protocol
        Every choice behind the numbers.
    provenance
        Everything else that they rest on: data, versions, models, baseline, seed, date.
    """

    def __init__(
        self,
        scores: Scores,
        *,
        ids: Sequence[str],
        attributes: Mapping[str, NDArray[Any]],
        provenance: Mapping[str, Any],
    ) -> None:
        self._scores = scores
        self._ids = tuple(ids)
        self._attributes = dict(attributes)
        self.provenance = dict(provenance)
        self.protocol: Protocol = protocol_from_record(provenance["protocol"])

    # ---- numbers

    @property
    def models(self) -> list[str]:
        """Names of the models, in order."""
        return list(self.provenance["models"])

    @property
    def metrics(self) -> list[str]:
        """Keys of the metrics, in order: those of the protocol, and what a gold standard adds."""
        keys = list(self.protocol.metrics)
        if self.gold_standard is not None:
            keys.insert(keys.index("IG") + 1, "IGE")
        return keys

    @property
    def attributes(self) -> dict[str, NDArray[Any]]:
        """The images' attributes, for `by`: one value an image, by name."""
        return dict(self._attributes)

    @property
    def reasons(self) -> dict[Key, str]:
        """Why a metric of a model is missing, by (model, metric)."""
        return self._scores.reasons

    @property
    def baseline(self) -> str | None:
        """Name of what IG is relative to; its parameters are in `provenance`."""
        baseline = self.provenance["baseline"]
        return None if baseline is None else str(baseline["name"])

    @property
    def baseline_model(self) -> DensityModel | None:
        """The baseline itself, to pass on as ``baseline=``; None in a result from a file."""
        return self._scores.baseline

    @property
    def gold_standard(self) -> str | None:
        """Name of the model that IGE is a share of."""
        gold_standard = self.provenance.get("gold_standard")
        return None if gold_standard is None else str(gold_standard["name"])

    @property
    def seed(self) -> int:
        """Of everything random."""
        return int(self.provenance["seed"])

    @property
    def n_predictions(self) -> int:
        """How many predictions were made, for all models together."""
        return int(self.provenance["n_predictions"])

    def value(self, model: str, metric: str) -> float:
        """Return one number of `summary`."""
        check_choice("model", model, self.models)
        self._known_metric(metric)
        return self._sample(model, metric).value

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row for each model and metric, with 95 % intervals over images."""
        import pandas as pd

        return pd.DataFrame(self._rows(self._all_samples())).set_index(["model", "metric"])

    def intervals(
        self,
        over: str = "images",
        *,
        method: str = "percentile",
        level: float = 0.95,
        n_bootstrap: int | None = None,
    ) -> pd.DataFrame:
        """Bootstrap confidence intervals, one row for each model and metric.

        Parameters
        ----------
        over
            What would have been others: "images", "subjects" or "both".
        method
            "percentile" or "bca"; see `salmetrics.statistics.inference.intervals`.
        level
            Share of such intervals that cover the truth.
        n_bootstrap
            Number of resamples; that of `evaluate` by default.

        Returns
        -------
        Columns value, low, high; NaN for metrics with one value an image over subjects.
        """
        import pandas as pd

        samples = self._all_samples()
        bounds = self._bounds(samples, over, method, level, n_bootstrap)
        rows = [
            {"model": m, "metric": k, "value": s.value, "low": low, "high": high}
            for ((m, k), s), (low, high) in zip(samples.items(), bounds, strict=True)
        ]
        return pd.DataFrame(rows).set_index(["model", "metric"])

    def by(self, attribute: str, *, intervals: bool = True) -> pd.DataFrame:
        """Score groups of images, or each subject, apart.

        Parameters
        ----------
        attribute
            Of the stimuli, such as "category"; or "subject", for metrics with one value a
            fixation.
        intervals
            Whether to bootstrap them; otherwise they are NaN.

        Returns
        -------
        `summary` for each value of the attribute, which is the first index level.
        """
        import pandas as pd

        if not self._attributes and attribute != "subject":
            raise InputError(
                f"the images have no attributes, so no {attribute!r}; give Stimuli attributes=, "
                "or ask for 'subject'"
            )
        check_choice("attribute", attribute, (*self._attributes, "subject"))
        of_subjects = attribute not in self._attributes
        if not of_subjects and self._attributes[attribute].ndim > 1:
            raise InputError(f"attribute {attribute!r} has several values an image")
        if of_subjects:
            groups = self._scores.cells.subjects
            keys = [key for key in self._keys() if METRICS[key[1]].per == "fixation"]
        else:
            groups, keys = self._attributes[attribute], self._keys()
        samples = {key: self._sample(*key) for key in keys}
        rows = []
        for value in np.unique(groups):
            there = np.isnan(groups) if value != value else groups == value  # NaN is a group too
            of_group = {
                key: s.select(there[s.subject if of_subjects else s.image])
                for key, s in samples.items()
            }
            found = self._rows(of_group, with_intervals=intervals)
            rows += [{attribute: value} | row for row in found]
        return pd.DataFrame(rows).set_index([attribute, "model", "metric"])

    def compare(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        metric: str | None = None,
        over: str = "images",
    ) -> pd.DataFrame:
        """Differences of models on the same images, with intervals and tests.

        Parameters
        ----------
        first, second
            Names of models: first minus second. All pairs by default.
        metric
            Key; all metrics by default.
        over
            What would have been others: "images", "subjects" or "both".

        Returns
        -------
        One row for each metric and pair: difference, low, high (95 % percentile bootstrap of the
        difference), p_value (see `salmetrics.statistics.inference.paired_test`), p_holm (adjusted
        for the number of pairs of a metric), n_images.
        """
        import pandas as pd

        for name in (first, second):
            if name is not None:
                check_choice("model", name, self.models)
        if (first is None) != (second is None):
            raise InputError("compare two models, or give none to compare all pairs")
        pairs = list(combinations(self.models, 2))
        if first is not None and second is not None:
            pairs = [(first, second)]
        if not pairs:
            raise InputError("there is one model only; nothing to compare")
        rows: list[dict[str, Any]] = []
        for key in self.metrics if metric is None else [self._known_metric(metric)]:
            samples = {
                pair: self._sample(pair[0], key).minus(self._sample(pair[1], key)) for pair in pairs
            }
            bounds = self._bounds(samples, over, "percentile", 0.95, None)
            p_values = np.array([paired_test(s, over)[1] for s in samples.values()])
            for (pair, sample), (low, high), p, adjusted in zip(
                samples.items(), bounds, p_values, holm(p_values), strict=True
            ):
                rows.append(
                    {
                        "metric": key,
                        "first": pair[0],
                        "second": pair[1],
                        "difference": sample.value,
                        "low": low,
                        "high": high,
                        "p_value": p,
                        "p_holm": adjusted,
                        "n_images": np.unique(sample.image).size,
                    }
                )
        return pd.DataFrame(rows).set_index(["metric", "first", "second"])

    def rank(self, metric: str, *, over: str = "images", alpha: float = 0.05) -> pd.DataFrame:
        """Models from best to worst, and which of them can't be told apart.

        Parameters
        ----------
        metric
            Key.
        over
            What would have been others: "images", "subjects" or "both".
        alpha
            Two models differ if their Holm-adjusted p-value is below.

        Returns
        -------
        One row a model: value, low, high, group, n_images. Two models share a letter if and only
        if they can't be told apart; a model whose value is infinite has no letter. Models are
        compared on the images that all of them have, with a warning if some lack any.

        Raises
        ------
        InputError
            If there is nothing to compare: no model has the metric, or there is one cluster only.
        """
        import pandas as pd

        entry = METRICS[self._known_metric(metric)]
        if not 0 < alpha < 1:
            raise InputError(f"alpha must be between 0 and 1, such as 0.05; got {alpha!r}")
        if over != "images" and entry.per == "image":
            raise InputError(f"{metric} has one value an image: ask over='images'")
        named = {m: self._sample(m, metric) for m in self.models}
        named = self._on_shared_cells(
            {m: sample for m, sample in named.items() if not np.isnan(sample.value)}
        )
        order = sorted(named, key=lambda m: named[m].value, reverse=entry.higher_is_better)
        if not order:
            raise InputError(f"no model has {metric}: {self.reasons.get((self.models[0], metric))}")
        finite = [k for k, m in enumerate(order) if np.isfinite(named[m].sums).all()]
        if n_clusters(named[order[0]], over) < 2:
            raise InputError(f"nothing can be told of one cluster only; over={over!r}")
        pairs = list(combinations(finite, 2))
        p_values = np.array(
            [paired_test(named[order[a]].minus(named[order[b]]), over)[1] for a, b in pairs]
        )
        different = np.zeros((len(order), len(order)), bool)
        for (a, b), p in zip(pairs, holm(p_values), strict=True):
            different[a, b] = different[b, a] = p < alpha
        letters = indistinct_groups(different[np.ix_(finite, finite)])
        groups = dict(zip(finite, letters, strict=True))
        bounds = self._bounds({m: named[m] for m in order}, over, "percentile", 0.95, None)
        return pd.DataFrame(
            {
                "value": [named[m].value for m in order],
                "low": bounds[:, 0],
                "high": bounds[:, 1],
                "group": [groups.get(k, "") for k in range(len(order))],
                "n_images": [np.unique(named[m].image).size for m in order],
            },
            index=pd.Index(order, name="model"),
        )

    # ---- tables

    @property
    def table(self) -> pd.DataFrame:
        """The values of `summary` with models as rows and metrics as columns."""
        import pandas as pd

        rows = {m: [self.value(m, metric) for metric in self.metrics] for m in self.models}
        return pd.DataFrame.from_dict(rows, orient="index", columns=self.metrics)

    @property
    def per_image(self) -> pd.DataFrame:
        """One row an image; metrics with one value a fixation are averaged over the image."""
        import pandas as pd

        columns = {}
        for key in self._keys():
            column = np.full(len(self._ids), np.nan)
            sums, counts = self._sample(*key).by(self._sample(*key).image)
            there = np.flatnonzero(counts > 0)
            column[there] = sums[there] / counts[there]
            columns[key] = column
        table = pd.DataFrame(columns, index=pd.Index(self._ids, name="image"))
        table.columns.names = ["model", "metric"]
        return table

    @property
    def per_fixation(self) -> pd.DataFrame:
        """One row a fixation, in the order of the fixations, indexed by number and image id.

        Raises
        ------
        InputError
            If `evaluate` was told to keep sums only.
        """
        import pandas as pd

        if self._scores.cells.of_fixation is None:
            raise InputError(
                "single fixations were not kept; evaluate again with keep='fixation' (results of "
                "mixtures have none)"
            )
        columns = {
            key: self._scores.values[key]
            for key in self._keys()
            if METRICS[key[1]].per != "image" and METRICS[key[1]].share_of is None
        }
        names = [self._ids[i] for i in self._scores.cells.image[self._scores.cells.of_fixation]]
        index = pd.MultiIndex.from_arrays([np.arange(len(names)), names], names=["", "image"])
        table = pd.DataFrame(columns, index=index)
        table.columns = pd.MultiIndex.from_tuples(list(columns), names=["model", "metric"])
        return table

    @property
    def errors(self) -> pd.DataFrame:
        """One row for each failure of a model on an image."""
        import pandas as pd

        rows = [(m, self._ids[i], text) for (m, i), text in sorted(self._scores.failures.items())]
        return pd.DataFrame(rows, columns=["model", "image", "error"])

    def to_markdown(self) -> str:
        """Return the table, values with half the width of their interval, as Markdown."""
        return as_markdown(self.summary, self.footnotes())

    def to_latex(self) -> str:
        """Return the table as LaTeX (booktabs), with the footnotes as comments."""
        return as_latex(self.summary, self.footnotes())

    def to_csv(self, path: str | Path) -> None:
        """Write `summary` as a tidy CSV file."""
        self.summary.to_csv(path)

    def _repr_html_(self) -> str:
        return as_html(self.summary, self.footnotes())

    def __repr__(self) -> str:
        return as_text(self.summary, self.footnotes())

    def footnotes(self, *, of: Collection[Key] | None = None, intervals: bool = True) -> str:
        """Return the choices behind the table and the reasons of missing values, as text.

        Parameters
        ----------
        of
            The pairs (model, metric) that the table has; all by default.
        intervals
            Whether the table has them.
        """
        shown = set(self._keys() if of is None else of)
        metrics = {metric for _, metric in shown}
        lines = [f"protocol {self.protocol.name} {self.protocol.version}"]
        if self.protocol.overrides:
            changes = ", ".join(
                f"{name}={value!r}" for name, value in self.protocol.overrides.items()
            )
            lines[0] += f" with {changes}"
        if self.baseline is not None and metrics & _RELATIVE:
            lines.append(f"IG over {self._with_parameters('baseline')}")
        if "IGE" in metrics:
            lines.append(f"IGE: share of the IG of {self._with_parameters('gold_standard')}")
        if intervals and self.provenance["n_bootstrap"]:
            lines.append("±: half of the 95 % bootstrap interval over images")
        reasons = {key: why for key, why in self.reasons.items() if key in shown}
        lines += [f"- {line}" for line in explained(reasons)]
        lines += [f"- joined, differs for {line}" for line in self.provenance.get("joined", [])]
        if self._scores.failures:
            lines.append(
                f"- {len(self._scores.failures)} predictions failed and are left out: see .errors"
            )
        return "\n".join(lines)

    # ---- files and joining

    def save(self, path: str | Path) -> None:
        """Write everything to one HDF5 file, in one step; values of fixations as float32."""
        record = {"provenance": self.provenance, "ids": self._ids}
        keys = [key for key in self._keys() if METRICS[key[1]].share_of is None]
        write_evaluation(Path(path), record, self._scores, self._attributes, keys)

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote; values of fixations stay on disk until they are asked for.

        Raises
        ------
        InputError
            If there is no such file, or it holds something else.
        """
        record, scores, attributes = read_evaluation(Path(path))
        gold_standard = record["provenance"].get("gold_standard")
        scores.gold_standard = None if gold_standard is None else gold_standard["name"]
        return cls(
            scores, ids=record["ids"], attributes=attributes, provenance=record["provenance"]
        )

    def join(self, other: Evaluation) -> Evaluation:
        """Return the models of both, to compare them; warns of what differs between the two.

        Raises
        ------
        InputError
            If the two are on other images or fixations, or share the name of a model.
        """
        apart = ("dataset.ids", "dataset.sizes", "dataset.fixations")
        found = differences(self.provenance, other.provenance)
        if any(line.startswith(apart) for line in found):
            raise InputError(
                "the evaluations are on different images or fixations: "
                + next(line for line in found if line.startswith(apart))
            )
        metrics = [key for key in self.protocol.metrics if key in other.protocol.metrics]
        if not metrics:
            raise InputError(
                f"they share no metric: {list(self.protocol.metrics)} and "
                f"{list(other.protocol.metrics)}"
            )
        found = [line for line in found if _matters(line, metrics)]
        golds = [e.provenance.get("gold_standard") for e in (self, other)]
        if None not in golds and golds[0] != golds[1]:
            raise InputError(
                "the evaluations have different gold standards, so their IGE can't be compared: "
                f"{self._with_parameters('gold_standard')} and "
                f"{other._with_parameters('gold_standard')}"
            )
        gold = golds[0] or golds[1] if "IG" in metrics else None
        both = {self.gold_standard} & {other.gold_standard} - {None}
        shared = set(self.models) & set(other.models) - both
        if shared:
            raise InputError(f"both evaluations have a model {sorted(shared)[0]!r}")
        if found:
            warnings.warn("what is joined differs in " + "; ".join(found), stacklevel=2)
        provenance = copy.deepcopy(self.provenance)
        provenance["protocol"]["choices"]["metrics"] = metrics
        provenance["gold_standard"] = gold
        provenance["joined"] = [
            *self.provenance.get("joined", []),
            *other.provenance.get("joined", []),
            *(f"{', '.join(other.models)}: {line}" for line in found),
        ]
        provenance["models"] = {**self.provenance["models"], **other.provenance["models"]}
        provenance["n_predictions"] = self.n_predictions + other.n_predictions
        scores = self._scores.join(other._scores)
        scores.gold_standard = None if gold is None else gold["name"]
        return Evaluation(
            scores,
            ids=self._ids,
            attributes=self._attributes,
            provenance=provenance,
        )

    def select(self, models: Sequence[str]) -> Evaluation:
        """Return these models, in this order; the gold standard stays, as IGE needs it.

        Raises
        ------
        InputError
            For a model that there is none of.
        """
        for model in models:
            check_choice("model", model, self.models)
        names = list(dict.fromkeys(models))
        if self.gold_standard is not None and self.gold_standard not in names:
            names.append(self.gold_standard)
        provenance = copy.deepcopy(self.provenance)
        provenance["models"] = {name: self.provenance["models"][name] for name in names}
        scores = dataclasses.replace(
            self._scores,
            reasons={key: why for key, why in self.reasons.items() if key[0] in names},
            failures={key: why for key, why in self._scores.failures.items() if key[0] in names},
        )
        return Evaluation(scores, ids=self._ids, attributes=self._attributes, provenance=provenance)

    def with_models(
        self,
        records: Mapping[str, Mapping[str, Any]],
        metrics: Sequence[str],
        score: Callable[[Key], NDArray[np.float64]],
    ) -> Evaluation:
        """Return other models on the same fixations; the gold standard stays, as IGE needs it.

        Parameters
        ----------
        records
            What `provenance` says of each model, by name.
        metrics
            Keys of metrics with one value a fixation, among those of this evaluation.
        score
            Gives the values of all fixations, shape (n,), for a (model, metric). Only their sums
            over images and subjects are kept.
        """
        cells, gold = self._scores.cells, self.gold_standard
        assert cells.of_fixation is not None
        everything = np.arange(cells.of_fixation.size)
        sums: dict[Key, NDArray[np.float64]] = {}
        explained = ("IGE",) if gold is not None and "IG" in metrics else ()
        kept = (*metrics, *explained)
        reasons = {k: why for k, why in self.reasons.items() if k[0] == gold and k[1] in kept}
        for key in ((name, metric) for name in records for metric in metrics):
            sums[key] = np.zeros(len(cells))
            cells.add(sums[key], score(key), everything)
            if np.isnan(sums[key]).all():
                reasons |= {(key[0], k): "no fixation has a value" for k in (key[1], *explained)}
            elif (gold, "IGE") in reasons:
                reasons[key[0], "IGE"] = reasons[gold, "IGE"]  # type: ignore[index]
        provenance = copy.deepcopy(self.provenance)
        provenance["protocol"]["choices"]["metrics"] = list(metrics)
        provenance["models"] = {name: dict(record) for name, record in records.items()}
        if gold is not None:
            sums |= {(gold, metric): self._scores.sums[gold, metric] for metric in metrics}
            provenance["models"].setdefault(gold, self.provenance["models"][gold])
        if "IG" not in metrics:
            provenance["gold_standard"] = gold = None
        scores = Scores(
            cells.without_fixations(),
            sums=sums,
            reasons=reasons,
            baseline=self._scores.baseline,
            gold_standard=gold,
        )
        return Evaluation(scores, ids=self._ids, attributes=self._attributes, provenance=provenance)

    # ---- inside

    def _keys(self) -> list[Key]:
        return [(m, metric) for m in self.models for metric in self.metrics]

    def _with_parameters(self, which: str) -> str:
        """Name of the baseline or gold standard with its numbers."""
        record = self.provenance[which]
        parameters = {
            name: f"{value:.4g}"
            for name, value in record["parameters"].items()
            if isinstance(value, float)
        }
        listed = ", ".join(f"{name} {value}" for name, value in parameters.items())
        return f"{record['name']} ({listed})" if listed else str(record["name"])

    def _on_shared_cells(self, named: dict[str, Score]) -> dict[str, Score]:
        """Scores on the cells that all have, with a warning if that leaves some out."""
        width = 1 + len(self._scores.cells.subjects)
        keys = {m: s.image * width + s.subject for m, s in named.items()}
        shared = reduce(np.intersect1d, keys.values()) if keys else np.zeros(0, np.int64)
        if any(shared.size < k.size for k in keys.values()):
            warnings.warn(
                "some models lack a value on some images; they are compared on those that all have",
                stacklevel=3,
            )
        return {m: s.select(np.isin(keys[m], shared)) for m, s in named.items()}

    def _known_metric(self, metric: str) -> str:
        check_choice("metric", metric, self.metrics)
        return metric

    def _sample(self, model: str, metric: str) -> Score:
        return self._scores.sample(model, metric, self.protocol.average_of(metric))

    def _all_samples(self) -> dict[Key, Score]:
        return {key: self._sample(*key) for key in self._keys()}

    def _bounds(
        self,
        samples: Mapping[Any, Score],
        over: str,
        method: str,
        level: float,
        n_bootstrap: int | None,
    ) -> NDArray[np.float64]:
        return intervals(
            list(samples.values()),
            over=over,
            method=method,
            level=level,
            n_bootstrap=self.provenance["n_bootstrap"] if n_bootstrap is None else n_bootstrap,
            seed=self.seed,
        )

    def _rows(
        self, samples: Mapping[Key, Score], *, with_intervals: bool = True
    ) -> list[dict[str, Any]]:
        bounds = np.full((len(samples), 2), np.nan)
        if with_intervals:
            bounds = self._bounds(samples, "images", "percentile", 0.95, None)
        fixations = np.bincount(
            self._scores.cells.image, weights=self._scores.cells.counts, minlength=len(self._ids)
        )
        rows = []
        for ((model, metric), sample), (low, high) in zip(samples.items(), bounds, strict=True):
            entry = METRICS[metric]
            images = np.unique(sample.image)
            n = sample.counts.sum() if entry.per == "fixation" else fixations[images].sum()
            rows.append(
                {
                    "model": model,
                    "metric": metric,
                    "value": sample.value,
                    "low": low,
                    "high": high,
                    "n_images": images.size,
                    "n_fixations": int(n),
                    "unit": entry.unit,
                    "higher_is_better": entry.higher_is_better,
                    "note": self.reasons.get((model, metric), ""),
                }
            )
        return rows


def _matters(difference: str, metrics: Sequence[str]) -> bool:
    """Whether a difference of two records may move one of these metrics."""
    if difference.startswith(("smoothing", "empirical")):
        return bool(set(metrics) & set(EMPIRICAL_MAP_METRICS))
    if difference.startswith("baseline"):
        return bool(_RELATIVE & set(metrics))
    return not difference.startswith("protocol.choices.metrics")
