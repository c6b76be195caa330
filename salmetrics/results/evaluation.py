"""The result of `evaluate`: tables with units, intervals and tests, and their provenance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.errors import InputError, check_choice, some
from salmetrics.io.damage import reading
from salmetrics.io.files import check_file, check_target, replacing
from salmetrics.io.own_files import HDF5_SUFFIXES
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol, protocol_from_record
from salmetrics.results.comparison import chosen_pairs, compared, ranked
from salmetrics.results.exchange import Per, as_xarray, tidy, write_parquet
from salmetrics.results.grouping import Bins, grouped, sample_of_fixations
from salmetrics.results.hdf5 import check_parts, read_evaluation, write_evaluation
from salmetrics.results.joining import (
    joined,
    selected,
    shares_of,
    with_other_models,
)
from salmetrics.results.rendering import as_html, as_latex, as_markdown, as_text, footnotes
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Ratio, Sample, Score
from salmetrics.statistics.inference import IntervalMethod, Over, intervals

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from salmetrics.models.base import DensityModel

__all__ = ["Evaluation"]


class Evaluation:
    """Scores of models under one protocol; made by `evaluate` and `Evaluation.load`.

    Parameters
    ----------
    scores
        Raw scores.
    ids
        Ids of the images, in order.
    attributes
        Attributes of the images by name, each of shape (n_images, ...).
    provenance
        Record of everything that the scores depend on.
    columns
        Columns of the fixations by name, each of shape (n_fixations,).

    Attributes
    ----------
    summary
        Table with one row per model and metric: value, low, high (95 % bootstrap interval over
        images), n_images, n_fixations, unit, higher_is_better, note (why there is no value).
    per_image
        Table with one row per image and one column per model and metric.
    per_fixation
        Table with one row per fixation, and one column per model and metric with one value per
        fixation.
    errors
        Table of the failures that `evaluate` recorded, by model and image.
    protocol
        Every choice behind the numbers.
    provenance
        Everything else that they depend on: data, versions, models, baseline, seed, date.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> models = {"flat": salmetrics.Uniform(), "centred": salmetrics.GaussianCentreBias()}
    >>> result = salmetrics.evaluate(models, stimuli, fixations, metrics=["LL"], n_bootstrap=0)
    >>> result.table["LL"].round(2).to_dict()
    {'flat': -10.23, 'centred': -8.77}
    """

    def __init__(
        self,
        scores: Scores,
        *,
        ids: Sequence[str],
        attributes: Mapping[str, AnyArray],
        provenance: Mapping[str, Any],
        columns: Mapping[str, AnyArray] | None = None,
    ) -> None:
        self._scores = scores
        self._ids = tuple(ids)
        self._attributes = dict(attributes)
        self._columns: Mapping[str, AnyArray] = {} if columns is None else columns
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
        for share in shares_of(keys):
            wanted = any((model, share) in self.reasons for model in self.models)
            if self.gold_standard is None and not wanted:
                continue
            keys.insert(keys.index(str(METRICS[share].share_of)) + 1, share)
        return keys

    @property
    def attributes(self) -> dict[str, AnyArray]:
        """Attributes of the images for `by`, by name: one value per image."""
        return dict(self._attributes)

    @property
    def columns(self) -> dict[str, AnyArray]:
        """Columns of the fixations for `by`, by name; empty if single fixations were not kept."""
        return {} if self._scores.cells.of_fixation is None else dict(self._columns)

    @property
    def reasons(self) -> dict[Key, str]:
        """Reasons of missing values, by (model, metric)."""
        return self._scores.reasons

    @property
    def baseline(self) -> str | None:
        """Name of the baseline that IG is relative to; its parameters are in `provenance`."""
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
        """Seed of all random draws."""
        return int(self.provenance["seed"])

    @property
    def n_predictions(self) -> int:
        """Number of maps that the models predicted, all together."""
        return int(self.provenance["n_predictions"])

    def value(self, model: str, metric: str) -> float:
        """Return one number of `summary`.

        Parameters
        ----------
        model
            Name of the model.
        metric
            Key of the metric.

        Returns
        -------
        value : float
            NaN if the model does not have the metric; `reasons` says why.

        Raises
        ------
        InputError
            If there is no such model or metric.
        """
        check_choice("model", model, self.models)
        self._known_metric(metric)
        return self._sample(model, metric).value

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per model and metric, with 95 % intervals over images."""
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
        """Return bootstrap confidence intervals, one row per model and metric.

        Parameters
        ----------
        over
            Which units are resampled: "images", "subjects" or "both".
        method
            "percentile" or "bca"; see `salmetrics.statistics.inference.intervals`.
        level
            Share of such intervals that contain the true value.
        n_bootstrap
            Number of resamples; that of `evaluate` by default.

        Returns
        -------
        table : DataFrame
            Columns value, low, high. Over subjects, low and high are NaN for metrics with one
            value per image.

        Raises
        ------
        InputError
            If an option is out of range.
        """
        import pandas as pd

        samples = self._all_samples()
        bounds = self._bounds(list(samples.values()), over, method, level, n_bootstrap)
        rows = [
            {"model": m, "metric": k, "value": s.value, "low": low, "high": high}
            for ((m, k), s), (low, high) in zip(samples.items(), bounds, strict=True)
        ]
        return pd.DataFrame(rows).set_index(["model", "metric"])

    def by(self, attribute: str, *, bins: Bins = None, intervals: bool = True) -> pd.DataFrame:
        """Score each group of images, of subjects or of fixations separately.

        Parameters
        ----------
        attribute
            Name of an attribute of the stimuli, such as "category"; "subject"; or a column of the
            fixations, such as "index" or "duration". The last two are for metrics with one value
            per fixation.
        bins
            How numbers are grouped: a number of ranges that hold equally many, or the limits
            between ranges. By default each value is a group; but fractional numbers in a column of
            the fixations are four ranges if there are more than 20 values.
        intervals
            Whether to bootstrap intervals; otherwise they are NaN.

        Returns
        -------
        table : DataFrame
            `summary` for each group, which is the first index level.

        Raises
        ------
        InputError
            If there is no such attribute or column, or it has several values per image; if `bins`
            are given for texts; for subjects and columns, if no metric has one value per fixation.

        Examples
        --------
        >>> from salmetrics import Fixations, Stimuli, Uniform, evaluate
        >>> stimuli = Stimuli.from_sizes([(3, 4), (3, 4)])
        >>> places = [[1, 2, 3], [0, 1, 2], [0, 0, 1]]
        >>> fixations = Fixations.from_arrays(*places, duration=[0.1, 0.2, 0.4])
        >>> result = evaluate(Uniform(), stimuli, fixations, metrics=["LL"], n_bootstrap=0)
        >>> table = result.by("duration", bins=[0.15])
        >>> table["n_fixations"].droplevel(["model", "metric"]).to_dict()
        {'below 0.15': 1, 'from 0.15': 2}
        """
        import pandas as pd

        samples = self._samples_by(attribute, bins)
        rows = []
        for value, group in samples:
            group_rows = self._rows(group, with_intervals=intervals)
            rows += [{attribute: value} | row for row in group_rows]
        return pd.DataFrame(rows).set_index([attribute, "model", "metric"])

    def _samples_by(self, attribute: str, bins: Bins) -> Iterator[tuple[Any, dict[Key, Score]]]:
        """Yield each group of `by` and its samples."""
        kept = self._scores.cells.of_fixation is not None
        columns = list(self._columns) if kept else []
        if not self._attributes and attribute not in ("subject", *columns):
            listed = f" or for a column of the fixations: {some(columns)}" if columns else ""
            raise InputError(
                f"the images have no attributes, so no {attribute!r}; give them to the stimuli, or "
                f"ask for 'subject'{listed}"
                + (
                    ""
                    if kept
                    else " (single fixations were not kept, so their columns are unknown)"
                )
            )
        check_choice(
            "attribute", attribute, dict.fromkeys((*self._attributes, "subject", *columns))
        )
        if attribute in self._attributes:
            values = self._attributes[attribute]
            if values.ndim > 1:
                raise InputError(f"attribute {attribute!r} has several values per image")
            codes, labels = grouped(values, bins, by_value=True)
            samples = self._all_samples()
            for code in np.unique(codes):
                yield (
                    labels[code],
                    {key: s.select(codes[s.image] == code) for key, s in samples.items()},
                )
            return
        keys = [key for key in self._keys() if METRICS[key[1]].per == "fixation"]
        if not keys:
            raise InputError(
                f"by({attribute!r}) is for metrics with one value per fixation; this evaluation "
                f"has only {some(self.metrics)}, with one value per image"
            )
        if attribute == "subject":
            codes, labels = grouped(self._scores.cells.subjects, bins, by_value=True)
            samples = {key: self._sample(*key) for key in keys}
            for code in np.unique(codes):
                yield (
                    labels[code],
                    {key: s.select(codes[s.subject] == code) for key, s in samples.items()},
                )
            return
        codes, labels = grouped(self._columns[attribute], bins)
        for code in np.unique(codes):
            yield labels[code], {key: self._sample_of(key, codes == code) for key in keys}

    def _sample_of(self, key: Key, chosen: AnyArray) -> Score:
        """Return the sample of a metric on some of the fixations."""
        model, metric = key
        share_of = METRICS[metric].share_of
        if share_of is not None:
            if self.gold_standard is None:
                return self._sample(*key)
            own, whole = (
                self._sample_of((name, share_of), chosen) for name in (model, self.gold_standard)
            )
            assert isinstance(own, Sample)
            assert isinstance(whole, Sample)
            return Ratio.of(own, whole)
        sample = self._sample(*key)
        assert isinstance(sample, Sample)
        if key in self.reasons:
            return sample
        return sample_of_fixations(
            self._scores.cells, sample, np.asarray(self._scores.values[key]), chosen
        )

    def compare(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        metric: str | None = None,
        over: Over = "images",
    ) -> pd.DataFrame:
        """Return the differences of models on the same images, with intervals and tests.

        Parameters
        ----------
        first, second
            Names of models: first minus second. All pairs by default.
        metric
            Key of the metric; all metrics by default.
        over
            Which units are resampled: "images", "subjects" or "both".

        Returns
        -------
        table : DataFrame
            One row per metric and pair: difference, low, high (95 % percentile bootstrap of the
            difference), p_value (see `salmetrics.statistics.inference.paired_test`), p_holm
            (adjusted for the number of pairs of a metric), n_images.

        Raises
        ------
        InputError
            If there is no such model or metric, or only one model.
        """
        pairs = chosen_pairs(self.models, first, second)
        metrics = self.metrics if metric is None else [self._known_metric(metric)]
        samples = {
            key: {(a, b): self._sample(a, key).minus(self._sample(b, key)) for a, b in pairs}
            for key in metrics
        }
        return compared(samples, partial(self._bounds, over=over), over)

    def rank(self, metric: str, *, over: Over = "images", alpha: float = 0.05) -> pd.DataFrame:
        """Return the models from best to worst, with letters of those that are indistinguishable.

        Parameters
        ----------
        metric
            Key of the metric.
        over
            Which units are resampled: "images", "subjects" or "both".
        alpha
            Significance level: two models differ if their Holm-adjusted p-value is below.

        Returns
        -------
        table : DataFrame
            One row per model: value, low, high, group, n_images. Two models share a letter if and
            only if they are indistinguishable; a model whose value is infinite has no letter.
            Models are compared on the images that all of them have, with a warning if some lack
            any.

        Raises
        ------
        InputError
            If there is nothing to compare: no model has the metric, or there is only one cluster.
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
        """One row per image; metrics with one value per fixation are averaged over the image."""
        import pandas as pd

        columns = {}
        for key in self._keys():
            column = np.full(len(self._ids), np.nan)
            sums, counts = self._sample(*key).by(self._sample(*key).image)
            scored = np.flatnonzero(counts > 0)
            column[scored] = sums[scored] / counts[scored]
            columns[key] = column
        table = pd.DataFrame(columns, index=pd.Index(self._ids, name="image"))
        table.columns.names = ["model", "metric"]
        return table

    @property
    def per_fixation(self) -> pd.DataFrame:
        """One row per fixation, in the order of the fixations, indexed by number and image id.

        Raises
        ------
        InputError
            If `evaluate` kept only sums over images and subjects.
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
        """One row per failure of a model on an image."""
        import pandas as pd

        rows = [(m, self._ids[i], text) for (m, i), text in sorted(self._scores.failures.items())]
        return pd.DataFrame(rows, columns=["model", "image", "error"])

    def to_markdown(self) -> str:
        """Return the table, values with half the width of their interval, as Markdown.

        Returns
        -------
        text : str
            Table and footnotes.
        """
        return as_markdown(self.summary, self.footnotes())

    def to_latex(self) -> str:
        """Return the table as LaTeX (booktabs), with the footnotes as comments.

        Returns
        -------
        text : str
            A ``tabular`` environment.
        """
        return as_latex(self.summary, self.footnotes())

    def to_csv(self, path: str | Path) -> None:
        """Write `summary` as a tidy CSV file, atomically.

        Parameters
        ----------
        path
            Path of the file.

        Raises
        ------
        InputError
            If the folder does not exist or is not writable, or the name ends in the suffix of
            another format.
        """
        target = check_target(path, (".csv", ".tsv", ".txt"), "; save() writes the whole result")
        with replacing(target) as temporary:
            self.summary.to_csv(temporary)

    def tidy(self, per: Per = "image") -> pd.DataFrame:
        """Return one row per value, for tools that take tables in this form.

        Parameters
        ----------
        per
            "model" for the rows of `summary`; "image" for one value per model, metric and image,
            with the attributes of the image; "fixation" for one per fixation, with the columns
            of the fixation.

        Returns
        -------
        table : DataFrame
            Columns model, metric, what the value is of, and value; no index.

        Raises
        ------
        InputError
            For another `per`, and for "fixation" if single fixations were not kept.

        Examples
        --------
        >>> from salmetrics import Fixations, Stimuli, Uniform, evaluate
        >>> stimuli = Stimuli.from_sizes([(3, 4), (3, 4)], attributes={"room": ["in", "out"]})
        >>> fixations = Fixations.from_arrays([1, 2], [0, 1], [0, 1])
        >>> result = evaluate(Uniform(), stimuli, fixations, metrics=["NSS"], n_bootstrap=0)
        >>> print(result.tidy().to_string())
             model metric image room  value
        0  uniform    NSS     0   in    0.0
        1  uniform    NSS     1  out    0.0
        """
        check_choice("per", per, get_args(Per))
        if per == "model":
            return self.summary.reset_index()
        taken = ("image", "metric", "model", "subject", "value")
        if per == "image":
            values = {n: v for n, v in self._attributes.items() if v.ndim == 1}
            table = self.per_image
            names: dict[str, Any] = {"image": table.index.to_numpy()}
        else:
            table = self.per_fixation
            cells = self._scores.cells
            assert cells.of_fixation is not None
            values = self.columns
            names = {
                "image": table.index.get_level_values("image").to_numpy(),
                "subject": cells.subjects[cells.subject[cells.of_fixation]],
            }
        names |= {f"{n}_" if n in taken else n: v for n, v in values.items()}
        return tidy(table, names)

    def to_parquet(self, path: str | Path, *, per: Per = "model") -> None:
        """Write `tidy` as a Parquet file; pyarrow must be installed (``salmetrics[tables]``).

        Parameters
        ----------
        path
            Path of the file; an existing file is replaced.
        per
            See `tidy`.

        Raises
        ------
        InputError
            For the errors of `tidy`, if pyarrow is missing, or if the file cannot be written.
        """
        target = check_target(path, (".parquet",), "; save() writes the whole result")
        write_parquet(self.tidy(per), target, self.provenance)

    def to_xarray(self) -> xr.Dataset:
        """Return the scores as an xarray data set (``salmetrics[tables]``).

        Returns
        -------
        dataset : xarray.Dataset
            Variables value, low, high and n_images by model and metric, and per_image by model,
            metric and image; the attributes of the images as coordinates, and provenance as JSON.

        Raises
        ------
        InputError
            If xarray is missing.
        """
        return as_xarray(self.summary, self.per_image, self._attributes, self.provenance)

    def _repr_html_(self) -> str:
        return as_html(self.summary, self.footnotes())

    def __repr__(self) -> str:
        return as_text(self.summary, self.footnotes())

    def footnotes(self, *, of: Collection[Key] | None = None, intervals: bool = True) -> str:
        """Return the choices behind the table and the reasons of missing values, as text.

        Parameters
        ----------
        of
            Pairs (model, metric) in the table; all by default.
        intervals
            Whether the table has intervals.

        Returns
        -------
        text : str
            One choice or reason per line.
        """
        shown = set(self._keys() if of is None else of)
        return footnotes(
            self.provenance, self.protocol, self._scores, shown=shown, intervals=intervals
        )

    # ---- files and joining

    def save(self, path: str | Path) -> None:
        """Write everything to one HDF5 file, atomically; values per fixation as float32.

        Parameters
        ----------
        path
            Path of the file; an existing file is replaced.

        Raises
        ------
        InputError
            If the folder does not exist or is not writable, or the name ends in the suffix of
            another format.
        """
        hint = "; to_csv(), to_markdown(), to_latex() and to_parquet() make tables"
        target = check_target(path, HDF5_SUFFIXES, hint)
        record = {"provenance": self.provenance, "ids": self._ids}
        keys = [key for key in self._keys() if METRICS[key[1]].share_of is None]
        columns = self.columns
        write_evaluation(target, record, self._scores, self._attributes, keys, columns)

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read a file that `save` wrote; values per fixation are read when they are needed.

        Parameters
        ----------
        path
            Path of the file, of this version or an earlier one.

        Returns
        -------
        evaluation : Evaluation
            The saved result, without `baseline_model`.

        Raises
        ------
        InputError
            If there is no such file, or it holds something else.
        """
        source = check_file(path)
        with reading(repr(str(path)), "is not a readable evaluation"):
            record, scores, attributes, columns = read_evaluation(source)
            check_parts(record, scores, attributes)
            gold_standard = record["provenance"].get("gold_standard")
            scores.gold_standard = None if gold_standard is None else gold_standard["name"]
            return cls(
                scores,
                ids=record["ids"],
                attributes=attributes,
                provenance=record["provenance"],
                columns=columns,
            )

    def join(self, other: Evaluation) -> Evaluation:
        """Return the models of both, to compare them, with a warning of what else differs.

        Parameters
        ----------
        other
            Result on the same images and fixations, with other models.

        Returns
        -------
        evaluation : Evaluation
            All models, with the metrics that both results have.

        Raises
        ------
        InputError
            If the two are on different images or fixations, share the name of a model, or have
            different gold standards.
        """
        return self._new(*joined(self._parts, other._parts))

    def select(self, models: Sequence[str]) -> Evaluation:
        """Return some of the models, in this order; the gold standard stays, as IGE needs it.

        Parameters
        ----------
        models
            Names of the models.

        Returns
        -------
        evaluation : Evaluation
            The same scores of these models.

        Raises
        ------
        InputError
            If there is no model of one of the names.
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
            Record of each model for `provenance`, by name.
        metrics
            Keys of metrics with one value per fixation, among those of this evaluation.
        score
            Function of (model, metric) that returns the values of all fixations, shape
            (n_fixations,). Only their sums over images and subjects are kept.

        Returns
        -------
        evaluation : Evaluation
            Scores of these models, without values per fixation.
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
        return Evaluation(
            scores,
            ids=self._ids,
            attributes=self._attributes,
            provenance=provenance,
            columns=self._columns,
        )

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
