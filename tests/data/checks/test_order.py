"""Maps of the image after or before are found, and maps in their order are not accused."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics import Fixations, Stimuli
from salmetrics.data.checks.order import order_findings
from salmetrics.datasets import generate_dataset

STIMULI, FIXATIONS = generate_dataset(12, size=(60, 80), seed=3).dataset
IDS = STIMULI.ids


def blurred(i):
    own = FIXATIONS.of_image(i)
    counts = np.zeros((60, 80))
    np.add.at(counts, (own.y.astype(int), own.x.astype(int)), 1)
    return gaussian_filter(counts, 4)


MAPS = [blurred(i) for i in range(12)]


@pytest.mark.parametrize(("shift", "said"), [(1, "after"), (-1, "before")])
def test_maps_of_the_next_image(shift, said):
    maps = dict(zip(IDS, np.roll(MAPS, -shift, axis=0), strict=True))
    (finding,) = order_findings("mine", maps, STIMULI, FIXATIONS)
    assert (finding.level, finding.code) == ("warning", "shifted")
    assert f"fit the fixations on the image {said} theirs better" in finding.message
    assert "on 11 images" in finding.message
    few = dict(list(maps.items())[:7])
    assert order_findings("mine", few, STIMULI, FIXATIONS) == []


def test_maps_in_their_order_or_of_no_order():
    assert order_findings("mine", dict(zip(IDS, MAPS, strict=True)), STIMULI, FIXATIONS) == []
    centre = np.outer(np.hanning(60), np.hanning(80))
    assert order_findings("mine", dict.fromkeys(IDS, centre), STIMULI, FIXATIONS) == []
    # on each second image people look at the centre
    rng = np.random.default_rng(1)
    image = np.arange(2400) % 24
    spread = np.where(image % 2, 3, 15)
    x, y = (np.clip(rng.normal(n / 2, spread), 0, n - 1) for n in (80, 60))
    stimuli = Stimuli.from_sizes([(60, 80)] * 24)
    maps = dict.fromkeys(stimuli.ids[::2], centre)
    assert order_findings("m", maps, stimuli, Fixations.from_arrays(x, y, image)) == []
    for seed in range(20):
        noise = np.random.default_rng(seed).random((12, 60, 80))
        maps = dict(zip(IDS, noise, strict=True))
        assert order_findings("mine", maps, STIMULI, FIXATIONS) == []
    shifted = dict(zip(IDS, np.roll(MAPS, -1, axis=0), strict=True))
    sizes = [(60, 80), (60, 81)] * 6
    assert order_findings("mine", shifted, Stimuli.from_sizes(sizes, ids=IDS), FIXATIONS) == []
    flat = dict.fromkeys(IDS, np.ones((60, 80)))
    assert order_findings("mine", flat, STIMULI, FIXATIONS) == []
