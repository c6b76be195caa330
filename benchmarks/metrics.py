"""Time every metric beside pysaliency 0.2.22: map models, 800x600, one thread, one run.

    python benchmarks/metrics.py [--images 100] [--out FILE.json]

Both sides get the same ready maps (local contrast of noise images) and 140 fixations an image. A
time is the best of three, in milliseconds an image; ours after one call that compiles. Ours go
through `evaluate`, checks and averaging included; pysaliency's NSS, CC, KLDiv and SIM through its
functions of arrays, on ten images, which is kinder than its models (one NSS pass a fixation).
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import platform
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics.empirical import Smoothing

SIZE, SIGMA, MAPS = (600, 800), 24, 10


def best(function, repeats=3):
    """Shortest of several calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def scene(n_images, seed=0):
    """Maps, and fixations drawn towards their high values."""
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(MAPS):
        noise = gaussian_filter(rng.random(SIZE), 3)
        contrast = gaussian_filter(abs(noise - gaussian_filter(noise, 20)), 15)
        maps.append(contrast.astype(np.float32))
    pixels, images = [], []
    for i in range(n_images):
        m = maps[i % MAPS].ravel().astype(float) ** 2
        pixels.append(rng.choice(m.size, 140, p=m / m.sum()))
        images.append(np.full(140, i))
    flat = np.concatenate(pixels)
    return maps, flat % SIZE[1] + 0.5, flat // SIZE[1] + 0.5, np.concatenate(images)


def rows(n_images):
    """Yield (what, ours, theirs) in seconds an image."""
    maps, x, y, image = scene(n_images)
    stimuli = salmetrics.Stimuli.from_sizes([SIZE] * n_images, sigma=SIGMA)
    fixations = salmetrics.Fixations.from_arrays(x, y, image, n_images=n_images)
    model = salmetrics.as_model(lambda s: maps[int(s.id) % MAPS], kind="saliency_map")

    class Theirs(pysaliency.SaliencyMapModel):
        def __init__(self):
            super().__init__(caching=False)

        def _saliency_map(self, stimulus):
            return maps[stimulus[0, 0]]

    images = [np.full(SIZE, i % MAPS, np.uint8) for i in range(min(n_images, MAPS))]
    their_stimuli = pysaliency.Stimuli([images[i % MAPS] for i in range(n_images)])
    their_fixations = pysaliency.Fixations.create_without_history(x, y, image)
    theirs = Theirs()
    few = range(min(n_images, 10))
    columns, lines = x.astype(int), y.astype(int)

    def blurred(i):
        counts = np.zeros(SIZE)
        np.add.at(counts, (lines[image == i], columns[image == i]), 1)
        return gaussian_filter(counts, SIGMA, mode="constant")

    def their_map_metrics():
        for i in few:
            q, m = blurred(i), maps[i % MAPS]
            pysaliency.metrics.CC(m, q)
            pysaliency.metrics.MIT_KLDiv(m.astype(float), q)
            pysaliency.metrics.SIM(m, q)

    def their_nss():
        for i in few:
            pysaliency.metrics.NSS(maps[i % MAPS], columns[image == i], lines[image == i])

    def ours(*metrics):
        def run():
            salmetrics.evaluate(model, stimuli, fixations, metrics=metrics, progress=False)

        run()
        return best(run) / n_images

    total = 0.0
    for what, metrics, function, n in (
        ("AUC", ["AUC"], lambda: theirs.AUCs(their_stimuli, their_fixations), n_images),
        ("sAUC", ["sAUC"], lambda: theirs.sAUCs(their_stimuli, their_fixations), n_images),
        ("NSS", ["NSS"], their_nss, len(few)),
        ("CC + KLDiv + SIM", ["CC", "KLDiv", "SIM"], their_map_metrics, len(few)),
    ):
        function()
        other = best(function) / n
        total += other
        yield f"{what}, {n_images} images", ours(*metrics), other
    together = ours("AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM")
    yield f"all of these in one pass, {n_images} images", together, total


def blurs():
    """Yield (what, ours, scipy) of the dense blur in seconds."""
    for size in ((600, 800), (1080, 1920)):
        image = np.random.default_rng(0).random(size)
        smoothing = Smoothing(sigma=SIGMA)
        smoothing.dense(image)
        other = best(lambda image=image: gaussian_filter(image, SIGMA, mode="constant"))
        mine = best(lambda image=image, blur=smoothing: blur.dense(image))
        yield f"dense blur, {size[1]}x{size[0]} (against scipy)", mine, other


def main():
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[100])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    m = scene(1)[0][0]
    one_sum = min(best(m.sum) for _ in range(20))
    results = []
    print(f"{'':48} {'ours':>9} {'theirs':>9} {'ratio':>7} {'np.sum':>7}")
    for what, ours, other in [*(r for n in options.images for r in rows(n)), *blurs()]:
        results.append({"what": what, "ours_ms": ours * 1e3, "theirs_ms": other * 1e3})
        print(
            f"{what:48} {ours * 1e3:6.2f} ms {other * 1e3:6.1f} ms {other / ours:6.1f}x "
            f"{ours / one_sum:6.1f}x"
        )
    if options.out is not None:
        facts = {
            "machine": platform.processor(),
            "date": str(date.today()),
            "numpy": np.__version__,
        }
        options.out.write_text(json.dumps(facts | {"rows": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
