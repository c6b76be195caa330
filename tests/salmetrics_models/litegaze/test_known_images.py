"""Images of a training are found again by what they show, and others are not taken for them."""

import io

import numpy as np
import pytest
from PIL import Image

from salmetrics import InputError
from salmetrics.datasets import load
from salmetrics_models.litegaze.known_images import KnownImages, thumbnail


@pytest.fixture(scope="module")
def photographs(shared):
    stimuli = load("osie", shared / "data" / "osie", download=False).stimuli[::35]
    return [stimulus.rgb for stimulus in stimuli]


@pytest.fixture(scope="module")
def known(photographs):
    n = len(photographs)
    thumbnails = np.stack([thumbnail(pixels) for pixels in photographs])
    return KnownImages(thumbnails, np.arange(n, dtype=np.uint8) % 10)


def compressed(image, quality=10):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


COPIES = {
    "compressed": compressed,
    "small": lambda image: image.resize((100, 75)),
    "large": lambda image: image.resize((1600, 1200), Image.Resampling.NEAREST),
    "other sides": lambda image: image.resize((300, 300)),
    "grey": lambda image: image.convert("L"),
    "dark": lambda image: image.point(lambda value: value // 2),
}


@pytest.mark.parametrize("copy", COPIES)
def test_copies_are_found(photographs, known, copy):
    for number, pixels in enumerate(photographs):
        changed = COPIES[copy](Image.fromarray(pixels)).convert("RGB")
        assert known.find(np.asarray(changed)) == number
        assert known.fold_of(np.asarray(changed)) == number % 10


def test_others_are_new(photographs, known):
    """Each photograph is new to the rest, and so is its mirror image."""
    for number, pixels in enumerate(photographs):
        others = np.arange(len(photographs)) != number
        rest = KnownImages(known.thumbnails[others], known.folds[others])
        assert rest.find(pixels) is None
        assert known.find(np.ascontiguousarray(pixels[:, ::-1])) is None


def test_images_without_contrast(known):
    """They have no direction: all known images are equally far, at distance 1."""
    flat = np.full((60, 80, 3), 128, np.uint8)
    np.testing.assert_allclose(known.distances(flat), 1, rtol=1e-12)
    assert known.find(flat) is None


def test_distance_is_that_of_standardised_thumbnails(photographs, known):
    one, other = (thumbnail(photographs[i]).astype(float) for i in (0, 1))
    one, other = ((each - each.mean()) / each.std() for each in (one, other))
    expected = np.sqrt(((one - other) ** 2).mean())
    np.testing.assert_allclose(known.distances(photographs[0])[1], expected, rtol=1e-12)


def test_wrong_shapes():
    with pytest.raises(InputError, match=r"shape \(n, 12, 16\) and folds \(n,\); got \(2, 5, 5\)"):
        KnownImages(np.zeros((2, 5, 5), np.uint8), np.zeros(2, np.uint8))
