"""The MIT/Tuebingen protocols against a slow implementation of their written rules."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom
from scipy.special import logsumexp

import salmetrics
from salmetrics import Fixations, InputError, Stimuli, get_protocol
from salmetrics.densities.mean_density import GRID, from_grid_by_logs, to_grid_by_logs
from salmetrics.metrics.registry import METRICS

SIZES = [(60, 90), (50, 80), (90, 60), (60, 90)]
# name: width of the blur of fixations, of predictions, and how IG is averaged
RULES = {
    "mit-tuebingen": (23.99, 24.0, "fixation"),
    "mit-tuebingen-mit300": (23.99, 24.0, "fixation"),
    "mit-tuebingen-cat2000": (40.0, 40.0, "image"),
    "mit-tuebingen-coco-freeview": (30.0, 30.0, "image"),
}
EPS = 2.2204e-16


def smooth_maps(rng):
    return [gaussian_filter(rng.standard_normal(size), 4, mode="wrap") * 8 for size in SIZES]


@pytest.fixture
def data(rng):
    counts = [12, 5, 9, 1]
    image = np.repeat(np.arange(4), counts)
    heights, widths = np.array(SIZES)[image].T
    fixations = Fixations.from_arrays(
        rng.random(image.size) * widths, rng.random(image.size) * heights, image
    )
    return Stimuli.from_sizes(SIZES), fixations


# ---- the rules, written out


def ranks(scores, positives, negatives):
    """Share of negatives below each positive, ties half."""
    return [
        (np.sum(negatives < scores[p]) + 0.5 * np.sum(negatives == scores[p])) / len(negatives)
        for p in positives
    ]


def pixels_on(fixations, i):
    rows = fixations.image == i
    return list(zip(fixations.y[rows].astype(int), fixations.x[rows].astype(int), strict=True))


def other_fixations(fixations, i):
    """Fixations of all other images as values' positions on image i: ratio first, then floor."""
    height, width = SIZES[i]
    places = []
    for x, y, k in zip(fixations.x, fixations.y, fixations.image, strict=True):
        if k != i:
            row = int(np.floor(y * (height / SIZES[k][0])))
            column = int(np.floor(x * (width / SIZES[k][1])))
            places.append((min(row, height - 1), min(column, width - 1)))
    return places


def resized_log(log_density, size):
    """Bilinear, corners on corners, and normalised again."""
    factors = [new / old for new, old in zip(size, log_density.shape, strict=True)]
    result = zoom(log_density, factors, order=1, mode="nearest")
    assert result.shape == tuple(size)
    return result - logsumexp(result)


def mean_of_the_others(log_densities, i):
    grids = [np.exp(resized_log(d, (GRID, GRID))) for k, d in enumerate(log_densities) if k != i]
    return resized_log(np.log(np.mean(grids, axis=0)), SIZES[i])


def normalised(m):
    m = m - min(m.min(), 0)
    return m / m.sum()


def per_image_scores(shown, fixations, i, sigma):
    """Score with one map for each of AUC, NSS, and CC, KLDiv, SIM."""
    ranked, dense, blurred = shown
    positives = pixels_on(fixations, i)
    counts = np.zeros(SIZES[i])
    for pixel in positives:
        counts[pixel] += 1
    truth = gaussian_filter(counts, sigma, mode="reflect", truncate=4)
    p, q = normalised(blurred), truth / truth.sum()
    return {
        "AUC": np.mean(ranks(ranked, positives, ranked.ravel())),
        "NSS": np.mean([(dense[pixel] - dense.mean()) / dense.std() for pixel in positives]),
        "CC": np.corrcoef(blurred.ravel(), truth.ravel())[0, 1],
        "KLDiv": np.sum(q * np.log(EPS + q / (p + EPS))),
        "SIM": np.minimum(p, q).sum(),
    }


@pytest.mark.parametrize("name", RULES)
def test_densities(name, data, rng):
    stimuli, fixations = data
    truth_sigma, sigma, average = RULES[name]
    log_densities = [m - logsumexp(m) for m in smooth_maps(rng)]
    baseline = [m - logsumexp(m) for m in smooth_maps(rng)]
    scores, gains = [], []
    for i, log_density in enumerate(log_densities):
        density = np.exp(log_density)
        blurred = gaussian_filter(density, sigma, mode="constant", truncate=4)
        row = per_image_scores((log_density, density, blurred), fixations, i, truth_sigma)
        # predictions wait for the mean of the others as float32
        waiting = [each.astype(np.float32).astype(float) for each in log_densities]
        ratio = waiting[i] - mean_of_the_others(waiting, i)
        others = np.array([ratio[pixel] for pixel in other_fixations(fixations, i)])
        row["sAUC"] = np.mean(ranks(ratio, pixels_on(fixations, i), others))
        scores.append(row)
        gains.append(
            [(log_density[p] - baseline[i][p]) / np.log(2) for p in pixels_on(fixations, i)]
        )
    result = salmetrics.evaluate(
        salmetrics.as_model(log_densities, stimuli, kind="log_density"),
        *data,
        protocol=name,
        baseline=salmetrics.as_model(baseline, stimuli, kind="log_density"),
    )
    expected = {key: np.mean([row[key] for row in scores]) for key in scores[0]}
    expected["IG"] = np.mean(
        np.concatenate(gains) if average == "fixation" else [np.mean(each) for each in gains]
    )
    for key in ("IG", "AUC", "sAUC", "NSS", "CC", "KLDiv"):
        assert result.value("list", key) == pytest.approx(expected[key], rel=1e-9), key
    assert 0 < result.value("list", "SIM") < 1


@pytest.mark.parametrize("name", RULES)
def test_saliency_maps(name, data, rng):
    """One map for all metrics, and no IG."""
    stimuli, fixations = data
    maps = smooth_maps(rng)
    scores = []
    for i, m in enumerate(maps):
        row = per_image_scores((m, m, m), fixations, i, RULES[name][0])
        others = np.array([m[pixel] for pixel in other_fixations(fixations, i)])
        row["sAUC"] = np.mean(ranks(m, pixels_on(fixations, i), others))
        scores.append(row)
    model = salmetrics.as_model(maps, stimuli, kind="saliency_map")
    result = salmetrics.evaluate(model, *data, protocol=name)
    for key in scores[0]:
        expected = np.mean([row[key] for row in scores])
        assert result.value("list", key) == pytest.approx(expected, rel=1e-9), key
    assert np.isnan(result.value("list", "IG"))


def test_resizing_of_logs(rng):
    for size in [(60, 90), (GRID, GRID), (700, 3), (1, 1)]:
        log_density = rng.standard_normal(size)
        log_density -= logsumexp(log_density)
        found = to_grid_by_logs(log_density)
        np.testing.assert_allclose(found, np.exp(resized_log(log_density, (GRID, GRID))), rtol=1e-9)
        np.testing.assert_allclose(
            from_grid_by_logs(found, size), np.exp(resized_log(np.log(found), size)), rtol=1e-9
        )


def test_probability_zero_stays_zero():
    density = np.zeros((4, 4))
    density[0, 0] = density[3, 3] = 0.5
    with np.errstate(divide="ignore"):
        found = to_grid_by_logs(np.log(density))
    assert found.sum() == pytest.approx(1, rel=1e-12)
    assert found[0, 0] == found[-1, -1] == pytest.approx(0.5, rel=1e-12)
    assert (found > 0).sum() == 2


def average(key, protocol):
    return METRICS[key].average_under(protocol)


def test_choices():
    protocol = get_protocol("mit-tuebingen-cat2000")
    assert average("IG", protocol) == average("NSS", protocol) == "image"
    protocol = get_protocol("mit-tuebingen")
    assert (average("IG", protocol), average("AUC", protocol)) == ("fixation", "image")
    assert protocol.overrides == {}
    for change, text in [
        (
            {"average_information": "subjects"},
            "average_information must be one of None, 'fixation'",
        ),
        ({"prediction_boundary": "wrap"}, "prediction_boundary must be one of None, 'constant'"),
        ({"prediction_sigma": -1}, "prediction_sigma must be a positive number; got -1"),
        ({"mean_grid": "cubic"}, "mean_grid must be one of 'mass', 'log'"),
    ]:
        with pytest.raises(InputError, match=text):
            protocol.override(**change)
