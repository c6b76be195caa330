"""EML-NET in the published layout: of the published size, and on small networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import Stimuli
from salmetrics_models import EMLNet
from salmetrics_models.emlnet.network import FORMS, EMLNetwork
from tests.salmetrics_models import plain_emlnet
from tests.salmetrics_models.emlnet.toy import SIZE, TOY

LARGE = {"files", "model"}


def pytest_collection_modifyitems(items):
    """Keep the tests of the published size in one process of pytest-xdist."""
    for item in items:
        of_emlnet = "emlnet" in item.path.parts and "training" not in item.path.parts
        if of_emlnet and LARGE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("emlnet"))


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Paths of the three published files, with random numbers in them, and what they hold."""
    folder = tmp_path_factory.mktemp("emlnet")
    states = {
        "imagenet": plain_emlnet.random_encoder(1),
        "places": plain_emlnet.random_encoder(2),
        "decoder": plain_emlnet.random_decoder(3),
    }
    for name, state in states.items():
        torch.save({"state_dict": state}, folder / f"{name}.pth.tar")
    paths = {name: folder / f"{name}.pth.tar" for name in states}
    yield paths, states
    for path in paths.values():
        path.unlink()  # 200 MB


@pytest.fixture(scope="session")
def model(files):
    return EMLNet.from_checkpoints(**files[0], size=SIZE, device="cpu")


@pytest.fixture
def toy_form(monkeypatch):
    """Let the published form be one of two small networks."""
    form = replace(FORMS["public"], backbones={"imagenet": TOY["red"], "places": TOY["green"]})
    monkeypatch.setitem(FORMS, "public", form)
    return form


@pytest.fixture
def toy_files(toy_form, tmp_path):
    """Paths of three files in the published layout for that form, and what they hold."""
    torch.manual_seed(4)
    network = EMLNetwork(toy_form.backbones, "public")
    states = {}
    for name in ("imagenet", "places"):
        state = {}
        for key, tensor in network.encoder(name).state_dict().items():
            theirs = key.replace("outputs.", "output").removeprefix("network.")
            state[theirs] = tensor
        states[name] = state
    states["decoder"] = {
        key.replace("maps.0", "img_model").replace("maps.1", "pla_model"): tensor
        for key, tensor in network.decoder.state_dict().items()
    }
    paths = {name: tmp_path / f"{name}.pth.tar" for name in states}
    for name, state in states.items():
        torch.save({"state_dict": state}, paths[name])
    return paths, states


@pytest.fixture
def images(rng):
    arrays = [rng.integers(0, 256, (90, 150, 3), dtype=np.uint8) for _ in range(2)]
    return Stimuli.from_arrays([*arrays, rng.integers(0, 256, (120, 70), dtype=np.uint8)], "abc")
