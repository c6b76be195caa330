"""`salmetrics optimal-map`: write the saliency map of a density that is best for a metric."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, dataset_of, first_images
from salmetrics.cli.arguments.map_output import (
    add_one_model,
    add_writing,
    check_maps_out,
    written_bits,
)
from salmetrics.cli.arguments.model import DENSITY_KINDS, opened, split_name
from salmetrics.cli.arguments.scoring import KeyChoices, SplitKeys, add_json, map_reading
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, check_whole
from salmetrics.evaluation.expected_score import expected_score
from salmetrics.evaluation.optimal_map import OptimalMapModel
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import write_text
from salmetrics.metrics.registry import OPTIMAL_MAP_METRICS
from salmetrics.models.base import log_density_of, model_name
from salmetrics.models.export import export_predictions
from salmetrics.progress import progress_bar
from salmetrics.results.rendering import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add"]

_NOTE = "optimal_maps.json"

Scores = dict[tuple[str, str], tuple[float, float]]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "optimal-map",
        examples=(
            "salmetrics optimal-map --dataset mit1003 --model deepgaze2e --metric NSS --out maps",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command, images_alone=True)
    add_one_model(command, DENSITY_KINDS, "log_density")
    maps = command.add_argument_group("maps")
    maps.add_argument(
        "--metric",
        nargs="+",
        action=SplitKeys,
        required=True,
        choices=KeyChoices(OPTIMAL_MAP_METRICS),
        metavar="KEY",
        help=f"{', '.join(OPTIMAL_MAP_METRICS)}; with several, --out is a folder with one for each",
    )
    maps.add_argument(
        "--n-fixations",
        type=int,
        metavar="N",
        help="fixations per empirical map, for SIM (default: mean number per image)",
    )
    maps.add_argument(
        "--n-samples",
        type=int,
        metavar="N",
        default=500,
        help="number of empirical maps, for SIM (default: 500)",
    )
    maps.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of all random draws (default: 0)"
    )
    maps.add_argument(
        "--expected",
        type=int,
        default=0,
        metavar="N",
        help="print the expected score of each map in each of the metrics, simulated on the "
        "first N images (default: 0, none)",
    )
    maps.add_argument(
        "--n-draws",
        type=int,
        metavar="N",
        default=200,
        help="simulated draws of fixations, for --expected (default: 200)",
    )
    add_json(maps)
    add_writing(command, ".npy")


def _run(options: argparse.Namespace) -> None:
    keys = options.metric
    if len(keys) > 1 and options.out.suffix:
        raise InputError(
            f"--out must be a folder for several metrics, without suffix; got {str(options.out)!r}"
        )
    n_expected = check_whole("--expected", options.expected, 0)
    check_whole("--n-draws", options.n_draws, 2)
    check_maps_out(options)
    name, spec = split_name(options.model)
    dataset = first_images(dataset_of(options), options)
    model = opened(spec, dataset, kind=options.kind, **map_reading(options))
    model.check_data(*dataset)
    n = options.n_fixations
    if n is None:
        if len(dataset.fixations) == 0 and ("SIM" in keys or n_expected > 0):
            raise InputError("there are no fixations to count; give --n-fixations")
        n = max(1, round(len(dataset.fixations) / len(dataset)))
    models = {
        key: OptimalMapModel(
            model,
            key,
            dataset.stimuli,
            sigma=options.pixels_per_degree if options.sigma is None else options.sigma,
            n_fixations=n,
            n_samples=options.n_samples,
            seed=options.seed,
        )
        for key in keys
    }
    form = {"files": options.files, "bits": written_bits(options), "dtype": options.dtype}
    if len(keys) == 1:
        export_predictions(models[keys[0]], dataset.stimuli, options.out, **form)
        text = f"{counted(len(dataset), 'map')} of {name or model_name(model)} for {keys[0]}"
        output.wrote(options.out, text)
    else:
        _export_all(models, dataset, options.out, form, name or model_name(model))
    scores: Scores = {}
    if n_expected > 0:
        scores = _expected(models, dataset[:n_expected], n, options.n_draws, options.seed)
        output.say("expected score of the map for (row) in (column), ± standard error\n")
        output.say(f"{_table(scores, keys).to_string()}\n")
    output.document(
        {
            "expected": [
                {"map_for": row, "metric": column, "value": value, "standard_error": error}
                for (row, column), (value, error) in scores.items()
            ]
        }
    )


def _export_all(
    models: dict[str, OptimalMapModel],
    dataset: Dataset,
    folder: Path,
    form: dict[str, Any],
    name: str,
) -> None:
    """Write the maps for each metric into its own folder; an interrupted run resumes."""
    note = folder / _NOTE
    record = json.dumps(
        {
            "maps": {key: fingerprint(maps) for key, maps in models.items()},
            "images": fingerprint([list(dataset.stimuli.ids), dataset.stimuli.sizes]),
            "form": form,
        }
    )
    is_ours = note.is_file() and note.read_text(encoding="utf-8") == record
    if folder.exists() and not is_ours and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(
            f"{str(folder)!r} exists and was not written by this command; name a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(note, record)
    for key, maps in models.items():
        target = folder / key
        if target.exists() and not target.with_name(f"{key}.partial").exists():
            output.note(f"{target} exists already")
            continue
        export_predictions(maps, dataset.stimuli, target, **form)
        output.wrote(target, f"{counted(len(dataset), 'map')} of {name} for {key}")


def _expected(
    models: dict[str, OptimalMapModel], dataset: Dataset, n: int, n_draws: int, seed: int
) -> Scores:
    """Return the mean and standard error of the score of each map (first) in each metric."""
    scores: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for stimulus in progress_bar(dataset.stimuli, description="simulating"):
        for row, maps in models.items():
            log_density = log_density_of(maps.model, stimulus).values
            best = maps.saliency_map(stimulus)
            for column, target in models.items():
                expected = expected_score(
                    column,
                    best,
                    log_density,
                    n_fixations=n,
                    n_draws=n_draws,
                    mean_density=target.mean_density(stimulus),
                    seed=seed,
                    **target.blur,
                )
                scores.setdefault((row, column), []).append(
                    (expected.value, expected.standard_error)
                )
    means: Scores = {}
    for pair, values in scores.items():
        by_image, errors = np.transpose(values)
        error = np.sqrt(np.square(errors).sum()) / len(values)
        means[pair] = float(by_image.mean()), float(error)
    return means


def _table(scores: Scores, keys: list[str]) -> pd.DataFrame:
    """Return a table of the expected score of each map (row) in each metric (column)."""
    import pandas as pd

    table = pd.DataFrame(index=pd.Index(keys, name="map for"), columns=keys, dtype=object)
    for (row, column), (value, error) in scores.items():
        table.loc[row, column] = f"{value:.4f} ±{error:.4f}"
    return table
