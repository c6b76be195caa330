"""Under its own density a model does best, for each metric, on that metric's optimal map."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

import salmetrics
from salmetrics import InputError, expected_score, optimal_saliency_map
from salmetrics.checked_map import as_log_density
from salmetrics.datasets import generate_dataset
from salmetrics.densities.optimal_maps import OptimalMapSettings, log_density_itself
from salmetrics.densities.optimal_sim import sim_optimal_map, stratified_samples
from salmetrics.densities.sampling import image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.kernels.quantile import sampled_maps
from salmetrics.metrics import auc
from salmetrics.metrics.registry import METRICS

SIZE = (24, 32)
SIGMA = 2.0
SMOOTHING = Smoothing(sigma=SIGMA)
N_FIXATIONS = 20
N_DRAWS = 400  # checks/optimal_maps.py takes as many as standard errors of 0.001 need


def mixture(*bumps, floor=0.02):
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    p = np.full(SIZE, floor)
    for at_y, at_x, width, height in bumps:
        p = p + height * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width**2))
    return np.log(p / p.sum())


DENSITIES = {
    "two bumps": mixture((8, 20, 2, 1), (16, 6, 3, 0.5)),
    "edge": mixture((0, 31, 3, 1), (20, 10, 1, 0.3), floor=0.005),
    "broad": mixture((12, 16, 9, 1), floor=0.1),
}
NONFIXATED = np.exp(mixture((12, 16, 7, 1)))
OPTIONS = {"n_fixations": N_FIXATIONS, "sigma": SIGMA, "mean_density": NONFIXATED}
KEYS = ("AUC", "CC", "KLDiv", "NSS", "SIM", "sAUC")


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


def test_for_sim_the_blurred_density_is_worse():
    for log_density in DENSITIES.values():
        best = optimal_saliency_map("SIM", log_density, **OPTIONS)
        blurred = optimal_saliency_map("KLDiv", log_density, **OPTIONS)
        scores = [
            expected_score("SIM", m, log_density, n_draws=3000, **OPTIONS) for m in (best, blurred)
        ]
        difference = scores[0].minus(scores[1])
        assert difference.value > 5 * difference.standard_error


def samples_of(p, smoothing, n_samples, stream):
    """The same sampled empirical maps as the solver draws, in float64, each of sum 1."""
    tile = max(1, int(smoothing.sigma / 2))
    pixels = stratified_samples(p, n_samples, N_FIXATIONS, stream, tile=tile)
    maps = np.array([smoothing.points(p.shape, each) for each in pixels])
    return maps / maps.sum((1, 2), keepdims=True)


@pytest.mark.parametrize("tile", [1, 3, 7, 50])
def test_samples_are_even_over_all_and_independent_in_each(tile):
    p = np.exp(DENSITIES["two bumps"])
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
    p = np.exp(DENSITIES["two bumps"])
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
    p = np.exp(DENSITIES["two bumps"])
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
        np.testing.assert_allclose(blocked, maps[0], rtol=1e-6, atol=1e-12)


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


def test_same_seed_same_map():
    log_density = DENSITIES["edge"]
    one, same, other = (
        optimal_saliency_map("SIM", log_density, sigma=2, n_samples=20, seed=s) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1)])
def test_tiny_images(size):
    log_density = np.full(size, -np.log(np.prod(size)))
    found = optimal_saliency_map("SIM", log_density, sigma=3.0, n_fixations=2, n_samples=5)
    assert found.shape == size
    assert found.sum() == pytest.approx(1)


def test_all_fixations_in_one_place_of_a_large_image():
    """All samples are equal: no finer grid is tried."""
    p = np.zeros((60, 80))
    p[30, 40] = 1
    smoothing = Smoothing(sigma=8.0)
    found = sim_optimal_map(p, smoothing, 10, np.random.default_rng(0), n_samples=5)
    truth = smoothing.points(p.shape, np.array([30 * 80 + 40]))
    truth /= truth.sum()
    assert np.minimum(found, truth).sum() > 0.999


def test_all_fixations_in_one_place():
    log_density = np.full(SIZE, -np.inf)
    log_density[4, 5] = 0
    found = optimal_saliency_map("SIM", log_density, sigma=SIGMA, n_samples=10)
    truth = SMOOTHING.points(SIZE, np.array([4 * SIZE[1] + 5]))
    np.testing.assert_allclose(found, truth / truth.sum(), rtol=1e-5, atol=1e-9)


def test_what_the_maps_are():
    log_density = DENSITIES["two bumps"]
    p = np.exp(log_density)
    expected = {"AUC": log_density, "NSS": p, "CC": SMOOTHING.dense(p)}
    expected |= {"AUC-Judd": log_density, "NSS-MATLAB": p, "KLDiv": SMOOTHING.dense(p)}
    settings = OptimalMapSettings(SMOOTHING, n_samples=10, image_id="x")
    expected["SIM"] = sim_optimal_map(p, SMOOTHING, 100, image_stream(0, "SIM x"), n_samples=10)
    made = {key: metric.optimal_map for key, metric in METRICS.items() if metric.optimal_map}
    assert made.keys() == expected.keys()
    for key, make in made.items():
        found = make(as_log_density(log_density), settings).values
        np.testing.assert_array_equal(found, expected[key])


def test_ranks_survive_underflow():
    log_density = np.array([[0.0, -800.0, -900.0]])
    found = log_density_itself(as_log_density(log_density), OptimalMapSettings(SMOOTHING))
    assert auc.score(found, [1], [0])[0] == 0.5
    assert auc.score(np.exp(log_density), [1], [0])[0] == pytest.approx(1 / 3)


# ---- models and expectations


@pytest.fixture
def data():
    return generate_dataset(6, size=(40, 50), n_subjects=4)


@pytest.mark.parametrize("key", KEYS)
def test_models_of_optimal_maps_score_as_densities_do(data, key):
    """A saliency map model of the best maps has the density's score."""
    stimuli, fixations = data.dataset
    n = round(len(fixations) / len(stimuli))
    model = salmetrics.OptimalMapModel(data.truth, key, stimuli, n_fixations=n)
    found = salmetrics.evaluate(model, stimuli, fixations, metrics=[key])
    expected = salmetrics.evaluate(data.truth, stimuli, fixations, metrics=[key])
    name = f"truth for {key}"
    assert found.value(name, key) == pytest.approx(expected.value("truth", key), abs=1e-6)


def test_sim_of_a_density(data):
    """The optimal map of the truth is better than the density, and than it blurred."""
    stimuli, fixations = data.dataset
    own = salmetrics.sim(data.truth, stimuli, fixations)
    for other in (lambda p: p, Smoothing(sigma=stimuli.sigma).dense):
        maps = [other(np.exp(data.truth.log_density(stimulus))) for stimulus in stimuli]
        assert own > salmetrics.sim(maps, stimuli, fixations)


def test_what_sim_depends_on(data):
    stimuli, fixations = data.dataset
    protocol = salmetrics.get_protocol("default")

    def value(seed=0, **changes):
        result = salmetrics.evaluate(
            data.truth,
            stimuli,
            fixations,
            metrics=["SIM"],
            seed=seed,
            protocol=protocol.override(**changes),
        )
        return result.value("truth", "SIM")

    assert value() == value()
    n = round(len(fixations) / len(stimuli))
    assert value(sim_fixations=n) == value()
    others = [value(seed=1), value(sim_fixations=5), value(sim_samples=20), value(sim_truncate=1.0)]
    assert len({value(), *others}) == 5


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: optimal_saliency_map("IG", d), "metric must be one of 'AUC', .*; got 'IG'"),
        (
            lambda d: optimal_saliency_map("CC", d),
            "CC compares with blurred fixations: pass sigma=",
        ),
        (lambda d: optimal_saliency_map("sAUC", d), "sAUC needs mean_density="),
        (
            lambda d: optimal_saliency_map("sAUC", d, mean_density=np.ones((2, 2))),
            r"mean_density must be of shape \(24, 32\), at least 0",
        ),
        (lambda d: optimal_saliency_map("NSS", np.exp(d)), "log_density must be the natural log"),
        (
            lambda d: optimal_saliency_map("SIM", d, sigma=2, n_samples=1),
            "n_samples must be a whole number >= 2; got 1",
        ),
        (
            lambda d: optimal_saliency_map("SIM", d, sigma=2, n_fixations=0),
            "n_fixations must be a whole number >= 1; got 0",
        ),
        (lambda d: expected_score("NSS", np.ones((2, 2)), d), r"has size \(2, 2\), log_density"),
        (lambda d: expected_score("NSS", np.exp(d), d, n_draws=1), "n_draws must be a whole"),
        (lambda d: expected_score("NSS", d * np.nan, d), "saliency_map must be finite"),
        (lambda d: expected_score("AUC", d * np.nan, d), "saliency_map must be finite"),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(DENSITIES["edge"])


def test_wrong_models(data):
    stimuli, fixations = data.dataset
    maps = salmetrics.as_model({}, kind="saliency_map")
    with pytest.raises(InputError, match="the optimal map for NSS needs densities; dict gives"):
        salmetrics.OptimalMapModel(maps, "NSS", stimuli)
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=5, centre_weight=0.1, uniform_weight=0.1
    )
    with pytest.raises(InputError, match="gold-standard has one per subject"):
        salmetrics.OptimalMapModel(gold, "NSS", stimuli)
    protocol = salmetrics.get_protocol("default")
    for change, text in [
        ({"sim_fixations": 0}, "sim_fixations must be a whole number >= 1; got 0"),
        ({"sim_samples": 1}, "sim_samples must be a whole number >= 2; got 1"),
        ({"sim_truncate": 0}, "sim_truncate must be a positive number; got 0"),
    ]:
        with pytest.raises(InputError, match=text):
            protocol.override(**change)


def test_the_kernel_compiled_and_plain(rng):
    """Points that end nowhere near the edges, and in them, with windows of any size."""
    ys, xs = rng.integers(-3, 13, 60), rng.integers(-3, 18, 60)
    masses = rng.random(60).astype(np.float32)
    ends = np.array([10, 10, 45, 60])
    rows, columns = np.array([0, 3, 6, 9]), np.array([0, 4, 8, 12, 14])
    kernels = [np.exp(-np.arange(n) / 2).astype(np.float32) for n in (3, 6)]
    found = sampled_maps(ys, xs, masses, ends, rows, columns, *kernels)
    plain = sampled_maps.py_func(ys, xs, masses, ends, rows, columns, *kernels)
    np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-7)
    slow = np.zeros((4, 4, 5))
    for s, (first, last) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        for y, x, mass in zip(ys[first:last], xs[first:last], masses[first:last], strict=True):
            for r, row in enumerate(rows):
                for c, column in enumerate(columns):
                    if abs(row - y) < 3 and abs(column - x) < 6:
                        slow[s, r, c] += (
                            mass * kernels[0][abs(row - y)] * kernels[1][abs(column - x)]
                        )
    np.testing.assert_allclose(found, slow, rtol=1e-5, atol=1e-6)
