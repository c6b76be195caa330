"""Time one evaluation in threads, processes and on a local dask cluster; check that bits are equal.

    python benchmarks/execution.py --root PATH_OF_OSIE [--images 100]

The models are uniform, centre bias, Gaussian and local contrast, on OSIE. In the last run, a dask
worker is killed midway. The start-up of workers and their compilation are included.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import joblib

import salmetrics
from salmetrics.datasets import load

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from local_contrast import LocalContrast


def main() -> None:
    """Print one line per way of execution."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--images", type=int, default=100)
    options = parser.parse_args()
    dataset = load("osie", options.root, download=False)[: options.images]
    models = {
        "uniform": salmetrics.Uniform(),
        "centre bias": salmetrics.CentreBias(*dataset),
        "gaussian": salmetrics.GaussianCentreBias(),
        "contrast": LocalContrast(),
    }

    def run(n_jobs: int | None = None) -> Any:
        return salmetrics.evaluate(models, *dataset, n_jobs=n_jobs, progress=False)

    run()  # compiles
    reference, alone = timed(run)
    print(f"{'serial':22}{alone:8.1f} s")
    report("threads, n_jobs=2", lambda: run(2), reference, alone)
    with joblib.parallel_config("loky", n_jobs=2):
        report("loky, 2 processes", run, reference, alone)
    import distributed

    for what in ("dask, 2 workers", "dask, one killed"):
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        )
        with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
            killer = killing(cluster, alone / 3) if "killed" in what else nullcontext()
            with killer:
                report(what, run, reference, alone)


def report(what: str, run: Callable[[], Any], reference: Any, alone: float) -> None:
    """Time one way of execution, and compare its results with the serial ones."""
    result, seconds = timed(run)
    same = result.per_fixation.equals(reference.per_fixation) and result.summary.equals(
        reference.summary
    )
    print(f"{what:22}{seconds:8.1f} s{alone / seconds:6.2f}x  same bits: {same}", flush=True)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call and its duration."""
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start


def killing(cluster: Any, seconds: float) -> Any:
    """Return a context that kills one worker process of a cluster after some seconds."""

    def kill() -> None:
        worker = next(iter(cluster.workers.values()))
        print(f"  killing worker {worker.pid}", flush=True)
        worker.process.process._process.kill()

    timer = threading.Timer(seconds, kill)

    class Started:
        def __enter__(self) -> None:
            timer.start()

        def __exit__(self, *exception: object) -> None:
            timer.cancel()

    return Started()


if __name__ == "__main__":
    main()
