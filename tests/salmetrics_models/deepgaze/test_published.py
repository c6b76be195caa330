"""Names and weights of the published checkpoints."""

import json
import zlib

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_1, DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze.published import load_published, places
from tests.salmetrics_models.toy_models import TOY_1, TOY_2E


@pytest.fixture(scope="session")
def recorded(shared):
    return shared / "golden" / "deepgaze"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "name", "n"),
    [(DEEPGAZE_2E, "deepgaze2e", 5461), (DEEPGAZE_1, "deepgaze1", 19)],
)
def test_all_published_names_have_a_place(recorded, architecture, name, n):
    with torch.device("meta"):  # names and shapes without values
        network = DeepGazeNetwork(architecture)
    found = places(network)
    published = json.loads((recorded / f"{name}_state_dict.json").read_text())
    assert {key: place.shape for key, place in found.items()} == {
        entry["key"]: tuple(entry["shape"]) for entry in published
    }
    assert len(found) == n
    own = {
        (key, k)
        for key, tensor in network.state_dict().items()
        for k in ([None] if ".network." in key else range(tensor.shape[0]))
    }
    filled = [(place.key, place.component) for place in found.values()]
    assert len(set(filled)) == len(filled)  # no place twice
    assert set(filled) == own  # none left empty


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("2e", 5461), ("1", 19)])
def test_weights_are_those_of_the_recorded_numbers(recorded, request, name, n):
    state = request.getfixturevalue(f"state_{name}")
    expected = json.loads((recorded / f"deepgaze{name}_filled_crc32.json").read_text())
    found = {key: zlib.crc32(tensor.numpy().tobytes()) for key, tensor in state.items()}
    assert found == expected
    assert len(found) == n


def test_components_are_stacked(toy_state_2e):
    network = DeepGazeNetwork(TOY_2E)
    load_published(network, toy_state_2e, "the file")
    own = network.state_dict()
    for b in range(3):
        name = f"models.{b}.saliency_networks.{{}}.conv1.weight"
        expected = torch.stack([toy_state_2e[name.format(k)][:, :, 0, 0] for k in range(30)])
        assert torch.equal(own[f"branches.{b}.readouts.weight1"], expected)
        name = f"models.{b}.finalizers.{{}}.center_bias_weight"
        expected = torch.cat([toy_state_2e[name.format(k)] for k in range(30)])
        assert torch.equal(own[f"branches.{b}.finaliser.centre_weight"], expected)


def test_one_component_has_names_without_numbers(toy_state_1):
    assert not any("models." in key for key in toy_state_1)
    network = DeepGazeNetwork(TOY_1)
    load_published(network, toy_state_1, "the file")
    found = network.state_dict()["branches.0.readouts.weight0"][0]
    assert torch.equal(found, toy_state_1["readout_network.conv0.weight"][:, :, 0, 0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"finalizer.gauss.sigma": None}, "1 missing, the first 'finalizer.gauss.sigma'"),
        ({"more": torch.zeros(1)}, "1 unexpected, the first 'more'"),
        (
            {"readout_network.conv0.weight": torch.zeros(1, 3, 1, 1)},
            r"has shape \(1, 3, 1, 1\), not \(1, 12, 1, 1\)",
        ),
    ],
)
def test_all_of_it_or_nothing(toy_state_1, change, text):
    network = DeepGazeNetwork(TOY_1)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    state = {k: t for k, t in (toy_state_1 | change).items() if t is not None}
    with pytest.raises(InputError, match=f"the file is of another model: .*{text}"):
        load_published(network, state, "the file")
    after = network.state_dict()
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())
