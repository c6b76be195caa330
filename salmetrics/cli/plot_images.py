"""`salmetrics plot gallery` and `gain`: draw predictions for images."""

from __future__ import annotations

import argparse
from typing import Any

from salmetrics.cli.arguments.dataset import add_data, dataset_of, first_images
from salmetrics.cli.arguments.figure import add_figure, check_figure, pyplot, save_figure
from salmetrics.cli.arguments.model import DENSITY_KINDS, MODEL_HELP, named_specs, opened
from salmetrics.cli.arguments.scoring import add_kind, map_reading
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, check_whole, some
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.evaluation.explained import information_gain_map
from salmetrics.models.conversion import require_density
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.results.image_selection import best_and_worst, disagreement

__all__ = ["add"]


def add(kinds: Any) -> None:
    """Add both figures to the subparsers of `salmetrics plot`."""
    gallery = kinds.add_parser(
        "gallery",
        help="images with fixations, densities with contours, and samples from them",
        examples=(
            "salmetrics plot gallery --dataset mit1003 --model deepgaze2e --out gallery.pdf",
        ),
    )
    gallery.set_defaults(run=_gallery)
    add_data(gallery, width=False)
    models = gallery.add_argument_group("models")
    models.add_argument("--model", action="append", required=True, metavar="SPEC", help=MODEL_HELP)
    add_kind(models, DENSITY_KINDS, "log_density")
    images = gallery.add_argument_group("images")
    images.add_argument(
        "--image",
        action="append",
        metavar="ID",
        help="image to draw (default: the first); may be repeated",
    )
    images.add_argument(
        "--choose",
        choices=("best", "worst", "disagreed"),
        help="images to draw instead: those where the first --model has the highest or lowest "
        "gain, or where the models disagree most",
    )
    images.add_argument(
        "--metric",
        choices=("IG", "IGE"),
        help="metric of best and worst; IGE fits a gold standard too (default: IG)",
    )
    images.add_argument(
        "--n", type=int, metavar="N", help="number of images to choose (default: 3)"
    )
    images.add_argument("--no-samples", action="store_true", help="draw no samples")
    images.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the samples (default: 0)"
    )
    add_figure(gallery)

    gain = kinds.add_parser(
        "gain",
        help="where on an image a model gains information over another",
        examples=(
            "salmetrics plot gain --dataset mit1003 --model deepgaze2e --image i1.jpeg "
            "--out gain.pdf",
        ),
    )
    gain.set_defaults(run=_gain)
    add_data(gain, width=False)
    models = gain.add_argument_group("models")
    models.add_argument("--model", required=True, metavar="SPEC", help=MODEL_HELP)
    models.add_argument(
        "--over",
        default="centre-bias",
        metavar="SPEC",
        help="model to compare with (default: centre-bias)",
    )
    add_kind(models, DENSITY_KINDS, "log_density")
    gain.add_argument("--image", required=True, metavar="ID", help="image to draw")
    add_figure(gain)


def _gallery(options: argparse.Namespace) -> None:
    check_figure(options)
    specs = named_specs(options.model)
    dataset = first_images(dataset_of(options), options)
    models = {name: _density(spec, dataset, options) for name, spec in specs.items()}
    images, labels = _images(dataset, models, options)
    pyplot()
    from salmetrics.plotting import plot_gallery

    axes = plot_gallery(
        dataset.stimuli,
        dataset.fixations,
        models,
        images,
        labels=labels,
        samples=not options.no_samples,
        seed=options.seed,
    )
    save_figure(axes[0, 0].figure, options, ", ".join(images))


def _images(
    dataset: Dataset, models: dict[str, Any], options: argparse.Namespace
) -> tuple[list[str], dict[str, str]]:
    """Return the ids of the images to draw, and labels by id."""
    if options.image is not None and options.choose is not None:
        raise InputError("give --image or --choose, not both")
    if options.choose not in ("best", "worst") and options.metric is not None:
        raise InputError("--metric needs --choose best or --choose worst")
    if options.choose is None:
        if options.n is not None:
            raise InputError("--n needs --choose")
        images = list(dict.fromkeys(options.image or [dataset.stimuli.ids[0]]))
        for image in images:
            _check_image(image, dataset)
        return images, {}
    n = check_whole("--n", 3 if options.n is None else options.n, 1)
    if options.choose == "disagreed":
        divergences = disagreement(models, dataset.stimuli).nlargest(n)
        labels = {str(i): f"{i}\nJSD {value:.3f} bit" for i, value in divergences.items()}
        return list(labels), labels
    name, metric = next(iter(models)), options.metric or "IG"
    result = evaluate(
        {name: models[name]},
        *dataset,
        metrics=["IG"],
        gold_standard=metric == "IGE",
        n_bootstrap=0,
    )
    scores = best_and_worst(result, name, metric=metric, n=len(dataset))
    ranked = list(zip(scores["image"], scores[metric], strict=True))
    selected = ranked[:n] if options.choose == "best" else ranked[::-1][:n]
    return [i for i, _ in selected], {i: f"{i}\n{metric} {v:.2f}" for i, v in selected}


def _gain(options: argparse.Namespace) -> None:
    check_figure(options)
    specs = named_specs([options.model, options.over], "--model and --over")
    dataset = first_images(dataset_of(options), options)
    _check_image(options.image, dataset)
    model, over = (_density(spec, dataset, options) for spec in specs.values())
    gold = GoldStandard.fit(*dataset, upper_bound=True)
    stimulus = dataset.stimuli[dataset.stimuli.ids.index(options.image)]
    gain = information_gain_map(model, stimulus, gold_standard=gold, baseline=over)
    plt = pyplot()
    from salmetrics.plotting import plot_information_gain_map
    from salmetrics.plotting.labels import title

    figure, axes = plt.subplots(figsize=options.size, layout="constrained")
    plot_information_gain_map(gain, stimulus=stimulus, ax=axes)
    title(axes, " over ".join(specs), axes.get_title())
    save_figure(figure, options)


def _density(spec: str, dataset: Dataset, options: argparse.Namespace) -> Any:
    model = opened(spec, dataset, kind=options.kind, **map_reading(options))
    density = require_density(model, "this figure", dataset.stimuli, one_per_image=True)
    density.check_data(*dataset)
    return density


def _check_image(image: str, dataset: Dataset) -> None:
    if image not in dataset.stimuli.ids:
        near = [i for i in dataset.stimuli.ids if image in i] or dataset.stimuli.ids
        raise InputError(f"the data set has no image {image!r}; it has {some(near)}")
