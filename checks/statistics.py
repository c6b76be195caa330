"""Check on simulated data sets that intervals cover the truth and tests keep their level.

    python checks/statistics.py [--data-sets 500] [--images 100] [--n-bootstrap 1000]

Images are clusters: all fixations of an image share a random effect. Two models differ by a known
amount plus noise per image. The power is compared with that of a paired t test of known variance.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import binom, nct, t

from salmetrics.statistics.cells import Cells, Sample
from salmetrics.statistics.inference import intervals, paired_test

IMAGE_SD, MODEL_SD, NOISE_SD = 1.0, 0.3, 1.0


def main() -> None:
    """Print one row per average."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=500)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--n-bootstrap", type=int, default=1000)
    options = parser.parse_args()
    low, high = binom.interval(0.95, options.data_sets, 0.05) / np.array(options.data_sets)
    print(
        f"{options.data_sets} data sets of {options.images} images; 5 % level: within "
        f"{low:.3f} to {high:.3f}"
    )
    print(
        f"{'average':10}{'coverage':>10}{'BCa':>8}{'false positives':>17}{'power':>8}{'theory':>8}"
    )
    for average in ("fixation", "image", "subject"):
        row = simulate(average, options.data_sets, options.images, options.n_bootstrap)
        print(
            f"{average:10}{row['percentile']:10.3f}{row['bca']:8.3f}{row['false_positives']:17.3f}"
            f"{row['power']:8.3f}{row['theory']:8.3f}"
        )


def simulate(average: str, n: int, n_images: int, n_bootstrap: int, seed: int = 0) -> dict:
    """Return the shares of intervals that cover the truth, and of tests that reject."""
    rng = np.random.default_rng(seed)
    counts = {"percentile": 0, "bca": 0, "false_positives": 0, "power": 0}
    theory = []
    for number in range(n):
        first, second, error = pair(rng, n_images, average)
        for method in ("percentile", "bca"):
            ((low, high),) = intervals([first], method=method, n_bootstrap=n_bootstrap, seed=number)
            counts[method] += low <= 0 <= high
        difference = second.minus(first)
        counts["false_positives"] += paired_test(difference)[1] < 0.05
        effect = 3 * error
        shifted = second.minus(first)
        shifted = Sample(
            shifted.image,
            shifted.subject,
            shifted.sums + effect * shifted.counts,
            shifted.counts,
            average,
        )
        counts["power"] += paired_test(shifted)[1] < 0.05
        theory.append(power_of_t(effect / error, n_images))
    return {name: count / n for name, count in counts.items()} | {"theory": np.mean(theory)}


def pair(rng: np.random.Generator, n_images: int, average: str) -> tuple[Sample, Sample, float]:
    """Return samples of two equally good models, and the standard error of their difference."""
    n_subjects = 10
    n = rng.integers(1, 20, (n_images, n_subjects)) * (rng.random((n_images, n_subjects)) < 0.9)
    image, subject = (codes.repeat(n.ravel()) for codes in map(np.ravel, np.indices(n.shape)))
    effect = rng.normal(0, IMAGE_SD, n_images)
    own = rng.normal(0, MODEL_SD, n_images)
    cells = Cells(image, subject)
    samples = []
    for shift in (effect, effect + own):
        values = shift[image] + rng.normal(0, NOISE_SD, image.size)
        sums = np.zeros(len(cells))
        cells.add(sums, values, np.arange(image.size))
        samples.append(cells.sample(sums, average))
    weights = weights_of_images(n, average)
    noise = np.zeros(n_images)
    np.add.at(noise, cells.image, 2 * NOISE_SD**2 * cells.counts * cell_weights(n, average) ** 2)
    variance = np.sum(weights**2 * MODEL_SD**2 + noise)
    return samples[0], samples[1], float(np.sqrt(variance))


def cell_weights(n: np.ndarray, average: str) -> np.ndarray:
    """Return the weight of a single fixation of each cell in the average."""
    if average == "fixation":
        weights = np.full(n.shape, 1 / n.sum())
    elif average == "image":
        weights = np.broadcast_to(
            1 / np.maximum(n.sum(1), 1)[:, np.newaxis] / (n.sum(1) > 0).sum(), n.shape
        )
    else:
        weights = np.broadcast_to(1 / n.sum(0) / n.shape[1], n.shape)
    return weights[n > 0]


def weights_of_images(n: np.ndarray, average: str) -> np.ndarray:
    """Return the weight of each image in the average."""
    weights = np.zeros(n.shape)
    weights[n > 0] = cell_weights(n, average) * n[n > 0]
    return weights.sum(1)


def power_of_t(effect: float, n: int, level: float = 0.05) -> float:
    """Return the power of a two-sided t test for an effect in standard errors."""
    limit = t.ppf(1 - level / 2, n - 1)
    return float(nct.sf(limit, n - 1, effect) + nct.cdf(-limit, n - 1, effect))


if __name__ == "__main__":
    main()
