"""`salmetrics demo`: a first result, on generated images."""

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
from salmetrics.data.stimuli import Stimulus
from salmetrics.datasets.generated import GeneratedDataset, generate_dataset
from salmetrics.errors import InputError
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.models.base import SaliencyMapModel
from salmetrics.models.baselines import Uniform
from salmetrics.models.centre_bias import CentreBias
from salmetrics.results.evaluation import Evaluation

__all__ = ["add"]


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
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the generated data set (default: 0)",
    )
    add_json(group)


def _run(options: argparse.Namespace) -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("the demo draws a figure: pip install 'salmetrics[report]'") from error
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out must be a folder; {str(options.out)!r} is a file")
    options.out.mkdir(parents=True, exist_ok=True)
    generated, result = run_demo(options.out, seed=options.seed)
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


class LocalContrast(SaliencyMapModel):
    """Local contrast: the blurred absolute difference between the grey image and its blur."""

    name = "local contrast"

    def saliency_map(self, stimulus: Stimulus) -> Array:
        """Return the local contrast, shape (h, w)."""
        from scipy.ndimage import gaussian_filter

        grey = stimulus.rgb @ np.array([0.299, 0.587, 0.114])
        contrast: Array = gaussian_filter(np.abs(grey - gaussian_filter(grey, 6)), 6)
        return contrast


def run_demo(out: Path, *, seed: int = 0) -> tuple[GeneratedDataset, Evaluation]:
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
    output.save(out / "figure.png", partial(_draw, generated, result))
    return generated, result


def _gain_of_truth(generated: GeneratedDataset, result: Evaluation) -> dict[str, float]:
    """Return the gain of the truth over uniform: measured, its standard error, and by theory."""
    gains = result.per_fixation["truth", "IG"].to_numpy()
    return {
        "measured": result.value("truth", "IG"),
        "standard_error": float(gains.std(ddof=1) / np.sqrt(gains.size)),
        "expected": float(generated.expected_gains.mean()),
    }


def _draw(generated: GeneratedDataset, result: Evaluation, path: Path) -> None:
    """Draw an image, the density behind its fixations, and the scores of all models."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from salmetrics.plotting import plot_density, plot_fixations, plot_scores

    stimuli, fixations = generated.dataset
    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(2, 2)
    plot_fixations(stimuli[0], fixations.of_image(0), ax=axes[0, 0])
    axes[0, 0].set_title("generated image and fixations")
    plot_density(generated.truth.log_density(stimuli[0]), ax=axes[0, 1])
    axes[0, 1].set_title("the density they were drawn from")
    plot_scores(result, "IG", ax=axes[1, 0])
    expected = float(generated.expected_gains.mean())
    axes[1, 0].axvline(expected, color="#cc3311", linestyle="--")
    axes[1, 0].annotate(
        "truth, by theory", (expected, 0), (-6, 0), textcoords="offset points", ha="right"
    )
    axes[1, 0].set_title("information gain over uniform")
    plot_scores(result, "AUC", ax=axes[1, 1])
    axes[1, 1].set_xlim(0.45, 1.0)
    axes[1, 1].set_title("AUC")
    figure.savefig(path, dpi=120)
