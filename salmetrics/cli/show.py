"""`salmetrics show`: print a saved result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.cli import output
from salmetrics.cli.arguments.documents import errors_text, evaluation_document, records, table_text
from salmetrics.cli.arguments.scoring import add_json, add_layout
from salmetrics.errors import InputError
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import to_text
from salmetrics.results.mixtures import mixtures
from salmetrics.results.rendering import comparison_text, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add"]

_MANY = 30  # groups that are printed


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "show", examples=("salmetrics show result.h5", "salmetrics show result.h5 --rank IG")
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "file", type=Path, metavar="FILE", help="an .h5 file that evaluate --out wrote"
    )
    shown = command.add_argument_group("what is printed")
    add_layout(shown)
    add_json(shown)
    shown.add_argument("--rank", metavar="KEY", help="rank models by this metric, with groups")
    shown.add_argument(
        "--by",
        metavar="NAME",
        help="scores per group of images by this attribute, per subject, or per group of fixations "
        "by this column, such as index or duration",
    )
    shown.add_argument(
        "--bins",
        type=float,
        nargs="+",
        metavar="N",
        help="groups of --by: one whole number for that many ranges that hold equally many, or the "
        "limits between ranges",
    )
    shown.add_argument("--compare", action="store_true", help="compare all pairs of models")
    shown.add_argument(
        "--mixtures",
        type=int,
        nargs="+",
        action="extend",
        metavar="N",
        help="scores of all mixtures of N models (2: all pairs), from stored values per fixation",
    )
    shown.add_argument(
        "--provenance", action="store_true", help="the record behind the result, as JSON"
    )


def _run(options: argparse.Namespace) -> None:
    if options.bins is not None and options.by is None:
        raise InputError("--bins needs --by")
    result = Evaluation.load(options.file)
    table = table_text(result if options.layout is None else to_text(result, options.layout))
    record = result.provenance
    data = record["dataset"]
    n_images = counted(data["n_images"], "image")
    lines = [f"{data['name']}: {n_images}, {counted(data['n_fixations'], 'fixation')}"]
    left_out = data.get("left_out") or {}
    if left_out:
        counts = ", ".join(f"{n} {reason}" for reason, n in left_out.items())
        lines.append(f"left out or moved: {counts}")
    made = f"made {record['created']} with salmetrics {record['packages']['salmetrics']}"
    lines += [f"{made}\n", table]
    errors = errors_text(result)
    if errors:
        lines.append(f"\n{errors}")
    contents = evaluation_document(result)
    if options.rank is not None:
        ranked = result.rank(options.rank)
        lines.append(f"\n{ranked.round(4).to_string()}")
        contents["rank"] = records(ranked)
    if options.by is not None:
        bins: Any = options.bins
        if bins is not None and len(bins) == 1 and bins[0].is_integer():
            bins = int(bins[0])
        groups = result.by(options.by, bins=bins)
        lines.append(f"\n{_grouped(groups, options.by, ranges=bins is not None)}")
        contents["by"] = records(groups)
    if options.compare:
        compared = result.compare()
        lines.append(f"\n{comparison_text(compared)}")
        contents["compare"] = records(compared)
    if options.mixtures is not None:
        mixed = mixtures(result, options.mixtures)
        lines.append(f"\n{mixed}")
        contents["mixtures"] = records(mixed.summary)
    if options.provenance:
        lines.append(f"\n{json.dumps(record, indent=1)}")
        contents["provenance"] = record
    output.say("\n".join(lines))
    output.document(contents)


def _grouped(groups: pd.DataFrame, by: str, *, ranges: bool) -> str:
    """Return scores per group with every group's name in its row; of many numbers, the first."""
    values = groups.index.get_level_values(by)
    shown, text = groups, ""
    if not ranges and values.nunique() > _MANY and values.dtype.kind in "iuf":
        shown = groups[values.isin(values.unique()[:_MANY])]
        text = (
            f"\nthe first {_MANY} of {values.nunique()} groups, one per value of {by}: --bins 4 "
            "makes four ranges instead, and --json prints all groups"
        )
    flat = shown.reset_index()
    same = [name for name in ("note", "higher_is_better") if name in flat]
    empty = [name for name in flat if flat[name].isna().all()]
    table = flat.drop(columns=list({*same, *empty})).round(4).to_string(index=False, na_rep="-")
    return f"{table}{text}"
