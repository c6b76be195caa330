"""Weights by a rule, of the published sizes and of small ones, made once."""

import numpy as np
import pytest
import torch

from salmetrics_models import DeepGazeI, DeepGazeIIE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_1, DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze.published import places
from tests.salmetrics_models.other_process import OtherProcess
from tests.salmetrics_models.plain_deepgaze import weights_by_rule
from tests.salmetrics_models.toy_models import OPTIONS, TOY_1, TOY_2E, ToyDeepGazeI, ToyDeepGazeIIE

LARGEST = {"file_2e", "model_2e", "state_2e"}
LARGE = {"file_1", "model_1", "state_1", *LARGEST}


def pytest_collection_modifyitems(items):
    """Keep the tests of weights of the published sizes in one process of pytest-xdist.

    They are 400 and 240 MB, and the fixtures of a session are made once in each process. Making
    those of 400 MB takes more than three seconds.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if LARGE & fixtures:
            item.add_marker(pytest.mark.xdist_group("deepgaze2e"))
        if LARGEST & fixtures:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Other numbers of threads give other last digits."""
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)


def state_by_rule(architecture):
    """Weights by the rule of the recorded numbers, by their published names."""
    with torch.device("meta"):  # only names and shapes are read
        network = DeepGazeNetwork(architecture)
    return weights_by_rule({name: place.shape for name, place in places(network).items()})


# ---- of the published sizes


@pytest.fixture(scope="session")
def state_1():
    return state_by_rule(DEEPGAZE_1)


@pytest.fixture(scope="session")
def state_2e():
    return state_by_rule(DEEPGAZE_2E)


@pytest.fixture(scope="session")
def file_1(state_1, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "deepgaze1.pth"
    torch.save(state_1, path)
    yield path
    path.unlink()  # 240 MB


@pytest.fixture(scope="session")
def file_2e(state_2e, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "deepgaze2e.pth"
    torch.save(state_2e, path)
    yield path
    path.unlink()  # 400 MB


@pytest.fixture(scope="session")
def model_1(file_1):
    return DeepGazeI(file_1, **OPTIONS)


@pytest.fixture(scope="session")
def model_2e(file_2e):
    return DeepGazeIIE(file_2e, **OPTIONS)


# ---- small


@pytest.fixture(scope="session")
def toy_state_1():
    return state_by_rule(TOY_1)


@pytest.fixture(scope="session")
def toy_file_1(toy_state_1, tmp_path_factory):
    """A file in the published layout."""
    path = tmp_path_factory.mktemp("toys") / "deepgaze1.pth"
    torch.save(toy_state_1, path)
    return path


@pytest.fixture
def toy_1(toy_file_1):
    return ToyDeepGazeI(toy_file_1, **OPTIONS)


@pytest.fixture(scope="session")
def toy_state_2e():
    return state_by_rule(TOY_2E)


@pytest.fixture(scope="session")
def toy_file_2e(toy_state_2e, tmp_path_factory):
    """A file in the published layout."""
    path = tmp_path_factory.mktemp("toys") / "deepgaze2e.pth"
    torch.save(toy_state_2e, path)
    return path


@pytest.fixture(scope="session")
def _toy_2e(toy_file_2e):
    return ToyDeepGazeIIE(toy_file_2e, **OPTIONS)


@pytest.fixture
def toy_2e(_toy_2e):
    """A model of its own for each test; the weights are shared, and stay as they are."""
    return _toy_2e.with_components(range(30), _toy_2e.name)


# ---- images


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


# ---- another process


@pytest.fixture(scope="session")
def other_process():
    process = OtherProcess()
    yield process
    process.close()
