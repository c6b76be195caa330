"""Jensen-Shannon divergence against SciPy, its limits, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from salmetrics import InputError
from salmetrics.densities.divergence import jensen_shannon


def density(seed, size=(7, 9)):
    p = np.random.default_rng(seed).gamma(0.3, size=size)
    return np.log(p / p.sum())


@given(st.integers(0, 10**6))
def test_jensen_shannon_as_scipy(seed):
    one, two = density(seed), density(seed + 1)
    expected = jensenshannon(np.exp(one).ravel(), np.exp(two).ravel(), base=2) ** 2
    assert jensen_shannon([one, two]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_jensen_shannon():
    one, two = density(0), density(1)
    assert jensen_shannon([one, one]) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon([one, two], [1, 0]) == pytest.approx(0, abs=1e-12)
    with np.errstate(divide="ignore"):
        apart = [np.log([[1.0, 0.0]]), np.log([[0.0, 1.0]])]
    assert jensen_shannon(apart) == pytest.approx(1, rel=1e-14)
    assert jensen_shannon([one, two, one]) < jensen_shannon([one, two])


@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3], [0.0, 0.25, 0.75]])
def test_three_densities_from_the_definition(weights):
    logs = [density(seed) for seed in range(3)]
    shares = [1 / 3] * 3 if weights is None else weights

    def entropy(p):
        p = p[p > 0]
        return -(p * np.log2(p)).sum()

    mixture = sum(w * np.exp(log) for w, log in zip(shares, logs, strict=True))
    parts = sum(w * entropy(np.exp(log)) for w, log in zip(shares, logs, strict=True))
    expected = entropy(mixture) - parts
    assert jensen_shannon(logs, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: jensen_shannon([]), "log_densities must be at least one, all of one shape"),
        (lambda d: jensen_shannon([d, density(0, (2, 2))]), "all of one shape"),
        (lambda d: jensen_shannon([d, d + 1]), "log_density"),
        (
            lambda d: jensen_shannon([d, d], [0.5, 0.6]),
            "weights must be 2 numbers >= 0 that add up",
        ),
        (lambda d: jensen_shannon([d, d], [1.5, -0.5]), "weights must be 2 numbers >= 0"),
        (lambda d: jensen_shannon([d, d], [1.0]), "weights must be 2 numbers >= 0"),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(density(0))
