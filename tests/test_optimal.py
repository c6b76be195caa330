"""Under its own density a model does best, for each metric, on that metric's optimal map."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.empirical import Smoothing
from salmetrics.metrics import auc, cc, kldiv, nss
from salmetrics.optimal import OPTIMAL_MAPS, optimal_map

SMOOTHING = Smoothing(sigma=2.0)
SIZE = (24, 32)
N_DRAWS, N_FIXATIONS = 60, 30


@pytest.fixture(scope="module")
def log_density():
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    p = 0.02 + np.exp(-((y - 8) ** 2 + (x - 20) ** 2) / 8) + 0.5 * np.exp(-((x - 6) ** 2) / 18)
    return np.log(p / p.sum())


def candidates(log_density):
    p = np.exp(log_density)
    blurred = SMOOTHING.dense(p)
    noise = np.random.default_rng(0).random(SIZE)
    return {
        "log density": log_density,
        "density": p,
        "blurred density": blurred,
        "blurred twice": SMOOTHING.dense(blurred),
        "squared": p**2,
        "root": np.sqrt(p),
        "noisy": p * (0.5 + noise),
        "uniform": np.full(SIZE, 1 / p.size) + 1e-9 * noise,
    }


def mean_score(key, saliency_map, log_density):
    """Mean over the same random draws of fixations for every map."""
    rng = np.random.default_rng(7)
    p, scores = np.exp(log_density).ravel(), []
    for _ in range(N_DRAWS):
        pixels = rng.choice(p.size, N_FIXATIONS, p=p / p.sum())
        y, x = np.divmod(pixels, SIZE[1])
        empirical = SMOOTHING.points(SIZE, pixels)
        if key == "AUC":
            scores.append(auc.score(saliency_map, x, y).mean())
        elif key == "NSS":
            scores.append(nss.score(saliency_map, x, y).mean())
        elif key == "KLDiv":
            scores.append(-kldiv.score(saliency_map, empirical))
        else:
            scores.append(cc.score(saliency_map, empirical))
    return np.mean(scores)


# 60 draws leave a standard error of a few thousandths, and the blurred density only
# approximates the CC-optimal map
@pytest.mark.parametrize(
    ("key", "tolerance"), [("AUC", 0.005), ("NSS", 0.02), ("KLDiv", 0.005), ("CC", 0.01)]
)
def test_optimal(log_density, key, tolerance):
    best = mean_score(key, optimal_map(key, log_density, SMOOTHING), log_density)
    others = {name: mean_score(key, m, log_density) for name, m in candidates(log_density).items()}
    assert best >= max(others.values()) - tolerance
    assert best > others["uniform"] + 10 * tolerance
    assert best > others["noisy"]


def test_wrong_maps_are_worse(log_density):
    """What the optimal maps are for: the right one of each metric beats the others' by far."""
    made = candidates(log_density)
    assert mean_score("NSS", made["density"], log_density) > 0.1 + mean_score(
        "NSS", made["log density"], log_density
    )
    assert mean_score("KLDiv", made["blurred density"], log_density) > 0.1 + mean_score(
        "KLDiv", made["squared"], log_density
    )


def test_what_the_maps_are(log_density):
    p = np.exp(log_density)
    expected = {"AUC": log_density, "NSS": p, "CC": SMOOTHING.dense(p)}
    expected |= {"AUC-Judd": log_density, "NSS-MATLAB": p, "KLDiv": SMOOTHING.dense(p)}
    for key in OPTIMAL_MAPS:
        found = optimal_map(key, log_density, SMOOTHING).values
        assert np.array_equal(found, expected.get(key, log_density))


def test_ranks_survive_underflow():
    log_density = np.array([[0.0, -800.0, -900.0]])
    found = optimal_map("AUC", log_density, SMOOTHING)
    assert auc.score(found, [1], [0])[0] == 0.5
    assert auc.score(np.exp(log_density), [1], [0])[0] == pytest.approx(1 / 3)


def test_errors(log_density):
    with pytest.raises(InputError, match=r"metric must be one of 'AUC', .*; got 'SIM'"):
        optimal_map("SIM", log_density, SMOOTHING)
    with pytest.raises(InputError, match="log_density must be the natural log"):
        optimal_map("NSS", np.exp(log_density), SMOOTHING)
