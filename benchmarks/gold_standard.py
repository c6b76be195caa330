"""Time leave-one-out likelihoods of ours and of pysaliency, and our fits, in one run.

    python benchmarks/gold_standard.py [--root PATH_OF_OSIE] [--peer-images 2]

Both sides compute the same likelihoods, which are compared at the end: those of the gold standard
(each subject predicted by the others on the image) and of the centre bias (each image predicted by
the others), with fixed parameters. pysaliency computes a map for each subject and image, so only a
few images are timed. Without --root, 700 images of 800x600 with 15 subjects and 140 random
fixations replace OSIE.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics.datasets import load

BANDWIDTH = 0.03  # of the longer side
FLOOR = 0.01


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path)
    parser.add_argument("--peer-images", type=int, default=2)
    options = parser.parse_args()
    stimuli, fixations = (
        load("osie", options.root, download=False) if options.root else random_data()
    )
    print(f"{len(stimuli)} images, {len(fixations)} fixations")
    fits(stimuli, fixations)
    gold_standard(stimuli, fixations, options.peer_images)
    centre_bias(stimuli, fixations, options.peer_images)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def random_data() -> tuple[salmetrics.Stimuli, salmetrics.Fixations]:
    """Return random fixations of OSIE's numbers of images, subjects and fixations."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.arange(700), 140)
    x, y = (rng.normal(0.5, 0.15, (2, image.size)).clip(0, 0.999).T * [800, 600]).T
    subject = np.tile(np.arange(140) % 15, 700)
    stimuli = salmetrics.Stimuli.from_sizes([(600, 800)] * 700)
    return stimuli, salmetrics.Fixations.from_arrays(x, y, image, subject=subject)


def fits(stimuli: salmetrics.Stimuli, fixations: salmetrics.Fixations) -> None:
    """Time the functions that users call."""
    few = stimuli[:3], fixations.select_images([0, 1, 2])
    salmetrics.GoldStandard(  # compiles
        *few, bandwidth=20, centre_weight=0.1, uniform_weight=0.1
    ).log_likelihoods(*few)
    bias, seconds = timed(lambda: salmetrics.CentreBias.fit(stimuli, fixations))
    print(f"CentreBias.fit {seconds:.1f} s: {bias}, LL {bias.optimum.log_likelihood:.4f} bit")
    gold, seconds = timed(lambda: salmetrics.GoldStandard.fit(stimuli, fixations, centre_bias=bias))
    print(f"GoldStandard.fit {seconds:.1f} s: {gold}, LL {gold.optimum.log_likelihood:.4f} bit")
    print(f"  curvature {gold.optimum.curvature}")
    uniform = salmetrics.Uniform()
    gain, seconds = timed(lambda: salmetrics.information_gain(uniform, stimuli, fixations))
    print(f"information_gain with all defaults {seconds:.1f} s (uniform: {gain:.4f} bit)")
    result, seconds = timed(
        lambda: salmetrics.evaluate(
            uniform, stimuli, fixations, metrics=["IG"], gold_standard=gold, progress=False
        )
    )
    row = result.summary.loc[("gold-standard", "IG")]
    print(
        f"evaluate with the gold standard {seconds:.1f} s: its IG {row.value:.4f} "
        f"[{row.low:.4f}, {row.high:.4f}] bit/fixation"
    )


def gold_standard(
    stimuli: salmetrics.Stimuli, fixations: salmetrics.Fixations, n_peer: int
) -> None:
    """Time leave-one-subject-out likelihoods."""
    model = salmetrics.GoldStandard(
        stimuli,
        fixations,
        bandwidth=BANDWIDTH,
        units="relative",
        centre_weight=0.0,
        uniform_weight=FLOOR,
    )
    ours, seconds = timed(lambda: model.log_likelihoods(stimuli, fixations))
    theirs = np.full(len(fixations), np.nan)

    def peer() -> None:
        for i in range(n_peer):
            some = stimuli[[i]], fixations.select_images([i])
            rows = fixations.rows_of_image(i)
            for subject in np.unique(some[1].subject):
                own = some[1].subject == subject
                gold = pysaliency.baseline_utils.KDEGoldModel(
                    *as_pysaliency(some[0], some[1][~own]),
                    bandwidth=BANDWIDTH,
                    eps=FLOOR,
                    keep_aspect=True,
                )
                log_density = gold.log_density(as_pysaliency(some[0], some[1])[0][0])
                at = some[1].y[own].astype(int), some[1].x[own].astype(int)
                theirs[rows[own]] = log_density[at]

    _, peer_seconds = timed(peer)
    report("gold standard", seconds / len(stimuli), peer_seconds / n_peer, ours, theirs)


def centre_bias(stimuli: salmetrics.Stimuli, fixations: salmetrics.Fixations, n_peer: int) -> None:
    """Time leave-one-image-out likelihoods."""
    options = {"bandwidth": BANDWIDTH, "floor": FLOOR, "pysaliency_compatible": True}
    model, making = timed(lambda: salmetrics.CentreBias(stimuli, fixations, **options))
    ours, seconds = timed(lambda: model.log_likelihoods(stimuli, fixations))
    theirs = np.full(len(fixations), np.nan)
    peer_stimuli, peer_fixations = as_pysaliency(stimuli, fixations)
    peer_model = pysaliency.baseline_utils.CrossvalidatedBaselineModel(
        peer_stimuli, peer_fixations, bandwidth=BANDWIDTH, eps=FLOOR, caching=False
    )

    def peer() -> None:
        for i in range(5 * n_peer):
            rows = fixations.rows_of_image(i)
            log_density = peer_model.log_density(peer_stimuli[i])
            theirs[rows] = log_density[fixations.y[rows].astype(int), fixations.x[rows].astype(int)]

    _, peer_seconds = timed(peer)
    each = (making + seconds) / len(stimuli)
    report("centre bias", each, peer_seconds / (5 * n_peer), ours, theirs)


def report(what: str, ours: float, peer: float, first: Any, second: Any) -> None:
    """Print the times per image, and the largest difference of the values."""
    compared = ~np.isnan(second)
    difference = np.abs(first - second)[compared].max()
    print(
        f"{what}, likelihoods of an image: {ours * 1e3:.3f} ms, pysaliency {peer * 1e3:.0f} ms, "
        f"{peer / ours:.0f}x; largest difference {difference:.1e} nats over {compared.sum()} "
        "fixations"
    )


def as_pysaliency(stimuli: salmetrics.Stimuli, fixations: salmetrics.Fixations) -> tuple[Any, Any]:
    """Return the stimuli and fixations as pysaliency's."""
    numbered = [np.full(size, i, np.int32) for i, size in enumerate(stimuli.sizes)]
    columns = fixations.x, fixations.y, fixations.image
    return pysaliency.Stimuli(numbered), pysaliency.Fixations.create_without_history(*columns)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call and its duration in seconds."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
