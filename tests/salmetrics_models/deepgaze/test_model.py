"""DeepGaze as a model: any image, any centre bias, batches, files; mostly on small networks."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import Fixations, InputError, Stimuli
from salmetrics.densities.resampling import resize_log_density
from salmetrics_models import DeepGazeI
from tests.salmetrics_models.rounding import (
    assert_equal_in_float32,
    assert_equal_in_float64,
    assert_sums_to_one,
)
from tests.salmetrics_models.toy_models import OPTIONS, TorchvisionDeepGazeI, ToyDeepGazeI


@pytest.fixture
def stimuli(photo):
    images = [photo, photo[:, ::-1].copy(), photo[:100], photo[:100, :, 0].copy(), photo]
    return Stimuli.from_arrays(images, ids=["a", "b", "c", "grey", "e"])


def gaussian_centre(size):
    """Log density of a Gaussian of a quarter of the sides, in float32."""
    height, width = size
    y = (np.arange(height) + 0.5 - height / 2) / (0.25 * height)
    x = (np.arange(width) + 0.5 - width / 2) / (0.25 * width)
    log = -0.5 * (y[:, None] ** 2 + x**2)
    return (log - np.log(np.exp(log).sum())).astype(np.float32)


@pytest.mark.slow
def test_the_published_size(model_1, photo):
    """DeepGaze I as it was published, on AlexNet."""
    (stimulus,) = Stimuli.from_arrays([photo])
    log = model_1.log_density(stimulus)
    assert log.dtype == np.float32
    assert log.shape == photo.shape[:2]
    assert_sums_to_one(log)
    assert model_1.n_components == 1
    assert model_1.name == "deepgaze1"


def test_batches_give_the_same_as_single_images(toy_file_1, stimuli):
    """In float64: sums over two images at once may come in another order."""
    options = OPTIONS | {"dtype": "float64"}
    one = ToyDeepGazeI(toy_file_1, **options)
    many = ToyDeepGazeI(toy_file_1, batch_size=2, **options)
    singly = [one.log_density(s) for s in stimuli]
    for found in (list(many.log_densities(stimuli)), list(one.log_densities(stimuli))):
        assert [log.shape for log in found] == [tuple(s.size) for s in stimuli]
        for log, expected in zip(found, singly, strict=True):
            np.testing.assert_allclose(log, expected, rtol=0, atol=1e-10)
            assert_sums_to_one(log)
    assert (singly[0] != singly[1]).any()


def test_float32_loses_what_float32_loses(toy_file_1, stimuli):
    """Two orders of the sums in float32 are equally far from float64."""
    exact = ToyDeepGazeI(toy_file_1, **OPTIONS, dtype="float64").log_density(stimuli[0])
    single = ToyDeepGazeI(toy_file_1, **OPTIONS, batch_size=2)
    alone = single.log_density(stimuli[0])
    together = next(single.log_densities(stimuli))
    assert alone.dtype == together.dtype == np.float32
    assert_equal_in_float32(together, alone, exact)
    assert_sums_to_one(alone)


def test_what_images_are(toy_1, photo):
    """Grey is RGB of equal channels; alpha is dropped."""
    grey = photo[:, :, 0].copy()
    alpha = np.dstack([photo, np.full(photo.shape[:2], 9, np.uint8)])
    stimuli = Stimuli.from_arrays([grey, np.dstack([grey] * 3), alpha, photo])
    found = list(toy_1.log_densities(stimuli))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])


def test_pixels_per_degree(toy_file_1, photo):
    stimuli = Stimuli.from_arrays([photo])
    plain = ToyDeepGazeI(toy_file_1, **OPTIONS).log_density(stimuli[0])
    native = ToyDeepGazeI(toy_file_1, pixels_per_degree=35, **OPTIONS)
    np.testing.assert_array_equal(native.log_density(stimuli[0]), plain)
    fine = ToyDeepGazeI(toy_file_1, pixels_per_degree=70, **OPTIONS)
    larger = Stimuli.from_arrays([photo.repeat(2, 0).repeat(2, 1)])
    found = fine.log_density(larger[0])
    assert found.shape == (260, 344)
    assert_sums_to_one(found)
    # the same picture at twice the resolution: the same density, on four times as many pixels
    at_first_size = np.exp(found).reshape(130, 2, 172, 2).sum((1, 3))
    assert np.corrcoef(at_first_size.ravel(), np.exp(plain).ravel())[0, 1] > 0.95


def test_a_fixed_centre_bias_is_resized_once(toy_file_1, photo):
    """To the size of prediction; not to that of the image before."""
    from PIL import Image

    options = {"centre_bias": gaussian_centre((1024, 1024)), "device": "cpu"}
    model = ToyDeepGazeI(toy_file_1, pixels_per_degree=50, **options)
    found = model.log_density(Stimuli.from_arrays([photo])[0])
    size = (round(130 * 0.7), round(172 * 0.7))
    small = np.asarray(Image.fromarray(photo).resize(size[::-1], Image.Resampling.BICUBIC))
    expected = ToyDeepGazeI(toy_file_1, **options).log_density(Stimuli.from_arrays([small])[0])
    np.testing.assert_array_equal(found, resize_log_density(expected, (130, 172)))


def test_threads_of_torch(toy_file_1, stimuli):
    """So many while the model predicts, whatever is set outside; and results are the same."""
    logs, threads = [], []
    for n_threads, dtype in ((1, "float64"), (2, "float64"), (1, "float32")):
        model = ToyDeepGazeI(toy_file_1, n_threads=n_threads, dtype=dtype, **OPTIONS)
        model.network.register_forward_hook(lambda *_: threads.append(torch.get_num_threads()))
        logs.append(model.log_density(stimuli[0]))
        assert torch.get_num_threads() == 1
    assert threads == [1, 2, 1]
    one, two, single = logs
    assert_equal_in_float64(two, one, single)


def test_centre_biases(toy_file_1, photo):
    """The density follows the centre bias; a new one counts from then on."""
    (stimulus,) = Stimuli.from_arrays([photo])
    log = gaussian_centre(photo.shape[:2])
    by_array = ToyDeepGazeI(toy_file_1, centre_bias=log, device="cpu").log_density(stimulus)
    centre_bias = salmetrics.GaussianCentreBias(0.25)
    model = ToyDeepGazeI(toy_file_1, centre_bias=centre_bias, device="cpu", dtype="float64")
    # the array has the density in float32, at the pixels' centres and not over their areas
    np.testing.assert_allclose(model.log_density(stimulus), by_array, rtol=0, atol=0.05)
    model = ToyDeepGazeI(toy_file_1, **OPTIONS)
    flat = model.log_density(stimulus)
    assert abs(flat - by_array).max() > 1
    model.centre_bias = log
    np.testing.assert_array_equal(model.log_density(stimulus), by_array)
    model.centre_bias = "uniform"
    np.testing.assert_array_equal(model.log_density(stimulus), flat)
    with pytest.raises(InputError, match="centre_bias must be"):
        ToyDeepGazeI(None, centre_bias=None, device="cpu")


def test_save_and_load(toy_1, photo, tmp_path):
    toy_1.save(tmp_path / "own.pth")
    again = ToyDeepGazeI(tmp_path / "own.pth", **OPTIONS)
    (stimulus,) = Stimuli.from_arrays([photo])
    np.testing.assert_array_equal(again.log_density(stimulus), toy_1.log_density(stimulus))
    assert again.weights_digest == toy_1.weights_digest
    assert again.fingerprint == toy_1.fingerprint
    copied = pickle.loads(pickle.dumps(toy_1))
    np.testing.assert_array_equal(copied.log_density(stimulus), toy_1.log_density(stimulus))


def test_random_weights_by_seed(toy_1):
    first, same, other = (ToyDeepGazeI(None, seed=seed, **OPTIONS) for seed in (1, 1, 2))
    assert first.weights_digest == same.weights_digest != other.weights_digest
    assert first.fingerprint == same.fingerprint != other.fingerprint
    assert first.fingerprint != toy_1.fingerprint


@pytest.mark.slow
def test_pickles_are_read_in_another_process(photo, other_process):
    """Where nothing of torchvision was imported before."""
    model = TorchvisionDeepGazeI(None, **OPTIONS, dtype="float64", n_threads=1)
    found = other_process.predict(model, "log_density", photo)
    (stimulus,) = Stimuli.from_arrays([photo])
    # the same sequence of operations on the same machine, but for the alignment of memory
    np.testing.assert_allclose(found, model.log_density(stimulus), rtol=1e-12, atol=0)


def test_threads_do_not_get_each_others_features(toy_file_1, photo):
    model = ToyDeepGazeI(toy_file_1, **OPTIONS, dtype="float64")
    stimuli = Stimuli.from_arrays([np.roll(photo, 9 * i, 0) for i in range(12)])
    expected = [model.log_density(s) for s in stimuli]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.log_density, stimuli))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_autocast_is_close_and_not_equal(model_1, file_1, photo):
    """Backbones in bfloat16, the rest as it was."""
    rough = DeepGazeI(file_1, autocast=True, **OPTIONS)
    (stimulus,) = Stimuli.from_arrays([photo])
    one, other = model_1.log_density(stimulus), rough.log_density(stimulus)
    assert other.dtype == np.float32
    # bfloat16 keeps 8 bits: features lose 2 ** -8 in each of five layers
    assert 0 < abs(one - other).max() < 5 * 2**-8 * abs(one).max()
    assert_sums_to_one(other)
    assert rough.fingerprint != model_1.fingerprint


@pytest.mark.slow
def test_with_components(toy_2e, photo):
    (stimulus,) = Stimuli.from_arrays([photo])
    part = toy_2e.with_components((0, 10, 20))
    assert part.network is toy_2e.network  # weights are shared
    assert part.name == "deepgaze2e (3 components)"
    assert toy_2e.with_components([1], "mine").name == "mine"
    assert part.fingerprint != toy_2e.fingerprint
    assert part.parameters["components"] == [0, 10, 20]
    assert np.abs(part.log_density(stimulus) - toy_2e.log_density(stimulus)).max() > 1e-3


def test_components_by_image(toy_2e, photo):
    stimuli = Stimuli.from_arrays([photo, photo])
    chosen = {"0": (1, 2), "1": (29,)}
    found = toy_2e.log_densities_by(stimuli, lambda stimulus: chosen[stimulus.id])
    for stimulus, log in zip(stimuli, found, strict=True):
        own = toy_2e.with_components(chosen[stimulus.id])
        np.testing.assert_array_equal(log, own.log_density(stimulus))
    with pytest.raises(InputError, match=r"components must be different numbers .*; got \(30,\)"):
        next(toy_2e.log_densities_by(stimuli, lambda stimulus: [30]))


# ---- what is refused


def test_too_small_images(toy_1):
    stimuli = Stimuli.from_arrays([np.zeros((1, 1), np.uint8)], ids=["dot"])
    with pytest.raises(InputError, match=r"at least 64 pixels .* 'dot' has 1 x 1"):
        toy_1.log_density(stimuli[0])
    long = Stimuli.from_arrays([np.zeros((10_000, 10), np.uint8)])
    fixations = Fixations.from_arrays([5], [5], [0])
    with pytest.raises(InputError, match="'0' has 10000 x 10"):
        toy_1.check_data(long, fixations)
    with pytest.raises(InputError, match="needs images; '0' has a size only"):
        toy_1.check_data(Stimuli.from_sizes([(100, 100)]), fixations)
    fine = ToyDeepGazeI(None, pixels_per_degree=70, **OPTIONS)
    half = Stimuli.from_arrays([np.zeros((100, 200), np.uint8)])
    with pytest.raises(InputError, match="'0' has 50 x 100 at 35 pixels per degree"):
        fine.log_density(half[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_asked_for_and_absent():
    with pytest.raises(InputError, match="device 'cuda' was asked for, but torch finds no GPU"):
        ToyDeepGazeI(None, centre_bias="uniform", device="cuda")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"device": "toaster"}, "device must be 'auto', 'cpu' or 'cuda'; got 'toaster'"),
        ({"dtype": "float16"}, "dtype must be one of"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1"),
        ({"n_threads": 0}, "n_threads must be a whole number >= 1"),
        ({"components": [0, 1]}, r"components must be different numbers from 0 to 0; got \(0, 1\)"),
        ({"components": []}, "components must be different numbers"),
        ({"components": [0.7]}, "components must be a whole number"),
        ({"components": 0}, "components must be a list; got 0"),
        ({"pixels_per_degree": 0}, "pixels_per_degree must be a number from 1 to 1000; got 0"),
        ({"pixels_per_degree": "35"}, "pixels_per_degree must be a number from 1 to 1000"),
        ({"autocast": "no"}, "autocast must be one of True, False"),
        ({"device": "mps"}, "device must be 'auto', 'cpu' or 'cuda'; got 'mps'"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(InputError, match=text):
        ToyDeepGazeI(None, **(OPTIONS | options))
