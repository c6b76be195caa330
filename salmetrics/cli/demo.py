"""`salmetrics demo`: a first result, on photographs or on generated images."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.cli import output
from salmetrics.cli.arguments.documents import evaluation_document
from salmetrics.cli.arguments.scoring import add_json
from salmetrics.cli.demo_figures import draw_generated, draw_sample
from salmetrics.data.dataset import Dataset
from salmetrics.data.stimuli import Stimulus
from salmetrics.datasets import load, sample_models
from salmetrics.datasets.generated import GeneratedDataset, generate_dataset
from salmetrics.errors import InputError
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.models.base import SaliencyMapModel
from salmetrics.models.baselines import Uniform
from salmetrics.models.centre_bias import CentreBias
from salmetrics.results.evaluation import Evaluation

__all__ = ["add"]

METRICS = ("IG", "AUC", "sAUC", "NSS", "CC")


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("demo", examples=("salmetrics demo --out first_result",))
    command.set_defaults(run=_run)
    group = command.add_argument_group("result")
    group.add_argument(
        "--out",
        type=Path,
        default=Path("salmetrics_demo"),
        metavar="DIR",
        help="folder for table.csv and figure.png (default: salmetrics_demo)",
    )
    group.add_argument(
        "--generated",
        action="store_true",
        help="score models on generated images instead, whose true density is known",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed of the generated images (default: 0)",
    )
    add_json(group)


def _run(options: argparse.Namespace) -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("the demo draws a figure: pip install 'salmetrics[report]'") from error
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out must be a folder; {str(options.out)!r} is a file")
    if options.seed is not None and not options.generated:
        raise InputError("--seed is for --generated: the photographs are always the same")
    options.out.mkdir(parents=True, exist_ok=True)
    (_run_generated if options.generated else _run_sample)(options)


def _run_sample(options: argparse.Namespace) -> None:
    (stimuli, fixations), result = run_demo(options.out)
    n_people = len(np.unique(fixations.subject))
    gain, most = result.value("litegaze", "IG"), result.value("gold-standard", "IG")
    output.say(
        f"{len(stimuli)} photographs, {len(fixations)} fixations of {n_people} people\n\n"
        f"{result}\n\n"
        f"Beyond the centre bias, other people's fixations tell {most:.2f} bit per fixation about "
        f"where someone looks.\nlitegaze tells {gain:.2f} from the photograph alone: "
        f"{100 * gain / most:.0f} %\n"
    )
    output.document(evaluation_document(result))


def _run_generated(options: argparse.Namespace) -> None:
    generated, result = run_generated(options.out, seed=options.seed or 0)
    stimuli, fixations = generated.dataset
    gain = _gain_of_truth(generated, result)
    z = (gain["measured"] - gain["expected"]) / gain["standard_error"]
    output.say(
        f"{len(stimuli)} generated images, {len(fixations)} fixations from a known density\n\n"
        f"{result}\n\n"
        f"information gain of the truth over uniform: {gain['measured']:.4f} +- "
        f"{gain['standard_error']:.4f} bit/fixation measured, {gain['expected']:.4f} by theory "
        f"({z:+.1f} standard errors)\n"
    )
    output.document({**evaluation_document(result), "gain_of_truth": gain})


def run_demo(out: Path) -> tuple[Dataset, Evaluation]:
    """Evaluate models on the sample, and write ``table.csv`` and ``figure.png``.

    Parameters
    ----------
    out
        Folder for the files; created if it does not exist.

    Returns
    -------
    dataset : Dataset
        The sample.
    result : Evaluation
        Scores of the models and of the gold standard.
    """
    dataset = load("sample")
    models = {"centre bias": CentreBias.fit(*dataset), **dict(reversed(sample_models().items()))}
    result = evaluate(models, *dataset, metrics=METRICS, gold_standard=True)
    out.mkdir(parents=True, exist_ok=True)
    output.save(out / "table.csv", result.to_csv)
    output.save(out / "figure.png", partial(draw_sample, dataset, models, result))
    return dataset, result


class LocalContrast(SaliencyMapModel):
    """Local contrast: the blurred absolute difference between the grey image and its blur."""

    name = "local contrast"

    def saliency_map(self, stimulus: Stimulus) -> Array:
        """Return the local contrast, shape (h, w)."""
        from scipy.ndimage import gaussian_filter

        grey = stimulus.rgb @ np.array([0.299, 0.587, 0.114])
        contrast: Array = gaussian_filter(np.abs(grey - gaussian_filter(grey, 6)), 6)
        return contrast


def run_generated(out: Path, *, seed: int = 0) -> tuple[GeneratedDataset, Evaluation]:
    """Evaluate four models on generated images, and write ``table.csv`` and ``figure.png``.

    Parameters
    ----------
    out
        Folder for the files; created if it does not exist.
    seed
        Seed of the generated data set.

    Returns
    -------
    generated : GeneratedDataset
        Images, fixations and the density that they are from.
    result : Evaluation
        Scores of the models.
    """
    generated = generate_dataset(seed=seed)
    stimuli, fixations = generated.dataset
    models = {
        "uniform": Uniform(),
        "centre bias": CentreBias.fit(stimuli, fixations),
        "local contrast": LocalContrast(),
        "truth": generated.truth,
    }
    result = evaluate(models, stimuli, fixations, baseline=Uniform())
    out.mkdir(parents=True, exist_ok=True)
    output.save(out / "table.csv", result.to_csv)
    output.save(out / "figure.png", partial(draw_generated, generated, result))
    return generated, result


def _gain_of_truth(generated: GeneratedDataset, result: Evaluation) -> dict[str, float]:
    """Return the gain of the truth over uniform: measured, its standard error, and by theory."""
    gains = result.per_fixation["truth", "IG"].to_numpy()
    return {
        "measured": result.value("truth", "IG"),
        "standard_error": float(gains.std(ddof=1) / np.sqrt(gains.size)),
        "expected": float(generated.expected_gains.mean()),
    }
