"""Names of images in maps and tables: what belongs together, and what is refused."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmetrics.io.names import match_maps, match_numbers, match_rows


def composed(text):
    return unicodedata.normalize("NFC", text)


def decomposed(text):
    return unicodedata.normalize("NFD", text)


def maps_of(names, images, template=None):
    return match_maps({name: name for name in names}, images, template)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("001", "001.jpg"),
        ("Action/001", "001.jpg"),
        ("001", "Action/001.jpg"),
        ("m/Action/001", "Action/001.jpg"),
        ("Action\\001", "Action/001.jpg"),
        ("C:\\stim\\001.png", "001.jpg"),
        ("./001.png", "001.png"),
        ("/data/stim/001.png", "stim/001.png"),
        (decomposed("Küche"), composed("Küche.png")),
        (composed("Señor/1"), decomposed("Señor/1.png")),
        ("IMG_1.JPG", "img_1.jpg"),
        ("ACTION/001", "action/001.jpg"),
        ("a.b.c", "a.b.c.png"),
    ],
)
def test_one_name_and_one_image(name, image):
    assert maps_of([name], [image]).found == {image: name}
    assert match_rows([name], [image]).found == {name: image}


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("Affective/001", "Action/001.jpg"),
        ("m/Affective/Output/001", "Action/001.jpg"),
        ("xAction/001", "Action/001.jpg"),
        ("1", "001.jpg"),
        ("11", "1.jpg"),
        ("salcat", "cat.jpg"),  # one image does not show whether "sal" is an addition
        ("", "a.png"),
    ],
)
def test_a_name_of_another_image(name, image):
    assert list(maps_of([name], [image]).problems) == [image]
    assert list(match_rows([name], [image]).problems) == [name]


def test_case_decides_where_nothing_else_does():
    images = ["a.jpg", "A.jpg", "b.jpg"]
    assert maps_of(["A", "a", "B"], images).found == {"a.jpg": "a", "A.jpg": "A", "b.jpg": "B"}
    assert match_rows(["A", "a", "B"], images).found == {"A": "A.jpg", "a": "a.jpg", "B": "b.jpg"}
    only = maps_of(["a"], images[:2])
    assert only.found == {"a.jpg": "a"}
    assert only.problems == {"A.jpg": "no map for 'A.jpg'"}


def test_two_names_for_one_image_are_names_of_two():
    names = ["Action/001.png", "Affective/001.png"]
    matching = match_rows(names, ["001.png"])
    assert matching.found == {"Action/001.png": "001.png"}
    assert matching.problems == {
        "Affective/001.png": "'Affective/001.png' ('Action/001.png' is '001.png' already)"
    }
    # but one name may be the end of the other
    assert not match_rows(["001", "Action/001.png", "x/Action/001"], ["Action/001.png"]).problems


def test_a_name_that_may_be_several_images():
    matching = match_rows(["001.png"], ["Action/001.png", "Art/001.png"])
    assert matching.problems == {"001.png": "'001.png' (may be 'Action/001.png', 'Art/001.png')"}


def test_maps_beyond_those_of_the_images_do_not_matter():
    names = [f"sal_{i}" for i in range(1, 13)]
    matching = maps_of(names, ["1.png", "2.png", "12.png"])
    assert matching.found == {"1.png": "sal_1", "2.png": "sal_2", "12.png": "sal_12"}


NAMES = st.lists(
    st.lists(st.sampled_from(["a", "B", "ä", "1", "x y", "_"]), min_size=1, max_size=3).map(
        "/".join
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda name: name.casefold(),
)


def ends_with(path, end):
    ours, theirs = path.split("/"), end.split("/")
    return ours[-len(theirs) :] == theirs


@given(NAMES, NAMES)
def test_nothing_is_found_that_is_not_the_end_of_the_other(names, images):
    """Against a plain implementation of the rule, for all names that need no other rule."""
    matching = maps_of(names, images)
    if matching.rule is not None:
        return
    for image, name in matching.found.items():
        short, long = sorted((image.casefold(), name.casefold()), key=lambda t: t.count("/"))
        assert ends_with(long, short)
    assert len(set(matching.found.values())) == len(matching.found)
    assert set(matching.found) | set(matching.problems) == set(images)
    for image in images:
        if image in names:  # a map of the very name is the image's, or the image is refused
            assert matching.found.get(image, image) == image


def test_many_images_of_one_name():
    images = [f"clip{i}/frame.png" for i in range(3000)]
    names = [f"maps/clip{i}/frame" for i in range(3000)]
    assert maps_of(names, images).found == dict(zip(images, names, strict=True))


def test_numbers_at_the_end_of_names():
    matching = match_numbers(["42", "7"], ["COCO_val_000042.jpg", "x/7.jpg", "cat.jpg"])
    assert matching.found == {"COCO_val_000042.jpg": "42", "x/7.jpg": "7"}
    assert matching.problems == {"cat.jpg": "no map for 'cat.jpg'"}


def test_a_template_decides_alone():
    assert maps_of(["a", "a_sal"], ["a.png"], "{stem}_sal").found == {"a.png": "a_sal"}
    assert maps_of(["a"], ["a.png"], "{stem}_sal").problems


def test_a_common_part_of_rows_beside_those_of_other_images():
    images = [f"im{k}.png" for k in range(5)]
    rows = ["im0_x", "im1_x", "im3_x", "practice", "z9_x"]
    assert match_rows(rows, images).problems
    matching = match_rows(rows, images, drop=True)
    assert matching.found == {"im0_x": "im0.png", "im1_x": "im1.png", "im3_x": "im3.png"}
    assert matching.rule == "the names have '_x' after the name"
    assert matching.unknown == {"practice", "z9_x"}
    assert not matching.problems
    assert not match_rows(["im0_x", "im1_y", "z9_x"], images, drop=True).found
    both = match_rows(["im0.png", "z9"], images, drop=True)
    assert (both.found, both.rule) == ({"im0.png": "im0.png"}, None)


def test_images_whose_names_differ_by_the_suffix():
    ids = ["x/1.jpg", "x/1.png", "x/2.jpg"]
    matching = match_maps({"1.png": "1", "2.png": "2"}, ids)
    assert matching.found["x/2.jpg"] == "2.png"
    taken = match_maps({"1.png": "1.png", "2.png": "2"}, ids)
    assert taken.problems == {
        "x/1.jpg": "no map for 'x/1.jpg' (1.png is that of 'x/1.png'; one called x/1.jpg.png "
        "would be its own)"
    }
    own = {"x/1.jpg.png": "x/1.jpg", "x/1.png.png": "x/1.png", "2.png": "2"}
    assert match_maps(own, ids).found == {
        "x/1.jpg": "x/1.jpg.png",
        "x/1.png": "x/1.png.png",
        "x/2.jpg": "2.png",
    }
