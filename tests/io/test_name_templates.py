"""Templates of names: what they give, what is invalid, and what is suggested."""

import pytest

from salmetrics import InputError
from salmetrics.io.name_templates import (
    counts_images,
    rendered,
    shifted_numbers,
    suggested_template,
)
from salmetrics.io.names import match_maps, match_rows


def maps_of(names, images, template=None):
    return match_maps({name: name for name in names}, images, template)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{stem}_sal", ["a/img07_sal", "b/img12_sal"]),
        ("{name}.npy", ["a/img07.jpg.npy", "b/img12.jpg.npy"]),
        ("{folder}/Output/{stem}", ["a/Output/img07", "b/Output/img12"]),
        ("{number}", ["a/7", "b/12"]),
        ("sal_{number:04d}", ["a/sal_0007", "b/sal_0012"]),
        ("/arr_{index}", ["arr_0", "arr_1"]),
        ("/{position:>02}", ["01", "02"]),
    ],
)
def test_templates(template, expected):
    images = ["a/img07.jpg", "b/img12.jpg"]
    assert rendered(template, images) == expected
    found = maps_of(expected, images, template).found
    assert found == dict(zip(images, expected, strict=True))
    rows = match_rows(expected, images, template).found
    assert rows == dict(zip(expected, images, strict=True))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("sal", "must have fields among {folder}, .*; it has none"),
        ("{}", "{} is unknown"),
        ("{stem.__class__}", "{stem.__class__} is unknown"),
        ("{stem[0]}", r"{stem\[0\]} is unknown"),
        ("{stem", "is invalid: expected '}'"),
        ("{stem:d}", "is invalid: Unknown format code"),
        ("{number}", "needs a number at the end of each image's name; 'cat.png' has none"),
    ],
)
def test_invalid_templates(template, text):
    with pytest.raises(InputError, match=text):
        rendered(template, ["cat.png"])


@pytest.mark.parametrize(
    ("names", "images", "template"),
    [
        (["arr_0", "arr_1"], ["cat.png", "dog.png"], "arr_{index}"),
        (["1", "2"], ["cat.png", "dog.png"], "{position}"),
        (["001", "002"], ["cat.png", "dog.png"], "{position:03d}"),
        (["1", "2", "10"], ["001.png", "002.png", "010.png"], "{number}"),
        (["0", "1"], ["1.png", "2.png"], "{index}"),
        (["m{0", "m{1"], ["cat.png", "dog.png"], "m{{{index}"),
        (["1", "3"], ["cat.png", "dog.png"], None),
        (["sal_1", "sal_2"], ["im1.png", "im2.png"], "sal_{number}"),
        (["im_1", "im_2"], ["im1.png", "im2.png"], "im_{number}"),
        (["dog1", "dog2"], ["cat1.png", "cat2.png"], None),
        (["a1", "b2"], ["cat.png", "dog.png"], None),
        (["cat"], ["dog.png"], None),
    ],
)
def test_suggestions(names, images, template):
    suggested = suggested_template(names, images)
    assert (suggested and suggested[0]) == template
    if template is not None:
        assert not maps_of(names, images, template).problems


def test_numbers_from_0_and_from_1():
    images = [f"im{k}.png" for k in range(1, 12)]
    maps = [f"im{k}" for k in range(12)]
    assert shifted_numbers(maps, images) == ("im{number}", "im{index}")
    assert shifted_numbers([f"{k:03d}" for k in range(12)], images)[1] == "{index:03d}"
    assert shifted_numbers(maps[1:], images) is None
    assert shifted_numbers(maps, images[1:]) is None  # some of the images
    assert shifted_numbers([f"im{k}" for k in range(100)], images) is None
    assert shifted_numbers(maps, ["im0.png", *images]) is None


def test_whether_the_order_of_images_decides():
    assert counts_images("sal_{index:03d}")
    assert counts_images("{stem}_{position}")
    assert not counts_images("{stem}_{number}")
