"""`salmetrics benchmark`: score many models on many data sets, and write leaderboards."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from salmetrics.array_types import Kind
from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, datasets_of, protocol_of
from salmetrics.cli.arguments.dataset_spec import ground_truth_of
from salmetrics.cli.arguments.documents import evaluation_document, table_text
from salmetrics.cli.arguments.model import MODEL_HELP, is_shared, named_specs, opened
from salmetrics.cli.arguments.parsing import section
from salmetrics.cli.arguments.scoring import (
    add_json,
    add_layout,
    add_resources,
    add_scoring,
    map_reading,
    with_metrics,
)
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.evaluation.benchmark import benchmark, part_for
from salmetrics.models.base import DensityModel
from salmetrics.models.conversion import as_model, path_and_part
from salmetrics.models.stored_maps import naming_for
from salmetrics.results.layouts import LAYOUTS
from salmetrics.results.leaderboards import Benchmark

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
    add_data(command, several=True)
    models = section(command, "models and result")
    models.add_argument(
        "--maps",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]PATH",
        help="saliency maps, one model per folder, archive or file; a folder with a part named "
        "like the data set (maps/toronto) stands for that part",
    )
    models.add_argument(
        "--log-densities",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]PATH",
        help="natural logs of densities, one model per path",
    )
    models.add_argument(
        "--model", action="append", default=[], metavar="[NAME=]SPEC", help=MODEL_HELP
    )
    add_scoring(command)
    models.add_argument(
        "--out",
        type=Path,
        default=Path("salmetrics_benchmark"),
        metavar="DIR",
        help="folder for tables, results and checkpoints; the tables of a data set are written as "
        "soon as it is finished, and the same command resumes after an interruption (default: "
        "salmetrics_benchmark)",
    )
    add_json(models)
    scoring = section(command, "more about scoring")
    scoring.add_argument(
        "--empirical",
        metavar="PATH",
        help="ground-truth maps in place of blurred fixations, for CC, KLDiv, SIM and EMD; of one "
        "of several data sets: --dataset SPEC,empirical=PATH. No fixations are needed then",
    )
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


def _run(options: argparse.Namespace) -> int:
    _check_models(options)
    if options.protocol is None:
        options.protocol = LAYOUTS[options.layout].protocol if options.layout else "default"
    protocol, metrics = with_metrics(options, protocol_of(options, own_width=True))
    if options.layout is not None and options.metrics is not None and metrics is None:
        metrics = list(protocol.metrics)  # in place of those of the layout
    datasets = datasets_of(options, ground_truth=True)
    output.keeps(f"finished parts are in {options.out}; the same command resumes from them")
    result = benchmark(
        datasets,
        {},
        made=_makers(options, datasets),
        empirical=_ground_truths(options, datasets),
        protocol=protocol,
        metrics=metrics,
        layout=options.layout,
        sort_by=options.sort_by,
        gold_standard=options.gold_standard,
        fit=options.fit_density,
        keep_going=options.keep_going,
        checkpoint=options.out / "checkpoint",
        out=options.out,
        n_bootstrap=options.n_bootstrap,
        n_jobs=options.n_jobs,
        seed=options.seed,
        check=options.check,
    )
    if output.is_written(options.out):
        output.wrote(options.out)
    output.say(f"{table_text(result)}\n")
    output.document(_document(result))
    return _SOME_SKIPPED if result.skipped else 0


def _document(result: Benchmark) -> dict[str, Any]:
    """Return the scores by data set, the generalisation of models, and what is left out."""
    boards = {}
    for name, evaluation in result.evaluations.items():
        groups = result.leaderboard(name)["group"]
        boards[name] = {
            **evaluation_document(evaluation),
            "ranking": [{"model": model, "group": group} for model, group in groups.items()],
        }
    across = result.generalisation
    return {
        "sort_by": result.sort_by,
        "datasets": boards,
        "generalisation": [
            {"model": model, "mean_rank": rank} for model, rank in across["mean rank", ""].items()
        ],
        "skipped": [dataclasses.asdict(each) for each in result.skipped],
    }


def _check_models(options: argparse.Namespace) -> None:
    """Check, before anything is read, that there are models and a place for results."""
    if not (options.maps or options.log_densities or options.model):
        raise InputError("no models: give --maps, --log-densities or --model")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--out: {str(options.out)!r} cannot be a folder of results: {error.strerror}"
        ) from error


def _ground_truths(options: argparse.Namespace, datasets: Sequence[Dataset]) -> dict[str, Any]:
    """Return the paths of ground-truth maps, by name of the data set."""
    specs = list(options.dataset or [])
    given = [ground_truth_of(spec) for spec in specs]
    if len(datasets) > len(specs):  # --images comes first
        given.insert(0, options.empirical)
    elif options.empirical is not None:
        if len(datasets) > 1 or given[0] is not None:
            raise InputError(
                "--empirical is for one data set; of several, give those of each as --dataset "
                "SPEC,empirical=PATH"
            )
        given = [options.empirical]
    return {
        dataset.name: maps
        for dataset, maps in zip(datasets, given, strict=True)
        if maps is not None
    }


def _makers(
    options: argparse.Namespace, datasets: Sequence[Dataset]
) -> dict[str, Callable[[Dataset], Any]]:
    """Return what opens each model for a data set, by name of the model."""
    given: list[tuple[str, Kind | None]] = [
        *((text, "saliency_map") for text in options.maps),
        *((text, "log_density") for text in options.log_densities),
        *((text, None) for text in options.model),
    ]
    texts = [text for text, _ in given]
    makers: dict[str, Callable[[Dataset], Any]] = {}
    used = {"--maps": options.maps, "--log-densities": options.log_densities}
    named = [option for option, texts in (used | {"--model": options.model}).items() if texts]
    specs = named_specs(texts, "/".join(named))
    reading = map_reading(options)
    reading["shared"] = is_shared(list(specs.values()), datasets, reading)
    names = [dataset.name for dataset in datasets]
    for (name, spec), (_, kind) in zip(specs.items(), given, strict=True):
        if kind is None:
            makers[name] = partial(opened, spec, **reading, datasets=names)
        else:
            makers[name] = partial(_open, spec, kind, reading, names)
    return makers


def _open(
    path: str, kind: Kind, reading: Mapping[str, Any], names: Sequence[str], dataset: Dataset
) -> Any:
    """Return the maps of a path for one of the data sets called `names`."""
    part = part_for(path, dataset, names)
    naming = reading["map_name"], reading["map_order"]
    if reading["shared"]:
        naming = naming_for(*path_and_part(part), *naming)
    model = as_model(
        part,
        dataset.stimuli,
        kind=kind,
        resize=reading["resize"],
        map_name=naming[0],
        map_order=naming[1],
    )
    if isinstance(model, DensityModel) != (kind == "log_density"):
        other = "--maps" if kind == "log_density" else "--log-densities"
        raise InputError(f"{str(part)!r} is marked as the other kind of maps: use {other}")
    return model
