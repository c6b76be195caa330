"""Features on disk: computed once, the same as computed anew, keyed by all they depend on."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import InputError, Stimuli
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.deepgaze.head import channel_scale, downsampled
from salmetrics_models.training.inputs import features as module
from salmetrics_models.training.inputs.features import Features, code_of
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.training.toy_training import EPS

SECOND = SEES["red"].reading(["second"])


@pytest.fixture(scope="module")
def extractor():
    torch.manual_seed(1)
    return FeatureExtractor(SECOND)


@pytest.fixture
def stimuli(photo):
    return Stimuli.from_arrays([photo, photo[::-1].copy(), photo[:96, :100]], ["a", "b", "c"])


def counting(extractor, monkeypatch):
    calls = []
    forward = extractor.forward

    def spy(images, layers=None):
        calls.append(len(images))
        return forward(images, layers)

    monkeypatch.setattr(extractor, "forward", spy)
    return calls


def test_computed_once(extractor, stimuli, tmp_path, monkeypatch):
    calls = counting(extractor, monkeypatch)
    kept = Features(extractor, stimuli, downsample=1.5, folder=tmp_path)
    kept.fill(progress=False)
    assert calls == [1, 1, 1]
    again = Features(extractor, stimuli[[2, 0]], downsample=1.5, folder=tmp_path)
    again.fill(progress=False)
    assert len(calls) == 3
    fresh = Features(extractor, stimuli, downsample=1.5)
    for images in ([0, 1], [2], [1]):
        for one, other in zip(kept.maps(images), fresh.maps(images), strict=True):
            assert torch.equal(one, other)
    assert torch.equal(again.maps([1])[0], kept.maps([0])[0])
    images = torch.from_numpy(stimuli[2].rgb.transpose(2, 0, 1)[None].copy()).float()
    with torch.inference_mode():
        direct = extractor(downsampled(images, 1.5))[0]
    assert torch.equal(kept.maps([2])[0], direct)


def test_what_they_depend_on(extractor, stimuli, tmp_path, monkeypatch, photo):
    Features(extractor, stimuli, folder=tmp_path).fill(progress=False)
    calls = counting(extractor, monkeypatch)
    Features(extractor, stimuli, folder=tmp_path).fill(progress=False)
    assert not calls
    changed = photo.copy()
    changed[0, 0, 0] ^= 1
    Features(extractor, Stimuli.from_arrays([changed]), folder=tmp_path).fill(progress=False)
    assert calls == [1]
    for options in ({"downsample": 2}, {"dtype": "float16"}):
        calls.clear()
        Features(extractor, stimuli[:1], folder=tmp_path, **options).fill(progress=False)
        assert calls == [1], options
    with torch.no_grad():
        before = extractor.network.first[0].bias.clone()
        extractor.network.first[0].bias += 1e-3
    calls.clear()
    Features(extractor, stimuli[:1], folder=tmp_path).fill(progress=False)
    assert calls == [1]
    extractor.network.first[0].bias.copy_(before)
    renewed = FeatureExtractor(replace(SECOND, trunk=lambda network: network.eval()))
    renewed.network.load_state_dict(extractor.network.state_dict())
    calls = counting(renewed, monkeypatch)
    Features(renewed, stimuli[:1], folder=tmp_path).fill(progress=False)
    assert calls == [1]  # other code
    other = FeatureExtractor(SEES["red"])
    other.network.load_state_dict(extractor.network.state_dict())
    calls = counting(other, monkeypatch)
    two = Features(other, stimuli[:1], folder=tmp_path)
    two.fill(progress=False)
    assert calls == [1]
    assert [m.shape[1] for m in two.maps([0])] == [6, 6]
    assert len(list(tmp_path.iterdir())) == 6


def test_the_code_of_our_own_backbones_has_a_fixed_identity():
    """That of trainings and features that exist: no change of modules may invalidate them."""
    recorded = {
        "alexnet": "b7dc45d1467be6e3de3cdb3aaa52e8c7",
        "densenet-201": "cf24354b6cc0e10ed0a15be80dcc9938",
        "efficientnet-b5": "5b55c91d368b037b3c3c47a5cbb03417",
        "hand-made": "cf24fc049da948e7f584e2316379c329",
        "resnext-50": "d8ba53af290cad4da84a0066e2ee8c23",
        "shapenet-c": "e31324658932337220993b447985329c",
        "vgg-19": "dd6e38f5233e1fbd3ecd5d9814e16c9b",
        "resnet-50": "e31324658932337220993b447985329c",  # shapenet-c is one
    }
    later = ("vgg-11", "resnet-101", *EFFICIENTNET_LITE)
    recorded |= dict(zip(later, later, strict=True))
    assert {name: code_of(b) for name, b in known_backbones().items()} == recorded
    other_layers = replace(HAND_MADE.reading(["colour"]), name="colour")
    assert code_of(other_layers) == recorded["hand-made"]
    own = replace(HAND_MADE, trunk=lambda network: network.eval())
    assert code_of(own) not in recorded.values()
    assert code_of(SEES["red"]) != code_of(SEES["green"])


def test_float16_is_rounded(extractor, stimuli, tmp_path, monkeypatch):
    half = Features(extractor, stimuli, folder=tmp_path, dtype="float16")
    half.fill(progress=False)
    full = Features(extractor, stimuli)
    (one,), (other,) = half.maps([0]), full.maps([0])
    assert one.dtype == torch.float32
    assert not torch.equal(one, other)
    # float16 has 10 binary digits, and steps of 6e-8 near 0
    torch.testing.assert_close(one, other, rtol=2**-11, atol=6e-8)
    assert torch.equal(one, Features(extractor, stimuli, dtype="float16").maps([0])[0])
    with pytest.raises(InputError, match="dtype must be one of 'float16', 'float32'"):
        Features(extractor, stimuli, dtype="int8")
    forward = extractor.forward
    monkeypatch.setattr(extractor, "forward", lambda *given: [1e6 * m for m in forward(*given)])
    text = "features of image 'a' in layer 'second' are not finite as float16"
    with pytest.raises(InputError, match=text):
        Features(extractor, stimuli, folder=tmp_path / "new", dtype="float16").fill(progress=False)


def test_some_layers_of_a_pool(stimuli, tmp_path, monkeypatch):
    pool = ["gabor", "colour", "contrast"]
    calls = []
    for layers in (["contrast"], ["colour", "gabor"]):
        extractor = FeatureExtractor(HAND_MADE.reading(layers, pool=pool))
        calls.append(counting(extractor, monkeypatch))
        found = Features(extractor, stimuli, folder=tmp_path)
        found.fill(progress=False)
        alone = Features(FeatureExtractor(HAND_MADE.reading(layers)), stimuli)
        for one, other in zip(found.maps([1]), alone.maps([1]), strict=True):
            assert torch.equal(one, other)
    assert calls == [[1, 1, 1], []]
    with pytest.raises(InputError, match="layer must be one of 'gabor'; got 'colour'"):
        HAND_MADE.reading(["colour"], pool=["gabor"])


def test_damaged_and_missing_files(extractor, stimuli, tmp_path):
    kept = Features(extractor, stimuli, folder=tmp_path)
    kept.fill(progress=False)
    expected = kept.maps([0])[0]
    files = sorted(tmp_path.rglob("*.safetensors"))
    for path in files:
        path.write_bytes(path.read_bytes()[:-7])
    again = Features(extractor, stimuli, folder=tmp_path)
    with pytest.warns(UserWarning, match="are damaged and are computed again"):
        again.fill(progress=False)
    assert torch.equal(again.maps([0])[0], expected)
    folder = files[0].parent
    left = [folder / f".{k}.safetensors-0123456789ab" for k in range(2)]
    for path in left:
        path.touch()
    os.utime(left[1], (0, 0))  # a kill left it, long ago; the other one may be being written
    Features(extractor, stimuli, folder=tmp_path).fill(progress=False)
    assert [path.exists() for path in left] == [True, False]
    for path in files:
        path.unlink()
    with pytest.raises(InputError, match=r"can no longer be read .* start the same training again"):
        again.maps([0])


def test_no_room(extractor, stimuli, tmp_path, monkeypatch):
    from salmetrics.io import files

    def full(*given):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        kept = Features(extractor, stimuli, folder=tmp_path / "full")
        kept._created = lambda: tmp_path  # what says what they are is written first
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(InputError, match=r"features .* cannot be written: .*No space left"):
            kept.fill(progress=False)
    usage = module.shutil.disk_usage(tmp_path)._replace(free=2**28 + 1000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=r"features of 3 images take 0.0 GB, and .*float16"):
        Features(extractor, stimuli, folder=tmp_path).fill(progress=False)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="features cannot be written to"):
        Features(extractor, stimuli, folder=file).fill(progress=False)


def test_scale(extractor, stimuli):
    found = Features(extractor, stimuli).scale(progress=False)
    maps = [Features(extractor, stimuli).maps([i])[0][0].flatten(1) for i in range(3)]
    values = torch.cat(maps, 1).double()
    moving = values.std(1, correction=0) > 0
    assert moving.float().mean() > 0.3
    expected = values.std(1, correction=0)[moving].to(found.dtype)
    torch.testing.assert_close(found[moving], expected, rtol=4 * EPS, atol=0)  # held in float32
    assert (found[~moving] == 1).all()
    with pytest.raises(InputError, match="needs at least one image"):
        channel_scale([])
    small, large = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 4, 5)
    expected = [m[0].flatten(1).double().std(1, correction=0) for m in (small, large)]
    expected = torch.cat(expected).to(torch.float32)
    scale = channel_scale([[small, large]]).to(torch.float32)
    torch.testing.assert_close(scale, expected, rtol=4 * EPS, atol=0)  # held in float32


def test_downsampling_by_a_fraction():
    """Every 1.5th pixel, as torch's nearest-neighbour resizing by a factor takes them."""
    images = torch.arange(2 * 3 * 31 * 44.0).view(2, 3, 31, 44)
    expected = torch.nn.functional.interpolate(images, scale_factor=1 / 1.5)
    assert torch.equal(downsampled(images, 1.5), expected)
    assert torch.equal(downsampled(images, 2), images[..., :30:2, ::2])
    assert torch.equal(downsampled(images, 1), images)


def test_hand_made_features_see_what_they_should(rng):
    extractor = FeatureExtractor(HAND_MADE)
    grey = np.full((1, 3, 64, 64), 128.0)

    def maps(pixels):
        with torch.inference_mode():
            return extractor(torch.from_numpy(pixels).float())

    flat = maps(grey)
    assert [m.shape for m in flat] == [(1, 16, 8, 8), (1, 12, 8, 8), (1, 4, 8, 8)]
    assert sum(m.shape[1] for m in flat) == HAND_MADE.channels
    for m in flat:
        # the logarithm of the floor, 1e-3, plus the little that edges add
        torch.testing.assert_close(m, torch.full_like(m, np.log(1e-3)), atol=0.2, rtol=0)
    stripes = grey.copy()
    stripes[..., ::4] += 60
    stripes[..., 1::4] += 60  # a wave of 4 pixels along x: the first orientation of the first level
    energy = maps(stripes)[0][0, :4, 2:6, 2:6].mean((1, 2))
    assert energy.argmax() == 0
    turned = maps(stripes.transpose(0, 1, 3, 2).copy())[0][0, :4, 2:6, 2:6].mean((1, 2))
    assert turned.argmax() == 2
    red = grey.copy()
    red[:, 0, 28:36, 28:36] += 50
    red[:, 1, 28:36, 28:36] -= 50
    colour = maps(red)[1][0].view(4, 3, 8, 8)[1]
    assert colour[1].flatten().argmax() in (27, 28, 35, 36)  # in the middle
    assert colour[1].max() > colour[0].max()  # red against green, not luminance
    noisy = grey + rng.normal(0, 30, grey.shape)
    assert (maps(noisy)[2] > flat[2] + 1).all()
