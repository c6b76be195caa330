"""Files of readouts: what is merged and rounded in them, and the shipped one."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import InputError, Stimuli
from salmetrics.data.folds import Folds
from salmetrics_models import ReadoutModel
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.litegaze.readouts_file import READOUTS, read_readouts, write_readouts
from salmetrics_models.weights.files import write_weights

SIZE = (64, 80)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of hand-made features with random readouts in three folds."""
    architecture = replace(
        DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=3, downsample=1, readout_factor=8
    )
    torch.manual_seed(4)
    network = DeepGazeNetwork(architecture)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if "norm" in name:
                tensor.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("model") / "model.pth"
    about = {"architecture": architecture.description(), "n_folds": 3}
    write_weights(path, network.state_dict(), about)
    return ReadoutModel(path, centre_bias="uniform", device="cpu")


@pytest.fixture(scope="module")
def stimuli():
    rng = np.random.default_rng(3)
    return Stimuli.from_arrays(list(rng.integers(0, 256, (6, *SIZE, 3), dtype=np.uint8)))


def written(path, model, stimuli, **options):
    folds = Folds({name: i % 3 for i, name in enumerate(stimuli.ids)})
    centres = [torch.full((3, 4), -np.log(12.0)) for _ in range(3)]
    write_readouts(path, model, stimuli, folds, centres, **options)
    return read_readouts(path)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        (torch.float32, 1e-5),
        (torch.float16, 5e-3),  # weights have 11 binary digits
    ],
)
def test_densities_are_those_of_the_model(tmp_path, model, stimuli, dtype, tolerance):
    read = written(tmp_path / "readouts.safetensors", model, stimuli, dtype=dtype)
    network = DeepGazeNetwork(read.architecture).eval()
    network.load_state_dict(read.tensors, strict=False)
    images = torch.from_numpy(stimuli[0].rgb.transpose(2, 0, 1)[None].copy()).float()
    centre = torch.zeros(1, *SIZE)
    with torch.no_grad():
        found, expected = network(images, centre), model.network(images, centre)
    assert (found - expected).abs().max() < tolerance
    assert not torch.equal(found, network(images, centre, [0]))


def test_what_it_holds(tmp_path, model, stimuli):
    path = tmp_path / "readouts.safetensors"
    read = written(path, model, stimuli)
    assert read.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert (read.n_folds, list(read.backbones)) == (3, ["hand-made"])
    assert [read.known.fold_of(stimulus.rgb) for stimulus in stimuli] == [0, 1, 2] * 2
    assert len(read.centres) == 4
    assert not any("features" in name for name in read.tensors)


def test_a_photograph_in_no_fold(tmp_path, model, stimuli):
    with pytest.raises(InputError, match="1 of 6 images are in no fold"):
        write_readouts(
            tmp_path / "r.safetensors",
            model,
            stimuli,
            Folds({name: i % 3 for i, name in enumerate(stimuli.ids[:5])}),
            [torch.full((3, 4), -np.log(12.0))] * 3,
        )


class TestShipped:
    """The file that comes with salmetrics."""

    def test_size(self):
        assert READOUTS.stat().st_size < 4_000_000

    def test_each_photograph_of_osie_is_in_one_fold(self):
        known = read_readouts(READOUTS).known
        assert len(known.folds) == 700
        assert sorted(np.bincount(known.folds).tolist()) == [69, *[70] * 8, 71]

    def test_the_same_photograph_twice_is_in_one_fold(self):
        """Numbers 1279 and 1374 of the data set."""
        known = read_readouts(READOUTS).known
        assert np.abs(known.thumbnails[278].astype(int) - known.thumbnails[373]).max() <= 1
        assert known.folds[278] == known.folds[373]
