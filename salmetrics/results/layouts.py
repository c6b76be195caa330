"""Tables as papers print them: their columns, order of models, decimals, and averages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError, check_choice, check_list, check_whole, some
from salmetrics.metrics.registry import METRICS, Metric
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.rendering import explained, latex_table, markdown_table, text_table
from salmetrics.results.scores import Key

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAYOUTS", "Layout", "get_layout", "laid_out", "to_latex", "to_markdown", "to_text"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a paper prints a table of models.

    Parameters
    ----------
    name
        Name of the layout, which is part of the names of files.
    protocol
        Name of the protocol of the table.
    columns
        Keys of metrics by heading, in order; the first that was computed is shown.
    decimals
        Number of decimals of all values.
    sort_by
        Heading of the column that models are sorted by.
    best_last
        Whether the best model is at the bottom instead of at the top. Models without a value in
        the column `sort_by` are at the other end.
    by
        Attribute of the images; a value is then the mean of the scores on the images of each of
        the attribute's values, with equal weights. None: the score on all images.
    source
        Publication that printed the table.

    Examples
    --------
    >>> layout = get_layout("salicon")
    >>> layout.protocol, layout.decimals
    ('salicon-2017', 3)
    """

    name: str
    protocol: str
    columns: Mapping[str, Sequence[str]]
    decimals: int
    sort_by: str
    best_last: bool = False
    by: str | None = None
    source: str

    def __post_init__(self) -> None:
        get_protocol(self.protocol)
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(
                "name of a layout must be letters, digits, '_', '.' and '-', as it is part of file "
                f"names; got {self.name!r}"
            )
        columns = {heading: tuple(check_list(heading, k)) for heading, k in self.columns.items()}
        if not columns or not all(columns.values()):
            raise InputError(
                "columns of a layout must be at least one, each with at least one metric; got "
                f"{self.columns!r}"
            )
        for key in (key for keys in columns.values() for key in keys):
            check_choice("metric", key, METRICS)
        object.__setattr__(self, "columns", MappingProxyType(columns))  # registered ones stay
        check_choice("sort_by", self.sort_by, columns)
        check_whole("decimals", self.decimals, 0)

    def metrics_under(self, protocol: Protocol) -> tuple[str, ...]:
        """Return the metrics to compute, those of the protocol where a column allows several.

        Parameters
        ----------
        protocol
            Protocol of the evaluation.

        Returns
        -------
        metrics : tuple of str
            Key of the metric of each column.
        """
        return tuple(_first(keys, protocol.metrics) or keys[0] for keys in self.columns.values())

    def check(self, metrics: Collection[str], attributes: Mapping[str, NDArray[Any]]) -> None:
        """Check that every metric and attribute of the images that the layout needs exists.

        Parameters
        ----------
        metrics
            Keys of the metrics that were computed.
        attributes
            Attributes of the images by name.

        Raises
        ------
        InputError
            Naming what is missing, and what to do.
        """
        missing = [keys[0] for keys in self.columns.values() if _first(keys, metrics) is None]
        if missing:
            raise InputError(
                f"layout {self.name!r} needs {', '.join(missing)}; evaluate with "
                f"protocol {self.protocol!r} and these metrics"
            )
        if self.by is None:
            return
        if self.by not in attributes:
            known = f"only {some(sorted(attributes))}" if attributes else "none"
            raise InputError(
                f"layout {self.name!r} is a mean over groups of images by their attribute "
                f"{self.by!r}. These images have {known}; give Stimuli "
                f"attributes={{{self.by!r}: one value per image}}"
            )
        if attributes[self.by].ndim > 1:
            raise InputError(f"attribute {self.by!r} has several values per image")


def _first(keys: Sequence[str], computed: Collection[str]) -> str | None:
    return next((key for key in keys if key in computed), None)


_OLD_MIT = {
    "AUC-Judd": ("AUC-Judd",),
    "SIM": ("SIM-MATLAB", "SIM"),
    "EMD": ("EMD",),
    "AUC-Borji": ("AUC-Borji",),
    "sAUC": ("sAUC-MATLAB", "sAUC"),
    "CC": ("CC",),
    "NSS": ("NSS-MATLAB", "NSS"),
    "KLD": ("KLDiv",),
}
_EML_NET = "Jia and Bruce (2018), EML-NET, arXiv:1805.01047"

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            name="salicon",
            protocol="salicon-2017",
            columns={
                "NSS": ("NSS-MATLAB", "NSS"),
                "CC": ("CC",),
                "AUC": ("AUC-Borji", "AUC"),
                "sAUC": ("sAUC-MATLAB", "sAUC"),
                "KLD": ("KLDiv",),
                "IG": ("IG-MATLAB", "IG"),
                "SIM": ("SIM-MATLAB", "SIM"),
            },
            decimals=3,
            sort_by="sAUC",
            source=f"{_EML_NET}, table 2",
        ),
        Layout(
            name="mit300",
            protocol="mit-matlab",
            columns=_OLD_MIT,
            decimals=2,
            sort_by="NSS",
            best_last=True,
            source=f"{_EML_NET}, table 3",
        ),
        Layout(
            name="cat2000",
            protocol="mit-matlab-cat2000",
            columns=_OLD_MIT,
            decimals=2,
            sort_by="NSS",
            best_last=True,
            source=f"{_EML_NET}, table 4",
        ),
        Layout(
            name="cat2000-categories",
            protocol="mit-tuebingen-cat2000",
            columns={key: (key,) for key in ("IG", "AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM")},
            decimals=4,
            sort_by="AUC",
            by="category",
            source="Galván Díaz (2024), Where we look, table 2",
        ),
    )
}


def get_layout(layout: str | Layout) -> Layout:
    """Return a layout by name; a `Layout` is returned as it is.

    Parameters
    ----------
    layout
        See `laid_out`.

    Returns
    -------
    layout : Layout
        The layout.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> get_layout("mit300").decimals
    2
    """
    if isinstance(layout, Layout):
        return layout
    check_choice("layout", layout, LAYOUTS)
    return LAYOUTS[layout]


def laid_out(evaluation: Evaluation, layout: str | Layout) -> pd.DataFrame:
    """Return the values of a table in a paper's layout, not rounded.

    Parameters
    ----------
    evaluation
        Result of `evaluate`, with a metric for each column.
    layout
        "salicon", "mit300", "cat2000", "cat2000-categories", or a `Layout`.

    Returns
    -------
    table : DataFrame
        One row per model, in the layout's order, and one column per heading. NaN where a model has
        no value. The gold standard is left out.

    Raises
    ------
    InputError
        Naming the metrics, or the attribute of the images, that the layout needs.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22, 19, 9], [15, 14, 16, 9], [0, 0, 1, 1])
    >>> models = [salmetrics.GaussianCentreBias(), salmetrics.Uniform()]
    >>> result = salmetrics.evaluate(models, stimuli, fixations, protocol="salicon-2017")
    >>> list(laid_out(result, "salicon"))
    ['NSS', 'CC', 'AUC', 'sAUC', 'KLD', 'IG', 'SIM']
    """
    import pandas as pd

    form = get_layout(layout)
    form.check(evaluation.metrics, evaluation.attributes)
    models = [model for model in evaluation.models if model != evaluation.gold_standard]
    keys = _keys(form, evaluation.metrics)
    values = evaluation.table if form.by is None else _mean_over_groups(evaluation, form.by)
    table = pd.DataFrame(
        {heading: values[key].reindex(models) for heading, key in keys.items()},
        index=pd.Index(models, name="model"),
    )
    higher_first = METRICS[keys[form.sort_by]].higher_is_better != form.best_last
    return table.sort_values(
        form.sort_by,
        ascending=not higher_first,
        kind="stable",
        na_position="first" if form.best_last else "last",
    )


def to_text(evaluation: Evaluation, layout: str | Layout) -> str:
    """Return a table in a paper's layout for a terminal; see `laid_out`.

    Parameters
    ----------
    evaluation, layout
        See `laid_out`.

    Returns
    -------
    text : str
        The table, with footnotes.

    Raises
    ------
    InputError
        See `laid_out`.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22, 19, 9], [15, 14, 16, 9], [0, 0, 1, 1])
    >>> models = [salmetrics.GaussianCentreBias(), salmetrics.Uniform()]
    >>> result = salmetrics.evaluate(models, stimuli, fixations, protocol="salicon-2017")
    >>> to_text(result, "salicon").splitlines()[0].split()
    ['NSS', 'CC', 'AUC', 'sAUC', 'KLD', 'IG', 'SIM']
    """
    return text_table(*_parts(evaluation, layout, "{}"))


def to_markdown(evaluation: Evaluation, layout: str | Layout) -> str:
    """Return a table in a paper's layout as Markdown, the best of each column in bold.

    Values that are equal as printed are equally good; see also `laid_out`.

    Parameters
    ----------
    evaluation, layout
        See `laid_out`.

    Returns
    -------
    text : str
        The table, with footnotes.

    Raises
    ------
    InputError
        See `laid_out`.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22, 19, 9], [15, 14, 16, 9], [0, 0, 1, 1])
    >>> models = [salmetrics.GaussianCentreBias(), salmetrics.Uniform()]
    >>> result = salmetrics.evaluate(models, stimuli, fixations, protocol="salicon-2017")
    >>> to_markdown(result, "salicon").splitlines()[0]
    '| model | NSS | CC | AUC | sAUC | KLD | IG | SIM |'
    """
    return markdown_table(*_parts(evaluation, layout, "**{}**"))


def to_latex(evaluation: Evaluation, layout: str | Layout) -> str:
    """Return a table in a paper's layout as LaTeX (booktabs), the best of each column in bold.

    Values that are equal as printed are equally good; see also `laid_out`.

    Parameters
    ----------
    evaluation, layout
        See `laid_out`.

    Returns
    -------
    text : str
        The table, with footnotes.

    Raises
    ------
    InputError
        See `laid_out`.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22, 19, 9], [15, 14, 16, 9], [0, 0, 1, 1])
    >>> models = [salmetrics.GaussianCentreBias(), salmetrics.Uniform()]
    >>> result = salmetrics.evaluate(models, stimuli, fixations, protocol="salicon-2017")
    >>> "toprule" in to_latex(result, "salicon")
    True
    """
    return latex_table(*_parts(evaluation, layout, r"\mathbf{{{}}}"))


def _keys(layout: Layout, metrics: Collection[str]) -> dict[str, str]:
    """Return the metric of each column."""
    columns = {heading: _first(keys, metrics) for heading, keys in layout.columns.items()}
    return {heading: key for heading, key in columns.items() if key is not None}


def _mean_over_groups(evaluation: Evaluation, attribute: str) -> pd.DataFrame:
    """Return the mean of the scores of the groups of images; NaN for a model that lacks a group.

    Groups without fixations, where no model has a score, do not count, nor do images without a
    value of the attribute.
    """
    import pandas as pd

    values = evaluation.by(attribute, intervals=False)["value"]
    values = values[_known(values.index.get_level_values(attribute).to_numpy())]
    means = {}
    for key in evaluation.metrics:
        by_group = values.xs(key, level="metric").unstack("model").dropna(how="all")
        means[key] = by_group.mean(skipna=False)
    return pd.DataFrame(means)


def _known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values of an attribute are known: neither NaN nor an empty text."""
    return np.array([value == value and str(value) != "" for value in values.tolist()], dtype=bool)


def _parts(
    evaluation: Evaluation, layout: str | Layout, bold: str
) -> tuple[list[str], dict[str, list[str]], str]:
    """Return headings, values as text by model, and footnotes; `bold` marks the best values."""
    form = get_layout(layout)
    table = laid_out(evaluation, form)
    keys = _keys(form, evaluation.metrics)
    cells = {
        heading: _printed(table[heading].to_list(), METRICS[key], form.decimals, bold)
        for heading, key in keys.items()
    }
    models = [str(model) for model in table.index]
    rows = {model: [cells[heading][k] for heading in keys] for k, model in enumerate(models)}
    missing = [
        (model, key)
        for heading, key in keys.items()
        for model, cell in zip(models, cells[heading], strict=True)
        if cell == "-"
    ]
    return list(keys), rows, _footnotes(evaluation, form, models, missing)


def _printed(values: Sequence[float], metric: Metric, decimals: int, bold: str) -> list[str]:
    """Return the values of a column as text."""
    texts = [f"{value:z.{decimals}f}" for value in values]
    numbers = [float(text) for text in texts if text != "nan"]
    best = (max if metric.higher_is_better else min)(numbers, default=np.nan)
    return [
        "-" if text == "nan" else bold.format(text) if float(text) == best else text
        for text in texts
    ]


def _footnotes(
    evaluation: Evaluation, layout: Layout, models: Sequence[str], missing: Sequence[Key]
) -> str:
    """Return which metric is in which column, the choices behind it, and why values are missing."""
    keys = _keys(layout, evaluation.metrics)
    lines = [f"layout {layout.name}: {layout.source}"]
    if evaluation.protocol.name != layout.protocol:
        lines[0] += f", which goes with protocol {layout.protocol}"
    if layout.by is not None:
        known = _known(evaluation.attributes[layout.by])
        n = len(np.unique(evaluation.attributes[layout.by][known]))
        lines.append(f"means over {n} values of {layout.by}, of the score within each")
        if not known.all():
            lines.append(f"{(~known).sum()} images have no {layout.by} and are left out")
    other = [f"{heading} is {key}" for heading, key in keys.items() if heading != key]
    if other:
        lines.append(", ".join(other))
    of = [(model, key) for model in models for key in keys.values()]
    lines.append(evaluation.footnotes(of=of, intervals=False))
    why = "no image has a value" if layout.by is None else f"not in every {layout.by}"
    unexplained = dict.fromkeys((pair for pair in missing if pair not in evaluation.reasons), why)
    lines += [f"- {line}" for line in explained(unexplained)]
    return "\n".join(lines)
