"""Results as JSON documents, with keys that stay as they are; docs/command_line.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from salmetrics.cli import output
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["errors_text", "evaluation_document", "records", "table_text"]

_LISTED = 3  # errors


def evaluation_document(result: Evaluation) -> dict[str, Any]:
    """Return the scores of a result and what they depend on, with one record per score."""
    record = result.provenance
    shown = ("name", "n_images", "n_fixations", "left_out")
    return {
        "dataset": {key: record["dataset"][key] for key in shown if key in record["dataset"]},
        "protocol": record["protocol"]["name"],
        "baseline": result.baseline,
        "gold_standard": result.gold_standard,
        "seed": result.seed,
        "checks": list(record.get("checks", [])),
        "scores": records(result.summary),
        "errors": records(result.errors),
    }


def table_text(table: object) -> str:
    """Return a printed table whose footnotes on missing values name options of the command."""
    lines = str(table).splitlines()
    return "\n".join(
        output.on_command_line(line) if line.startswith("- ") else line for line in lines
    )


def errors_text(result: Evaluation) -> str:
    """Return on which images predictions failed, at most three, and why; empty if none failed."""
    failed = result.errors
    if failed.empty:
        return ""
    lines = [
        f"- {row.model} on {row.image!r}: {' '.join(str(row.error).split())}"
        for row in failed.head(_LISTED).itertuples()
    ]
    if len(failed) > _LISTED:
        lines.append(f"- and {len(failed) - _LISTED} more; --json lists all")
    return "\n".join([f"errors: {len(failed)}", *lines])


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, its index included, as dicts by column."""
    named = table.index.names != [None]
    rows: list[dict[str, Any]] = (table.reset_index() if named else table).to_dict("records")  # type: ignore[assignment]
    return rows
