"""Networks of EML-NET: taps, counts, both forms, and maps that begin as not 0 everywhere."""

import json
import pickle

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics_models.backbones.backbone import layer_shapes
from salmetrics_models.emlnet.network import (
    DENSENET_161,
    FORMS,
    NASNET_LARGE,
    RESNET_50,
    Decoder,
    EMLNetwork,
    Encoder,
    channels_of,
    checked_encoders,
)
from tests.salmetrics_models.emlnet.toy import TOY
from tests.salmetrics_models.plain_emlnet import ENCODER_TAPS


def conv_weights(module):
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, torch.nn.Conv2d))


def made(form, backbones=TOY):
    torch.manual_seed(0)
    return EMLNetwork(backbones, form).double().eval()


@pytest.fixture
def images(rng):
    return torch.from_numpy(rng.random((2, 3, 48, 64)))


@pytest.mark.slow
def test_public_form_has_the_published_taps():
    """Sizes of the published network for 480 x 640, without computing anything."""
    with torch.device("meta"):
        network = EMLNetwork(FORMS["public"].backbones, "public")
        taps = network.encoders[0].taps(torch.zeros(2, 3, 480, 640))
    assert network.names == ("imagenet", "places")
    grids = [(240, 320), (120, 160), (60, 80), (30, 40), (15, 20)]
    assert [tuple(t.shape) for t in taps] == [(2, 1, *grid) for grid in grids]
    assert [o[0].weight.shape for o in network.encoders[0].outputs] == [
        (1, channels, 3, 3) for channels in ENCODER_TAPS
    ]
    assert conv_weights(network.decoder) == 10 * 9 + 10 * 9
    assert sum(p.numel() for p in network.decoder.parameters()) == 11 * 3 + 180


@pytest.mark.slow
def test_decoder_of_the_paper_has_13543_weights():
    sizes = [layer_shapes(b, (480, 640)) for b in (NASNET_LARGE, DENSENET_161)]
    channels = [[n for n, _, _ in shapes] for shapes in sizes]
    assert channels == [[1344, 2688, 4032], [384, 768, 2112, 2208]]
    grids = [(h, w) for shapes in sizes for _, h, w in shapes]
    assert max(grids) == (120, 160)  # 160 x 120, as the paper says
    with torch.device("meta"):
        decoder = Decoder(channels, FORMS["paper"])
        taps = [[torch.zeros(1, n, h, w) for n, h, w in shapes] for shapes in sizes]
    assert sum(p.numel() for p in decoder.parameters()) == conv_weights(decoder) == 13_543
    combined = []
    decoder.combined.register_forward_pre_hook(
        lambda module, inputs: combined.append(inputs[0].shape)
    )
    assert decoder(taps, (480, 640)).shape == (1, 1, 480, 640)
    assert combined == [(1, 7, 120, 160)]


@pytest.mark.parametrize(
    ("backbone", "channels"),
    [(RESNET_50, list(ENCODER_TAPS)), (DENSENET_161, [384, 768, 2112, 2208])],
)
def test_channels_of(backbone, channels):
    assert channels_of(backbone) == channels
    assert sum(channels) == backbone.channels


class TestForms:
    def test_an_encoder_of_the_public_form_combines_its_taps(self, images):
        encoder = made("public").encoder("green")
        with torch.no_grad():
            first, second = encoder.taps(images)
            grid = torch.nn.functional.interpolate(second, size=first.shape[-2:])
            combined = encoder.combined(torch.cat([first, grid], 1))
            expected = torch.nn.functional.interpolate(combined, size=(48, 64))
            assert torch.equal(encoder(images), expected)
        assert first.shape == (2, 1, 24, 32)

    def test_an_encoder_of_the_paper_has_the_last_taps_map(self, images):
        encoder = made("paper").encoder("green")
        with torch.no_grad():
            taps = encoder.taps(images)
            assert [tuple(tap.shape) for tap in taps] == [(2, 6, 24, 32), (2, 6, 12, 16)]
            weight = encoder.outputs[0][0].weight
            small = torch.relu(torch.nn.functional.conv2d(taps[1], weight))
            expected = torch.nn.functional.interpolate(
                small, size=(48, 64), mode="bilinear", align_corners=False
            )
            assert torch.equal(encoder(images), expected)

    @pytest.mark.parametrize(
        ("form", "grid", "mode"), [("public", (48, 64), "nearest"), ("paper", (24, 32), "bilinear")]
    )
    def test_the_decoder_combines_at_the_image_or_at_the_largest_grid(
        self, images, form, grid, mode
    ):
        network = made(form)
        resized = FORMS[form].resized
        with torch.no_grad():
            taps = [encoder.taps(images) for encoder in network.encoders]
            maps = [
                convolution(tap)
                for convolutions, own in zip(network.decoder.maps, taps, strict=True)
                for convolution, tap in zip(convolutions, own, strict=True)
            ]
            joined = torch.cat([resized(m, grid) for m in maps], 1)
            expected = resized(network.decoder.combined(joined), (48, 64))
            assert torch.equal(network(images), expected)
        options = {} if mode == "nearest" else {"align_corners": False}
        other = torch.nn.functional.interpolate(maps[0], size=(50, 70), mode=mode, **options)
        assert torch.equal(resized(maps[0], (50, 70)), other)
        assert resized(maps[0], maps[0].shape[-2:]) is maps[0]

    def test_only_the_public_form_is_normalised_and_has_a_bias(self):
        public = FORMS["public"].convolution(4, torch.nn.ReLU())
        assert [type(m).__name__ for m in public] == ["Conv2d", "BatchNorm2d", "ReLU"]
        assert public[0].kernel_size == (3, 3)
        assert not public[0].bias.any()
        paper = FORMS["paper"].convolution(4, torch.nn.ReLU())
        assert [type(m).__name__ for m in paper] == ["Conv2d", "ReLU"]
        assert (paper[0].kernel_size, paper[0].bias) == ((1, 1), None)
        assert (paper[0].weight >= 0).all()


class TestAwaken:
    def test_weights_get_the_signs_of_their_features(self):
        form = FORMS["paper"]
        convolution = form.convolution(3, torch.nn.ReLU())
        size = convolution[0].weight.abs()
        features = torch.randn(5, 3, 4, 4) + torch.tensor([5.0, -5.0, 0.0])[:, None, None]
        features[:, 2] = 0
        form.awaken(convolution, features)
        found = convolution[0].weight
        assert torch.equal(found, size * torch.tensor([1.0, -1.0, 1.0])[None, :, None, None])
        assert (convolution(features) > 0).any()

    def test_encoders_and_decoders_of_the_paper(self, images):
        network = made("paper")
        with torch.no_grad():
            for encoder in network.encoders:
                encoder.outputs[0][0].weight.abs_().neg_()  # features are above 0: a dead map
                assert not encoder(images).any()
                encoder.awaken(images)
                assert encoder(images).any()
            taps = [encoder.taps(images) for encoder in network.encoders]
            for convolutions in network.decoder.maps:
                for convolution in convolutions:
                    convolution[0].weight.abs_().neg_()
            network.decoder.awaken(taps)
            assert network.decoder(taps, (48, 64)).any()

    def test_the_public_form_stays_as_it_is(self, images):
        network = made("public")
        before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        network.encoders[0].awaken(images)
        network.decoder.awaken([])
        assert all(torch.equal(network.state_dict()[key], t) for key, t in before.items())


def test_description_is_json():
    description = made("paper").description()
    assert json.loads(json.dumps(description)) == {
        "form": "paper",
        "encoders": [
            {"name": name, "backbone": f"sees-{name}", "layers": ["first", "second"]}
            for name in ("red", "green")
        ],
    }


@pytest.mark.parametrize("form", FORMS)
def test_pickled(form, images):
    network = made(form)
    again = pickle.loads(pickle.dumps(network))
    with torch.no_grad():
        np.testing.assert_array_equal(again(images), network(images))
    assert not again.training
    assert not any(parameter.requires_grad for parameter in again.parameters())
    encoder = pickle.loads(pickle.dumps(Encoder(TOY["red"], FORMS[form]).double().eval()))
    assert encoder(images).shape == (2, 1, 48, 64)


@pytest.mark.parametrize(
    ("backbones", "text"),
    [
        ({}, "EML-NET needs at least one encoder"),
        ({"a": TOY["red"], "A": TOY["red"]}, "names of encoders must be different"),
        ({"-a": TOY["red"]}, "start with a letter or digit"),
        ({"a/b": TOY["red"]}, "start with a letter or digit"),
        ({"a": 1}, "backbone of encoder 'a' must be a Backbone; got 1"),
        ([RESNET_50], "backbones must be a mapping from names of encoders"),
    ],
)
def test_wrong_encoders(backbones, text):
    with pytest.raises(InputError, match=text):
        checked_encoders(backbones)


def test_unknown_names():
    with pytest.raises(InputError, match="form must be one of 'public', 'paper'; got 'old'"):
        EMLNetwork(TOY, "old")
    with pytest.raises(InputError, match="encoder must be one of 'red', 'green'; got 'blue'"):
        made("paper").encoder("blue")
