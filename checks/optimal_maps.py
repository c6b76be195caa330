"""Check that no map has a better expected score than the optimal one; takes a few minutes.

    python checks/optimal_maps.py

For each metric and three densities: the optimal map against the optimal maps of the other metrics
and twenty perturbations of it, paired on the same draws of fixations. The number of draws grows
until the standard error of the difference is at most 0.001, or ten times smaller than the
difference. The smallest z = difference / standard error is printed, which should be above -3, and
the number of rivals that are worse with z > 3. For CC, the blurred density is an approximation, so
rivals may be slightly better.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import salmetrics
from tests.densities.test_optimal_maps import DENSITIES, KEYS, OPTIONS, perturbed, positive

_MAX_DRAWS = 256_000


def main() -> None:
    """Print one line per density and metric."""
    print(f"{'density':12} {'metric':6} {'smallest z':>11} {'its difference':>15} {'worse':>8}")
    for name, log_density in DENSITIES.items():
        for key in KEYS:
            # more samples than usual: the noise of 500 costs about 0.0001
            best = salmetrics.optimal_saliency_map(key, log_density, n_samples=8000, **OPTIONS)
            rivals = {
                k: salmetrics.optimal_saliency_map(k, log_density, **OPTIONS)
                for k in KEYS
                if k != key
            }
            stream = np.random.default_rng(0)
            rivals |= dict(enumerate(perturbed(best, np.exp(log_density), key, stream)))
            found = {rival: against(key, best, m, log_density) for rival, m in rivals.items()}
            closest = min(found, key=lambda rival: found[rival][0])
            worse = sum(z > 3 for z, _ in found.values())
            z, difference = found[closest]
            print(
                f"{name:12} {key:6} {z:11.1f} {difference:+15.5f} {worse:3d} / {len(found)}"
                f"   closest: {closest}",
                flush=True,
            )


def against(
    key: str, best: np.ndarray, rival: np.ndarray, log_density: np.ndarray
) -> tuple[float, float]:
    """Return z and the difference, positive if the optimal map is better."""
    shown = positive(rival) if key in ("KLDiv", "SIM") else rival
    n = 1000
    while True:
        own, other = (
            salmetrics.expected_score(key, m, log_density, n_draws=n, seed=5, **OPTIONS)
            for m in (best, shown)
        )
        difference = own.minus(other)
        value, error = difference.value, difference.standard_error
        if error <= 1e-3 or abs(value) > 10 * error or n >= _MAX_DRAWS:
            sign = -1 if key == "KLDiv" else 1
            return sign * value / max(error, 1e-15), sign * value
        n *= 4


if __name__ == "__main__":
    main()
