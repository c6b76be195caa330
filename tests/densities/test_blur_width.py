"""Plausibility of the width of a blur."""

import numpy as np
import pytest

from salmetrics.densities.blur_width import odd_width
from salmetrics.protocols import DEFAULT, MIT_MATLAB, get_protocol

SIZES = np.array([(600, 800)] * 3)


@pytest.mark.parametrize(
    ("sigma", "wrong", "text"),
    [
        (0.49, False, "below half a pixel"),
        (151, False, "wider than a quarter of the shorter side of 3 of 3 images"),
        (799, False, "such as one of 800x600 pixels"),
        (800, True, "wider than every image, the longest side being 800 pixels"),
    ],
)
def test_odd(sigma, wrong, text):
    for widths in [(sigma, 24), (None, sigma)]:
        found = odd_width(DEFAULT, *widths, SIZES)
        assert found is not None
        assert found[0] is wrong
        assert text in found[1]
    chosen = odd_width(DEFAULT.override(sigma=sigma), 24, 24, SIZES)
    assert chosen is not None
    assert chosen[0] is wrong


@pytest.mark.parametrize("sigma", [0.5, 24, 150])
def test_plausible(sigma):
    assert odd_width(DEFAULT, sigma, None, SIZES) is None


def test_what_is_not_judged():
    assert odd_width(DEFAULT, None, None, SIZES) is None
    assert odd_width(DEFAULT, 500, None, np.array([(30, 20)])) is None  # a made-up image
    assert odd_width(MIT_MATLAB, 500, None, SIZES) is None  # the blur has a share of the image
    published = get_protocol("mit-tuebingen")
    assert odd_width(published, 500, None, np.array([(80, 80)])) is None
    assert odd_width(published.override(sigma=500), None, None, SIZES) is not None


def test_few_small_images_among_large_ones():
    mixed = np.array([(600, 800)] * 3 + [(100, 140)])
    assert odd_width(DEFAULT, 24, None, mixed) is None
    found = odd_width(DEFAULT, 26, None, mixed[2:])
    assert found is not None
    assert "1 of 2 images, such as one of 140x100 pixels" in found[1]
