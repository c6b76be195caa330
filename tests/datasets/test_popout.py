"""Search arrays: one item differs, at the mask."""

import numpy as np
import pytest
from scipy.ndimage import label

from salmetrics import InputError
from salmetrics.datasets import generate_popout
from salmetrics.datasets.popout import POPOUT_FEATURES


def items(image):
    """Return labels of the items by pixel, and their number."""
    return label((np.abs(image.astype(int) - 128) > 40).any(2), np.ones((3, 3)))


@pytest.mark.parametrize("feature", [f for f in POPOUT_FEATURES if f != "density"])
@pytest.mark.parametrize("set_size", [2, 9, 36])
def test_items(feature, set_size):
    made = generate_popout(3, features=[feature], set_size=set_size, seed=2)
    assert made.stimuli.attributes["set_size"].tolist() == [set_size] * 3
    for stimulus, mask, x, y in zip(
        made.stimuli,
        made.masks,
        made.stimuli.attributes["target_x"],
        made.stimuli.attributes["target_y"],
        strict=True,
    ):
        found, n = items(stimulus.image)
        assert n == set_size
        inside = set(np.unique(found[mask])) - {0}
        assert len(inside) == 1  # the whole target, and no other item
        assert not (found[~mask] == inside.pop()).any()
        rows, columns = np.nonzero(mask)
        assert abs(rows.mean() + 0.5 - y) < 0.5
        assert abs(columns.mean() + 0.5 - x) < 0.5


@pytest.mark.parametrize("feature", POPOUT_FEATURES)
def test_only_the_target_differs(feature):
    """All other items are equal, except for their places."""
    made = generate_popout(2, features=[feature], set_size=16, jitter=0.0, size=(400, 400), seed=5)
    for stimulus, mask in zip(made.stimuli, made.masks, strict=True):
        cells = stimulus.image.reshape(4, 100, 4, 100, 3).swapaxes(1, 2).reshape(16, -1)
        target = mask.reshape(4, 100, 4, 100).swapaxes(1, 2).reshape(16, -1).any(1)
        assert target.sum() == 1
        others = cells[~target]
        assert (others == others[0]).all()
        assert (cells[target][0] != others[0]).mean() > 0.01


def test_features():
    def of(feature, seed=3):
        made = generate_popout(
            1, features=[feature], set_size=16, jitter=0.0, size=(400, 400), seed=seed
        )
        cells = made.stimuli[0].image.reshape(4, 100, 4, 100, 3).swapaxes(1, 2)
        cells = cells.reshape(16, 100, 100, 3).astype(float)
        target = made.masks[0].reshape(4, 100, 4, 100).swapaxes(1, 2).reshape(16, -1).any(1)
        return cells[target][0], cells[~target][0]

    one, other = ((np.abs(cell - 128) > 20).any(2) for cell in of("colour"))
    assert (one ^ other).sum() < 0.03 * one.sum()  # the same shape, except at the edges
    one, other = (np.abs(cell - 128).max(2) > 40 for cell in of("size"))
    assert max(one.sum(), other.sum()) > 2 * min(one.sum(), other.sum())
    one, other = (label(cell[..., 0] < 90)[1] for cell in of("density"))
    assert {one, other} == {7, 19}
    one, other = ((cell[..., 0] < 90).sum() for cell in of("orientation"))
    # the same bar, turned: pixels on its edge count or not
    assert one == pytest.approx(other, rel=0.05)


def test_seeds():
    first = generate_popout(6, seed=1)
    again = generate_popout(12, seed=1)
    for i in range(6):  # more images do not change the first
        np.testing.assert_array_equal(first.stimuli[i].image, again.stimuli[i].image)
        np.testing.assert_array_equal(first.masks[i], again.masks[i])
    other = generate_popout(6, seed=2)
    assert (first.masks != other.masks).any()
    assert first.stimuli.attributes["feature"].tolist() == list(POPOUT_FEATURES)
    assert (first.masks.sum((1, 2)) > 100).all()


def test_jitter():
    still = generate_popout(1, jitter=0.0, set_size=12, size=(300, 400), seed=4)
    assert still.stimuli.attributes["target_x"][0] % 100 == 50
    moved = generate_popout(1, jitter=1.0, set_size=12, size=(300, 400), seed=4)
    off = moved.stimuli.attributes["target_x"][0] % 100
    assert abs(off - 50) > 1e-3
    assert 36 <= off <= 64
    assert items(moved.stimuli[0].image)[1] == 12


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_images": 0}, "n_images must be a whole number >= 1"),
        ({"set_size": 1}, "set_size must be a whole number >= 2"),
        ({"features": []}, "features must name at least one"),
        ({"features": ["smell"]}, "feature must be one of 'colour', 'curvature'"),
        ({"features": "size"}, "features must be a list"),
        ({"jitter": 1.5}, r"jitter must be from 0 to 1; got 1\.5"),
        ({"size": (10, 10)}, r"leave 1\.7 pixels per item in images of 10 x 10; at least 16"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(InputError, match=text):
        generate_popout(**options)
