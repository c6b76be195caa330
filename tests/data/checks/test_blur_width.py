"""Plausibility of the width of a blur."""

import pytest

from salmetrics import Stimuli
from salmetrics.data.checks.blur_width import width_findings
from salmetrics.protocols import DEFAULT, MIT_MATLAB, get_protocol

SIZES = [(600, 800)] * 3


def found_of(protocol, sigma, pixels_per_degree, sizes):
    stimuli = Stimuli.from_sizes(sizes, sigma=sigma, pixels_per_degree=pixels_per_degree)
    return width_findings(stimuli, protocol)


@pytest.mark.parametrize(
    ("sigma", "level", "text"),
    [
        (0.49, "warning", "below half a pixel"),
        (151, "warning", "wider than a quarter of the shorter side of 3 of 3 images"),
        (799, "warning", "such as one of 800x600 pixels"),
        (800, "error", "wider than every image, the longest side being 800 pixels"),
    ],
)
def test_odd(sigma, level, text):
    for widths in [(sigma, 24), (None, sigma)]:
        (found,) = found_of(DEFAULT, *widths, SIZES)
        assert (found.level, found.code) == (level, "width")
        assert text in found.message
    (chosen,) = found_of(DEFAULT.override(sigma=sigma), 24, 24, SIZES)
    assert chosen.level == level


@pytest.mark.parametrize("sigma", [0.5, 24, 150])
def test_plausible(sigma):
    assert found_of(DEFAULT, sigma, None, SIZES) == []


def test_what_is_not_judged():
    assert found_of(DEFAULT, None, None, SIZES) == []
    assert found_of(DEFAULT, 500, None, [(30, 20)]) == []  # a made-up image
    assert found_of(MIT_MATLAB, 500, None, SIZES) == []  # the blur has a share of the image
    published = get_protocol("mit-tuebingen")
    assert found_of(published, 500, None, [(80, 80)]) == []
    assert found_of(published.override(sigma=500), None, None, SIZES)


def test_few_small_images_among_large_ones():
    mixed = [(600, 800)] * 3 + [(100, 140)]
    assert found_of(DEFAULT, 24, None, mixed) == []
    (found,) = found_of(DEFAULT, 26, None, mixed[2:])
    assert "1 of 2 images, such as one of 140x100 pixels" in found.message
