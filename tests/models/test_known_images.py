"""Images that a leave-one-out model recognises, and what it says when they have changed."""

import json

import numpy as np
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.models.known_images import KnownImages

SIZES = [(4, 6), (6, 4), (4, 6), (5, 5), (6, 4), (4, 6)]
STIMULI = Stimuli.from_sizes(SIZES, ids=list("abcdef"))
X, Y, IMAGE = [1.0, 2.0, 3.0, 0.5], [3.0, 2.5, 0.0, 1.0], [0, 0, 1, 2]
FIXATIONS = Fixations.from_arrays(X, Y, IMAGE, subject=["u", "v", "u", "v"], n_images=6)


def known(**options):
    return KnownImages("memory", STIMULI, FIXATIONS, **options)


def changed(row=0, **columns):
    """The same fixations with another value in one row."""
    whole = {name: values.copy() for name, values in FIXATIONS.columns.items()}
    for name, value in columns.items():
        whole[name][row] = value
    return Fixations(whole, 6)


def test_what_is_known():
    images = known()
    assert images.ids == tuple("abcdef")
    assert "c" in images
    assert "g" not in images
    assert images.size(STIMULI[1]) == (6, 4)
    new = Stimuli.from_sizes([(9, 9)], ids=["g"])[0]
    assert images.size(new) == (9, 9)  # any size will do
    images.check_data(STIMULI, FIXATIONS)


def test_frequent_sizes():
    images = known()
    assert images.common_sizes(2, 1) == [(4, 6), (6, 4)]
    assert images.common_sizes(9, 1) == [(4, 6), (6, 4), (5, 5)]
    assert images.common_sizes(9, 3) == [(4, 6)]
    assert images.common_sizes(9, 4) == []


def test_equality():
    assert known() == known()
    assert known() != known(subjects=True)
    assert known() != KnownImages("memory", STIMULI, changed(x=1.5))
    assert known() != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(known())


@pytest.mark.parametrize("subjects", [False, True])
def test_the_record_is_all(subjects):
    images = known(subjects=subjects)
    again = KnownImages.from_record("memory", json.loads(json.dumps(images.record())))
    assert again == images
    again.check_data(STIMULI, FIXATIONS)
    assert again.common_sizes(2, 1) == images.common_sizes(2, 1)
    with pytest.raises(InputError, match="this memory leaves out image 'a'"):
        again.check_data(STIMULI, changed(x=1.5))


def test_the_order_of_fixations_does_not_matter():
    order = [3, 1, 2, 0]
    for subjects in (False, True):
        known(subjects=subjects).check_data(STIMULI, FIXATIONS[order])


def test_who_looked_may_matter():
    swapped = Fixations.from_arrays(X, Y, IMAGE, subject=["v", "u", "u", "v"], n_images=6)
    known().check_data(STIMULI, swapped)
    with pytest.raises(InputError, match="leaves out image 'a', which now comes with other fix"):
        known(subjects=True).check_data(STIMULI, swapped)


@pytest.mark.parametrize(
    ("row", "columns", "image"),
    [(0, {"x": 1.5}, "a"), (2, {"y": 0.25}, "b"), (1, {"image": 1}, "a")],
)
def test_other_fixations(row, columns, image):
    with pytest.raises(InputError, match=f"leaves out image '{image}', which now comes with other"):
        known().check_data(STIMULI, changed(row, **columns))


def test_images_without_fixations_are_not_checked():
    """What is not scored may be missing; an image without fixations that has some now may not."""
    known().check_data(STIMULI, FIXATIONS[:2])
    with pytest.raises(InputError, match="leaves out image 'f'"):
        known().check_data(STIMULI, changed(0, image=5)[:1])


def test_other_sizes():
    other = Stimuli.from_sizes([(6, 4), *SIZES[1:]], ids=list("abcdef"))
    text = (
        r"image 'a' has size \(6, 4\), but \(4, 6\) in the stimuli that this memory was made from"
    )
    with pytest.raises(InputError, match=text):
        known().size(other[0])
    fixations = Fixations.from_arrays([1.0], [1.0], [0], n_images=6)
    with pytest.raises(InputError, match=text):
        known().check_data(other, fixations)


def test_new_images_have_any_fixations():
    new = Stimuli.from_sizes([(9, 9)], ids=["g"])
    known().check_data(new, Fixations.from_arrays([1.0], [1.0], [0]))
    rows = np.array([0])
    known().check_fixations("g", FIXATIONS, rows)
    with pytest.raises(InputError, match="leaves out image 'b'"):
        known().check_fixations("b", FIXATIONS, rows)
