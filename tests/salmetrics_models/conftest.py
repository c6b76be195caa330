"""Checkpoints with deterministic weights, made once."""

import numpy as np
import pytest
import torch

from salmetrics_models import DeepGazeI, DeepGazeIIE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_1, DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze.published import places
from tests.salmetrics_models.plain_deepgaze import weights_by_rule


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Other numbers of threads give other last digits."""
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)


def _state(architecture):
    named = places(DeepGazeNetwork(architecture))
    return weights_by_rule({name: place.shape for name, place in named.items()})


@pytest.fixture(scope="session")
def state_1():
    return _state(DEEPGAZE_1)


@pytest.fixture(scope="session")
def state_2e():
    return _state(DEEPGAZE_2E)


@pytest.fixture(scope="session")
def file_1(state_1, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "deepgaze1.pth"
    torch.save(state_1, path)
    return path


@pytest.fixture(scope="session")
def file_2e(state_2e, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "deepgaze2e.pth"
    torch.save(state_2e, path)
    yield path
    path.unlink()  # 400 MB


@pytest.fixture(scope="session")
def model_1(file_1):
    return DeepGazeI(file_1, centre_bias="uniform", device="cpu")


@pytest.fixture(scope="session")
def model_2e(file_2e):
    return DeepGazeIIE(file_2e, centre_bias="uniform", device="cpu")


@pytest.fixture(scope="session")
def photo():
    """Something like a photograph: blobs of colour on noise, 130 x 172."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:130, :172]
    image = rng.normal(110, 25, (130, 172, 3))
    for _ in range(12):
        at_y, at_x, width = rng.uniform(0, 130), rng.uniform(0, 172), rng.uniform(4, 25)
        blob = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width**2))
        image += blob[:, :, None] * rng.normal(0, 80, 3)
    return np.clip(image, 0, 255).astype(np.uint8)
