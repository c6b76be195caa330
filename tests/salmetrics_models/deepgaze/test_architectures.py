"""Architectures as data that a checkpoint holds."""

import json
from dataclasses import replace

import pytest

from salmetrics import InputError
from salmetrics_models.backbones.networks import ALEXNET
from salmetrics_models.deepgaze.architectures import (
    DEEPGAZE_1,
    DEEPGAZE_2,
    DEEPGAZE_2E,
    Architecture,
)


@pytest.mark.parametrize("architecture", [DEEPGAZE_1, DEEPGAZE_2, DEEPGAZE_2E])
def test_described_and_made_again(architecture):
    text = json.dumps(architecture.description())
    assert Architecture.from_description(json.loads(text)) == architecture


def test_other_layers_and_backbones():
    own = replace(ALEXNET, name="my own")
    other = replace(DEEPGAZE_1, backbones=(ALEXNET.reading(["features.4"]), own), downsample=1.5)
    text = json.loads(json.dumps(other.description()))
    assert Architecture.from_description(text, [own]) == other
    with pytest.raises(InputError, match=r"backbone must be one of .*; got 'my own'"):
        Architecture.from_description(text)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"layers": [{"channels": 1, "odd": 2}]},
            "the description of the architecture is invalid: .*odd",
        ),
        ({"odd": 1}, "the description of the architecture is invalid: .*odd"),
        (
            {"backbones": [{"name": "alexnet"}]},
            "the description of the architecture is invalid: 'layers'",
        ),
        ({"backbones": [{"name": "alexnet", "layers": ["x"]}]}, "alexnet has no layer 'x'"),
    ],
)
def test_what_is_no_description(change, text):
    with pytest.raises(InputError, match=text):
        Architecture.from_description(DEEPGAZE_1.description() | change)


def test_differences():
    """Numbers of components and downsampling may differ between files of one model."""
    other = replace(DEEPGAZE_2E, n_components=3, downsample=1)
    assert DEEPGAZE_2E.differences(other) == []
    assert DEEPGAZE_2E.differences(replace(other, map_factor=4, smooth=False)) == [
        "map_factor",
        "smooth",
    ]


def test_the_weight_of_the_centre_bias():
    """DeepGaze II has none; descriptions that are older than the choice have learnt one."""
    assert not DEEPGAZE_2.centre_weight
    description = json.loads(json.dumps(DEEPGAZE_2.description()))
    assert not Architecture.from_description(description).centre_weight
    del description["centre_weight"]
    older = Architecture.from_description(description)
    assert older.centre_weight
    assert DEEPGAZE_2.differences(older) == older.differences(DEEPGAZE_2) == []
    assert "centre_weight" not in DEEPGAZE_1.description()


def test_aligned_features_know_their_strides():
    backbone = ALEXNET.reading(["features.4"])
    architecture = replace(DEEPGAZE_2, backbones=(replace(backbone, strides=()),))
    assert architecture.backbones[0].strides == backbone.strides == (8,)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n_components": 0}, "n_components must be a whole number >= 1; got 0"),
        ({"least_side": 1.5}, "least_side must be a whole number >= 1; got 1.5"),
        ({"downsample": 0.5}, "downsample must be a number from 1 to 100; got 0.5"),
        ({"downsample": "2"}, "downsample must be a number from 1 to 100; got '2'"),
        ({"enlargement": "linear"}, "enlargement must be one of 'bicubic', 'nearest'"),
        ({"smooth": "no"}, "smooth must be one of True, False"),
        ({"backbones": ()}, "an architecture needs backbones with different names, and layers"),
        ({"backbones": (ALEXNET, ALEXNET)}, r"got backbones \['alexnet', 'alexnet'\] and 1 layers"),
        ({"layers": ()}, r"got backbones \['alexnet'\] and 0 layers"),
    ],
)
def test_wrong_architectures(change, text):
    with pytest.raises(InputError, match=text):
        replace(DEEPGAZE_1, **change)
