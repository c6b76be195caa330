"""The SIM-optimal map: stratified samples, an exact linear programme, the grid, and edge cases."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from salmetrics import expected_score
from salmetrics.densities import optimal_sim
from salmetrics.densities.optimal_sim import sim_optimal_map, stratified_samples
from salmetrics.densities.smoothing import Smoothing

SIZE = (24, 32)
SMOOTHING = Smoothing(sigma=2.0)
N_FIXATIONS = 20


def mixture(*bumps, floor=0.02):
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    p = np.full(SIZE, floor)
    for at_y, at_x, width, height in bumps:
        p = p + height * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width**2))
    return np.log(p / p.sum())


TWO_BUMPS = mixture((8, 20, 2, 1), (16, 6, 3, 0.5))


def samples_of(p, smoothing, n_samples, stream):
    """The same sampled empirical maps as the solver draws, in float64, each of sum 1."""
    tile = max(1, int(smoothing.sigma / 2))
    pixels = stratified_samples(p, n_samples, N_FIXATIONS, stream, tile=tile)
    maps = np.array([smoothing.points(p.shape, each) for each in pixels])
    return maps / maps.sum((1, 2), keepdims=True)


@pytest.mark.parametrize(
    "smoothing",
    [
        *(Smoothing(sigma=3.0, boundary=b) for b in ("constant", "reflect", "renormalise")),
        Smoothing(cycles=8.0),
    ],
)
@pytest.mark.parametrize("max_bytes", [2**20, 10_000])
def test_samples_of_many_fixations_give_the_same_map(smoothing, max_bytes, monkeypatch):
    def best():
        stream = np.random.default_rng(5)
        p = np.exp(TWO_BUMPS)
        return sim_optimal_map(p, smoothing, 50, stream, n_samples=60, max_bytes=max_bytes)

    expected = best()
    monkeypatch.setattr(optimal_sim, "_MANY", 10)
    # samples of few fixations are summed in float32
    np.testing.assert_allclose(best(), expected, rtol=1e-3, atol=1e-6 * expected.max())


def test_samples_do_not_depend_on_the_draws_looked_up_at_a_time(monkeypatch):
    def samples():
        return stratified_samples(np.exp(TWO_BUMPS), 7, 20, np.random.default_rng(5), tile=3)

    expected = samples()
    monkeypatch.setattr(optimal_sim, "_BLOCK", 30)
    np.testing.assert_array_equal(samples(), expected)


@pytest.mark.parametrize("tile", [1, 3, 7, 50])
def test_samples_are_even_over_all_and_independent_in_each(tile):
    p = np.exp(TWO_BUMPS)
    p[:, -2:] = 0
    p /= p.sum()
    n = 400
    pixels = stratified_samples(p, n, 30, np.random.default_rng(0), tile=tile)
    assert pixels.shape == (n, 30)
    assert (p.ravel()[pixels] > 0).all()
    counts = np.array([np.bincount(column, minlength=p.size) for column in pixels.T])
    if (
        tile == 1
    ):  # the path is by rows: a row of mass m has n m draws, give or take one at each end
        of_rows = counts.reshape(30, *p.shape).sum(2)
        assert (abs(of_rows - n * p.sum(1)) < 2).all()
    likely = p.ravel() > 1e-3
    spread = (counts[:, likely] - n * p.ravel()[likely]).sum(0)
    error = np.sqrt(30 * n * p.ravel()[likely])
    assert (abs(spread) < 5 * error).all()
    y, x = np.divmod(pixels, p.shape[1])
    for along in (y, x):  # within a sample nothing is shared: the variance of a mean is 1/30
        ratio = along.mean(1).var() / (along.var() / 30)
        assert 0.8 < ratio < 1.25
        assert along.mean() == pytest.approx(
            (np.indices(p.shape)[0 if along is y else 1] * p).sum(), abs=0.2
        )


@pytest.mark.parametrize("boundary", ["constant", "reflect", "renormalise"])
@pytest.mark.parametrize("n_samples", [2, 7, 40])
def test_an_exact_linear_programme_agrees(boundary, n_samples):
    """Maximise mean_s sum_i u_si with u_si <= p_i, u_si <= q_si, sum p = 1."""
    size = (8, 9)
    p = np.exp(mixture((3, 4, 1.5, 1), (7, 0, 1, 0.6)))[: size[0], : size[1]]
    p /= p.sum()
    smoothing = Smoothing(sigma=1.2, boundary=boundary)
    found = sim_optimal_map(
        p, smoothing, N_FIXATIONS, np.random.default_rng(3), n_samples=n_samples, step=1
    )
    q = samples_of(p, smoothing, n_samples, np.random.default_rng(3)).reshape(n_samples, -1)
    n = p.size
    u = np.arange(n_samples * n)
    above = coo_array(
        (np.r_[np.ones(u.size), -np.ones(u.size)], (np.r_[u, u], np.r_[u, u.size + u % n])),
        shape=(u.size, u.size + n),
    )
    total = np.r_[np.zeros(u.size), np.ones(n)][np.newaxis]
    solved = linprog(
        np.r_[-np.full(u.size, 1 / n_samples), np.zeros(n)],
        A_ub=above,
        b_ub=np.zeros(u.size),
        A_eq=total,
        b_eq=[1.0],
        bounds=[(0, high) for high in q.ravel()] + [(0, None)] * n,
    )
    assert solved.status == 0
    assert found.sum() == pytest.approx(1, abs=1e-12)
    value = np.minimum(found.ravel(), q).sum(1).mean()
    assert value == pytest.approx(-solved.fun, abs=1e-9)


def test_conditions_of_the_optimum():
    """At most a share lambda of samples above each pixel, and at least one below its zeros."""
    p = np.exp(TWO_BUMPS)
    found = sim_optimal_map(
        p, SMOOTHING, N_FIXATIONS, np.random.default_rng(0), n_samples=200, step=1
    )
    q = samples_of(p, SMOOTHING, 200, np.random.default_rng(0))
    slack = 1e-6 * found.max()  # samples are float32 in the solver
    above = (q > found + slack).mean(0)
    at_least = (q >= found - slack).mean(0)
    share = np.median(at_least[found > slack])
    assert (above[found > slack] <= share + 1.5 / 200).all()
    assert (at_least[found > slack] >= share - 1.5 / 200).all()
    assert (above[found <= slack] <= share + 1.5 / 200).all()
    assert share == pytest.approx(np.median(above[found > slack]), abs=2 / 200)


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_steps_and_blocks(step):
    p = np.exp(TWO_BUMPS)
    smoothing = Smoothing(sigma=6.0)
    maps = [
        sim_optimal_map(
            p,
            smoothing,
            N_FIXATIONS,
            np.random.default_rng(0),
            n_samples=50,
            step=step,
            max_bytes=max_bytes,
        )
        for max_bytes in (2**30, 20_000, 1)
    ]
    assert maps[0].sum() == pytest.approx(1, abs=1e-12)
    assert maps[0].min() >= 0
    for blocked in maps[1:]:
        # sums over blocks round otherwise, by some eps, and are divided by their difference
        np.testing.assert_allclose(blocked, maps[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("background", [0.01, 0.0])
def test_the_error_of_the_grid(background):
    """Steps of half the blur cost less than 3e-5 of the expected SIM, also of a single spot."""
    y, x = np.mgrid[:90, :120]
    p = 1e-12 + np.exp(-((y - 30) ** 2 + (x - 70) ** 2) / (50 if background else 3))
    p += background * (1 + np.exp(-((x - 20) ** 2) / 800) * 30)
    log_density = np.log(p / p.sum())
    smoothing = Smoothing(sigma=9.0)
    scores = []
    for step in (1, None):
        m = sim_optimal_map(np.exp(log_density), smoothing, 40, np.random.default_rng(0), step=step)
        scores.append(
            expected_score("SIM", m, log_density, sigma=9, n_fixations=40, n_draws=400).value
        )
    assert scores[0] - scores[1] < 3e-5
    assert scores[1] == pytest.approx(scores[0], abs=1e-4)


def test_all_fixations_in_one_place_of_a_large_image():
    """All samples are equal: no finer grid is tried."""
    p = np.zeros((60, 80))
    p[30, 40] = 1
    smoothing = Smoothing(sigma=8.0)
    found = sim_optimal_map(p, smoothing, 10, np.random.default_rng(0), n_samples=5)
    truth = smoothing.points(p.shape, np.array([30 * 80 + 40]))
    truth /= truth.sum()
    assert np.minimum(found, truth).sum() > 0.999
