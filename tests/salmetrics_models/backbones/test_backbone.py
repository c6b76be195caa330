"""Backbones: which layers are read, at which sizes, in evaluation mode, from several threads."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn

from salmetrics import InputError
from salmetrics_models.backbones.backbone import FeatureExtractor, maps_of
from salmetrics_models.backbones.networks import ALEXNET
from tests.salmetrics_models.toy_backbones import SEES

TOY = SEES["green"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


@pytest.fixture
def images():
    stream = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 40, 48, generator=stream, dtype=torch.float64) * 255


def extractor(backbone=TOY):
    torch.manual_seed(0)
    return FeatureExtractor(backbone).double()


class TestReading:
    def test_other_layers(self):
        backbone = TOY.reading(["second", "first.0"])
        assert backbone.layers == ("second", "first.0")
        assert backbone.channels == 6 + 6
        assert backbone.strides == (4, 2)
        assert (backbone.name, backbone.pool) == (TOY.name, ())

    def test_with_a_pool(self):
        assert TOY.reading(["first"], pool=["first", "second"]).pool == ("first", "second")
        with pytest.raises(InputError, match="layer must be one of 'second'; got 'first'"):
            TOY.reading(["first"], pool=["second"])

    @pytest.mark.parametrize(
        ("layers", "text"),
        [
            ([], "layers must be"),
            (["first", "first"], r"layers must be .*\['first', 'first'\]"),
            ("first", "layers must be a list; got 'first'"),
            (["third"], "sees-green has no layer 'third'"),
            ([""], "sees-green has no layer ''"),
        ],
    )
    def test_wrong(self, layers, text):
        with pytest.raises(InputError, match=text):
            TOY.reading(layers)

    def test_a_layer_that_is_not_passed(self):
        with pytest.raises(InputError, match=r"alexnet does not pass through layer 'classifier.1'"):
            ALEXNET.reading(["classifier.1"])

    def test_a_layer_without_maps(self):
        flat = replace(
            TOY,
            make=lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()),
            trunk=lambda network: network,
            layers=("0",),
        )
        with pytest.raises(
            InputError, match="layer '1' of sees-green has no maps: its output has 2 axes"
        ):
            flat.reading(["1"])


class TestFeatureExtractor:
    def test_features_are_of_standardised_colours(self, images):
        network = extractor()
        mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (MEAN, STD))
        scaled = (images / 255 - mean) / std
        first = network.network.first(scaled[:, 1:2])
        second = network.network.second(first)
        for found, expected in zip(network(images), (first, second), strict=True):
            # the same convolutions on inputs that agree to a few roundings
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)

    def test_other_layers(self, images):
        network = extractor()
        (found,) = network(images, ["second"])
        assert torch.equal(found, network(images)[1])

    def test_a_rectifier_does_not_overwrite_what_is_read(self, images):
        """Layers whose outputs the next one changes in place are read before that."""
        backbone = replace(
            TOY,
            make=lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
            trunk=lambda network: network,
            layers=("0", "1"),
        )
        before, after = extractor(backbone)(images)
        assert (before < 0).any()
        assert torch.equal(after, before.clamp(min=0))

    def test_it_stays_in_evaluation_mode_and_without_gradients(self):
        network = extractor().train()
        assert not any(module.training for module in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())

    def test_threads_do_not_get_each_others_features(self, images):
        network = extractor()
        many = [images + 10 * i for i in range(16)]
        expected = [network(one) for one in many]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(network, many))
        for one, other in zip(found, expected, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))

    def test_pickled(self, images):
        network = extractor()
        again = pickle.loads(pickle.dumps(network))
        assert all(torch.equal(a, b) for a, b in zip(again(images), network(images), strict=True))

    def test_maps_of_leaves_no_hooks(self, images):
        network = extractor()
        with pytest.raises(RuntimeError):
            maps_of(network.network, TOY, images[:, :, 0])  # no images: the forward fails
        assert not any(module._forward_hooks for module in network.modules())
