"""Networks against recorded numbers of the public implementation, and the plain path.

With weights by a rule EfficientNet-B5 makes rounding a thousand times larger, more on one
processor than on another. So float32 results are compared through the float64 result of the same
network on the same machine, and float64 results by what float32 loses: see `rounding`.
"""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.head import small_centre
from salmetrics_models.deepgaze.network import DeepGazeNetwork, chosen_rows, index
from salmetrics_models.deepgaze.published import load_published
from tests.salmetrics_models.plain_deepgaze import log_density_1, log_density_2e
from tests.salmetrics_models.rounding import assert_equal_in_float32, assert_equal_in_float64
from tests.salmetrics_models.toy_models import TOY_2E

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@pytest.fixture(scope="session")
def recorded(shared):
    return shared / "golden" / "deepgaze"


@pytest.fixture
def network_2e(model_2e):
    """The network, brought back to float32 after each test."""
    network = model_2e.network
    yield network
    network.float()


@pytest.fixture
def network_1(model_1):
    """The network, brought back to float32 after each test."""
    network = model_1.network
    yield network
    network.float()


@pytest.fixture
def toy(toy_state_2e):
    """The mixture of 30 components on each of three small networks."""
    network = DeepGazeNetwork(TOY_2E)
    load_published(network, toy_state_2e, "the file")
    return network.eval().requires_grad_(False)


def tensors(image, centre, dtype):
    images = torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).to(dtype)
    return images, torch.from_numpy(np.asarray(centre))[None].to(dtype)


def gaussian_centre(size):
    height, width = size
    y = (np.arange(height) + 0.5 - height / 2) / (0.25 * height)
    x = (np.arange(width) + 0.5 - width / 2) / (0.25 * width)
    log = -0.5 * (y[:, None] ** 2 + x**2)
    return (log - np.log(np.exp(log).sum())).astype(np.float32)


# ---- recorded numbers


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_recorded_numbers_2e(recorded, network_2e, case, monkeypatch):
    """In float64 to the last digits; in float32 both are equally far from that."""
    by_backbone = DeepGazeNetwork.log_densities_of_backbones
    calls = []

    def watched(self, *arguments):
        calls.append(by_backbone(self, *arguments))
        return calls[-1]

    monkeypatch.setattr(DeepGazeNetwork, "log_densities_of_backbones", watched)
    given = np.load(recorded / f"deepgaze2e_case_{case}.npz")
    double = np.load(recorded / f"deepgaze2e_case_{case}_float64.npz")
    found = {}
    for name, dtype in DTYPES.items():
        network = network_2e.to(dtype)
        images, centre = tensors(given["image"], given["center_bias"], dtype)
        with torch.inference_mode():
            whole = network(images, centre)[0].numpy()
            mixing, parts = calls.pop()
        found[name] = [*(mixing.enlarged(part)[0].numpy() for part in parts), whole]
        assert whole.dtype == name
    expected = [*given["backbone_log_density"], given["log_density"]]
    exact = [*double["backbone_log_density"], double["log_density"]]
    for results in zip(found["float32"], found["float64"], expected, exact, strict=True):
        single, ours, recorded_single, recorded_double = results
        assert_equal_in_float64(ours, recorded_double, recorded_single)
        assert_equal_in_float32(single, recorded_single, recorded_double)


def test_recorded_parts_2e(recorded, network_2e):
    """Features of each layer; readouts and densities of each component."""
    given = np.load(recorded / "deepgaze2e_case_a.npz")
    double = np.load(recorded / "deepgaze2e_case_a_float64.npz")
    maps = np.load(recorded / "deepgaze2e_case_a_feature_maps.npz")
    every = torch.arange(30)
    found = {}
    for name, dtype in DTYPES.items():
        network = network_2e.to(dtype)
        images, centre = tensors(given["image"], given["center_bias"], dtype)
        found[name] = parts = []
        with torch.inference_mode():
            mixing, small = small_centre(network.architecture, centre)
            for branch in network.branches:
                readouts = network.readouts(branch, images, every)
                logs = mixing.component_densities(branch.finaliser(readouts, small, every))
                features = branch.features(images[..., ::2, ::2])
                parts.append((readouts[0], mixing.enlarged(logs)[0], features))
    for b, (single, ours) in enumerate(zip(found["float32"], found["float64"], strict=True)):
        readouts, components = given[f"readout_all_{b}"], given[f"components_{b}"]
        assert_equal_in_float64(ours[0], double[f"readout_all_{b}"], readouts)
        assert_equal_in_float32(single[0], readouts, double[f"readout_all_{b}"])
        assert_equal_in_float32(single[1], components, ours[1])
        for i, (feature, exact) in enumerate(zip(single[2], ours[2], strict=True)):
            expected = maps[f"features_{b}_{i}"].reshape(feature.shape)
            assert_equal_in_float32(feature, expected, exact)


def test_recorded_numbers_1(recorded, network_1):
    given = np.load(recorded / "deepgaze1_case_a.npz")
    found = {}
    for name, dtype in DTYPES.items():
        images, centre = tensors(given["image"], given["center_bias"], dtype)
        with torch.inference_mode():
            found[name] = network_1.to(dtype)(images, centre)[0].numpy()
    single, double = (
        given[key].reshape(found["float32"].shape) for key in ("log_density", "log_density_float64")
    )
    assert_equal_in_float64(found["float64"], double, single)
    assert_equal_in_float32(found["float32"], single, double)


# ---- the fast path and the plain one


@pytest.mark.parametrize("size", [(130, 172), (67, 91), (244, 64)])
def test_the_plain_path_2e(network_2e, state_2e, photo, size):
    """In float64, so that rounding hides little; odd sizes, and one where torch's differs.

    On the second, a layer of one channel is nearly constant over its 9 pixels, and normalising it
    enlarges rounding a million times.
    """
    image = np.resize(photo, (*size, 3))
    some = [0, 7, 29]
    network = network_2e.double()
    images, centre = tensors(image, gaussian_centre(size), torch.float64)
    expected, by_backbone, _ = log_density_2e(network, state_2e, images, centre, some)
    single, single_by_backbone, _ = log_density_2e(
        network, state_2e, images, centre, some, readout_dtype=torch.float32
    )
    with torch.inference_mode():
        found = network(images, centre, some)
        mixing, parts = network.log_densities_of_backbones(images, centre, some)
    assert_equal_in_float64(found, expected, single)
    for part, *others in zip(parts, by_backbone, single_by_backbone, strict=True):
        assert_equal_in_float64(mixing.enlarged(part), *others)
    assert torch.logsumexp(found.flatten(), 0).item() == pytest.approx(0, rel=0, abs=1e-12)


def test_the_plain_path_2e_with_rounding(network_2e, state_2e, photo):
    some = [3, 4]
    images, centre = tensors(photo, gaussian_centre(photo.shape[:2]), torch.float32)
    both = torch.cat([images, images.flip(3)])
    expected, _, _ = log_density_2e(network_2e, state_2e, both, centre.expand(2, -1, -1), some)
    with torch.inference_mode():
        found = network_2e(both, centre, some)
        exact = network_2e.double()(both.double(), centre.double(), some)
    assert_equal_in_float32(found, expected, exact)


def test_the_plain_path_1(network_1, state_1, photo):
    found, expected = {}, {}
    for name, dtype in DTYPES.items():
        network = network_1.to(dtype)
        images, centre = tensors(photo, gaussian_centre(photo.shape[:2]), dtype)
        with torch.inference_mode():
            found[name] = network(images, centre)
        expected[name] = log_density_1(network, state_1, images, centre)
    assert_equal_in_float64(found["float64"], expected["float64"], expected["float32"])
    assert_equal_in_float32(found["float32"], expected["float32"], expected["float64"])


def test_memory_does_not_grow_with_components(toy, photo):
    """Maps of all components are never in memory together."""
    images, centre = tensors(photo, gaussian_centre(photo.shape[:2]), torch.float32)
    largest = 0

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor) and made.shape[-2:] == (65, 86):
                largest = max(largest, made.shape[1] if made.ndim == 4 else 1)
            return made

    with torch.inference_mode(), Watch():
        toy(images, centre)
    assert 0 < largest <= 10


# ---- components


def test_each_image_by_components_of_its_own(toy, photo):
    toy.double()
    images, centre = tensors(photo, gaussian_centre(photo.shape[:2]), torch.float64)
    many = torch.cat([images, images.flip(3), images.flip(2)])
    chosen = [[0, 7], [29], [0, 7]]
    with torch.inference_mode():
        found = toy(many, centre, chosen)
        for i, components in enumerate(chosen):
            alone = toy(many[i : i + 1], centre, components)
            # the same sums, over other numbers of images at once
            np.testing.assert_allclose(found[i : i + 1], alone, rtol=0, atol=1e-10)
    with pytest.raises(InputError, match="one for each of the 3 images; got 2 lists"):
        toy(many, centre, [[0], [1]])


def test_densities_of_components_are_mixed_over_backbones(toy, photo):
    toy.double()
    images, centre = tensors(photo, gaussian_centre(photo.shape[:2]), torch.float64)
    with torch.inference_mode():
        components = toy.log_densities_of_components(images, centre)[0]
        whole = toy(images, centre)[0]
        single = toy(images, centre, [4])[0]
    assert components.shape == (30, *photo.shape[:2])
    np.testing.assert_allclose(components[4], single, rtol=0, atol=1e-10)
    mean = torch.logsumexp(components, 0) - np.log(30)
    np.testing.assert_allclose(mean, whole, rtol=0, atol=1e-10)


def test_rows_and_indices():
    tensor = torch.arange(6.0).view(3, 2)
    assert chosen_rows(tensor, [0, 1, 2]) is tensor
    assert chosen_rows(tensor, [2, 0]).tolist() == [[4, 5], [0, 1]]
    cpu = torch.device("cpu")
    assert index([3, 1], cpu).tolist() == [3, 1]
    assert index([3, 1], cpu) is index((3, 1), cpu)


# ---- digests and pickles


def test_digest(toy):
    before = toy.digest
    assert toy.digest == before
    toy.branches[1].readouts.weight0[3] += 1
    assert toy.digest != before


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_pickled(toy, dtype):
    toy.to(dtype).autocast = True
    again = pickle.loads(pickle.dumps(toy))
    assert (again.digest, again.autocast, again.training) == (toy.digest, True, False)
    assert not any(parameter.requires_grad for parameter in again.parameters())
    assert again.architecture.description() == toy.architecture.description()


# ---- what a GPU is asked to do


class FakeStream:
    """Notes what waits for what."""

    log: list

    def __init__(self, name):
        self.name = str(name)

    def wait_stream(self, other):
        self.log.append((self.name, "waits for", other.name))


def test_each_backbone_has_a_stream_of_its_own_on_a_gpu(monkeypatch):
    FakeStream.log = log = []
    now, names = FakeStream("now"), iter("abcd")

    class Inside:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            log.append(("enter", self.stream.name))

        def __exit__(self, *_):
            log.append(("leave", self.stream.name))

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: FakeStream(next(names)))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: now)
    monkeypatch.setattr(torch.cuda, "stream", Inside)

    class Part:
        def __init__(self, n):
            self.n = n

        def record_stream(self, stream):
            log.append(("kept for", stream.name, self.n))

    more = replace(TOY_2E.backbones[0], name="sees-red-too")
    network = DeepGazeNetwork(replace(TOY_2E, backbones=(*TOY_2E.backbones, more)))
    order = list(network.branches)
    for _ in range(2):  # streams are made once
        log.clear()
        parts = network.by_branch(lambda b: Part(order.index(b)), torch.device("cuda"))
        assert [part.n for part in parts] == [0, 1, 2, 3]
        for n, name in enumerate("abcd"):
            assert log[3 * n : 3 * n + 3] == [
                (name, "waits for", "now"),
                ("enter", name),
                ("leave", name),
            ]
            assert log[12 + n] == ("now", "waits for", name)
            assert log[16 + n] == ("kept for", "now", n)
    log.clear()
    with pytest.raises(ZeroDivisionError):  # those that were started are waited for
        network.by_branch(lambda branch: 1 // 0, torch.device("cuda"))
    assert [entry for entry in log if entry[0] == "now"] == [
        ("now", "waits for", name) for name in "abcd"
    ]


def test_architecture_of_the_published_network(network_2e):
    assert network_2e.architecture == DEEPGAZE_2E
    names = [branch.features.backbone.name for branch in network_2e.branches]
    assert names == ["shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50"]
