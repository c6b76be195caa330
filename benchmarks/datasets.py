"""Time the reading of data sets: from gaze to fixations, and from archives to a data set.

    python benchmarks/datasets.py [--images 1003] [--subjects 15]

Everything is generated: JPEGs of 1024x768 and recordings of 3 s at 240 Hz in MIT1003's published
layout. The script prints the traces per second of `judd_fixations`; the seconds of `datasets.load`
from archives, from unpacked files and from its cached file; the peak memory of the process; and the
memory per sample of reading 10 million mouse samples like those of SALICON.
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import salmetrics
from salmetrics import datasets
from salmetrics.datasets import judd_fixations, registry
from salmetrics.datasets.reading import Columns
from tests.datasets.published import small


def main() -> None:
    """Write the archives, and time reading them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1003)
    parser.add_argument("--subjects", type=int, default=15)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    traces = [trace(rng) for _ in range(200)]
    judd_fixations(traces[0])  # compiles
    start = time.perf_counter()
    for gaze in traces * 10:
        judd_fixations(gaze)
    print(
        f"judd_fixations: {10 * len(traces) / (time.perf_counter() - start):.0f} traces per second"
    )
    tiny = small("mit1003")
    registry.described = lambda _: tiny
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archives = write_archives(folder, options.images, options.subjects, traces)
        root = folder / "mit1003"
        for what, more in (
            ("from archives", {"archive": archives}),
            ("from files", {"cache": False}),
            ("from the cached file", {}),
        ):
            start = time.perf_counter()
            dataset = datasets.load("mit1003", root, download=False, progress=False, **more)
            spent = time.perf_counter() - start
            print(
                f"{what}: {spent:.2f} s for {len(dataset.stimuli)} images, "
                f"{len(dataset.fixations)} fixations",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MiB")
    samples(2000, 5000)


def samples(n_images: int, n_each: int) -> None:
    """Print the peak memory per sample of turning mouse samples into fixations."""
    columns, rng = Columns("t"), np.random.default_rng(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(n_images):
        x, y = rng.uniform(0, 480, (2, n_each))
        columns.add(x, y, i, i, t=np.arange(n_each) * 16.0)
    stimuli = salmetrics.Stimuli.from_sizes([(480, 640)] * n_images)
    columns.fixations(n_images).drop_outside(stimuli)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"mouse samples: {peak * 1024 / (n_images * n_each):.0f} bytes per sample")


def trace(rng: np.random.Generator) -> np.ndarray:
    """Return a gaze recording of 3 s with ten fixations, shape (720, 2), in pixels."""
    gaze = np.repeat(rng.uniform(0, (1024, 768), (10, 2)), 72, 0) + rng.normal(0, 1, (720, 2))
    gaze[rng.random(720) < 0.02] = np.nan
    return gaze


def write_archives(folder: Path, n_images: int, n_subjects: int, traces: list[Any]) -> list[Path]:
    """Write ALLSTIMULI.zip and DATA.zip, and return their paths."""
    rng = np.random.default_rng(1)
    blobs = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(blobs).resize((1024, 768), Image.Resampling.BICUBIC).save(stream, "JPEG")
    paths = [folder / "ALLSTIMULI.zip", folder / "DATA.zip"]
    with zipfile.ZipFile(paths[0], "w") as images, zipfile.ZipFile(paths[1], "w") as data:
        for i in range(n_images):
            images.writestr(f"ALLSTIMULI/i{i}.jpeg", stream.getvalue())
            for subject in range(n_subjects):
                record = np.empty(1, object)
                record[0] = {"eyeData": traces[(i * n_subjects + subject) % len(traces)]}
                file = io.BytesIO()
                savemat(file, {f"i{i}": {"DATA": record}})
                data.writestr(f"DATA/s{subject:02}/i{i}.mat", file.getvalue())
    return paths


if __name__ == "__main__":
    main()
