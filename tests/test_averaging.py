import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.averaging import average_over_fixations, average_over_images, image_means

VALUES = np.array([1.0, 2.0, 4.0, 8.0])
IMAGE = np.array([0, 2, 2, 2])
SUBJECT = np.array([1, 1, 1, 0])


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        ("fixation", 15 / 4),
        ("image", (1 + 14 / 3) / 2),
        ("subject", (7 / 3 + 8) / 2),
    ],
)
def test_over_fixations(average, expected):
    found = average_over_fixations(VALUES, IMAGE, SUBJECT, average)
    assert found == pytest.approx(expected, rel=1e-15)
    none = np.zeros(0, int)
    assert np.isnan(average_over_fixations(np.zeros(0), none, none, average))
    missing = np.array([1.0, np.nan, 4.0, 8.0])
    assert np.isnan(average_over_fixations(missing, IMAGE, SUBJECT, average))


def test_over_images():
    assert average_over_images(np.array([1.0, np.nan, 4.0]), "image") == 2.5
    assert np.isnan(average_over_images(np.full(3, np.nan), "image"))


def test_image_means():
    found = image_means(VALUES, IMAGE, 4)
    assert np.array_equal(found, [1, np.nan, 14 / 3, np.nan], equal_nan=True)


def test_errors():
    with pytest.raises(InputError, match=r"average must be one of 'fixation'.*got None"):
        average_over_fixations(VALUES, IMAGE, SUBJECT, None)
    with pytest.raises(
        InputError, match="one value an image must be one of 'image'; got 'subject'"
    ):
        average_over_images(VALUES, "subject")
