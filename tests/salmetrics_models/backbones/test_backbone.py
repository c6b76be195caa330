"""Backbones: which layers are read, at which sizes, in evaluation mode, from several threads."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn

from salmetrics import InputError
from salmetrics_models.backbones.backbone import FeatureExtractor, layer_shapes, maps_of
from salmetrics_models.backbones.networks import ALEXNET, BACKBONES, VGG_19, SamePaddedConv2d
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.weights.digests import CachedDigest, digest_of_weights
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


def test_known_backbones():
    names = ["shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50", "vgg-19", "alexnet"]
    assert list(known_backbones()) == [*names, "hand-made"]


@pytest.mark.parametrize("name", known_backbones())
def test_channels_are_those_of_the_layers(name):
    backbone = known_backbones()[name]
    shapes = layer_shapes(backbone, (224, 256))
    assert len(shapes) == len(backbone.layers)
    assert sum(channels for channels, _, _ in shapes) == backbone.channels


def test_vgg_19_has_the_strides_that_it_says():
    assert [512 // height for _, height, _ in layer_shapes(VGG_19)] == list(VGG_19.strides)


def test_efficientnet_halves_sizes_and_rounds_down():
    """The static padding of its TensorFlow original: the layers of stride 2 round down."""
    efficientnet = BACKBONES["efficientnet-b5"]
    *_, (_, height, width) = layer_shapes(efficientnet, (456, 479))
    assert (height, width) == (456 // 32, 479 // 32)


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_padding_of_tensorflow(kernel, before, after):
    """For even sizes: as many zeros as the kernel has above its stride, fewer of them before."""
    torch.manual_seed(0)
    layer = SamePaddedConv2d(3, 4, kernel, stride=2, bias=False)
    images = torch.rand(1, 3, 8, 10)
    padded = torch.zeros(1, 3, 8 + before + after, 10 + before + after)
    padded[..., before : before + 8, before : before + 10] = images
    expected = nn.functional.conv2d(padded, layer.weight, stride=2)
    assert expected.shape[-2:] == (4, 5)
    assert torch.equal(layer(images), expected)


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


class TestDigest:
    def test_names_and_values_count(self):
        state = {"a": torch.zeros(2), "b": torch.ones(2)}
        digest = digest_of_weights(state)
        assert len(digest) == 16
        assert digest == digest_of_weights(dict(reversed(state.items())))
        assert digest != digest_of_weights({"a": torch.ones(2), "b": torch.zeros(2)})
        assert digest != digest_of_weights({"a": torch.zeros(2), "c": torch.ones(2)})

    def test_it_is_the_start_of_the_sha256(self):
        import hashlib

        tensor = torch.arange(3.0)
        expected = hashlib.sha256(b"a" + tensor.numpy().tobytes()).hexdigest()[:16]
        assert digest_of_weights({"a": tensor}) == expected

    def test_a_change_in_place_is_noticed(self, monkeypatch):
        network, cached = nn.Linear(2, 2), CachedDigest()
        first = cached.of(network)
        with monkeypatch.context() as patched:  # not computed again for the same values
            patched.setattr("salmetrics_models.backbones.backbone.digest_of_weights", None)
            assert cached.of(network) == first
        with torch.no_grad():
            network.weight.add_(1)
        assert cached.of(network) == digest_of_weights(network.state_dict()) != first
        assert cached.of(network.double()) == digest_of_weights(network.state_dict())
