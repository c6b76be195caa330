"""Places of units: measured ones are those of the architecture, and features peak there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from salmetrics import InputError
from salmetrics_models.backbones import receptive_fields
from salmetrics_models.backbones.backbone import Backbone, FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import ALEXNET, RESNET_50, VGG_11, VGG_19
from salmetrics_models.backbones.receptive_fields import located
from salmetrics_models.deepgaze.head import aligned


def unlocated(backbone):
    return replace(backbone, strides=(), offsets=())


def network_of(*layers):
    return Backbone("toy", lambda: nn.Sequential(*layers), nn.Sequential, ("0",), 1)


@pytest.mark.slow
def test_vgg_is_where_it_says():
    last = replace(VGG_11, layers=VGG_11.layers[-1:], strides=(16,), offsets=(7.5,))
    assert located(unlocated(last)) == last
    assert (VGG_19.strides, VGG_19.offsets) == ((16,) * 5, (7.5,) * 5)


def test_what_is_known_is_not_measured():
    assert located(VGG_19) is VGG_19


@pytest.mark.parametrize(
    ("backbone", "strides", "offsets"),
    [
        # 11 x 11 pixels from -2, then pooling of 3 x 3 in steps of 8 and of 16, without padding
        pytest.param(ALEXNET, (16,), (15.0,), id="alexnet", marks=pytest.mark.slow),
        pytest.param(HAND_MADE, (8, 8, 8), (3.5, 3.5, 3.5), id="hand-made", marks=pytest.mark.slow),
        # odd windows with padding that keeps the first unit at pixel 0
        pytest.param(
            replace(RESNET_50, layers=("layer1", "layer2.0")),
            (4, 8),
            (0.0, 0.0),
            id="resnet-50",
            marks=pytest.mark.slow,
        ),
        (network_of(nn.Conv2d(3, 2, 5)), (1,), (2.0,)),
        (network_of(nn.MaxPool2d(4, 2, 1)), (2,), (0.5,)),
        (network_of(nn.Conv2d(3, 2, 3, stride=3, padding=4)), (3,), (-3.0,)),
    ],
)
def test_places_of_units(backbone, strides, offsets):
    found = located(unlocated(backbone))
    assert (found.strides, found.offsets) == (strides, offsets)


def test_layers_of_a_pool_are_measured_together(monkeypatch):
    toy = network_of(nn.Conv2d(3, 2, 5), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3))
    first, second = (replace(toy, layers=(name,), pool=("0", "1", "2")) for name in "02")
    assert located(first).offsets == (2.0,)
    monkeypatch.setattr(receptive_fields, "_places", None)
    found = located(second)
    assert (found.strides, found.offsets, found.pool) == ((2,), (4.5,), second.pool)


def test_other_layers_of_a_pool_need_no_places():
    toy = network_of(nn.Conv2d(3, 2, 5), SqueezeAndExcitation())
    assert located(replace(toy, pool=("0", "1"))).offsets == (2.0,)


class SqueezeAndExcitation(nn.Module):
    def forward(self, images):
        return images * torch.sigmoid(images.mean((2, 3), keepdim=True))


class PaddedAsInTensorFlow(nn.Conv2d):
    """With as many zeros as the size of the image asks for."""

    def forward(self, images):
        down, across = (max(0, (-(-n // 2) - 1) * 2 + 3 - n) for n in images.shape[-2:])
        around = (across // 2, across - across // 2, down // 2, down - down // 2)
        return super().forward(nn.functional.pad(images, around))


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (SqueezeAndExcitation(), "units see the whole image"),
        (PaddedAsInTensorFlow(3, 2, 3, stride=2), "depend on the size of the image"),
        (nn.Conv2d(3, 2, 3, stride=(2, 1), padding=1), "depend on the size of the image or on the"),
    ],
)
def test_networks_without_such_places(layer, text):
    with pytest.raises(InputError, match=f"features of toy at 0 cannot be aligned, as .*{text}"):
        located(network_of(layer))


@pytest.mark.slow
def test_aligned_features_of_a_dot_peak_at_the_dot():
    """Random weights: the mean over channels and backgrounds of what a dot changes."""
    torch.manual_seed(0)
    extractor, places = FeatureExtractor(ALEXNET), located(ALEXNET)
    at, size = (15 + 16 * 6, 15 + 16 * 4), (224, 192)  # centres of units
    total = torch.zeros(size)
    for _ in range(4):
        flat = torch.rand(1, 3, *size) * 60 + 90
        dotted = flat.clone()
        dotted[..., at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2] = 255.0
        with torch.inference_mode():
            (changed,), (before,) = extractor(dotted), extractor(flat)
        changes = (changed - before).abs()
        total += aligned(changes, places.strides[0], places.offsets[0], 1, size)[0].sum(0)
    assert np.unravel_index(int(total.argmax()), size) == at
