"""What `evaluate` returns: tables with units, error bars and tests, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.errors import InputError, check_choice, some
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol, protocol_from_record
from salmetrics.results.comparison import chosen_pairs, compared, ranked
from salmetrics.results.hdf5 import read_evaluation, write_evaluation
from salmetrics.results.joining import joined, selected, shares_of, with_other_models
from salmetrics.results.rendering import as_html, as_latex, as_markdown, as_text, footnotes
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Score
from salmetrics.statistics.inference import IntervalMethod, Over, intervals

if TYPE_CHECKING:
    import pandas as pd

    from salmetrics.models.base import DensityModel

__all__ = ["Evaluation"]


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
        attributes: Mapping[str, AnyArray],
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
        for share in shares_of(keys) if self.gold_standard is not None else ():
            keys.insert(keys.index(str(METRICS[share].share_of)) + 1, share)
        return keys

    @property
    def attributes(self) -> dict[str, AnyArray]:
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
        over: Over = "images",
        *,
        method: IntervalMethod = "percentile",
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
        bounds = self._bounds(list(samples.values()), over, method, level, n_bootstrap)
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
            if not keys:
                raise InputError(
                    "by('subject') is for metrics with one value per fixation; this evaluation has "
                    f"only {some(self.metrics)}, with one value per image"
                )
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
        over: Over = "images",
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
        pairs = chosen_pairs(self.models, first, second)
        metrics = self.metrics if metric is None else [self._known_metric(metric)]
        samples = {
            key: {(a, b): self._sample(a, key).minus(self._sample(b, key)) for a, b in pairs}
            for key in metrics
        }
        return compared(samples, partial(self._bounds, over=over), over)

    def rank(self, metric: str, *, over: Over = "images", alpha: float = 0.05) -> pd.DataFrame:
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
        self._known_metric(metric)
        samples = {model: self._sample(model, metric) for model in self.models}
        if all(np.isnan(sample.value) for sample in samples.values()):
            raise InputError(f"no model has {metric}: {self.reasons.get((self.models[0], metric))}")
        return ranked(metric, samples, partial(self._bounds, over=over), over, alpha)

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
        return footnotes(
            self.provenance, self.protocol, self._scores, shown=shown, intervals=intervals
        )

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
        return self._new(*joined(self._parts, other._parts))

    def select(self, models: Sequence[str]) -> Evaluation:
        """Return these models, in this order; the gold standard stays, as IGE needs it.

        Raises
        ------
        InputError
            For a model that there is none of.
        """
        for model in models:
            check_choice("model", model, self.models)
        return self._new(*selected(self._parts, models))

    def with_models(
        self,
        records: Mapping[str, Mapping[str, Any]],
        metrics: Sequence[str],
        score: Callable[[Key], Array],
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
        return self._new(*with_other_models(self._parts, records, metrics, score))

    # ---- inside

    def _keys(self) -> list[Key]:
        return [(m, metric) for m in self.models for metric in self.metrics]

    @property
    def _parts(self) -> tuple[Scores, dict[str, Any]]:
        return self._scores, self.provenance

    def _new(self, scores: Scores, provenance: Mapping[str, Any]) -> Evaluation:
        """Return other scores of the same images."""
        return Evaluation(scores, ids=self._ids, attributes=self._attributes, provenance=provenance)

    def _known_metric(self, metric: str) -> str:
        check_choice("metric", metric, self.metrics)
        return metric

    def _sample(self, model: str, metric: str) -> Score:
        return self._scores.sample(model, metric, METRICS[metric].average_under(self.protocol))

    def _all_samples(self) -> dict[Key, Score]:
        return {key: self._sample(*key) for key in self._keys()}

    def _bounds(
        self,
        samples: Sequence[Score],
        over: Over = "images",
        method: IntervalMethod = "percentile",
        level: float = 0.95,
        n_bootstrap: int | None = None,
    ) -> Array:
        """Return intervals of some scores, shape (n, 2)."""
        return intervals(
            samples,
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
            bounds = self._bounds(list(samples.values()))
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
