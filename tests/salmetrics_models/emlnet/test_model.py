"""EML-NET: shapes, counts, the published layout against a plain implementation, any image."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics import InputError, Stimuli
from salmetrics_models import EMLNet
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import DENSENET_161, FORMS, NASNET_LARGE, RESNET_50
from salmetrics_models.entry_points import emlnet
from tests.salmetrics_models import plain_emlnet
from tests.salmetrics_models.toy_backbones import SEES

SIZE = (96, 128)
TOY = {name: SEES[name] for name in ("red", "green")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The three published files, with random numbers in them."""
    folder = tmp_path_factory.mktemp("emlnet")
    states = {
        "imagenet": plain_emlnet.random_encoder(1),
        "places": plain_emlnet.random_encoder(2),
        "decoder": plain_emlnet.random_decoder(3),
    }
    for name, state in states.items():
        torch.save({"state_dict": state}, folder / f"{name}.pth.tar")
    return {name: folder / f"{name}.pth.tar" for name in states}, states


@pytest.fixture(scope="module")
def model(files):
    return EMLNet.from_checkpoints(**files[0], size=SIZE, device="cpu")


@pytest.fixture
def images(rng):
    arrays = [rng.integers(0, 256, (90, 150, 3), dtype=np.uint8) for _ in range(2)]
    return Stimuli.from_arrays([*arrays, rng.integers(0, 256, (120, 70), dtype=np.uint8)], "abc")


def conv_weights(module):
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, torch.nn.Conv2d))


def test_public_form_has_the_published_taps(model):
    network = model.network
    assert network.names == ("imagenet", "places")
    with torch.no_grad():
        taps = network.encoders[0].taps(torch.rand(2, 3, 480, 640))
    grids = [(240, 320), (120, 160), (60, 80), (30, 40), (15, 20)]
    assert [tuple(t.shape) for t in taps] == [(2, 1, *grid) for grid in grids]
    assert [o[0].weight.shape for o in network.encoders[0].outputs] == [
        (1, channels, 3, 3) for channels in plain_emlnet.ENCODER_TAPS
    ]
    assert conv_weights(network.decoder) == 10 * 9 + 10 * 9
    assert sum(p.numel() for p in network.decoder.parameters()) == 11 * 3 + 180


def test_decoder_of_the_paper_has_13543_weights():
    from salmetrics_models.backbones.backbone import layer_shapes
    from salmetrics_models.emlnet.network import Decoder

    sizes = [layer_shapes(b, (480, 640)) for b in (NASNET_LARGE, DENSENET_161)]
    channels = [[n for n, _, _ in of_backbone] for of_backbone in sizes]
    assert channels == [[1344, 2688, 4032], [384, 768, 2112, 2208]]
    decoder = Decoder(channels, FORMS["paper"])
    assert sum(p.numel() for p in decoder.parameters()) == conv_weights(decoder) == 13_543
    grids = [(h, w) for of_backbone in sizes for _, h, w in of_backbone]
    assert max(grids) == (120, 160)  # 160 x 120, as the paper says
    taps = [[torch.rand(1, n, h, w) for n, h, w in of_backbone] for of_backbone in sizes]
    seen = []
    decoder.combined.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape))
    assert decoder(taps, (480, 640)).shape == (1, 1, 480, 640)
    assert seen == [(1, 7, 120, 160)]


def test_published_files_load_completely(files, model):
    paths, states = files
    for name in ("imagenet", "places"):
        own = model.network.encoder(name).state_dict()
        assert len(own) == len(states[name])
        for key, tensor in states[name].items():
            ours = key.replace("output", "outputs.") if key.startswith("output") else key
            ours = ours if ours.startswith(("outputs", "combined")) else f"network.{ours}"
            assert torch.equal(own[ours], tensor), key
    decoder = model.network.decoder.state_dict()
    assert len(decoder) == len(states["decoder"])
    for key, tensor in states["decoder"].items():
        ours = key.replace("img_model", "maps.0").replace("pla_model", "maps.1")
        assert torch.equal(decoder[ours], tensor), key


def test_prediction_is_that_of_a_plain_implementation(files, images):
    """In float64: what fifty random layers make of a rounding error is large."""
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
        expected = salmetrics.densities.sampling.resampling.resize_map(scaled, stimulus.size)
        assert found.shape == stimulus.size
        np.testing.assert_allclose(found, expected, atol=1e-9)
        with torch.no_grad():
            own = model.network.encoder("places")(pixels)[0, 0]
        np.testing.assert_allclose(own, alone, atol=1e-9)


@pytest.mark.parametrize("old", [False, True], ids=["module.", "no counts of batches"])
def test_other_ways_to_write_published_files(files, model, images, tmp_path, old):
    paths, states = files
    for name, state in states.items():
        changed = {f"module.{k}": t for k, t in state.items()}
        if old:  # as torch before 0.4.1 wrote them
            changed = {k: t for k, t in state.items() if not k.endswith("num_batches_tracked")}
        torch.save(changed if old else {"state_dict": changed}, tmp_path / name)
    again = EMLNet.from_checkpoints(
        **{name: tmp_path / name for name in paths}, size=SIZE, device="cpu"
    )
    np.testing.assert_array_equal(again.saliency_map(images[0]), model.saliency_map(images[0]))


def test_wrong_published_files(files, tmp_path):
    paths, states = files
    with pytest.raises(InputError, match=r"imagenet.pth.tar' is of another model.*'img_model"):
        EMLNet.from_checkpoints(**(paths | {"decoder": paths["imagenet"]}), device="cpu")
    missing = {k: t for k, t in states["places"].items() if k != "output3.0.weight"}
    torch.save({"state_dict": missing}, tmp_path / "missing.pth")
    with pytest.raises(InputError, match=r"1 missing, the first 'output3.0.weight'"):
        EMLNet.from_checkpoints(**(paths | {"places": tmp_path / "missing.pth"}), device="cpu")
    (tmp_path / "cut.pth").write_bytes(paths["decoder"].read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut.pth' can't be read"):
        EMLNet.from_checkpoints(**(paths | {"decoder": tmp_path / "cut.pth"}), device="cpu")
    with pytest.raises(InputError, match="takes no form"):
        EMLNet.from_checkpoints(**paths, form="paper")
    with pytest.raises(InputError, match=r"the authors' three files are for .*from_checkpoints"):
        EMLNet(paths["imagenet"], device="cpu")


def test_batches_are_as_one_by_one(images):
    many = EMLNet(backbones=TOY, size=SIZE, device="cpu", batch_size=2)
    found = [m.copy() for m in many.saliency_maps(images)]
    for stimulus, one in zip(images, found, strict=True):
        np.testing.assert_allclose(one, many.saliency_map(stimulus), atol=1e-5)
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
    np.testing.assert_allclose(found, first.saliency_map(images[0]), atol=1e-4)


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


def test_a_pickle_is_read_in_another_process(images, tmp_path):
    """Where torchvision is not imported yet."""
    model = EMLNet(backbones={"one": RESNET_50}, size=(64, 64), device="cpu")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps((model, images[0].rgb)))
    code = """if True:
        import pickle, sys
        from salmetrics import Stimuli
        model, pixels = pickle.load(open(sys.argv[1], "rb"))
        print(model.saliency_map(Stimuli.from_arrays([pixels])[0]).sum())
    """
    run = [sys.executable, "-c", code, str(tmp_path / "model.pkl")]
    out = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert float(out) == pytest.approx(model.saliency_map(images[0]).sum(), rel=1e-4)


def test_changed_weights_change_the_digest():
    model = EMLNet(backbones=TOY, size=SIZE, device="cpu")
    before = model.fingerprint
    assert model.fingerprint == before
    with torch.no_grad():
        next(model.network.parameters()).add_(1)
    assert model.fingerprint != before


class TestFrame:
    def test_stretched(self, rng):
        frame = Frame((48, 64))
        image = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
        assert frame.framed(image).shape == (48, 64, 3)
        x, y = frame.points([0, 95.9, 48], [0, 95.9, 24], (96, 96))
        assert (x.tolist(), y.tolist()) == ([0, 63, 32], [0, 47, 12])

    @pytest.mark.parametrize(
        ("size", "rows", "columns"),
        [
            ((100, 100), (0, 48), (8, 56)),
            ((50, 200), (16, 32), (0, 64)),
            ((48, 64), (0, 48), (0, 64)),
        ],
    )
    def test_padded(self, rng, size, rows, columns):
        frame = Frame((48, 64), pad=True)
        image = rng.integers(1, 256, (*size, 3), dtype=np.uint8)
        framed = frame.framed(image)
        there = np.zeros((48, 64), bool)
        there[slice(*rows), slice(*columns)] = True
        assert framed.shape == (48, 64, 3)
        assert framed[there].all()
        assert not framed[~there].any()
        x, y = frame.points([0, size[1] - 0.01], [0, size[0] - 0.01], size)
        assert (x.tolist(), y.tolist()) == (
            [columns[0], columns[1] - 1],
            [rows[0], rows[1] - 1],
        )
        part = frame.unframed(there.astype(float), size)
        assert part.all()
        assert part.shape == (rows[1] - rows[0], columns[1] - columns[0])


class TestByName:
    def test_files(self, files, model, images):
        argument = ",".join(f"{name}={path}" for name, path in files[0].items())
        made = emlnet(f"{argument},size=96x128,device=cpu", None)
        np.testing.assert_array_equal(made.saliency_map(images[0]), model.saliency_map(images[0]))

    def test_a_training(self, tmp_path, images):
        model = EMLNet(device="cpu", size=(64, 64), backbones={"one": RESNET_50})
        model.save(tmp_path / "model.pth")
        made = emlnet(f"{tmp_path / 'model.pth'},encoder=one,sigma=0,device=cpu", None)
        assert made.name == "emlnet (one alone)"
        assert made.parameters["size"] == [64, 64]

    @pytest.mark.parametrize(
        ("argument", "text"),
        [
            (None, "emlnet:imagenet=FILE,places=FILE,decoder=FILE"),
            ("imagenet=a.pth", "emlnet:imagenet=FILE"),
            ("random,decoder=a.pth", "emlnet:imagenet=FILE"),
            ("random,size=a", "size can't be 'a'"),
            ("random,fold=1", "option of emlnet must be one of"),
            ("random,pad=1", "pad must be one of"),
            ("nowhere.pth", "nowhere.pth"),
        ],
    )
    def test_wrong(self, argument, text):
        with pytest.raises(InputError, match=text):
            emlnet(argument, None)
