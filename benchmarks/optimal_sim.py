"""Time the SIM-optimal map of a density by our method and by pysaliency's gradient ascent.

    python benchmarks/optimal_sim.py [--cap 600] [--draws 1000]

The density has 800x600 pixels, a broad centre and eight blobs; empirical maps have 100 fixations
and sigma 24. The script prints seconds, and the expected SIM of our map, of pysaliency's and of the
blurred density, on the same draws of fixations, each with its standard error. pysaliency's
optimiser (torch, on the CPU) is stopped after --cap seconds, and its best map so far is scored.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pysaliency_reference import pysaliency  # noqa: F401  # patches what its modules need

import salmetrics
from salmetrics.evaluation.expected_score import ExpectedScore

SIZE, SIGMA, N_FIXATIONS = (600, 800), 24.0, 100


class OutOfTime(Exception):
    """The time of pysaliency's optimiser is up."""


def main() -> None:
    """Print the times and scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cap", type=float, default=600.0, help="seconds for pysaliency")
    parser.add_argument(
        "--draws", type=int, default=1000, help="number of draws of fixations to score maps on"
    )
    options = parser.parse_args()
    log_density = density()
    settings = {"sigma": SIGMA, "n_fixations": N_FIXATIONS}
    salmetrics.optimal_saliency_map("SIM", log_density, n_samples=2, **settings)  # compiles
    times = []
    for _ in range(5):
        start = time.perf_counter()
        best = salmetrics.optimal_saliency_map("SIM", log_density, **settings)
        times.append(time.perf_counter() - start)
    print(f"ours, 500 samples: {min(times):.3f} s (best of 5; slowest {max(times):.3f} s)")
    peers, seconds, epochs, ended = peers_map(log_density, options.cap)
    print(f"pysaliency: {seconds:.0f} s, {epochs} epochs, {'ended' if ended else 'stopped'}")
    maps = {
        "ours": best,
        "pysaliency": peers,
        "blurred density": salmetrics.optimal_saliency_map("KLDiv", log_density, **settings),
    }
    scores: dict[str, ExpectedScore] = {}
    for name, m in maps.items():
        scores[name] = salmetrics.expected_score(
            "SIM", m, log_density, n_draws=options.draws, seed=1, **settings
        )
        value, error = scores[name].value, scores[name].standard_error
        print(f"E[SIM] of {name}: {value:.5f} (standard error {error:.5f})")
    for name in ("pysaliency", "blurred density"):
        difference = scores["ours"].minus(scores[name])
        print(
            f"ours minus {name}: {difference.value:+.5f} (paired standard error "
            f"{difference.standard_error:.5f})"
        )
    print(f"pysaliency takes {seconds / min(times):.0f} times as long")


def density() -> np.ndarray:
    """Return the log density."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    p = 0.3 * bump(x, y, 400, 300, 200, 150) + 0.05 / x.size
    for share in rng.dirichlet(np.full(8, 2.0)):
        at_x, at_y = rng.uniform(0.1, 0.9, 2) * [800, 600]
        width = rng.uniform(10, 40)
        p += 0.65 * share * bump(x, y, at_x, at_y, width, width)
    return np.log(p / p.sum())


def bump(
    x: np.ndarray, y: np.ndarray, at_x: float, at_y: float, along_x: float, along_y: float
) -> np.ndarray:
    """Return a Gaussian of sum 1."""
    density = np.exp(-0.5 * (((x - at_x) / along_x) ** 2 + ((y - at_y) / along_y) ** 2))
    return density / density.sum()


def peers_map(log_density: np.ndarray, cap: float) -> tuple[np.ndarray, float, int, bool]:
    """Run pysaliency's optimiser with the settings of the MIT/Tübingen benchmark.

    Returns
    -------
    best : ndarray of float64, shape (h, w)
        Its best map, by its own validation samples.
    seconds : float
        Duration.
    epochs : int
        Number of epochs.
    ended : bool
        Whether it ended before the cap.
    """
    import torch

    optimizer = importlib.import_module("torch.optim.optimizer")
    if not hasattr(optimizer, "required"):  # removed from torch, and without effect here
        optimizer.required = 1.0
    from pysaliency import metric_optimization_torch as peer

    models: list[torch.nn.Module] = []
    losses: list[float] = []
    best: list[np.ndarray] = []
    make, validate = peer.Similarities, peer._eval_metric
    start = time.perf_counter()

    def making(*arguments: object, **options: object) -> torch.nn.Module:
        models.append(make(*arguments, **options))
        return models[0]

    def validating(*arguments: object, **options: object) -> float:
        loss = float(validate(*arguments, **options))
        if loss < min(losses, default=np.inf):
            best[:] = [models[0].saliency_map.detach().numpy().copy()]
        losses.append(loss)
        if time.perf_counter() - start > cap:
            raise OutOfTime
        return loss

    peer.Similarities, peer._eval_metric = making, validating
    try:
        peer.maximize_expected_sim(
            log_density,
            kernel_size=SIGMA,
            train_samples_per_epoch=1000,
            val_samples=1000,
            fixation_count=N_FIXATIONS,
            batch_size=50,
            learning_rate_decay_scheme="validation_loss",
            min_iter=10,
            verbose=False,
        )
    except OutOfTime:
        return best[0], time.perf_counter() - start, len(losses) - 1, False
    finally:
        peer.Similarities, peer._eval_metric = make, validate
    return best[0], time.perf_counter() - start, len(losses) - 1, True


if __name__ == "__main__":
    main()
