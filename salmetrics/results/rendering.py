"""Tables as text, Markdown, LaTeX and HTML: one row per model, one column per metric."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key, Scores

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "as_html",
    "as_latex",
    "as_markdown",
    "as_text",
    "comparison_text",
    "explained",
    "footnotes",
    "latex_table",
    "markdown_table",
    "text_table",
    "with_parameters",
]

Groups = Mapping[str, str]
Rows = Mapping[str, Sequence[str]]  # cells by model


def as_text(summary: pd.DataFrame, footnotes: str, groups: Groups | None = None) -> str:
    """Return a table for a terminal, with three decimals, and groups of models if given."""
    return text_table(*_with_groups(*_rows(summary, digits=3), groups), footnotes)


def as_markdown(summary: pd.DataFrame, footnotes: str, groups: Groups | None = None) -> str:
    """Return a Markdown table with four decimals, and groups of models if given."""
    return markdown_table(*_with_groups(*_rows(summary), groups), footnotes)


def as_latex(summary: pd.DataFrame, footnotes: str) -> str:
    """Return a LaTeX table (booktabs) with four decimals, footnotes as comments."""
    return latex_table(*_rows(summary, between=r" \pm "), footnotes)


def as_html(summary: pd.DataFrame, footnotes: str) -> str:
    """Return an HTML table with four decimals, for notebooks."""
    metrics, rows = _rows(summary)
    head = "".join(f"<th>{html.escape(key)}</th>" for key in ["", *metrics])
    body = "".join(
        f"<tr><th>{html.escape(model)}</th>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
        for model, cells in rows.items()
    )
    notes = "<br>".join(map(html.escape, footnotes.splitlines()))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{notes}</p>"


def counted(n: int, noun: str) -> str:
    """Return a number of things as text, such as "1 image" or "2 images"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def comparison_text(table: pd.DataFrame, *, alpha: float = 0.05) -> str:
    """Return the table of `Evaluation.compare` for a terminal, one block of pairs per metric.

    Parameters
    ----------
    table
        From `Evaluation.compare`.
    alpha
        Significance level of the adjusted p-values: the better model is named below it.
    """
    blocks = []
    missing: dict[str, int] = {}
    for metric in table.index.unique("metric"):
        rows = table.xs(metric, level="metric").reset_index().to_dict("records")
        known = [row for row in rows if not np.isnan(row["difference"])]
        if len(known) < len(rows):
            missing[metric] = len(rows) - len(known)
        if not known:
            continue
        better = METRICS[metric].higher_is_better
        lines = [_HEADINGS, *(_compared_cells(row, alpha, higher=better) for row in known)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        direction = "higher" if better else "lower"
        blocks.append(
            "\n".join(
                [
                    f"{metric} ({direction} is better)",
                    *(
                        "  ".join(
                            text.ljust(width) if name in _WORDS else text.rjust(width)
                            for name, text, width in zip(_HEADINGS, line, widths, strict=True)
                        ).rstrip()
                        for line in lines
                    ),
                ]
            )
        )
    notes = [f"better: the model that wins with p (Holm) below {alpha:g}; -: neither does"]
    if missing:
        listed = ", ".join(f"{metric} ({n})" for metric, n in missing.items())
        notes.append(f"pairs of which a model lacks the metric are left out: {listed}")
    return "\n\n".join([*blocks, "\n".join(notes)])


_HEADINGS = ["pair", "difference", "95 % interval", "p", "p (Holm)", "better", "images"]
_WORDS = ("pair", "better")


def _compared_cells(row: Mapping[Any, Any], alpha: float, *, higher: bool) -> list[str]:
    first_wins = (row["difference"] > 0) == higher
    surely = row["p_holm"] < alpha and row["difference"] != 0
    low, high = row["low"], row["high"]
    return [
        f"{row['first']} - {row['second']}",
        f"{row['difference']:+.4f}",
        "-" if np.isnan(low) else f"[{low:+.4f}, {high:+.4f}]",
        _p_value(row["p_value"]),
        _p_value(row["p_holm"]),
        (row["first"] if first_wins else row["second"]) if surely else "-",
        f"{row['n_images']:.0f}",
    ]


def _p_value(p: float) -> str:
    if np.isnan(p):
        return "-"
    return "< .001" if p < 0.001 else f"{p:.3f}"


def text_table(headings: Sequence[str], rows: Rows, footnotes: str) -> str:
    """Return cells as a table for a terminal."""
    import pandas as pd

    table = pd.DataFrame.from_dict(dict(rows), orient="index", columns=list(headings))
    return f"{table.to_string()}\n{footnotes}"


def markdown_table(headings: Sequence[str], rows: Rows, footnotes: str) -> str:
    """Return cells, which are Markdown, as a Markdown table."""
    lines = [["model", *headings], ["---", *["---:"] * len(headings)]]
    lines += [[_literal(model), *cells] for model, cells in rows.items()]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{text}\n\n{_in_lines(footnotes)}\n"


def latex_table(headings: Sequence[str], rows: Rows, footnotes: str) -> str:
    """Return cells, which are formulas or "-", as a LaTeX table (booktabs)."""
    body = [
        " & ".join([_escaped(model), *(c if c == "-" else f"${_formula(c)}$" for c in cells)])
        + r" \\"
        for model, cells in rows.items()
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * len(headings)}}}",
            r"\toprule",
            " & ".join(["", *map(_escaped, headings)]) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *(f"% {line}" for line in footnotes.splitlines()),
            "",
        ]
    )


def footnotes(
    provenance: Mapping[str, Any],
    protocol: Protocol,
    scores: Scores,
    *,
    shown: Collection[Key],
    intervals: bool,
) -> str:
    """Return the choices behind a table and the reasons of missing values, as text.

    Parameters
    ----------
    provenance, protocol, scores
        Parts of an `Evaluation`.
    shown
        The pairs (model, metric) in the table.
    intervals
        Whether the table has intervals.
    """
    metrics = {metric for _, metric in shown}
    lines = [f"protocol {protocol.name} {protocol.version}"]
    if protocol.overrides:
        changes = "; ".join(f"{name} {_plain(value)}" for name, value in protocol.overrides.items())
        lines[0] += f" with {changes}"
    baseline = provenance["baseline"]
    relative = any(METRICS[k].relative_to_baseline and not METRICS[k].share_of for k in metrics)
    if baseline is not None and relative:
        lines.append(f"IG over {with_parameters(baseline)}")
    for metric in METRICS.values():
        record = provenance.get("gold_standard")
        if metric.share_of is not None and metric.key in metrics and record is not None:
            gold = with_parameters(record)
            lines.append(f"{metric.key}: share of the {metric.share_of} of {gold}")
    if intervals and provenance["n_bootstrap"]:
        lines.append("±: half of the 95 % bootstrap interval over images")
    reasons = {key: why for key, why in scores.reasons.items() if key in shown}
    lines += [f"- {line}" for line in explained(reasons)]
    lines += [f"- warning: {line}" for line in provenance.get("checks", [])]
    lines += [f"- joined, differs for {line}" for line in provenance.get("joined", [])]
    if scores.failures:
        n = len(scores.failures)
        lines.append(f"- {n} predictions failed and are left out: see the errors of the result")
    return "\n".join(lines)


def _plain(value: Any) -> str:
    """Return a choice of a protocol as words."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def with_parameters(record: Mapping[str, Any]) -> str:
    """Return the name of a recorded model with its numeric parameters."""
    parameters = {
        name: f"{value:.4g}"
        for name, value in record["parameters"].items()
        if isinstance(value, float)
    }
    listed = ", ".join(f"{name} {value}" for name, value in parameters.items())
    return f"{record['name']} ({listed})" if listed else str(record["name"])


def explained(reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """Return lines that say why values are missing, one for all models with the same gaps.

    Parameters
    ----------
    reasons
        Reasons by (model, metric).
    """
    gaps: dict[tuple[str, str], list[str]] = {}
    for (model, metric), why in reasons.items():
        gaps.setdefault((why, model), []).append(metric)
    models: dict[tuple[str, str], list[str]] = {}
    for (why, model), metrics in gaps.items():
        models.setdefault((why, ", ".join(metrics)), []).append(model)
    return [f"{metrics} of {', '.join(who)}: {why}" for (why, metrics), who in models.items()]


def _rows(
    summary: pd.DataFrame, between: str = " ±", digits: int = 4
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the metrics, and by model the values as text, each with half of its interval."""
    metrics = list(summary.index.unique("metric"))
    columns = (summary[name].tolist() for name in ("value", "low", "high"))
    rows: dict[str, list[str]] = {}
    for (model, _), value, low, high in zip(summary.index, *columns, strict=True):
        text = "-" if np.isnan(value) else f"{value:.{digits}f}"
        if np.isfinite(low):
            text += f"{between}{(high - low) / 2:.{digits}f}"
        rows.setdefault(model, []).append(text)
    return metrics, rows


def _with_groups(
    metrics: list[str], rows: dict[str, list[str]], groups: Groups | None
) -> tuple[list[str], dict[str, list[str]]]:
    if groups is None:
        return metrics, rows
    return ["group", *metrics], {m: [groups.get(m, ""), *cells] for m, cells in rows.items()}


def _in_lines(footnotes: str) -> str:
    """Return footnotes with the line breaks that Markdown needs: a backslash at the end."""
    lines = footnotes.splitlines()
    broken = [
        line if line.startswith("- ") or after.startswith("- ") else line + "\\"
        for line, after in pairwise(lines)
    ]
    return "\n".join([*broken, *lines[-1:]])


def _literal(text: str) -> str:
    """Return a name escaped for Markdown, in one line."""
    special = re.sub(r"([\\`*_<\[|])", r"\\\1", text)
    # an underscore within a word does not start emphasis
    return " ".join(re.sub(r"(?<=\w)\\_(?=\w)", "_", special).split())


def _formula(cell: str) -> str:
    return cell.replace("inf", r"\infty")


def _escaped(text: str) -> str:
    commands = {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
    shown = " ".join(text.split())
    escaped = "".join(commands.get(c, "\\" + c if c in "&%$#_{}" else c) for c in shown)
    # without braces, LaTeX would read "[...]" as an option of the line before
    return "{}" + escaped if escaped.startswith("[") else escaped
