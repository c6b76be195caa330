"""Fixations against the contrast of images: turned ones are found, and right ones are not."""

import re

import numpy as np
import pytest
from PIL import Image

from salmetrics import Fixations, Stimuli
from salmetrics.data.checks.contrast import contrast_findings
from salmetrics.datasets import generate_dataset

STIMULI, FIXATIONS = generate_dataset(20, seed=4).dataset
HEIGHT, WIDTH = STIMULI.sizes[0].tolist()


def moved(x, y, fixations=FIXATIONS):
    return Fixations.from_arrays(x, y, fixations.image, n_images=fixations.n_images)


def turned(fixations, across, down, size=(HEIGHT, WIDTH)):
    x, y = (np.floor(values) for values in (fixations.x, fixations.y))
    return moved(size[1] - 1 - x if across else x, size[0] - 1 - y if down else y, fixations)


@pytest.mark.parametrize(
    ("across", "down", "said"),
    [
        (False, True, "upside down .* check which way y runs"),
        (True, False, "mirrored .* check which way x runs"),
        (True, True, "turned by 180 degrees .* check the origin of positions"),
    ],
)
def test_turned_places(across, down, said):
    (finding,) = contrast_findings(STIMULI, turned(FIXATIONS, across, down))
    assert (finding.level, finding.code) == ("warning", "turned-places")
    assert re.search(said, finding.message)
    assert "on 20 images" in finding.message


def test_places_that_are_right_or_say_nothing():
    upside_down = turned(FIXATIONS, False, True)
    assert contrast_findings(STIMULI, FIXATIONS) == []
    assert contrast_findings(STIMULI, FIXATIONS[:0]) == []
    assert contrast_findings(STIMULI[:7], upside_down.select_images(range(7))) == []
    rng = np.random.default_rng(0)
    random = moved(*(rng.uniform(0, n, len(FIXATIONS)) for n in (WIDTH, HEIGHT)))
    assert contrast_findings(STIMULI, random) == []
    assert contrast_findings(Stimuli.from_sizes(STIMULI.sizes), upside_down) == []
    flat = Stimuli.from_arrays([np.full((HEIGHT, WIDTH), 9, np.uint8)] * 20)
    assert contrast_findings(flat, upside_down) == []


def test_large_images_are_left_alone():
    large = Stimuli.from_sizes([(3000, 4000)] * 20)
    assert contrast_findings(large, FIXATIONS) == []


def test_images_that_cannot_be_read_are_left_to_others(tmp_path):
    files = [tmp_path / f"{i}.bmp" for i in range(20)]
    for file, stimulus in zip(files, STIMULI, strict=True):
        Image.fromarray(stimulus.image).save(file)
    stimuli = Stimuli.from_files(files)
    upside_down = turned(FIXATIONS, False, True)
    (before,) = contrast_findings(stimuli, upside_down)
    files[3].unlink()
    (after,) = contrast_findings(stimuli, upside_down)
    assert "on 20 images" in before.message
    assert "on 19 images" in after.message
