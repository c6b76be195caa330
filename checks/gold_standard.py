"""Compare the gold standard, and densities fitted to maps, with a known truth.

Part one: the information gain of the gold standard on data sampled from known densities, with 2 to
48 subjects. It should rise towards the true gain and not exceed it by more than the sampling error.

Part two: maps with a known nonlinearity, blur and centre bias. `fit_density` should recover them
and reach the true information gain within 0.02 bit.

    python checks/gold_standard.py
"""

import argparse
import time

import numpy as np
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics.datasets import generate_dataset
from salmetrics.densities.sampling import draw_fixations

SIZE = (240, 320)


def gold_standard(n_images):
    """Print the gain for growing numbers of subjects, next to the true one."""
    generated = generate_dataset(n_images, n_subjects=48, n_fixations=10, seed=3)
    stimuli, fixations = generated.dataset
    print(f"gold standard: {n_images} images, 10 fixations per subject and image")
    print(f"{'subjects':>8} {'bandwidth':>9} {'IG gold':>8} {'IG truth':>8} {'difference':>19}")
    for n in (2, 4, 8, 16, 32, 48):
        some = fixations[fixations.subject < n]
        gold = salmetrics.GoldStandard.fit(stimuli, some)
        result = salmetrics.evaluate(
            {"truth": generated.truth}, stimuli, some, metrics=["IG"], gold_standard=gold
        )
        row = result.compare(gold.name, "truth", metric="IG").iloc[0]
        print(
            f"{n:8} {gold.bandwidth:9.2f} {result.value(gold.name, 'IG'):8.4f} "
            f"{result.value('truth', 'IG'):8.4f} {row.difference:8.4f} "
            f"[{row.low:.3f}, {row.high:.3f}]"
        )


def make_maps(n_images, n_fixations, blur):
    """Return stimuli, fixations drawn from known densities of maps, the maps and the densities."""
    stimuli = salmetrics.Stimuli.from_sizes([SIZE] * n_images)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    far = np.hypot((2 * y + 1) / SIZE[0] - 1, (2 * x + 1) / SIZE[1] - 1) / np.sqrt(2)
    maps, truth, columns = {}, {}, []
    for i, name in enumerate(stimuli.ids):
        noise = np.random.default_rng([i, 0]).normal(size=SIZE)
        maps[name] = 10.0 * gaussian_filter(noise, 3.0)
        value = gaussian_filter(maps[name], blur)
        energy = nonlinearity(value) - 3.0 * far**2
        truth[name] = energy - np.log(np.exp(energy).sum())
        columns.append(draw_fixations(truth[name], n_fixations, np.random.default_rng([i, 1])))
    xs, ys = np.concatenate(columns, axis=1)
    image = np.repeat(np.arange(n_images), n_fixations)
    return stimuli, salmetrics.Fixations.from_arrays(xs, ys, image), maps, truth


def nonlinearity(value):
    """Return a sigmoid: flat below, steep in the middle, flat above."""
    return 4.0 / (1.0 + np.exp(-6.0 * value))


def fit_density(n_images, n_fixations):
    """Print what `fit_density` recovers of a known transformation of maps to densities."""
    blur = 6.0
    stimuli, fixations, maps, truth = make_maps(n_images, n_fixations, blur)
    as_maps = salmetrics.as_model(maps, kind="saliency_map")
    true_model = salmetrics.as_model(truth, kind="log_density")
    print(f"\nfit_density: {n_images} images of 320x240, {n_fixations} fixations each")
    options = {"baseline": salmetrics.Uniform()}
    expected = salmetrics.information_gain(true_model, stimuli, fixations, **options)
    for folds in (None, 5):
        start = time.perf_counter()
        fitted = salmetrics.fit_density(as_maps, stimuli, fixations, folds=folds)
        took = time.perf_counter() - start
        gain = salmetrics.information_gain(fitted, stimuli, fixations, **options)
        print(
            f"folds {folds}: {took:.1f} s, IG over uniform {gain:.4f}, of the truth "
            f"{expected:.4f}, difference {gain - expected:.4f} bit"
        )
    overall = fitted.overall
    print(f"blur {overall.blur} (true {blur}), grid error {overall.grid_error:.1e} bit")
    values = np.concatenate([gaussian_filter(m, blur).reshape(-1)[::97] for m in maps.values()])
    places = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    found = np.interp(places, overall.knots, overall.values)
    true = nonlinearity(places)
    print("nonlinearity at quantiles .05 .25 .5 .75 .95 .99, less its median, nats:")
    print("  found", np.round(found - found[2], 2), " true", np.round(true - true[2], 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--fixations", type=int, default=140)
    options = parser.parse_args()
    gold_standard(options.images)
    fit_density(options.images, options.fixations)


if __name__ == "__main__":
    main()
