"""EML-NET as a model: the published files, images of any shape, batches, files, encoders alone."""

import pickle

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from salmetrics import InputError, Stimuli
from salmetrics.densities.resampling import resize_map
from salmetrics_models import EMLNet
from salmetrics_models.emlnet.network import RESNET_50
from tests.salmetrics_models import plain_emlnet
from tests.salmetrics_models.emlnet.toy import SIZE, TOY
from tests.salmetrics_models.rounding import EPS32
from tests.salmetrics_models.toy_models import SQUEEZENET


@pytest.mark.slow
def test_prediction_is_that_of_a_plain_implementation(files, images):
    """Of the published size; in float64, as fifty random layers enlarge rounding."""
    paths, states = files
    model = EMLNet.from_checkpoints(**paths, size=SIZE, device="cpu", dtype="float64")
    states = {
        name: {k: t.double() if t.is_floating_point() else t for k, t in state.items()}
        for name, state in states.items()
    }
    for stimulus, found in zip(images, model.saliency_maps(images), strict=True):
        pixels = plain_emlnet.pixels_of(stimulus.rgb, SIZE)
        with torch.no_grad():
            taps = [plain_emlnet.encoder_taps(states[n], pixels) for n in ("imagenet", "places")]
            made = plain_emlnet.decoded(states["decoder"], *taps, SIZE)[0, 0]
            alone = plain_emlnet.encoder_alone(states["places"], pixels)[0, 0]
        blurred = gaussian_filter(made.numpy().astype(np.float64), 5)
        scaled = (blurred - blurred.min()) / (blurred.max() - blurred.min())
        expected = resize_map(scaled, stimulus.size)
        assert found.shape == stimulus.size
        # values from 0 to 1; the layers enlarge eps by less than a million
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        with torch.no_grad():
            own = model.network.encoder("places")(pixels)[0, 0]
        np.testing.assert_allclose(own, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("old", [False, True], ids=["module.", "no counts of batches"])
def test_other_ways_to_write_published_files(toy_files, images, tmp_path, old):
    paths, states = toy_files
    model = EMLNet.from_checkpoints(**paths, size=SIZE, device="cpu")
    for name, state in states.items():
        changed = {f"module.{k}": t for k, t in state.items()}
        if old:  # as torch before 0.4.1 wrote them
            changed = {k: t for k, t in state.items() if not k.endswith("num_batches_tracked")}
        torch.save(changed if old else {"state_dict": changed}, tmp_path / name)
    again = EMLNet.from_checkpoints(
        **{name: tmp_path / name for name in paths}, size=SIZE, device="cpu"
    )
    np.testing.assert_array_equal(again.saliency_map(images[0]), model.saliency_map(images[0]))


def test_wrong_published_files(toy_files, tmp_path):
    paths, states = toy_files
    with pytest.raises(InputError, match=r"imagenet.pth.tar' is of another model.*'img_model"):
        EMLNet.from_checkpoints(**(paths | {"decoder": paths["imagenet"]}), device="cpu")
    missing = {k: t for k, t in states["places"].items() if k != "output1.0.weight"}
    torch.save({"state_dict": missing}, tmp_path / "missing.pth")
    with pytest.raises(InputError, match=r"1 missing, the first 'output1.0.weight'"):
        EMLNet.from_checkpoints(**(paths | {"places": tmp_path / "missing.pth"}), device="cpu")
    (tmp_path / "cut.pth").write_bytes(paths["decoder"].read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut.pth' cannot be read"):
        EMLNet.from_checkpoints(**(paths | {"decoder": tmp_path / "cut.pth"}), device="cpu")
    with pytest.raises(InputError, match="takes no form"):
        EMLNet.from_checkpoints(**paths, form="paper")
    with pytest.raises(InputError, match=r"the authors' three files are for .*from_checkpoints"):
        EMLNet(paths["imagenet"], device="cpu")


def test_batches_are_as_one_by_one(images):
    many = EMLNet(backbones=TOY, size=SIZE, device="cpu", batch_size=2, dtype="float64")
    found = [m.copy() for m in many.saliency_maps(images)]
    for stimulus, one in zip(images, found, strict=True):
        # the same sums, over other numbers of images at once
        np.testing.assert_allclose(one, many.saliency_map(stimulus), rtol=0, atol=1e-11)
        assert one.min() >= 0
        assert one.max() <= 1


def test_save_and_load(images, tmp_path):
    model = EMLNet(form="paper", backbones=TOY, size=(64, 80), pad=True, sigma=2, device="cpu")
    model.save(tmp_path / "model.pth")
    again = EMLNet(tmp_path / "model.pth", backbones=TOY, sigma=2, device="cpu")
    assert again.parameters == model.parameters
    assert again.parameters["size"] == [64, 80]
    assert again.parameters["pad"] is True
    np.testing.assert_array_equal(again.saliency_map(images[2]), model.saliency_map(images[2]))
    other = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(other.saliency_map(images[2]), model.saliency_map(images[2]))
    assert other.fingerprint == model.fingerprint
    with pytest.raises(InputError, match=r"backbone in the file must be one of .*got 'sees-red'"):
        EMLNet(tmp_path / "model.pth", device="cpu")


def test_an_encoder_alone(images):
    model = EMLNet(backbones=TOY, size=SIZE, device="cpu")
    alone = model.alone("green")
    assert alone.name == "emlnet (green alone)"
    assert alone.fingerprint != model.fingerprint
    changed = images[0].rgb.copy()
    changed[..., [0, 2]] = 0  # it sees green only
    (other,) = Stimuli.from_arrays([changed])
    np.testing.assert_array_equal(alone.saliency_map(images[0]), alone.saliency_map(other))
    assert not np.array_equal(model.saliency_map(images[0]), model.saliency_map(other))
    with pytest.raises(InputError, match="encoder must be one of"):
        model.alone("blue")


def test_a_constant_map_is_zero(images):
    model = EMLNet(backbones=TOY, size=SIZE, device="cpu")
    with torch.no_grad():
        for p in model.network.decoder.combined.parameters():
            p.zero_()
    assert not model.saliency_map(images[0]).any()


def test_seeds_and_types(images):
    first, again, other = (
        EMLNet(backbones=TOY, size=SIZE, device="cpu", seed=seed) for seed in (1, 1, 2)
    )
    assert first.weights_digest == again.weights_digest != other.weights_digest
    double = EMLNet(backbones=TOY, size=SIZE, device="cpu", seed=1, dtype="float64", n_threads=1)
    found = double.saliency_map(images[0])
    # few layers; maps are scaled to [0, 1] by what may be a small part of their height
    height = np.ptp(_unscaled(double, images[0]))
    assert height > 0.01
    tolerance = 64 * EPS32 / height
    np.testing.assert_allclose(found, first.saliency_map(images[0]), rtol=0, atol=tolerance)


def _unscaled(model, stimulus):
    """What the network gives, before it is blurred and scaled."""
    pixels = torch.from_numpy(model.frame.framed(stimulus.rgb).transpose(2, 0, 1)[None] / 255.0)
    with torch.no_grad():
        return model.network(pixels)[0, 0].numpy()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": "old"}, "form must be one of"),
        ({"size": (480,)}, r"size must be \(height, width\)"),
        ({"size": (16, 640)}, r"at least 32 pixels each; got \(16, 640\)"),
        ({"sigma": -1}, "sigma must be a number from 0 to 1000; got -1"),
        ({"pad": "yes"}, "pad must be one of"),
        ({"backbones": {}}, "at least one encoder"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"device": "tpu"}, "device must be"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 2**70}, "seed must be below"),
        ({"backbones": [RESNET_50]}, "backbones must be a mapping from names of encoders"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(InputError, match=text):
        EMLNet(**({"backbones": TOY} | options))


def test_images_without_pixels():
    model = EMLNet(backbones=TOY, size=SIZE, device="cpu")
    sizes = Stimuli.from_sizes([(60, 80)])
    with pytest.raises(InputError, match="emlnet needs images"):
        model.check_data(sizes, None)


@pytest.mark.slow
def test_a_pickle_is_read_in_another_process(images, other_process):
    """Where torchvision is not imported yet."""
    backbone = SQUEEZENET.reading(["features.3", "features.12"])
    options = {"size": (64, 64), "device": "cpu", "dtype": "float64", "n_threads": 1}
    model = EMLNet(backbones={"one": backbone}, **options)
    found = other_process.predict(model, "saliency_map", images[0].rgb)
    # the same sequence of operations on the same machine, but for the alignment of memory
    np.testing.assert_allclose(found, model.saliency_map(images[0]), rtol=0, atol=1e-12)


def test_changed_weights_change_the_digest():
    model = EMLNet(backbones=TOY, size=SIZE, device="cpu")
    before = model.fingerprint
    assert model.fingerprint == before
    with torch.no_grad():
        next(model.network.parameters()).add_(1)
    assert model.fingerprint != before
