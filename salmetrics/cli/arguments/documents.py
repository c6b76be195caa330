"""Results as JSON documents, with keys that stay as they are; docs/command_line.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from salmetrics.cli import output
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluation_document", "records", "table_text"]


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
    }


def table_text(table: object) -> str:
    """Return a printed table whose footnotes on missing values name options of the command."""
    lines = str(table).splitlines()
    return "\n".join(
        output.on_command_line(line) if line.startswith("- ") else line for line in lines
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, its index included, as dicts by column."""
    named = table.index.names != [None]
    rows: list[dict[str, Any]] = (table.reset_index() if named else table).to_dict("records")  # type: ignore[assignment]
    return rows
