"""Scores of pysaliency 0.2.22 on the same data, per fixation and per image."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pysaliency_reference import pysaliency
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics.datasets import load

SIGMA = 24.0
MODELS = ("gaussian", "centre-bias", "local-contrast")


def local_contrast(stimulus):
    grey = stimulus.rgb.mean(2)
    return gaussian_filter(np.abs(grey - gaussian_filter(grey, 4)), 4)


def predictions(which, stimuli, fixations):
    if which == "local-contrast":
        return {s.id: local_contrast(s) for s in stimuli}
    if which == "gaussian":
        model = salmetrics.GaussianCentreBias(0.2)
    else:
        model = salmetrics.CentreBias(stimuli, fixations)
    return {s.id: model.log_density(s) for s in stimuli}


class Maps(pysaliency.SaliencyMapModel):
    """Given maps; the first pixel of an image is its number."""

    def __init__(self, maps):
        super().__init__(caching=False)
        self.maps = maps

    def _saliency_map(self, stimulus):
        return self.maps[int(stimulus[0, 0])]


class LogDensities(pysaliency.Model):
    def __init__(self, maps):
        super().__init__(caching=False)
        self.maps = maps

    def _log_density(self, stimulus):
        return self.maps[int(stimulus[0, 0])]


def as_pysaliency(stimuli, fixations):
    numbered = [np.full(size, i, np.int32) for i, size in enumerate(stimuli.sizes)]
    return (
        pysaliency.Stimuli(numbered),
        pysaliency.Fixations.create_without_history(fixations.x, fixations.y, fixations.image),
    )


def in_threads(function, n):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, range(n)))


def their_nss(maps, fixations):
    values = np.empty(len(fixations))
    for i, m in enumerate(maps):
        seen = fixations.image == i
        values[seen] = pysaliency.metrics.NSS(m, fixations.x[seen], fixations.y[seen])
    return values


def their_image_scores(maps, empirical):
    """CC, KLDiv and SIM of each image, by name."""

    def scores(i):
        with np.errstate(divide="ignore"):  # log of 0, far from all fixations
            kldiv = pysaliency.metrics.MIT_KLDiv(maps[i], empirical[i])
        cc = pysaliency.metrics.CC(maps[i], empirical[i])
        return cc, kldiv, pysaliency.metrics.SIM(maps[i], empirical[i])

    columns = np.array(in_threads(scores, len(maps))).T
    return dict(zip(("CC", "KLDiv", "SIM"), columns, strict=True))


def blurred(maps):
    return in_threads(lambda i: gaussian_filter(maps[i], SIGMA, mode="constant"), len(maps))


def empirical_maps(stimuli, fixations):
    counts = [np.zeros(size) for size in stimuli.sizes]
    for i, x, y in zip(fixations.image, fixations.x, fixations.y, strict=True):
        counts[i][int(y), int(x)] += 1
    return blurred(counts)


def same(ours, theirs):
    # the absolute part is for NSS and gains near 0
    assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=False)


def compare_maps(stimuli, fixations, maps, empirical, nonfixations):
    """Metrics that rank or compare maps, on given arrays."""
    data = stimuli, fixations
    metrics = ["AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM"]
    found = salmetrics.evaluate(
        {"m": maps}, *data, metrics=metrics, kind="saliency_map", progress=False
    )
    arrays = list(maps.values())
    same(found.per_fixation["m", "NSS"], their_nss(arrays, fixations))
    for key, values in their_image_scores(arrays, empirical).items():
        same(found.per_image["m", key], values)
    for which in nonfixations:
        if which == "unfixated":
            ours = salmetrics.auc(maps, *data, nonfixations=which, average=None)
        else:
            ours = found.per_fixation["m", {"uniform": "AUC", "shuffled": "sAUC"}[which]]
        same(ours, Maps(arrays).AUCs(*as_pysaliency(*data), nonfixations=which))


def compare_likelihoods(stimuli, fixations, densities):
    """LL, IG and NSS, on given log densities."""
    data = stimuli, fixations
    baseline = salmetrics.CentreBias(*data, bandwidth=0.1)
    found = salmetrics.evaluate(
        {"m": densities},
        *data,
        metrics=["LL", "IG", "NSS"],
        baseline=baseline,
        kind="log_density",
        progress=False,
    ).per_fixation["m"]
    theirs = LogDensities(list(densities.values()))
    their_data = as_pysaliency(*data)
    same(found["LL"], theirs.log_likelihoods(*their_data) / np.log(2))
    reference = LogDensities(list(map(baseline.log_density, stimuli)))
    same(found["IG"], theirs.information_gains(*their_data, baseline_model=reference))
    same(found["NSS"], their_nss(map(np.exp, densities.values()), fixations))


def compare_blurred_densities(stimuli, fixations, densities, empirical):
    """CC and KLDiv of log densities, whose optimal map is the blurred density."""
    found = salmetrics.evaluate(
        {"m": densities},
        stimuli,
        fixations,
        metrics=["CC", "KLDiv"],
        kind="log_density",
        progress=False,
    ).per_image["m"]
    theirs = their_image_scores(blurred(list(map(np.exp, densities.values()))), empirical)
    for key in ("CC", "KLDiv"):
        same(found[key], theirs[key])


@pytest.fixture(scope="module")
def generated():
    rng = np.random.default_rng(5)
    sizes = [(60, 80), (80, 60), (60, 80), (45, 100), (71, 53), (80, 60)]
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    stimuli = salmetrics.Stimuli.from_arrays(images, sigma=SIGMA)
    image = np.sort(rng.integers(0, len(sizes), 240))
    heights, widths = stimuli.sizes[image].T
    x = np.clip(rng.normal(0.5, 0.2, image.size), 0, 0.999) * widths
    y = np.clip(rng.normal(0.5, 0.2, image.size), 0, 0.999) * heights
    rows = rng.permutation(image.size)  # images in no order
    return stimuli, salmetrics.Fixations.from_arrays(x[rows], y[rows], image[rows], n_images=6)


@pytest.fixture(scope="module")
def osie(shared):
    if not (shared / "data/osie").is_dir():
        pytest.skip("OSIE not found")
    # 14 images with 1933 fixations: pysaliency needs half a second for each image
    return load("osie", shared / "data/osie", download=False)[::50]


@pytest.mark.filterwarnings("ignore:.*that were looked at:salmetrics.InputWarning")
@pytest.mark.parametrize("which", MODELS)
def test_maps_on_generated_images(generated, which):
    maps = predictions(which, *generated)
    nonfixations = ("uniform", "unfixated", "shuffled")
    compare_maps(*generated, maps, empirical_maps(*generated), nonfixations)


@pytest.mark.filterwarnings("ignore:.*that were looked at:salmetrics.InputWarning")
@pytest.mark.parametrize("which", MODELS[:2])
def test_densities_on_generated_images(generated, which):
    densities = predictions(which, *generated)
    compare_likelihoods(*generated, densities)
    compare_blurred_densities(*generated, densities, empirical_maps(*generated))
    same(
        salmetrics.auc(densities, *generated, average=None, kind="log_density"),
        Maps(list(densities.values())).AUCs(*as_pysaliency(*generated)),
    )


def test_information_gain_over_pysaliencys_uniform_model(generated):
    stimuli, fixations = generated
    densities = predictions("gaussian", stimuli, fixations)
    ours = salmetrics.information_gain(
        densities, stimuli, fixations, baseline=salmetrics.Uniform(), average=None
    )
    theirs = LogDensities(list(densities.values())).information_gains(
        *as_pysaliency(stimuli, fixations)
    )
    same(ours, theirs)


@pytest.mark.parametrize("average", ["fixation", "image"])
def test_averages(generated, average):
    stimuli, fixations = generated
    maps = predictions("local-contrast", stimuli, fixations)
    theirs = Maps(list(maps.values())).AUC(*as_pysaliency(stimuli, fixations), average=average)
    same(salmetrics.auc(maps, stimuli, fixations, average=average), theirs)


@pytest.mark.slow
@pytest.mark.real_data
def test_osie_map(osie):
    stimuli, fixations = osie
    assert (len(stimuli), stimuli.sigma) == (14, SIGMA)
    maps = predictions("local-contrast", stimuli, fixations)
    empirical = empirical_maps(stimuli, fixations)
    compare_maps(stimuli, fixations, maps, empirical, ("uniform", "shuffled"))


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore:.*that were looked at:salmetrics.InputWarning")
@pytest.mark.parametrize("which", MODELS[:2])
def test_osie_densities(osie, which):
    densities = predictions(which, *osie)
    compare_likelihoods(*osie, densities)
    maps = list(densities.values())
    ours = salmetrics.sauc(densities, *osie, average=None)
    same(ours, Maps(maps).AUCs(*as_pysaliency(*osie), nonfixations="shuffled"))
    few = osie[::7]  # pysaliency and SciPy need a second for each image
    chosen = {name: densities[name] for name in few.stimuli.ids}
    empirical = empirical_maps(*few)
    compare_maps(*few, chosen, empirical, ("unfixated",))
    compare_blurred_densities(*few, chosen, empirical)


@pytest.mark.slow
def test_centre_bias_and_gold_standard(shared):
    """Their conventions: floor before normalising; bandwidth as a share of the longer side."""
    dataset = load("osie", shared / "data" / "osie", download=False)[:6]
    # small images, as pysaliency's time grows with the pixels
    stimuli, fixations = salmetrics.resize(dataset, (150, 200))
    theirs = as_pysaliency(stimuli, fixations)
    bias = pysaliency.baseline_utils.CrossvalidatedBaselineModel(*theirs, bandwidth=0.04, eps=1e-3)
    ours = salmetrics.CentreBias(
        stimuli, fixations, bandwidth=0.04, floor=1e-3, pysaliency_compatible=True
    )
    for i in (0, 5):
        expected = bias.log_density(theirs[0][i])
        assert_allclose(ours.log_density(stimuli[i]), expected, rtol=0, atol=1e-9)
    for i, subject in ((1, 2), (3, 7)):
        others = (fixations.image == i) & (fixations.subject != subject)
        some = as_pysaliency(stimuli, fixations[others])
        gold = pysaliency.baseline_utils.KDEGoldModel(
            *some, bandwidth=0.03, eps=0.01, keep_aspect=True, caching=False
        )
        expected = gold.log_density(some[0][i])
        options = {"bandwidth": 0.03, "units": "relative", "uniform_weight": 0.01}
        made = salmetrics.GoldStandard(stimuli, fixations, centre_weight=0.0, **options)
        found = made.log_density(stimuli[i], subject=subject)
        assert_allclose(found, expected, rtol=0, atol=1e-9)
