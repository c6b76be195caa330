"""`salmetrics calibrate`: whether densities are over- or underconfident."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.dataset import add_data, datasets_of
from salmetrics.cli.arguments.figure import FIGURES, add_size, check_figure, pyplot, save_figure
from salmetrics.cli.arguments.model import DENSITY_KINDS, MODEL_HELP, opened
from salmetrics.cli.arguments.scoring import add_kind
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.evaluation.calibration import Calibration, calibration
from salmetrics.io.files import replacing
from salmetrics.models.base import DensityModel, Model, model_name
from salmetrics.models.fitted_density import fitted_if_map
from salmetrics.models.recalibrated import recalibrate

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "calibrate", help="whether densities are over- or underconfident, as histograms"
    )
    command.set_defaults(run=_run)
    add_data(command, width=False, several=True)  # nothing is blurred
    models = command.add_argument_group("models and bins")
    models.add_argument("--model", action="append", required=True, metavar="SPEC", help=MODEL_HELP)
    add_kind(models, (*DENSITY_KINDS, "saliency_map"), "log_density")
    models.add_argument(
        "--fit-density",
        action="store_true",
        help="turn saliency maps into densities by maximum likelihood",
    )
    models.add_argument("--n-bins", type=int, default=10, help="bins of equal mass (default: 10)")
    models.add_argument(
        "--recalibrate",
        action="store_true",
        help="also raise each density to the power that its fixations want, by held-out likelihood",
    )
    models.add_argument(
        "--centre-bias",
        action="store_true",
        help="with --recalibrate: also mix in the centre bias",
    )
    models.add_argument(
        "--ties",
        choices=("split", "mid"),
        default="split",
        help="where equal densities span several bins (default: split)",
    )
    models.add_argument(
        "--average",
        choices=("fixation", "image"),
        default="fixation",
        help="what counts once (default: fixation)",
    )
    models.add_argument("--n-bootstrap", type=int, default=1000, help="default: 1000; 0: none")
    models.add_argument("--seed", type=int, default=0)
    models.add_argument(
        "--out",
        type=Path,
        help="the shares as .csv, or the histograms as .png, .pdf or .svg; a file that is there is "
        "replaced",
    )
    add_size(models)


def _run(options: argparse.Namespace) -> None:
    import pandas as pd

    suffix = None if options.out is None else check_figure(options, (".csv", *FIGURES))
    if options.centre_bias and not options.recalibrate:
        raise InputError("--centre-bias goes with --recalibrate")
    datasets = datasets_of(options)
    if len(set(options.model)) < len(options.model):
        raise InputError("a --model is given twice")
    found: dict[str, dict[str, Calibration]] = {}
    for dataset in datasets:
        of_models = found[dataset.name] = {}
        for spec in options.model:
            for name, model in _models(spec, options, dataset, datasets).items():
                of_models[name] = calibration(
                    model,
                    *dataset,
                    n_bins=options.n_bins,
                    ties=options.ties,
                    average=options.average,
                    n_bootstrap=options.n_bootstrap,
                    seed=options.seed,
                )
        print(f"{dataset.name}: {len(dataset)} images, {len(dataset.fixations)} fixations\n")
        rows = {
            name: {"error": each.error, "confidence": each.confidence, "p": each.p_value}
            for name, each in of_models.items()
        }
        # + 0.0: a rounded -0 is 0
        print((pd.DataFrame.from_dict(rows, orient="index").round(4) + 0.0).to_string())
        print()
    print("confidence: 0 if calibrated, negative: overconfident, positive: underconfident")
    if suffix == ".csv":
        tables = {(d, name): each.table for d, of in found.items() for name, each in of.items()}
        with replacing(options.out) as temporary:
            pd.concat(tables, names=["dataset", "model"]).to_csv(temporary)
    elif suffix is not None:
        pyplot()
        from salmetrics.plotting import plot_calibrations

        save_figure(plot_calibrations(found)[0, 0].figure, options)
    if options.out is not None:
        print(f"\nwrote {options.out}")


def _models(
    spec: str, options: argparse.Namespace, dataset: Dataset, datasets: list[Dataset]
) -> dict[str, DensityModel]:
    names = [each.name for each in datasets]
    opened_model = opened(spec, dataset, kind=options.kind, resize=options.resize, datasets=names)
    model: Model = opened_model
    if options.fit_density:
        model = fitted_if_map(opened_model, *dataset, seed=options.seed)
    if not isinstance(model, DensityModel):
        raise InputError(
            f"--model {spec}: {model_name(model)} gives saliency maps, not densities; "
            "--fit-density turns them into some"
        )
    made = {spec: model}
    if options.recalibrate:
        n_images = int((dataset.fixations.counts() > 0).sum())
        if n_images < 2:
            raise InputError("--recalibrate fits to some images for the others; there is one only")
        made[f"{spec}, recalibrated"] = recalibrate(
            model,
            *dataset,
            centre_bias=options.centre_bias,
            folds=min(5, n_images),
            seed=options.seed,
        )
    return made
