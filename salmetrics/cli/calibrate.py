"""`salmetrics calibrate`: whether densities are over- or underconfident."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.calibrating import Calibration, calibration
from salmetrics.cli.data import add_data, dataset_of, shortened
from salmetrics.cli.models import MODEL_HELP, is_named, model_of
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel, model_name
from salmetrics.models.convert import as_model
from salmetrics.models.recalibrated import recalibrate

__all__ = ["add"]

_FIGURES = (".pdf", ".png", ".svg")


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "calibrate", help="whether densities are over- or underconfident, as histograms"
    )
    command.set_defaults(run=_run)
    add_data(command, width=False)  # nothing is blurred
    models = command.add_argument_group("models and bins")
    models.add_argument("--model", action="append", required=True, metavar="SPEC", help=MODEL_HELP)
    models.add_argument(
        "--kind",
        choices=("log_density", "density"),
        default="log_density",
        help="what functions and stored maps hold (default: log_density)",
    )
    models.add_argument("--n-bins", type=int, default=10, help="bins of equal mass (default: 10)")
    models.add_argument(
        "--recalibrate",
        action="store_true",
        help="also raise each density to the power that its fixations want, by held-out likelihood",
    )
    models.add_argument("--n-bootstrap", type=int, default=1000, help="default: 1000; 0: none")
    models.add_argument("--seed", type=int, default=0)
    models.add_argument(
        "--out", type=Path, help="the shares as .csv, or the histograms as .png, .pdf or .svg"
    )


def _run(options: argparse.Namespace) -> None:
    import pandas as pd

    suffix = None if options.out is None else options.out.suffix.lower()
    if suffix is not None and suffix not in (".csv", *_FIGURES):
        raise InputError(f"--out must end in .csv, {', '.join(_FIGURES)}; got {str(options.out)!r}")
    dataset = shortened(dataset_of(options), options)
    found: dict[str, Calibration] = {}
    for spec in options.model:
        for name, model in _models(spec, options, dataset).items():
            found[name] = calibration(
                model,
                *dataset,
                n_bins=options.n_bins,
                n_bootstrap=options.n_bootstrap,
                seed=options.seed,
            )
    print(f"{dataset.name}: {len(dataset)} images, {len(dataset.fixations)} fixations\n")
    rows = {
        name: {"error": each.error, "confidence": each.confidence, "p": each.p_value}
        for name, each in found.items()
    }
    print(pd.DataFrame.from_dict(rows, orient="index").round(4).to_string())
    print("confidence: 0 if calibrated, negative: overconfident, positive: underconfident")
    if suffix == ".csv":
        pd.concat({name: each.table for name, each in found.items()}, names=["model"]).to_csv(
            options.out
        )
    elif suffix is not None:
        _draw(found, options.out)
    if options.out is not None:
        print(f"\nwrote {options.out}")


def _models(spec: str, options: argparse.Namespace, dataset: Any) -> dict[str, DensityModel]:
    try:
        kind = None if is_named(spec) else options.kind
        model = as_model(model_of(spec, dataset), dataset.stimuli, kind=kind)
    except TypeError as error:
        raise InputError(f"--model {spec}: {error}") from error
    if not isinstance(model, DensityModel):
        raise InputError(f"--model {spec}: {model_name(model)} gives saliency maps, not densities")
    made = {spec: model}
    if options.recalibrate:
        n_images = int((dataset.fixations.counts() > 0).sum())
        made[f"{spec}, recalibrated"] = recalibrate(
            model, *dataset, folds=min(5, n_images), seed=options.seed
        )
    return made


def _draw(found: dict[str, Calibration], path: Path) -> None:
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("figures need matplotlib: pip install 'salmetrics[report]'") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from salmetrics.plotting import plot_calibration

    figure, grid = plt.subplots(
        1,
        len(found),
        figsize=(3.2 * len(found), 3),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for k, (axes, (name, each)) in enumerate(zip(grid[0], found.items(), strict=True)):
        plot_calibration(each, ax=axes)
        axes.set_title(f"{name}\n{axes.get_title().partition(chr(10))[2]}", fontsize="small")
        if k > 0:
            axes.set_ylabel("")
    figure.savefig(path, dpi=150)
    plt.close(figure)
