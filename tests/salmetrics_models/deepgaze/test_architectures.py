"""Architectures as data that a checkpoint holds."""

import json
from dataclasses import replace

import pytest

from salmetrics import InputError
from salmetrics_models.backbones.backbone import ALEXNET, known_backbones
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
        ({"layers": [{"channels": 1, "odd": 2}]}, "this describes no architecture: .*odd"),
        ({"odd": 1}, "this describes no architecture: .*odd"),
        ({"backbones": [{"name": "alexnet"}]}, "this describes no architecture: 'layers'"),
        ({"backbones": [{"name": "alexnet", "layers": ["x"]}]}, "alexnet has no layer 'x'"),
    ],
)
def test_what_is_no_description(change, text):
    with pytest.raises(InputError, match=text):
        Architecture.from_description(DEEPGAZE_1.description() | change)


def test_known_backbones():
    names = ["shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50", "vgg-19", "alexnet"]
    assert list(known_backbones()) == [*names, "hand-made"]
