"""The command line: `salmetrics evaluate`, `show`, `demo` and `metrics`."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.dataset import Dataset
from salmetrics.datasets import LOADERS, load_folder
from salmetrics.errors import InputError
from salmetrics.evaluation import evaluate
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import SaliencyMapModel
from salmetrics.models.convert import as_model
from salmetrics.models.fitted_density import fit_density
from salmetrics.models.named import named_model, names
from salmetrics.protocols import PROTOCOLS, get_protocol
from salmetrics.results import Evaluation

__all__ = ["main"]

_WRITERS = {
    ".csv": Evaluation.to_csv,
    ".h5": Evaluation.save,
    ".md": lambda result, path: path.write_text(result.to_markdown(), encoding="utf-8"),
    ".tex": lambda result, path: path.write_text(result.to_latex(), encoding="utf-8"),
}

_MODEL_HELP = (
    "registered name[:argument], folder of maps, file.py:Class or module:Class; may be repeated. "
    "Registered: "
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 for input that the user can mend."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)  # temporary files are removed on the way out
    try:
        options.run(options)
    except (InputError, OSError) as error:
        print(f"salmetrics: error: {error}", file=sys.stderr)
        return 2
    return 0


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="salmetrics", description="How well does a model predict where people look?"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    evaluation = commands.add_parser("evaluate", help="score models on a data set")
    evaluation.set_defaults(run=_evaluate)
    _add_data(evaluation)
    _add_scoring(evaluation)
    _add_running(evaluation)
    _add_show(commands.add_parser("show", help="print a saved result"))
    _add_demo(
        commands.add_parser(
            "demo", help="evaluate four models on a generated data set whose truth is known"
        )
    )
    commands.add_parser("metrics", help="list the metrics").set_defaults(run=_metrics)
    return parser


def _add_data(command: argparse.ArgumentParser) -> None:
    data = command.add_argument_group("data: --dataset and --root, or --images and --fixations")
    data.add_argument("--dataset", choices=sorted(LOADERS), help="a registered data set")
    data.add_argument("--root", type=Path, help="its folder")
    data.add_argument("--images", type=Path, help="a folder of images")
    data.add_argument("--fixations", type=Path, help="a CSV file with one row a fixation")
    for column, default in (("image", "file"), ("x", "x"), ("y", "y")):
        data.add_argument(
            f"--{column}-column",
            default=default,
            metavar="NAME",
            help=f"column of --fixations (default: {default})",
        )
    data.add_argument(
        "--subject-column", metavar="NAME", help="default: subject, if there is such a column"
    )
    data.add_argument("--sigma", type=float, help="width of empirical maps in pixels")
    data.add_argument("--pixels-per-degree", type=float, help="sigma, if that is not given")
    data.add_argument(
        "--outside",
        choices=("error", "drop", "clip"),
        default="error",
        help="what to do with fixations outside their image (default: error)",
    )
    data.add_argument("--first", type=int, metavar="N", help="only the first N images")


def _add_scoring(command: argparse.ArgumentParser) -> None:
    scoring = command.add_argument_group("scoring")
    scoring.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="SPEC",
        help=_MODEL_HELP + ", ".join(names()),
    )
    scoring.add_argument(
        "--kind",
        choices=("log_density", "density", "saliency_map"),
        help="what a function given as --model returns",
    )
    scoring.add_argument(
        "--resize",
        choices=("nearest", "bilinear", "bicubic"),
        help="bring predictions of another size to the image's (default: an error)",
    )
    scoring.add_argument(
        "--fit-density",
        action="store_true",
        help="turn saliency maps into densities by maximum likelihood, so that they have LL and IG",
    )
    scoring.add_argument(
        "--metrics", nargs="+", metavar="KEY", help="default: those of the protocol"
    )
    scoring.add_argument("--protocol", default="default", choices=sorted(PROTOCOLS))
    scoring.add_argument(
        "--baseline", metavar="SPEC", help="what IG is relative to (default: centre-bias)"
    )
    scoring.add_argument(
        "--gold-standard",
        action="store_true",
        help="add how well people predict each other, and IGE, the share of it that models reach",
    )
    scoring.add_argument("--seed", type=int, default=0)
    scoring.add_argument(
        "--empirical", metavar="SPEC", help="ground-truth maps instead of blurred fixations"
    )
    scoring.add_argument("--out", type=Path, help="also write the result: .csv, .md, .tex or .h5")


def _add_running(command: argparse.ArgumentParser) -> None:
    running = command.add_argument_group("running")
    running.add_argument("--n-jobs", type=int, help="threads that compute metrics; -1: all cores")
    running.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="keep what is done here, and go on from it"
    )
    running.add_argument("--n-bootstrap", type=int, default=1000, help="default: 1000; 0: none")
    running.add_argument(
        "--on-error",
        choices=("raise", "record"),
        default="raise",
        help="what to do when a model fails on an image (default: raise)",
    )


def _add_show(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_show)
    command.add_argument("file", type=Path, help="an .h5 file that evaluate --out wrote")
    command.add_argument("--rank", metavar="KEY", help="models by this metric, with groups")
    command.add_argument("--by", metavar="ATTRIBUTE", help="groups of images apart")
    command.add_argument("--compare", action="store_true", help="all pairs of models")
    command.add_argument("--provenance", action="store_true", help="all it rests on, as JSON")


def _add_demo(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_demo)
    command.add_argument("--out", type=Path, default=Path("salmetrics_demo"), help="folder")
    command.add_argument("--seed", type=int, default=0)


def _evaluate(options: argparse.Namespace) -> None:
    if options.out is not None and options.out.suffix.lower() not in _WRITERS:
        raise InputError(f"--out must end in {', '.join(_WRITERS)}; got {str(options.out)!r}")
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise InputError(f"--out: folder {str(options.out.parent)!r} does not exist; make it first")
    dataset = _dataset(options)
    if options.first is not None:
        if options.first < 1:
            raise InputError(f"--first must be at least 1; got {options.first}")
        dataset = dataset[: options.first]
    models: dict[str, Any] = {}
    for spec in options.model:
        if spec in models:
            raise InputError(f"--model {spec} is given twice")
        try:
            found = _model(spec, dataset)
            resize = None if spec.partition(":")[0] in names() else options.resize
            model = as_model(found, dataset.stimuli, kind=options.kind, resize=resize)
            if options.fit_density and isinstance(model, SaliencyMapModel):
                n_images = int((dataset.fixations.counts() > 0).sum())
                model = fit_density(model, *dataset, folds=min(5, n_images), seed=options.seed)
            models[spec] = model
        except TypeError as error:
            raise InputError(f"--model {spec}: {error}") from error
    baseline = None if options.baseline is None else _model(options.baseline, dataset)
    protocol = get_protocol(options.protocol)
    width = options.sigma or options.pixels_per_degree
    if options.dataset is not None and width is not None:
        protocol = protocol.override(sigma=width)
    result = evaluate(
        models,
        *dataset,
        metrics=options.metrics,
        protocol=protocol,
        baseline=baseline,
        gold_standard=options.gold_standard,
        kind=options.kind,
        empirical=None if options.empirical is None else _model(options.empirical, dataset),
        seed=options.seed,
        n_jobs=options.n_jobs,
        checkpoint=options.checkpoint,
        n_bootstrap=options.n_bootstrap,
        on_error=options.on_error,
    )
    print(f"{dataset.name}: {len(dataset)} images, {len(dataset.fixations)} fixations\n")
    print(result)
    if options.out is not None:
        _WRITERS[options.out.suffix.lower()](result, options.out)
        print(f"\nwrote {options.out}")


def _show(options: argparse.Namespace) -> None:
    result = Evaluation.load(options.file)
    record = result.provenance
    data = record["dataset"]
    print(f"{data['name']}: {data['n_images']} images, {data['n_fixations']} fixations")
    print(f"made {record['created']} with salmetrics {record['packages']['salmetrics']}\n")
    print(result)
    if options.rank is not None:
        print(f"\n{result.rank(options.rank).round(4).to_string()}")
    if options.by is not None:
        print(f"\n{result.by(options.by).drop(columns='note').round(4).to_string()}")
    if options.compare:
        print(f"\n{result.compare().to_string()}")
    if options.provenance:
        print(f"\n{json.dumps(record, indent=1)}")


def _dataset(options: argparse.Namespace) -> Dataset:
    if options.dataset is not None:
        if options.images is not None or options.fixations is not None:
            raise InputError("--dataset goes without --images and --fixations")
        if options.root is None:
            raise InputError(f"--dataset {options.dataset} needs --root, the folder it is in")
        columns = (options.image_column, options.x_column, options.y_column, options.subject_column)
        if columns != ("file", "x", "y", None) or options.outside != "error":
            raise InputError("--outside and --*-column go with --images and --fixations only")
        return LOADERS[options.dataset](options.root)
    if options.root is not None:
        raise InputError("--root goes with --dataset")
    if options.images is None or options.fixations is None:
        raise InputError("give --dataset and --root, or --images and --fixations")
    return load_folder(
        options.images,
        options.fixations,
        image=options.image_column,
        x=options.x_column,
        y=options.y_column,
        subject=options.subject_column,
        sigma=options.sigma,
        pixels_per_degree=options.pixels_per_degree,
        outside=options.outside,
    )


def _model(spec: str, dataset: Dataset) -> Any:
    """Find a registered name[:argument], folder, file.py:Class or module:Class, in that order."""
    name, _, argument = spec.partition(":")
    if name in names():
        return named_model(name, argument or None, dataset)
    if Path(spec).is_dir():
        return Path(spec)
    name, _, attribute = spec.rpartition(":")
    if not name or not attribute:
        raise InputError(
            f"model {spec!r} is neither registered ({', '.join(names())}), nor a folder of maps, "
            "nor of the form file.py:Class or module:Class"
        )
    module = _module_from_file(Path(name)) if name.endswith(".py") else _module(name)
    if not hasattr(module, attribute):
        raise InputError(f"model {spec!r}: {name} has no {attribute!r}")
    return getattr(module, attribute)


def _module(name: str) -> Any:
    missing = f"there is no module {name!r}; a file needs its suffix, e.g. {name}.py"
    if name.startswith("."):
        raise InputError(missing)
    if "" not in sys.path:  # as with python -m: modules of the current folder are found
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks another one
        raise InputError(missing) from error


def _module_from_file(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"model file {str(path)!r} does not exist")
    # a name of its own, so that files of one name don't stand for each other
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"_salmetrics_{digest}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    spec.loader.exec_module(module)
    return module


def _demo(options: argparse.Namespace) -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("the demo draws a figure: pip install 'salmetrics[report]'") from error
    from salmetrics.demo import run_demo

    print(run_demo(options.out, seed=options.seed))


def _metrics(options: argparse.Namespace) -> None:
    width = max(map(len, METRICS))
    for key, metric in METRICS.items():
        direction = "higher" if metric.higher_is_better else "lower"
        unit = f", {metric.unit}" if metric.unit else ""
        print(f"{key:{width}}  {metric.title} (per {metric.per}{unit}; {direction} is better)")
