"""Summaries as tables to read: one row a model, one column a metric, values with error bars."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "as_html",
    "as_latex",
    "as_markdown",
    "as_text",
    "explained",
    "latex_table",
    "markdown_table",
    "text_table",
]

Groups = Mapping[str, str]
Rows = Mapping[str, Sequence[str]]  # by model: its cells


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


def explained(reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """Return why values of (model, metric) are missing, models with the same gaps together."""
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
    """Metrics, and for each model its values as text, with half the width of their interval."""
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
    """Return footnotes such that Markdown keeps their lines; a backslash at the end breaks one."""
    lines = footnotes.splitlines()
    made = [
        line if line.startswith("- ") or after.startswith("- ") else line + "\\"
        for line, after in pairwise(lines)
    ]
    return "\n".join([*made, *lines[-1:]])


def _literal(text: str) -> str:
    """Return a name as Markdown shows it as it is, in one line."""
    special = re.sub(r"([\\`*_<\[|])", r"\\\1", text)
    # an underscore within a word is none of emphasis
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
    made = "".join(commands.get(c, "\\" + c if c in "&%$#_{}" else c) for c in shown)
    return "{}" + made if made.startswith("[") else made  # else an option of the line before
