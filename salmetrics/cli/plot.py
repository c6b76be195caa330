"""`salmetrics plot`: figures of saved results, of trainings and of predictions."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.cli import plot_category_weights, plot_images
from salmetrics.cli.arguments.figure import add_figure, check_figure, pyplot, save_figure
from salmetrics.errors import InputError
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.image_selection import image_differences
from salmetrics.results.mixtures import mixture_sweep, mixtures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["add"]

_FILE = "an .h5 file that evaluate --out or benchmark wrote"


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "plot", examples=("salmetrics plot scores result.h5 --metric IG --out scores.pdf",)
    )
    kinds = command.add_subparsers(required=True, metavar="FIGURE")

    def add_figure_of_result(
        name: str,
        draw: Callable[[Evaluation, argparse.Namespace, Axes], None],
        text: str,
        more: str = "",
    ) -> argparse.ArgumentParser:
        example = f"salmetrics plot {name} result.h5{more} --out figure.pdf"
        kind: argparse.ArgumentParser = kinds.add_parser(name, help=text, examples=(example,))
        kind.set_defaults(run=_run, draw=draw)
        kind.add_argument("file", type=Path, metavar="FILE", help=_FILE)
        add_figure(kind)
        return kind

    scores = add_figure_of_result("scores", _scores, "one metric of all models as bars")
    _add_metric(scores, "IG")
    _add_models(scores)
    against = add_figure_of_result(
        "against-gold-standard",
        _against,
        "gain of models against that of the gold standard, per image",
    )
    _add_models(against)
    groups = add_figure_of_result(
        "groups", _groups, "one metric for groups of images as bars", " --by category"
    )
    groups.add_argument(
        "--by", required=True, metavar="ATTRIBUTE", help="attribute of the images, or subject"
    )
    _add_metric(groups, "IG")
    _add_models(groups)
    differences = add_figure_of_result(
        "differences",
        _differences,
        "differences between two models per image, sorted",
        " --first sam --second eml",
    )
    _add_two(differences)
    _add_metric(differences, "IG")
    sweep = add_figure_of_result(
        "sweep",
        _sweep,
        "mixtures of two models over the weight",
        " --first sam --second eml",
    )
    _add_two(sweep)
    _add_metric(sweep, "IG")
    mixed = add_figure_of_result("mixtures", _mixtures, "mixtures of several models as bars")
    mixed.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        action="extend",
        metavar="N",
        help="numbers of models per mixture (default: 1 2 3 4)",
    )
    _add_metric(mixed, "IG")
    _add_models(mixed)
    instances = add_figure_of_result(
        "instances",
        _instances,
        "groups of models as violins",
        " --group sam=sam1,sam2,sam3",
    )
    instances.add_argument(
        "--group",
        action="append",
        required=True,
        metavar="NAME=MODEL,MODEL,...",
        help="models that are instances of one; may be repeated",
    )
    instances.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="MODEL",
        help="model to draw as a line; may be repeated",
    )
    _add_metric(instances, "IGE")
    plot_category_weights.add(kinds)
    plot_images.add(kinds)


def _add_metric(command: argparse.ArgumentParser, usual: str) -> None:
    command.add_argument(
        "--metric", default=usual, metavar="KEY", help=f"metric to draw (default: {usual})"
    )


def _add_models(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help="model of the file (default: all); may be repeated",
    )


def _add_two(command: argparse.ArgumentParser) -> None:
    for which in ("first", "second"):
        command.add_argument(f"--{which}", required=True, metavar="NAME", help=f"{which} model")


def _run(options: argparse.Namespace) -> None:
    check_figure(options)
    result = Evaluation.load(options.file)
    plt = pyplot()
    figure, axes = plt.subplots(figsize=options.size, layout="constrained")
    options.draw(result, options, axes)
    save_figure(figure, options)


def _scores(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_scores

    selected = _selected(result, options.model)
    _fit_bars(axes, options, selected)
    plot_scores(selected, options.metric, ax=axes)


def _against(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_against_gold_standard

    plot_against_gold_standard(result, options.model, ax=axes)


def _groups(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_groups

    plot_groups(result, options.by, options.metric, models=options.model, ax=axes)


def _differences(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_image_differences

    differences = image_differences(result, options.first, options.second, metric=options.metric)
    plot_image_differences(differences, ax=axes)


def _sweep(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_mixture_sweep

    plot_mixture_sweep(
        mixture_sweep(result, options.first, options.second, metric=options.metric), ax=axes
    )


def _mixtures(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_scores

    mixed = mixtures(result, options.sizes or [1, 2, 3, 4], models=options.model)
    _fit_bars(axes, options, mixed)
    plot_scores(mixed, options.metric, ax=axes)


def _instances(result: Evaluation, options: argparse.Namespace, axes: Axes) -> None:
    from salmetrics.plotting import plot_instances

    groups = {}
    for text in options.group:
        name, _, listed = text.partition("=")
        if not name or not listed:
            raise InputError(f"--group must be NAME=MODEL,MODEL,...; got {text!r}")
        groups[name] = listed.split(",")
    plot_instances(result, groups, options.metric, references=options.reference, ax=axes)


def _selected(result: Evaluation, models: list[str] | None) -> Evaluation:
    """Return the result of some models, of all without names."""
    return result if models is None else result.select(models)


def _fit_bars(axes: Axes, options: argparse.Namespace, result: Evaluation) -> None:
    """Set the height of a figure of bars from the names of models, unless --size is given."""
    from salmetrics.plotting.labels import rows_height

    if options.size is None:
        names = [m for m in result.models if (m, options.metric) not in result.reasons]
        figure = axes.get_figure(root=True)
        assert figure is not None  # made by `_run`
        figure.set_size_inches(6.4, rows_height(names))
