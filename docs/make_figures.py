"""Draw the figures of the documentation into docs/images; takes a minute."""

import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import logsumexp, softmax

import salmetrics
from salmetrics import plotting
from salmetrics.cli.demo import run_demo
from salmetrics.datasets import generate_dataset, generate_popout
from salmetrics.results.image_selection import best_and_worst, image_differences
from salmetrics.results.mixtures import mixture_sweep, mixtures

FOLDER = Path(__file__).parent / "images"


def local_contrast(stimulus):
    gray = stimulus.rgb @ [0.299, 0.587, 0.114] / 255
    return gaussian_filter(abs(gray - gaussian_filter(gray, 5)), 3)


class Sharpened(salmetrics.DensityModel):
    """The truth to a power."""

    def __init__(self, truth, power):
        self.truth, self.power = truth, power

    def log_density(self, stimulus, *, subject=None):
        log = self.power * self.truth.log_density(stimulus)
        return log - logsumexp(log)


def generated_weights(categories, n_epochs, *, noise, n_folds=3):
    """Weights of four backbones that drift apart over a training which never took place."""
    names, rows = "ABCD", []
    for k, category in enumerate(categories):
        goal = np.random.default_rng(k).normal(size=4)
        for fold in range(n_folds):
            rng = np.random.default_rng([k, fold, n_epochs])
            steps = rng.normal(0, noise, (n_epochs, 4)) + 0.05 * goal
            weights = softmax(np.vstack([np.zeros(4), steps]).cumsum(axis=0), axis=1)
            for epoch, row in enumerate(weights):
                for name, weight in zip(names, row, strict=True):
                    rows.append((category, f"backbone {name}", fold, epoch, weight))
    return pd.DataFrame(rows, columns=["category", "backbone", "fold", "epoch", "weight"])


def draw_category_weights():
    three = ["Affective", "Line Drawing", "Low Resolution"]
    runs = {
        "generated, shorter": generated_weights(three, 12, noise=0.12),
        "generated, longer": generated_weights(three, 30, noise=0.04),
    }
    save("category_weights", plotting.plot_category_weights(runs)[0, 0])
    run = {"generated": generated_weights(three, 30, noise=0.04)}
    drawn = plotting.plot_category_weights(run, by="backbone")
    save("category_weights_by_backbone", drawn[0, 0])


def save(name, axes, **size):
    figure = axes.figure
    if size:
        figure.set_size_inches(size["width"], size["height"])
    figure.savefig(FOLDER / f"{name}.png", dpi=90)
    plt.close(figure)


def one():
    return plt.subplots(figsize=(5.2, 3.6), layout="constrained")[1]


def demo():
    """Draw the figure of `salmetrics demo`, smaller."""
    with tempfile.TemporaryDirectory() as folder:
        run_demo(Path(folder))
        with Image.open(Path(folder) / "figure.png") as picture:
            size = (1000, round(1000 * picture.height / picture.width))
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.save(FOLDER / "demo.png", optimize=True)


def main():
    draw_category_weights()
    generated = generate_dataset(20)
    stimuli, fixations = generated.dataset
    attributes = {"category": ["indoor", "outdoor"] * 10}
    stimuli = salmetrics.Stimuli.from_arrays(
        [s.image for s in stimuli], ids=stimuli.ids, attributes=attributes
    )
    stimuli = stimuli.with_scale(sigma=10)
    contrast = salmetrics.fit_density(local_contrast, stimuli, fixations)
    centre = salmetrics.CentreBias.fit(stimuli, fixations)
    upper = salmetrics.GoldStandard.fit(stimuli, fixations, upper_bound=True)
    models = {
        "truth": generated.truth,
        "local contrast": contrast,
        "centre bias": centre,
        "Gaussian": salmetrics.GaussianCentreBias(),
    }
    result = salmetrics.evaluate(
        models, stimuli, fixations, metrics=["LL", "IG", "AUC"], gold_standard=True
    )

    save("scores", plotting.plot_scores(result, "IG", ax=one()), width=5.2, height=2.4)
    save("explained", plotting.plot_scores(result, "IGE", ax=one()), width=5.2, height=2.4)
    compared = plotting.plot_against_gold_standard(result, ["truth", "local contrast"], ax=one())
    save("against_gold_standard", compared, width=4.6, height=4.2)
    save("fitted_density", plotting.plot_fitted_density(contrast)[0])
    shown = ["truth", "local contrast", "Gaussian"]
    save("groups", plotting.plot_groups(result, "category", "IG", models=shown, ax=one()))
    pairs = mixtures(result)
    groups = {
        f"{k} of 4": [m for m in pairs.models[:-1] if m.count(" + ") == k - 1] for k in (1, 2, 3, 4)
    }
    drawn = plotting.plot_instances(pairs, groups, references=["gold-standard"], ax=one())
    save("instances", drawn)
    save("mixtures", plotting.plot_scores(pairs, "IG", ax=one()), width=6.4, height=4.6)
    sweep = mixture_sweep(result, "local contrast", "centre bias")
    save("sweep", plotting.plot_mixture_sweep(sweep, ax=one()))
    differences = image_differences(result, "centre bias", "Gaussian")
    save("differences", plotting.plot_image_differences(differences, ax=one()))

    ends = best_and_worst(result, "local contrast", n=1)
    labels = {row.image: f"{which}: IGE {row.IGE:.2f}" for which, row in ends.iterrows()}
    shown = {"gold standard": upper, "local contrast": contrast, "centre bias": centre}
    axes = plotting.plot_gallery(stimuli, fixations, shown, list(ends["image"]), labels=labels)
    save("gallery", axes[0, 0])
    i = stimuli.ids.index(ends["image"].iloc[0])
    stimulus = stimuli[i]
    gain = salmetrics.information_gain_map(contrast, stimulus, gold_standard=upper, baseline=centre)
    save("gain", plotting.plot_information_gain_map(gain, stimulus=stimulus, ax=one()))
    _, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
    plotting.plot_fixations(stimulus, fixations.of_image(i), ax=left)
    masses = (0.25, 0.5, 0.75)
    plotting.plot_density(contrast.log_density(stimulus), masses=masses, ax=right)
    save("density", left)

    calibrations = {
        "generated": {
            name: salmetrics.calibration(model, stimuli, fixations)
            for name, model in {
                "truth": generated.truth,
                "truth^1.5": Sharpened(generated.truth, 1.5),
                "truth^0.67": Sharpened(generated.truth, 0.67),
            }.items()
        }
    }
    save("calibrations", plotting.plot_calibrations(calibrations)[0, 0])

    demo()

    arrays = generate_popout(6, set_size=30, seed=1)
    figure, rows = plt.subplots(2, 6, figsize=(9, 2.7), layout="constrained")
    for i, (above, below) in enumerate(rows.T):
        above.imshow(arrays.stimuli[i].image)
        above.set_title(arrays.stimuli.attributes["feature"][i], fontsize=8)
        below.imshow(arrays.masks[i], cmap="gray")
    for ax in figure.axes:
        ax.set_axis_off()
    save("popout", rows[0, 0])


if __name__ == "__main__":
    main()
