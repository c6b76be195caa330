"""Draw the figures of the documentation into docs/images."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics.datasets import generate_dataset
from salmetrics.plotting import plot_against_gold_standard, plot_fitted_density

FOLDER = Path(__file__).parent / "images"


def local_contrast(stimulus):
    gray = stimulus.rgb @ [0.299, 0.587, 0.114] / 255
    return gaussian_filter(abs(gray - gaussian_filter(gray, 5)), 3)


def main():
    generated = generate_dataset(20)
    contrast = salmetrics.fit_density(local_contrast, *generated.dataset)
    models = {"truth": generated.truth, "local contrast, fitted": contrast}
    result = salmetrics.evaluate(models, *generated.dataset, metrics=["IG"], gold_standard=True)
    figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
    plot_against_gold_standard(result, ax=axes)
    figure.savefig(FOLDER / "against_gold_standard.png", dpi=110)
    axes = plot_fitted_density(contrast)
    axes[0].figure.savefig(FOLDER / "fitted_density.png", dpi=110)


if __name__ == "__main__":
    main()
