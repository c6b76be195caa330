"""Images of any shape on one size, and maps and points of that size."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics_models.emlnet.framing import Frame


def test_stretched(rng):
    frame = Frame((48, 64))
    image = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    assert frame.framed(image).shape == (48, 64, 3)
    x, y = frame.points([0, 95.9, 48], [0, 95.9, 24], (96, 96))
    assert (x.tolist(), y.tolist()) == ([0, 63, 32], [0, 47, 12])


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((100, 100), (0, 48), (8, 56)),
        ((50, 200), (16, 32), (0, 64)),
        ((48, 64), (0, 48), (0, 64)),
    ],
)
def test_padded(rng, size, rows, columns):
    frame = Frame((48, 64), pad=True)
    image = rng.integers(1, 256, (*size, 3), dtype=np.uint8)
    framed = frame.framed(image)
    there = np.zeros((48, 64), bool)
    there[slice(*rows), slice(*columns)] = True
    assert framed.shape == (48, 64, 3)
    assert framed[there].all()
    assert not framed[~there].any()
    x, y = frame.points([0, size[1] - 0.01], [0, size[0] - 0.01], size)
    assert (x.tolist(), y.tolist()) == (
        [columns[0], columns[1] - 1],
        [rows[0], rows[1] - 1],
    )
    part = frame.unframed(there.astype(float), size)
    assert part.all()
    assert part.shape == (rows[1] - rows[0], columns[1] - columns[0])


def test_linear_interpolation_over_what_becomes_one_pixel(rng):
    """Half the size: weights of a triangle over four pixels, as Pillow has them."""
    image = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    found = Frame((48, 64)).framed(image)
    weights = np.array([1, 3, 3, 1]) / 8
    for row, column in ((1, 1), (20, 33)):
        window = image[2 * row - 1 : 2 * row + 3, 2 * column - 1 : 2 * column + 3]
        expected = np.einsum("i,j,ijc->c", weights, weights, window)
        # rounded to whole numbers twice, for columns and for rows
        np.testing.assert_allclose(found[row, column], expected, rtol=0, atol=1)


def test_an_image_of_its_size_is_itself(rng):
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for pad in (False, True):
        np.testing.assert_array_equal(Frame((48, 64), pad=pad).framed(image), image)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"size": (480,)},
            r"size must be \(height, width\), at least 32 pixels each; got \(480,\)",
        ),
        ({"size": (16, 640)}, r"at least 32 pixels each; got \(16, 640\)"),
        ({"size": 480}, "size must be a list; got 480"),
        ({"size": (48.5, 64)}, "size must be a whole number"),
        ({"pad": "yes"}, "pad must be one of True, False"),
    ],
)
def test_wrong(options, text):
    with pytest.raises(InputError, match=text):
        Frame(**options)
