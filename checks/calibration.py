"""Check calibration and recalibration by simulation; takes about a minute.

    python checks/calibration.py [--simulations 200]

For fixations drawn from the densities themselves, the test must not reject more often than its
level. Densities raised to a power must be rejected, with the right sign of confidence, and
`recalibrate` must restore the information gain of the truth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parents[1]))
import salmetrics
from tests.evaluation.test_calibration import densities, drawn

_N_IMAGES, _N_FIXATIONS = 60, 25
_POWERS = (0.67, 0.9, 1.0, 1.1, 1.5)


def main() -> None:
    """Print rates of rejection and information gains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    n = parser.parse_args().simulations
    low, high = binom.interval(0.99, n, 0.05) / np.float64(n)
    print(f"{n} simulations, {_N_IMAGES} images, {_N_FIXATIONS} fixations per image")
    print(f"share rejected at the 5 % level; by chance {low:.3f} to {high:.3f} at power 1")
    truth = densities(_N_IMAGES)
    for power in _POWERS:
        shown = densities(_N_IMAGES, power)
        results = [
            salmetrics.calibration(shown, *drawn(truth, _N_FIXATIONS, seed), seed=seed)
            for seed in range(n)
        ]
        rejected = np.mean([result.p_value < 0.05 for result in results])
        confidence = np.mean([result.confidence for result in results])
        print(f"power {power:4}: {rejected:.3f}, mean confidence {confidence:+.4f}")
    for power in (1.5, 0.67):
        data = drawn(truth, _N_FIXATIONS, 0)
        model = salmetrics.recalibrate(densities(_N_IMAGES, power), *data, progress=False)
        gains = [
            salmetrics.information_gain(m, *data, baseline=salmetrics.Uniform())
            for m in (truth, densities(_N_IMAGES, power), model)
        ]
        print(
            f"power {power}: gain of the truth {gains[0]:.4f}, before {gains[1]:.4f}, recalibrated "
            f"{gains[2]:.4f} bit (power {model.fitted[-1].power})"
        )


if __name__ == "__main__":
    main()
