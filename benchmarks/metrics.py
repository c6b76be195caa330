"""Time every metric of ours and of pysaliency: map models, 800x600, one thread, one run.

    python benchmarks/metrics.py [--images 100 700] [--out benchmarks/results/metrics.json]

Both sides get the same precomputed float32 maps (local contrast of noise) and 140 fixations per
image, and are called the way their users call them: `salmetrics.evaluate(..., metrics=[...])`, with
its checks and averages; `model.AUC(stimuli, fixations)` and so on of pysaliency's models. The
empirical maps of both sides are computed once per repetition, for CC, KLDiv and SIM together. Each
side starts every repetition with a new model, so neither finds its earlier work in a cache; the
sides take turns, and the shortest of the repetitions counts.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import facts
import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics.densities.smoothing import Smoothing

SIZE, SIGMA, MAPS, FIXATIONS = (600, 800), 24, 10, 140
PACKAGES = ("salmetrics", "numpy", "numba", "scipy", "pysaliency")
COLUMNS = {
    "what": "what",
    "images": "images",
    "first_ms": "ours, first call",
    "ours_ms": "ours",
    "peer_ms": "peer",
    "ratio": "peer / ours",
}
ONE_PASS = ("AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM")


def main() -> None:
    """Print the table, and write it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[100, 700])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    saliency_map = scene(1)[0][0]
    one_sum = min(seconds(saliency_map.sum) for _ in range(100))
    rows = []
    print(f"{'':34}{'images':>7}{'first':>9}{'ours':>9}{'peer':>9}{'ratio':>8}{'np.sum':>8}")
    for row in chain(*map(metrics, options.images), blurs()):
        rows.append(row)
        print(
            f"{row['what']:34}{row['images']:7}{row['first_ms']:9.2f}{row['ours_ms']:9.2f}"
            f"{row['peer_ms']:9.2f}{row['ratio']:7.1f}x"
            f"{row['ours_ms'] / one_sum / 1e3:7.1f}x",
            flush=True,
        )
    if options.out is not None:
        command = f"python benchmarks/metrics.py --images {' '.join(map(str, options.images))}"
        facts.save(options.out, command, PACKAGES, COLUMNS, rows)


def metrics(n_images: int) -> Iterator[dict[str, Any]]:
    """Yield one row per metric, in milliseconds per image."""
    maps, x, y, image = scene(n_images)
    stimuli = salmetrics.Stimuli.from_sizes([SIZE] * n_images, sigma=SIGMA)
    fixations = salmetrics.Fixations.from_arrays(x, y, image, n_images=n_images)

    def ours(*keys: str) -> Callable[[], Any]:
        def run() -> Any:
            model = salmetrics.as_model(lambda s: maps[int(s.id) % MAPS], kind="saliency_map")
            return salmetrics.evaluate(model, stimuli, fixations, metrics=keys, progress=False)

        return run

    class Theirs(pysaliency.SaliencyMapModel):
        def _saliency_map(self, stimulus: Any) -> Any:
            return maps[stimulus[0, 1]]

    # the first pixel makes all images different, like photographs; the second has the map's number
    images = [np.zeros(SIZE, np.uint16) for _ in range(n_images)]
    for i, pixels in enumerate(images):
        pixels[0, :2] = i, i % MAPS
    their_stimuli = pysaliency.Stimuli(images)
    their_fixations = pysaliency.Fixations.create_without_history(x, y, image)

    def theirs(name: str) -> Callable[[], Any]:
        return lambda: getattr(Theirs(caching=False), name)(their_stimuli, their_fixations)

    few = min(n_images, 50)  # pysaliency's blurs of more take minutes
    few_stimuli, few_fixations = their_stimuli[:few], their_fixations[their_fixations.n < few]

    def their_comparisons() -> None:
        model = Theirs(caching=False)
        truth = pysaliency.FixationMap(
            few_stimuli, few_fixations, kernel_size=SIGMA, convolution_mode="constant"
        )
        model.CC(few_stimuli, truth)
        model.KLDiv(few_stimuli, truth)
        model.SIM(few_stimuli, truth)

    total = 0.0
    for what, keys, other, n_other in (
        ("AUC", ["AUC"], theirs("AUC"), n_images),
        ("AUC, against per-fixation AUCs", ["AUC"], theirs("AUCs"), n_images),
        ("sAUC", ["sAUC"], theirs("sAUC"), n_images),
        ("sAUC, against per-fixation sAUCs", ["sAUC"], theirs("sAUCs"), n_images),
        ("NSS", ["NSS"], theirs("NSS"), n_images),
        ("CC + KLDiv + SIM", ["CC", "KLDiv", "SIM"], their_comparisons, few),
    ):
        row = compare(what, n_images, ours(*keys), other, n_other)
        if "against" not in what:
            total += row["peer_ms"]
        yield row
    row = compare("these six in one pass", n_images, ours(*ONE_PASS), None, n_images)
    yield row | {"peer_ms": total, "ratio": total / row["ours_ms"]}


def blurs() -> Iterator[dict[str, Any]]:
    """Yield rows of the dense blur, compared with SciPy's."""
    for size in ((600, 800), (1080, 1920)):
        image = np.random.default_rng(0).random(size)
        smoothing = Smoothing(sigma=SIGMA)
        yield compare(
            f"dense blur, {size[1]}x{size[0]}, against SciPy",
            1,
            lambda image=image, smoothing=smoothing: smoothing.dense(image),
            lambda image=image: gaussian_filter(image, SIGMA, mode="constant"),
            1,
        )


def compare(
    what: str,
    n_images: int,
    ours: Callable[[], Any],
    other: Callable[[], Any] | None,
    n_other: int,
    repeats: int = 5,
) -> dict[str, Any]:
    """Time both sides in turn, or only ours if `other` is None."""
    first, mine, peer = seconds(ours), np.inf, np.inf if other is not None else np.nan
    for _ in range(repeats):
        mine = min(mine, seconds(ours))
        if other is not None:
            peer = min(peer, seconds(other))
    return {
        "what": what,
        "images": n_images,
        "first_ms": 1e3 * first / n_images,
        "ours_ms": 1e3 * mine / n_images,
        "peer_ms": 1e3 * peer / n_other,
        "ratio": peer / n_other / (mine / n_images),
    }


def scene(n_images: int, seed: int = 0) -> tuple[list[Any], Any, Any, Any]:
    """Return maps, and x, y and image of fixations drawn towards their high values."""
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(MAPS):
        noise = gaussian_filter(rng.random(SIZE), 3)
        contrast = gaussian_filter(abs(noise - gaussian_filter(noise, 20)), 15)
        maps.append(contrast.astype(np.float32))
    pixels = []
    for i in range(n_images):
        weights = maps[i % MAPS].ravel().astype(float) ** 2
        pixels.append(rng.choice(weights.size, FIXATIONS, p=weights / weights.sum()))
    y, x = np.divmod(np.concatenate(pixels), SIZE[1])
    return maps, x + 0.5, y + 0.5, np.repeat(np.arange(n_images), FIXATIONS)


def seconds(function: Callable[[], Any]) -> float:
    """Return the duration of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
