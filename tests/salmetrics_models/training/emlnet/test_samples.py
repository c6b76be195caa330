"""What EML-NET's training sees: images in a frame, empirical maps, taps that are kept."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from salmetrics import Dataset, Fixations, InputError, Stimuli
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import EMLNetwork
from salmetrics_models.training.emlnet.samples import MapSamples, Taps
from tests.salmetrics_models.toy_backbones import SEES, blobs

SIZE = (48, 48)


@pytest.fixture(scope="module")
def data():
    return blobs(9, lambda i: [0, 1], size=SIZE, seed=32, name="some")


def test_targets_in_a_padded_frame():
    stimuli = Stimuli.from_arrays([np.zeros((50, 200, 3), np.uint8)], ["a"], sigma=8.0)
    data = Dataset("one", stimuli, Fixations.from_arrays([100.0], [25.0], [0], n_images=1))
    frame = Frame((48, 64), pad=True)
    batch = MapSamples(data, [0], frame).batch([0])
    assert batch.fixations[0].nonzero().tolist() == [[24, 32]]
    y, x = np.mgrid[:48, :64]
    scale = 64 / 200
    expected = np.exp(-((y - 24) ** 2 + (x - 32) ** 2) / 2 / (8 * scale) ** 2)
    np.testing.assert_allclose(batch.target[0], expected, rtol=0, atol=2e-4)  # cut at 4 sigma
    wider = MapSamples(data, [0], frame, sigma=16.0).batch([0]).target[0]
    assert wider.sum() > 3 * batch.target[0].sum()


def test_one_image_is_no_batch(data):
    """A batch of one image has nothing to normalise by where maps have one pixel."""
    samples = MapSamples(data, range(9), Frame(SIZE))
    assert [len(batch) for batch in samples.batches(4)] == [4, 5]
    assert [len(batch) for batch in samples.batches(8, np.random.default_rng(0))] == [9]
    assert [len(batch) for batch in samples.batches(3)] == [3, 3, 3]
    assert [len(batch) for batch in samples.batches(1)] == [1] * 9


def test_batches_are_images_and_empirical_maps(data):
    samples = MapSamples(data, range(9), Frame(SIZE))
    assert samples.sigma == 3.0  # that of the stimuli
    batch = samples.batch([4, 0])
    assert batch.ids == ("some4", "some0")
    assert (batch.taps, batch.weight, batch.weights.tolist()) == (None, 2.0, [1, 1])
    assert batch.images.dtype == torch.uint8  # sent as bytes, scaled where it arrives
    there = batch.to(torch.device("cpu"), torch.float64)
    for k, i in enumerate((4, 0)):
        pixels = data.stimuli[i].rgb.transpose(2, 0, 1) / 255
        np.testing.assert_allclose(there.images[k], pixels, rtol=1e-12)
        own = data.fixations.of_image(i)
        counts = np.zeros(SIZE)
        np.add.at(counts, (np.floor(own.y).astype(int), np.floor(own.x).astype(int)), 1)
        expected = gaussian_filter(counts, 3.0, mode="constant")
        # targets are float32, the largest value 1
        np.testing.assert_allclose(batch.target[k], expected / expected.max(), rtol=0, atol=1e-6)
        assert batch.target[k].max() == 1
        assert torch.equal(batch.fixations[k], torch.from_numpy((counts > 0).astype(np.float32)))


def test_images_without_fixations_are_left_out(data):
    kept = data.fixations[data.fixations.image != 3]
    lacking = Dataset("lacking", data.stimuli, kept)
    assert MapSamples(lacking, [2, 3, 5], Frame(SIZE)).numbers == [2, 5]
    with pytest.raises(InputError, match="none of the chosen images of 'lacking' has fixations"):
        MapSamples(lacking, [3], Frame(SIZE))


def test_taps_are_those_of_the_encoders(data, tmp_path):
    torch.manual_seed(6)
    network = EMLNetwork({name: SEES[name] for name in ("red", "green")}, "public").eval()
    encoders = [network.encoder(name) for name in ("red", "green")]
    frame = Frame(SIZE)
    taps = Taps(encoders, data, [7, 2, 5], frame, tmp_path)
    assert not list(tmp_path.iterdir())  # a temporary file
    found = taps.of([5, 7])
    assert [len(own) for own in found] == [2, 2]  # of two encoders, two layers each
    for k, i in enumerate((5, 7)):
        image = torch.from_numpy(data.stimuli[i].rgb.transpose(2, 0, 1)[None].copy()).float() / 255
        for encoder, own in zip(encoders, found, strict=True):
            with torch.no_grad():
                expected = encoder.taps(image)
            for tap, direct in zip(own, expected, strict=True):
                assert torch.equal(tap[k : k + 1], direct)  # the same network on the same pixels
    batch = MapSamples(data, [2, 5], frame, taps=taps).batch([2])
    assert batch.images is None
    assert torch.equal(batch.taps[1][0], taps.of([2])[1][0])
    moved = batch.to(torch.device("cpu"), torch.float64)
    assert (moved.images, moved.taps[0][0].dtype) == (None, torch.float64)
