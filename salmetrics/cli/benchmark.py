"""`salmetrics benchmark`: score many models on many data sets, and write leaderboards."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from salmetrics.array_types import Kind
from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import (
    add_first,
    add_width,
    named_dataset,
    protocol_of,
    shortened,
)
from salmetrics.cli.arguments.documents import table_text
from salmetrics.cli.arguments.model import MODEL_HELP, opened
from salmetrics.cli.arguments.scoring import add_layout, add_resources, add_scoring
from salmetrics.data.dataset import Dataset
from salmetrics.densities.resampling import Resize
from salmetrics.errors import InputError
from salmetrics.evaluation.benchmark import benchmark, part_for
from salmetrics.models.base import DensityModel
from salmetrics.models.conversion import as_model
from salmetrics.models.stored_maps import stem_of
from salmetrics.results.layouts import LAYOUTS

__all__ = ["add"]

_SOME_SKIPPED = 3  # exit code


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "benchmark",
        examples=(
            "salmetrics benchmark --dataset mit1003 --dataset toronto:data/toronto \\",
            "    --maps sam=maps/sam maps/eml --log-densities deepgaze --out boards",
        ),
    )
    command.set_defaults(run=_run)
    data = command.add_argument_group("data")
    data.add_argument(
        "--dataset",
        action="append",
        required=True,
        metavar="SPEC",
        help="registered name or name:folder, or an HDF5 file of salmetrics; may be repeated",
    )
    add_first(data)
    add_width(data)
    models = command.add_argument_group(
        "models: folders, archives or files; a folder with a part named like the data set "
        "(maps/toronto) stands for that part"
    )
    models.add_argument(
        "--maps",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="saliency maps, one model per path",
    )
    models.add_argument(
        "--log-densities",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="natural logs of densities, one model per path",
    )
    models.add_argument("--model", action="append", default=[], metavar="SPEC", help=MODEL_HELP)
    scoring = add_scoring(command)
    add_layout(
        scoring, "its protocol and metrics are the defaults, and the table in it is saved too"
    )
    command.set_defaults(protocol=None)  # by default, that of the layout
    scoring.add_argument(
        "--sort-by",
        metavar="KEY",
        help="metric that sorts the leaderboards (default: the first that all models have)",
    )
    running = add_resources(command)
    running.add_argument(
        "--keep-going",
        action="store_true",
        help="leave out models that are unreadable or fail on an image, list them at the end, and "
        f"exit with code {_SOME_SKIPPED}",
    )
    running.add_argument(
        "--out",
        type=Path,
        default=Path("salmetrics_benchmark"),
        help="folder for tables, results and checkpoints: the same command resumes after an "
        "interruption (default: salmetrics_benchmark)",
    )


def _run(options: argparse.Namespace) -> int:
    datasets = [shortened(named_dataset(spec), options) for spec in options.dataset]
    names = [dataset.name for dataset in datasets]
    makers = {
        **_stored(options.maps, "saliency_map", options, names),
        **_stored(options.log_densities, "log_density", options, names),
    }
    for spec in options.model:
        makers[spec] = partial(opened, spec, resize=options.resize)
    n = len(options.maps) + len(options.log_densities) + len(options.model)
    if len(makers) < n or n == 0:
        raise InputError(
            "no models: give --maps, --log-densities or --model"
            if n == 0
            else "two models have the same name; give each model once, or rename a folder"
        )
    if options.protocol is None:
        options.protocol = LAYOUTS[options.layout].protocol if options.layout else "default"
    options.out.mkdir(parents=True, exist_ok=True)
    output.keeps(f"finished parts are in {options.out}; the same command resumes from them")
    result = benchmark(
        datasets,
        {},
        made=makers,
        protocol=protocol_of(options),
        metrics=options.metrics,
        layout=options.layout,
        sort_by=options.sort_by,
        gold_standard=options.gold_standard,
        fit=options.fit_density,
        keep_going=options.keep_going,
        checkpoint=options.out / "checkpoint",
        n_bootstrap=options.n_bootstrap,
        n_jobs=options.n_jobs,
        seed=options.seed,
    )
    result.save(options.out)
    output.wrote(options.out)
    output.say(f"{table_text(result)}\n")
    return _SOME_SKIPPED if result.skipped else 0


def _stored(
    paths: list[str], kind: Kind, options: argparse.Namespace, datasets: list[str]
) -> dict[str, Callable[[Dataset], Any]]:
    """Return what opens each model, by name: folder or file, with the parent if names clash."""
    stems = [stem_of(Path(path)) for path in paths]
    counts = Counter(stems)
    parents = [Path(path).resolve().parent.name for path in paths]
    names = [
        stem if counts[stem] == 1 else f"{parent}/{stem}"
        for stem, parent in zip(stems, parents, strict=True)
    ]
    return {
        name: partial(_open, path, kind, options.resize, datasets)
        for name, path in zip(names, paths, strict=True)
    }


def _open(path: str, kind: Kind, resize: Resize | None, names: list[str], dataset: Dataset) -> Any:
    """Return the maps of a path for one of the data sets called `names`."""
    part = part_for(path, dataset, names)
    model = as_model(part, dataset.stimuli, kind=kind, resize=resize)
    if isinstance(model, DensityModel) != (kind == "log_density"):
        other = "--maps" if kind == "log_density" else "--log-densities"
        raise InputError(f"{str(part)!r} is marked as the other kind of maps: use {other}")
    return model
