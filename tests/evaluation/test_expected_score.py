"""Expected scores: by hand, paired over draws, and largest for the optimal maps."""

import numpy as np
import pytest

from salmetrics import InputError, expected_score, optimal_saliency_map
from salmetrics.densities.smoothing import Smoothing
from salmetrics.evaluation.expected_score import ExpectedScore
from tests.evaluation.example_densities import DENSITIES, KEYS, NONFIXATED, OPTIONS, SIZE

N_DRAWS = 400  # checks/optimal_maps.py takes as many as standard errors of 0.001 need


def perturbed(best, p, key, rng):
    """Twenty maps near the best: noise, other scales of it, blurs, and mixtures."""
    spread = np.ptp(best[np.isfinite(best)])
    smooth = [Smoothing(sigma=s).dense(rng.standard_normal(SIZE)) for s in (1, 2, 4)]
    for amplitude in (0.02, 0.1, 0.5):
        for noise in smooth:
            yield best + amplitude * spread * noise / np.abs(noise).max()
    if key in ("AUC", "sAUC"):
        for share in (0.03, 0.1, 0.3, 1.0):
            yield best + share * np.log(NONFIXATED)
            yield best - share * np.log(NONFIXATED)
            yield np.log(np.exp(best) + share * np.exp(best).mean())
        return
    for power in (0.7, 0.9, 1.1, 1.4):
        yield np.maximum(best, 0) ** power
    for share in (0.03, 0.1, 0.3):
        yield (1 - share) * best + share * best.mean()
        yield (1 - share) * best + share * p * best.sum() / p.sum()
    yield Smoothing(sigma=1.0).dense(best)


def positive(m):
    """KLDiv and SIM move maps with negative values, which would make them other maps."""
    return np.maximum(m, 0)


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", DENSITIES)
def test_no_other_map_is_expected_to_do_better(name, key):
    """Paired, on the same draws: beyond three standard errors nothing beats the optimal map."""
    log_density = DENSITIES[name]
    sign = -1 if key == "KLDiv" else 1
    best = optimal_saliency_map(key, log_density, **OPTIONS)
    own = expected_score(key, best, log_density, n_draws=N_DRAWS, **OPTIONS)
    rivals = {k: optimal_saliency_map(k, log_density, **OPTIONS) for k in KEYS if k != key}
    rivals |= dict(enumerate(perturbed(best, np.exp(log_density), key, np.random.default_rng(0))))
    assert len(rivals) >= 5 + 20
    worse = []
    for rival, m in rivals.items():
        shown = positive(m) if key in ("KLDiv", "SIM") else m
        other = expected_score(key, shown, log_density, n_draws=N_DRAWS, **OPTIONS)
        difference = own.minus(other)
        z = sign * difference.value / max(difference.standard_error, 1e-15)
        # for CC, the blurred density is an approximation of the optimum
        assert z > -3 or (key == "CC" and difference.value > -2e-3), (rival, z)
        worse.append(z > 3)
    assert sum(worse) >= 3


@pytest.mark.slow
def test_for_sim_the_blurred_density_is_worse():
    for log_density in DENSITIES.values():
        best = optimal_saliency_map("SIM", log_density, **OPTIONS)
        blurred = optimal_saliency_map("KLDiv", log_density, **OPTIONS)
        scores = [
            expected_score("SIM", m, log_density, n_draws=3000, **OPTIONS) for m in (best, blurred)
        ]
        difference = scores[0].minus(scores[1])
        assert difference.value > 5 * difference.standard_error


# ---- by hand


def test_a_density_in_one_pixel_has_a_score_without_spread():
    log_density = np.array([[0.0, -np.inf, -np.inf, -np.inf]])
    m = np.array([[3.0, 1.0, 2.0, 2.0]])
    score = expected_score("NSS", m, log_density, n_fixations=5, n_draws=4)
    # mean 2, standard deviation sqrt(1/2); sums of five equal numbers round a few times
    assert score.value == pytest.approx(np.sqrt(2), rel=1e-14, abs=0)
    np.testing.assert_allclose(score.scores, np.full(4, np.sqrt(2)), rtol=1e-14, atol=0)
    assert score.standard_error == pytest.approx(0, abs=1e-15)
    auc = expected_score("AUC", m, log_density, n_fixations=5, n_draws=4)
    assert auc.scores.tolist() == [7 / 8] * 4  # itself, with half of the weight, and three others


def test_expectations_that_are_known():
    """E[NSS] is the mean z-score under p; E[AUC] the mean of ranks under p."""
    log_density = DENSITIES["two bumps"]
    p = np.exp(log_density)
    m = np.sqrt(p)
    z = (m - m.mean()) / m.std()
    ranks = np.reshape([np.mean(m < v) + np.mean(m == v) / 2 for v in m.flat], SIZE)
    for key, values in (("NSS", z), ("AUC", ranks)):
        score = expected_score(key, m, log_density, n_fixations=20, n_draws=300)
        error = np.sqrt((p * values**2).sum() - (p * values).sum() ** 2) / np.sqrt(20 * 300)
        assert abs(score.value - (p * values).sum()) < 4 * error  # one in 16000 seeds is beyond
        # a variance from 300 draws is known to 8 %, so 4 of these are 33 %, of a root 16 %
        assert score.standard_error == pytest.approx(error, rel=0.17)


def test_value_and_error_are_those_of_the_scores():
    score = expected_score("NSS", NONFIXATED, DENSITIES["edge"], n_draws=50)
    assert score.scores.shape == (50,)
    assert score.value == np.mean(score.scores)
    assert score.standard_error == np.std(score.scores, ddof=1) / np.sqrt(50)


def test_differences_are_paired():
    first = ExpectedScore(2.0, 1.0, np.array([1.0, 2.0, 3.0]))
    second = ExpectedScore(1.0, 1.0, np.array([0.0, 1.0, 2.0]))
    difference = first.minus(second)
    assert (difference.value, difference.standard_error) == (1.0, 0.0)
    assert difference.scores.tolist() == [1, 1, 1]


def test_the_seed_alone_decides_about_the_draws():
    m, log_density = NONFIXATED, DENSITIES["edge"]
    first, same, other = (
        expected_score("NSS", m, log_density, n_draws=20, seed=seed).scores for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: expected_score("IG", np.exp(d), d), "metric must be one of 'AUC', .*; got 'IG'"),
        (lambda d: expected_score("CC", np.exp(d), d), "CC compares with blurred fixations"),
        (lambda d: expected_score("sAUC", np.exp(d), d), "sAUC needs mean_density="),
        (lambda d: expected_score("NSS", np.exp(d), np.exp(d)), "log_density must be the natural"),
        (lambda d: expected_score("NSS", np.exp(d), d, seed=-1), "seed must be a whole number"),
        (lambda d: expected_score("NSS", np.ones((2, 2)), d), r"has size \(2, 2\), log_density"),
        (lambda d: expected_score("NSS", np.exp(d), d, n_draws=1), "n_draws must be a whole"),
        (lambda d: expected_score("NSS", d * np.nan, d), "saliency_map must be finite"),
        (lambda d: expected_score("AUC", d * np.nan, d), "saliency_map must be finite"),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(DENSITIES["edge"])
