"""Readouts of any architecture that a file tells."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import Folds, InputError, Stimuli
from salmetrics_models import ReadoutModel
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.weights.files import write_weights
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.toy_models import OPTIONS, TOY_2E


def written(path, architecture, **about):
    """A file as a training writes it."""
    torch.manual_seed(1)
    network = DeepGazeNetwork(architecture)
    description = {"architecture": architecture.description()} | about
    write_weights(path, network.state_dict(), description)
    return network


def test_the_file_tells_the_architecture(photo, tmp_path):
    architecture = replace(
        TOY_2E, backbones=(HAND_MADE,), n_components=4, downsample=1, readout_factor=8, map_factor=4
    )
    network = written(tmp_path / "model.pth", architecture, n_folds=2)
    model = ReadoutModel(tmp_path / "model.pth", **OPTIONS, dtype="float64")
    assert model.architecture == architecture
    assert (model.name, model.n_components, model.n_folds) == ("readout", 4, 2)
    (stimulus,) = Stimuli.from_arrays([photo])
    images = torch.from_numpy(photo.transpose(2, 0, 1)[None].copy()).double()
    centre = torch.full((1, *photo.shape[:2]), -np.log(photo[..., 0].size), dtype=torch.float64)
    with torch.inference_mode():
        expected = network.double().eval()(images, centre)[0]
    np.testing.assert_allclose(model.log_density(stimulus), expected, rtol=0, atol=1e-12)
    crossed = model.cross_validated(Folds({"0": 1, "x": 0}))
    own = model.with_components((1, 3))
    np.testing.assert_array_equal(crossed.log_density(stimulus), own.log_density(stimulus))


def test_backbones_of_ones_own(photo, tmp_path):
    written(tmp_path / "model.pth", TOY_2E)
    model = ReadoutModel(tmp_path / "model.pth", backbones=SEES.values(), **OPTIONS)
    (stimulus,) = Stimuli.from_arrays([photo])
    assert model.log_density(stimulus).shape == photo.shape[:2]
    assert model.n_folds == 30  # the file names none: each component is a fold
    model.save(tmp_path / "again.pth")
    again = ReadoutModel(tmp_path / "again.pth", backbones=SEES.values(), **OPTIONS)
    np.testing.assert_array_equal(again.log_density(stimulus), model.log_density(stimulus))
    with pytest.raises(InputError, match=r"backbone must be one of .*; got 'sees-red'"):
        ReadoutModel(tmp_path / "model.pth", **OPTIONS)


def test_a_file_that_an_earlier_version_wrote(tmp_path):
    """Tensors by name and a description as JSON; nothing in it names a module of the package."""
    torch.manual_seed(1)
    architecture = replace(TOY_2E, backbones=(HAND_MADE,), n_components=2)
    state = DeepGazeNetwork(architecture).state_dict()
    description = {
        "backbones": [{"name": "hand-made", "layers": ["gabor", "colour", "contrast"]}],
        "layers": [
            {"channels": n, "norm": norm, "bias": bias, "activation": activation}
            for n, norm, bias, activation in (
                (8, True, True, "softplus"),
                (16, True, True, "softplus"),
                (1, True, True, "softplus"),
                (128, True, True, "softplus"),
                (16, True, True, "softplus"),
                (1, False, False, None),
            )
        ],
        "n_components": 2,
        "downsample": 2,
        "readout_factor": 16,
        "map_factor": 2,
        "least_side": 64,
        "aligned": False,
        "scaled": False,
        "enlargement": "nearest",
        "smooth": True,
    }
    about = json.dumps({"architecture": description, "n_folds": 2})
    torch.save({"state_dict": state, "about": about}, tmp_path / "model.pth")
    model = ReadoutModel(tmp_path / "model.pth", **OPTIONS)
    assert model.architecture == architecture
    assert all(
        torch.equal(tensor, state[key]) for key, tensor in model.network.state_dict().items()
    )


def test_what_is_refused(toy_file_2e, tmp_path):
    for make in (lambda: ReadoutModel(None, **OPTIONS), ReadoutModel.from_pretrained):
        with pytest.raises(InputError, match="the file of a training"):
            make()
    with pytest.raises(InputError, match="has no description of its architecture"):
        ReadoutModel(toy_file_2e, **OPTIONS)
    written(tmp_path / "model.pth", replace(TOY_2E, backbones=(HAND_MADE,)), n_folds=4)
    with pytest.raises(InputError, match="30 components cannot have 4 folds"):
        ReadoutModel(tmp_path / "model.pth", **OPTIONS)


def test_from_pretrained_takes_a_path(tmp_path):
    written(tmp_path / "model.pth", replace(TOY_2E, backbones=(HAND_MADE,)))
    model = ReadoutModel.from_pretrained(tmp_path / "model.pth", **OPTIONS)
    assert model.n_components == 30
