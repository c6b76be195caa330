"""`salmetrics optimal-map`: write the saliency maps that metrics want from a density."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.cli.data import add_data, dataset_of, shortened
from salmetrics.cli.models import DENSITY_KINDS, opened
from salmetrics.cli.writing import add_one_model, add_writing
from salmetrics.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.exporting import export_predictions
from salmetrics.models.base import as_array, checked_log_density, model_name
from salmetrics.optimality import OPTIMAL_KEYS, OptimalMapModel, expected_score

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "optimal-map", help="write the saliency maps that metrics want from a model's densities"
    )
    command.set_defaults(run=_run)
    add_data(command)
    add_one_model(command, DENSITY_KINDS, "log_density")
    maps = command.add_argument_group("maps")
    maps.add_argument(
        "--metric",
        nargs="+",
        required=True,
        choices=OPTIMAL_KEYS,
        metavar="KEY",
        help=f"{', '.join(OPTIMAL_KEYS)}; with several, --out is a folder with one for each",
    )
    maps.add_argument(
        "--n-fixations",
        type=int,
        help="of an empirical map, for SIM (default: mean number on an image)",
    )
    maps.add_argument("--n-samples", type=int, default=500, help="for SIM (default: 500)")
    maps.add_argument("--seed", type=int, default=0, help="for SIM")
    maps.add_argument(
        "--expected",
        type=int,
        default=0,
        metavar="N",
        help="also print the expected score of each map in each of the metrics, by simulation, as "
        "the mean over the first N images",
    )
    add_writing(command, ".npy")


def _run(options: argparse.Namespace) -> None:
    dataset = shortened(dataset_of(options), options)
    model = opened(options.model, dataset, kind=options.kind, resize=options.resize)
    model.check_data(*dataset)
    keys = list(dict.fromkeys(options.metric))
    if len(keys) > 1 and options.out.suffix:
        raise InputError(f"--out must be a folder for several metrics; got {str(options.out)!r}")
    n = options.n_fixations
    if n is None:
        n = max(1, round(len(dataset.fixations) / len(dataset)))
    sigma = options.sigma or options.pixels_per_degree
    made = {
        key: OptimalMapModel(
            model,
            key,
            dataset.stimuli,
            sigma=sigma,
            n_fixations=n,
            n_samples=options.n_samples,
            seed=options.seed,
        )
        for key in keys
    }
    if len(keys) > 1:
        options.out.mkdir(parents=True, exist_ok=True)
    for key, maps in made.items():
        target: Path = options.out / key if len(keys) > 1 else options.out
        export_predictions(
            maps,
            dataset.stimuli,
            target,
            files=options.files,
            bits=options.bits,
            dtype=options.dtype,
        )
        print(f"wrote {target}: {len(dataset)} maps of {model_name(model)} for {key}")
    if options.expected > 0:
        table = _expected(made, dataset[: options.expected], n)
        print("\nexpected score of the map for (row) in (column), ± standard error\n")
        print(table.to_string())


def _expected(made: dict[str, OptimalMapModel], dataset: Dataset, n: int) -> pd.DataFrame:
    """Return the scores expected of each map in each metric."""
    import pandas as pd
    from tqdm import tqdm

    columns = [key for key in made if key != "sAUC"]  # which needs nonfixations
    scores: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for stimulus in tqdm(dataset.stimuli, desc="simulating", delay=2, unit="image", disable=None):
        for row, maps in made.items():
            array = as_array(maps.model.log_density(stimulus))
            log_density = checked_log_density(array, stimulus, maps.model).values
            best = maps.saliency_map(stimulus)
            for column in columns:
                found = expected_score(
                    column, best, log_density, n_fixations=n, n_draws=200, **made[column].blur
                )
                scores.setdefault((row, column), []).append((found.value, found.standard_error))
    table = pd.DataFrame(index=pd.Index(made, name="map for"), columns=columns, dtype=object)
    for (row, column), values in scores.items():
        means, errors = np.transpose(values)
        error = np.sqrt(np.square(errors).sum()) / len(values)
        table.loc[row, column] = f"{means.mean():.4f} ±{error:.4f}"
    return table
