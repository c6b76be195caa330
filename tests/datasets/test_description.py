"""Descriptions of data sets: complete, and read from their TOML files."""

import pytest

from salmetrics import datasets
from salmetrics.datasets.description import SourceFile, described


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_is_described(name):
    description = described(name)
    assert description.name == name
    for text in ("title", "homepage", "licence", "citation", "notes"):
        assert len(getattr(description, text)) > 2
    for source in description.files:
        assert source.url or source.by_hand
        assert all(digest.startswith("md5:") and len(digest) == 36 for digest in source.digests)
    for counts in description.expected.values():
        assert set(counts) <= {"images", "subjects", "fixations", "recorded"}


def test_values_of_a_file():
    osie = described("osie")
    assert (osie.size, osie.sigma, osie.pixels_per_degree) == ((600, 800), 24.0, None)
    assert osie.expected == {"all": {"subjects": 15, "images": 700, "fixations": 98321}}
    (source,) = osie.files
    assert (source.name, source.holds, source.digests) == ("osie.zip", "eye/fixations.mat", ())
    assert source.inside == {"eye/fixations.mat": "md5:8efdf6fe66f38b6e70f854c7ff45aa70"}
    mit1003 = described("mit1003")
    assert mit1003.size is None
    assert [len(source.digests) for source in mit1003.files] == [2, 1]
    assert described("mit1003") is mit1003  # read once


def test_facts_are_those_that_are_known():
    assert set(described("osie").facts()) == {
        *("title", "homepage", "licence", "citation", "notes", "subjects", "seconds"),
    }
    figrim = described("figrim").facts()
    assert figrim["licence"] == "not stated; for research"
    assert not {"subjects", "seconds", "size", "sigma"} & set(figrim)


@pytest.mark.parametrize(
    ("when", "options", "needed"),
    [
        ({}, {"part": "train"}, True),
        ({"part": "train"}, {"part": "train", "form": "mat"}, True),
        ({"part": "train"}, {"part": "test"}, False),
        ({"part": ["train", "val"]}, {"part": "val"}, True),
        ({"part": ["train", "val"], "form": "mat"}, {"part": "val", "form": "json"}, False),
    ],
)
def test_files_that_options_need(when, options, needed):
    assert SourceFile("x.zip", "x", when=when).needed(options) is needed


def test_archives():
    assert SourceFile("x.zip", "x").is_archive
    assert not SourceFile("x.json", "x.json").is_archive


@pytest.mark.parametrize("name", datasets.names())
def test_the_source_of_each_scale(name):
    """A number has a source; without one, the text says what to give."""
    description = described(name)
    source = description.scale_source
    for value in (description.sigma, description.pixels_per_degree):
        assert value is None or f"{value:g}" in source
    if description.sigma is None and description.pixels_per_degree is None:
        assert f"--dataset {name},sigma=PIXELS" in source
