"""EMD by hand; its grid against imresize, its distance against a linear programme."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from salmetrics.checked_map import as_map
from salmetrics.errors import InputError
from salmetrics.metrics import emd


def density(shape, cells):
    p = np.zeros(shape)
    for (row, column), mass in cells.items():
        p[row, column] = mass
    return p


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ({(0, 0): 1}, {(0, 0): 1}, 0),
        ({(0, 0): 1}, {(0, 3): 1}, 3),
        ({(0, 0): 1}, {(3, 4): 1}, 5),
        ({(0, 0): 0.5, (0, 1): 0.5}, {(0, 1): 0.5, (0, 2): 0.5}, 1),
        ({(0, 0): 1}, {(0, 1): 0.5, (1, 0): 0.25, (0, 0): 0.25}, 0.75),
    ],
)
def test_distance_by_hand(p, q, expected):
    result = emd.distance(density((4, 5), p), density((4, 5), q))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def linear_programme(p, q):
    """Cheapest flow from every cell to every other, as it is defined."""
    cells = np.argwhere(np.ones(p.shape))
    costs = np.linalg.norm(cells[:, np.newaxis] - cells, axis=2)
    n = p.size
    leaving, arriving = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    return optimize.linprog(
        costs.ravel(),
        A_eq=np.vstack([leaving, arriving]),
        b_eq=np.concatenate([p.ravel(), q.ravel()]),
    ).fun


def test_distance_against_a_linear_programme(rng):
    for _ in range(5):
        p, q = (w / w.sum() for w in rng.random((2, 3, 4)))
        np.testing.assert_allclose(emd.distance(p, q), linear_programme(p, q), rtol=1e-9)


def test_distance_along_a_line_against_scipy(rng):
    p, q = (w / w.sum() for w in rng.random((2, 1, 25)))
    places = np.arange(25)
    expected = stats.wasserstein_distance(places, places, p[0], q[0])
    np.testing.assert_allclose(emd.distance(p, q), expected, rtol=1e-9)
    np.testing.assert_allclose(emd.distance(p.T, q.T), expected, rtol=1e-9)


def bicubic(t):
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def slow_imresize(line, n_new, scale):
    """MATLAB's imresize(line, "bicubic") of one line, cell by cell; positions count from 1."""
    n, cells = line.size, []
    for cell in range(1, n_new + 1):
        centre = cell / scale + 0.5 * (1 - 1 / scale)
        taps = range(int(np.floor(centre - 2 / scale)), int(np.ceil(centre + 2 / scale)) + 1)
        weights = np.array([bicubic(scale * (centre - tap)) for tap in taps])
        mirror = np.concatenate([np.arange(n), np.arange(n)[::-1]])
        values = line[[mirror[(tap - 1) % (2 * n)] for tap in taps]]
        cells.append(weights @ values / weights.sum())
    return np.array(cells)


@pytest.mark.parametrize("shape", [(96, 64), (70, 100), (31, 33), (5, 200), (1, 1)])
@pytest.mark.parametrize("scaling", ["factor", "fit"])
def test_grid_against_imresize(shape, scaling, rng):
    m = rng.random(shape)
    result = m
    for axis, n in enumerate(shape):
        n_new = -(-n // 32)
        scale = 1 / 32 if scaling == "factor" else n_new / n
        result = np.apply_along_axis(slow_imresize, axis, result, n_new, scale)
    expected = np.maximum(result, 0)
    np.testing.assert_allclose(
        emd.coarse_density(as_map(m), scaling), expected / expected.sum(), rtol=1e-10, atol=1e-15
    )


def test_grid_is_not_negative_and_sums_to_1():
    peak = np.zeros((128, 160))
    peak[60:64, 70:74] = 1  # the kernel's negative lobes around it
    for scaling in ("factor", "fit"):
        coarse = emd.coarse_density(as_map(peak), scaling)
        assert coarse.shape == (4, 5)
        assert coarse.min() == 0
        np.testing.assert_allclose(coarse.sum(), 1, rtol=1e-12)


def test_score_of_flat_and_equal_maps(rng):
    m = rng.random((64, 96))
    # the solver's own rounding, in cells
    np.testing.assert_allclose(emd.score(m, m), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        emd.score(np.full(m.shape, 3.0), np.ones(m.shape)), 0, rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(emd.score([[5]], [[2]]), 0, rtol=0, atol=1e-12)


def test_score_counts_cells_of_32_pixels():
    """Far from the border, moving a blob by 64 pixels costs two cells."""
    m, q = np.zeros((2, 256, 320))
    m[96:128, 96:128] = 1
    q[96:128, 160:192] = 1
    # the blobs' clipped negative lobes are alike, so nothing but the move is left
    np.testing.assert_allclose(emd.score(m, q), 2, rtol=1e-9)


def test_score_without_positive_cells():
    assert np.isnan(emd.score(np.zeros((40, 40)), np.ones((40, 40))))
    assert np.isnan(emd.score(np.ones((40, 40)), -np.ones((40, 40))))


@given(seed=st.integers(0, 1000), factors=st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)))
def test_laws(seed, factors):
    m, q = np.random.default_rng(seed).random((2, 64, 96)) ** 3
    score = emd.score(m, q)
    assert score >= 0
    np.testing.assert_allclose(emd.score(q, m), score, rtol=1e-9)
    np.testing.assert_allclose(emd.score(factors[0] * m, factors[1] * q), score, rtol=1e-9)
    # sides are multiples of 32 here: else the last cells reach over the edge
    for flip in (np.fliplr, np.flipud, np.transpose):
        np.testing.assert_allclose(emd.score(flip(m), flip(q)), score, rtol=1e-9)


def test_refused(monkeypatch):
    with pytest.raises(InputError, match="saliency_map and empirical_map must have the same shape"):
        emd.score(np.ones((40, 40)), np.ones((40, 41)))
    with pytest.raises(InputError, match="empirical_map must be finite"):
        emd.score(np.ones((40, 40)), np.full((40, 40), np.nan))
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(InputError, match=r"EMD needs the package POT: pip install 'salmetrics\[em"):
        emd.score(np.ones((40, 40)), np.ones((40, 40)))
