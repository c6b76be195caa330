"""Accumulators against `evaluate`, on images of one size and, with masks, of several."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics import InputError, Stimuli
from salmetrics.datasets import generate_dataset
from salmetrics_models import accumulators

SIGMA = 4.0


def contrast(stimulus):
    grey = stimulus.rgb.mean(2)
    return np.round(gaussian_filter(abs(grey - gaussian_filter(grey, 3)), 2), 1)  # with ties


@pytest.fixture(scope="module", params=["one size", "two sizes"])
def scored(request):
    """A data set, and what `evaluate` says of a saliency map and of a density."""
    generated = generate_dataset(10, size=(48, 64), seed=3)
    stimuli, fixations = (
        generated.dataset.stimuli.with_scale(sigma=SIGMA),
        generated.dataset.fixations,
    )
    if request.param == "two sizes":
        images = [s.image if i % 2 else s.image[:40, :50] for i, s in enumerate(stimuli)]
        stimuli = Stimuli.from_arrays(images, ids=stimuli.ids, sigma=SIGMA)
        fixations = fixations.drop_outside(stimuli)
    density = salmetrics.GaussianCentreBias(0.3)
    baseline = salmetrics.GaussianCentreBias(0.6)
    saliency = salmetrics.as_model(contrast, kind="saliency_map")
    saliency.name = "contrast"
    return stimuli, fixations, {"contrast": saliency, "density": density}, baseline


def batches(stimuli, fixations, maps, size=4):
    """Padded batches: maps, fixation counts, empirical maps, masks."""
    height, width = stimuli.sizes.max(0)
    for start in range(0, len(stimuli), size):
        rows = range(start, min(start + size, len(stimuli)))
        shape = (len(rows), height, width)
        found = {key: np.full(shape, 99.0) for key in maps}
        counts, targets, masks = np.ones(shape), np.zeros(shape), np.zeros(shape, bool)
        for k, i in enumerate(rows):
            h, w = stimuli.sizes[i]
            masks[k, :h, :w] = True
            counts[k, :h, :w] = 0
            of_image = fixations.of_image(i)
            np.add.at(counts[k], (of_image.y.astype(int), of_image.x.astype(int)), 1)
            targets[k, :h, :w] = gaussian_filter(
                counts[k, :h, :w], SIGMA, mode="constant", truncate=4
            )
            for key, function in maps.items():
                found[key][k, :h, :w] = function(stimuli[i])
        yield (
            {key: torch.tensor(values) for key, values in found.items()},
            *map(torch.tensor, (counts, targets, masks)),
        )


@pytest.mark.parametrize("average", ["fixation", "image"])
def test_equal_to_evaluate(scored, average):
    stimuli, fixations, models, baseline = scored
    protocol = salmetrics.get_protocol("default").override(average=average)
    result = salmetrics.evaluate(
        models["contrast"],
        stimuli,
        fixations,
        protocol=protocol,
        metrics=["AUC", "NSS", "CC", "KLDiv", "SIM"],
        n_bootstrap=0,
    )
    gains = salmetrics.evaluate(
        models["density"],
        stimuli,
        fixations,
        baseline=baseline,
        protocol=protocol,
        metrics=["IG"],
        n_bootstrap=0,
    )
    per_fixation = {
        "AUC": accumulators.AUC(average=average),
        "NSS": accumulators.NSS(average=average),
    }
    per_image = {
        "CC": accumulators.CC(),
        "KLDiv": accumulators.KLDiv(),
        "SIM": accumulators.SIM(),
    }
    gain = accumulators.InformationGain(average=average)
    functions = {
        "contrast": contrast,
        "density": models["density"].log_density,
        "baseline": baseline.log_density,
    }
    for maps, counts, targets, mask in batches(stimuli, fixations, functions):
        for metric in per_fixation.values():
            metric.update(maps["contrast"], counts, mask=mask)
        for metric in per_image.values():
            metric.update(maps["contrast"], targets, mask=mask)
        gain.update(maps["density"], maps["baseline"], counts, mask=mask)
    for name, metric in (per_fixation | per_image).items():
        expected = result.value("contrast", name)
        # SciPy's blur and ours end where 4 standard deviations are, rounded in their own way
        tolerance = 1e-9 if name in per_fixation else 1e-6
        assert metric.compute() == pytest.approx(expected, rel=tolerance), name
    name = gains.models[0]
    assert gain.compute() == pytest.approx(gains.value(name, "IG"), rel=1e-9)


def test_batches_of_any_size_give_the_same(scored):
    stimuli, fixations, _, _ = scored
    found = []
    for size in (1, 3, 10):
        metric = accumulators.AUC()
        for maps, counts, _, mask in batches(stimuli, fixations, {"contrast": contrast}, size):
            metric.update(maps["contrast"], counts, mask=mask)
        found.append(metric.compute())
    np.testing.assert_allclose(found, found[0], rtol=1e-12, atol=0)


def test_reset_and_nothing():
    metric = accumulators.CC()
    assert math.isnan(metric.compute())
    maps = torch.rand(2, 5, 6)
    metric.update(maps, maps)
    assert metric.compute() == pytest.approx(1, rel=1e-12)
    metric.update(maps, -maps)
    assert metric.compute() == pytest.approx(0, rel=0, abs=1e-12)
    metric.reset()
    assert math.isnan(metric.compute())


def test_no_gradients_are_kept():
    maps = torch.rand(2, 5, 6, requires_grad=True)
    counts = torch.ones(2, 5, 6)
    metric = accumulators.NSS()
    metric.update(maps, counts)
    assert not metric._sum.requires_grad


def test_wrong_input():
    with pytest.raises(InputError, match="average must be one of 'fixation', 'image'"):
        accumulators.AUC(average="subject")
    with pytest.raises(InputError, match=r"images \[0\] of the batch have no fixations"):
        accumulators.AUC().update(torch.rand(1, 4, 5), torch.zeros(1, 4, 5))
    with pytest.raises(InputError, match="must have the prediction's shape"):
        accumulators.SIM().update(torch.rand(1, 4, 5), torch.rand(1, 4, 4))
