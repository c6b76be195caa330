"""`salmetrics calibrate`: test whether densities are over- or underconfident."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, datasets_of
from salmetrics.cli.arguments.documents import records
from salmetrics.cli.arguments.figure import FIGURES, add_size, check_figure, pyplot, save_figure
from salmetrics.cli.arguments.model import DENSITY_KINDS, MODEL_HELP, named_specs, opened
from salmetrics.cli.arguments.scoring import add_json, add_kind, map_reading
from salmetrics.data.dataset import Dataset
from salmetrics.errors import CannotFitError, InputError
from salmetrics.evaluation.calibration import (
    Calibration,
    CalibrationAverage,
    Ties,
    calibration,
)
from salmetrics.io.files import replacing
from salmetrics.models.base import DensityModel
from salmetrics.models.conversion import require_density
from salmetrics.models.fitted_density import fitted_if_map
from salmetrics.models.recalibrated import recalibrate
from salmetrics.results.rendering import counted

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "calibrate",
        examples=(
            "salmetrics calibrate --dataset mit1003 --model deepgaze2e --recalibrate --out c.pdf",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command, width=False, several=True)  # no map is blurred
    models = command.add_argument_group("models and bins")
    models.add_argument("--model", action="append", required=True, metavar="SPEC", help=MODEL_HELP)
    add_kind(models, (*DENSITY_KINDS, "saliency_map"), "log_density")
    models.add_argument(
        "--fit-density",
        action="store_true",
        help="turn saliency maps into densities by maximum likelihood",
    )
    models.add_argument(
        "--n-bins",
        type=int,
        default=10,
        metavar="N",
        help="number of bins of equal mass (default: 10)",
    )
    models.add_argument(
        "--recalibrate",
        action="store_true",
        help="add each model recalibrated: densities raised to the power of highest held-out "
        "likelihood",
    )
    models.add_argument(
        "--centre-bias",
        action="store_true",
        help="mix the centre bias into the recalibrated densities",
    )
    models.add_argument(
        "--ties",
        choices=get_args(Ties),
        default="split",
        help="how a fixation counts whose equally probable pixels span several bins: split among "
        "them, or in the middle one (default: split)",
    )
    models.add_argument(
        "--average",
        choices=get_args(CalibrationAverage),
        default="fixation",
        help="unit of equal weight: each fixation, or each image (default: fixation)",
    )
    models.add_argument(
        "--n-bootstrap",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap resamples behind intervals (default: 1000; 0: no intervals)",
    )
    models.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of all random draws (default: 0)"
    )
    models.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write: the shares as .csv, or the histograms as .pdf, .png or .svg; an "
        "existing file is replaced",
    )
    add_json(models)
    add_size(models)


def _run(options: argparse.Namespace) -> None:
    import pandas as pd

    suffix = None if options.out is None else check_figure(options, (".csv", *FIGURES))
    if options.centre_bias and not options.recalibrate:
        raise InputError("--centre-bias needs --recalibrate")
    specs = named_specs(options.model)
    datasets = datasets_of(options)
    calibrations: dict[str, dict[str, Calibration]] = {}
    unfitted: list[dict[str, str]] = []
    for dataset in datasets:
        by_model = calibrations[dataset.name] = {}
        for name, spec in specs.items():
            try:
                labelled = _models(name, spec, options, dataset, datasets)
            except CannotFitError as error:
                unfitted.append({"dataset": dataset.name, "model": name, "reason": str(error)})
                continue
            for label, model in labelled.items():
                by_model[label] = calibration(
                    model,
                    *dataset,
                    n_bins=options.n_bins,
                    ties=options.ties,
                    average=options.average,
                    n_bootstrap=options.n_bootstrap,
                    seed=options.seed,
                )
    calibrations = {name: by_model for name, by_model in calibrations.items() if by_model}
    if not calibrations:
        raise InputError("; ".join(dict.fromkeys(each["reason"] for each in unfitted)))
    _save(calibrations, options, suffix)
    for dataset in datasets:
        if dataset.name not in calibrations:
            continue
        rows = {
            name: {"error": c.error, "confidence": c.confidence, "p": c.p_value}
            for name, c in calibrations[dataset.name].items()
        }
        # + 0.0 turns -0.0 into 0.0
        table = (pd.DataFrame.from_dict(rows, orient="index").round(4) + 0.0).to_string()
        n_images = counted(len(dataset), "image")
        heading = f"{dataset.name}: {n_images}, {counted(len(dataset.fixations), 'fixation')}"
        output.say(f"{heading}\n\n{table}\n")
    for each in unfitted:
        output.say(output.on_command_line("{model} on {dataset}: {reason}\n".format(**each)))
    legend = "confidence: 0 if calibrated, negative if overconfident, positive if underconfident"
    output.say(legend if options.out is None else f"{legend}\n")
    output.document(
        {
            "calibrations": [
                {
                    "dataset": dataset_name,
                    "model": name,
                    "error": c.error,
                    "confidence": c.confidence,
                    "p_value": c.p_value,
                    "bins": records(c.table),
                }
                for dataset_name, by_model in calibrations.items()
                for name, c in by_model.items()
            ],
            "missing": unfitted,
        }
    )


def _save(
    calibrations: dict[str, dict[str, Calibration]], options: argparse.Namespace, suffix: str | None
) -> None:
    """Write the shares of bins, or the histograms, if --out is given."""
    import pandas as pd

    if suffix == ".csv":
        tables = {
            (dataset_name, name): c.table
            for dataset_name, by_model in calibrations.items()
            for name, c in by_model.items()
        }
        shares = pd.concat(tables, names=["dataset", "model"])

        def write(path: Path) -> None:
            with replacing(path) as temporary:
                shares.to_csv(temporary)

        output.save(options.out, write)
    elif suffix is not None:
        pyplot()
        from salmetrics.plotting import plot_calibrations

        save_figure(plot_calibrations(calibrations)[0, 0].figure, options)


def _models(
    name: str, spec: str, options: argparse.Namespace, dataset: Dataset, datasets: list[Dataset]
) -> dict[str, DensityModel]:
    """Return a model, and the recalibrated one if asked for, by label."""
    names = [each.name for each in datasets]
    given = opened(spec, dataset, kind=options.kind, **map_reading(options), datasets=names)
    if options.fit_density:
        given = fitted_if_map(given, *dataset, seed=options.seed)
    model = require_density(given, f"calibration of --model {spec}")
    models = {name: model}
    if options.recalibrate:
        n_images = int((dataset.fixations.counts() > 0).sum())
        if n_images < 2:
            raise InputError(
                "--recalibrate needs at least 2 images with fixations, to fit to some and predict "
                f"the others; got {n_images}"
            )
        models[f"{name}, recalibrated"] = recalibrate(
            model,
            *dataset,
            centre_bias=options.centre_bias,
            folds=min(5, n_images),
            seed=options.seed,
        )
    return models
