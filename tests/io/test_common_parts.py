"""What all names have and the ids lack is taken off; what only some have is not."""

import pytest

from salmetrics.io.common_parts import Sides, other_rules
from salmetrics.io.name_parts import as_name
from salmetrics.io.names import match_maps, match_rows

CATEGORIES = ["Action/001.jpg", "Action/002.jpg", "Art/001.jpg"]


def maps_of(names, images, template=None):
    return match_maps({name: name for name in names}, images, template)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("{f}/{s}_SaliencyMap", "the maps have '_SaliencyMap' after the name"),
        ("{f}/sal-{s}", "the maps have 'sal-' before the name"),
        ("{f}/m_{s}_v2", "the maps have 'm_' before and '_v2' after the name"),
        ("{f}/map{s}", "the maps have 'map' before the name"),
        ("{f}/{s}smap", "the maps have 'smap' after the name"),
        ("m/{f}/Output/{s}", "the maps are in folders 'Output'"),
        ("{f}/Output/v1/{s}", "the maps are in folders 'Output/v1'"),
        (
            "x/{f}/out/{s}-sal",
            "the maps have '-sal' after the name, and the maps are in folders 'out'",
        ),
    ],
)
def test_what_all_maps_have(pattern, rule):
    names = [pattern.format(f=i.split("/")[0], s=i.split("/")[1][:3]) for i in CATEGORIES]
    matching = maps_of(names, CATEGORIES)
    assert (matching.found, matching.rule) == (dict(zip(CATEGORIES, names, strict=True)), rule)
    rows = match_rows(names, CATEGORIES)
    assert rows.found == dict(zip(names, CATEGORIES, strict=True))
    assert rows.rule == rule.replace("the maps", "the names")


def test_what_all_images_have():
    images = ["stim/Action/full/001_orig.jpg", "stim/Art/full/002_orig.jpg"]
    names = ["stim/Action/001", "stim/Art/002"]
    assert maps_of(names, images).found == dict(zip(images, names, strict=True))
    assert "'_orig' after" in maps_of(names, images).rule


def test_a_part_that_only_some_have_is_not_taken_off():
    assert maps_of(["a_sal", "b_gt"], ["a.png", "b.png"]).problems
    assert maps_of(["a_sal", "a_gt", "b_sal", "b_gt"], ["a.png", "b.png"]).problems
    assert maps_of(["Action/out/1", "Art/in/1"], ["Action/1.png", "Art/1.png"]).problems
    # all maps are of one other category, whose folder is common to all
    assert maps_of(["Affective/Output/001"], ["Action/001.jpg"]).problems
    assert maps_of(["11", "12", "13"], ["1.png", "2.png", "3.png"]).problems


def test_rules_from_the_simplest_on():
    ids = [as_name(image) for image in CATEGORIES]
    names = [as_name(f"x/{name[:-4]}-sal") for name in CATEGORIES]
    (rule, sides), *_ = other_rules(Sides(ids, names, "ids"))
    assert rule == "the names have '-sal' after the name"
    assert [one.parts[-1] for one in sides.names] == ["001", "002", "001"]
    assert list(other_rules(Sides([], names, "ids"))) == []
