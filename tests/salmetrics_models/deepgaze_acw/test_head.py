"""What a training of DeepGaze IIE-ACW changes: heads, and weights of categories."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics_models.deepgaze.head import readout_grid, small_centre
from salmetrics_models.deepgaze_acw.head import CategoryHead
from tests.salmetrics_models.deepgaze_acw.toy import ARCHITECTURE, SIZE, made

ONE_FOLD = replace(ARCHITECTURE, n_components=2)


@pytest.fixture
def network():
    return made(n_folds=1, architecture=ONE_FOLD).double().eval()


def head_of(network, mixing="log-density"):
    """A head with the numbers of a network of one fold."""
    head = CategoryHead(ONE_FOLD, 3, mixing).double()
    for own, branch in zip(head.heads, network.branches, strict=True):
        state = branch.state_dict()
        own.load_state_dict({key: state[key] for key in own.state_dict()})
    with torch.no_grad():
        head.category_weights.copy_(network.category_weights[0])
    return head


def maps_of(network, images):
    return [m for branch in network.branches for m in network.maps(branch, images)[0]]


@pytest.mark.parametrize("mixing", ["log-density", "density"])
def test_it_is_the_network_of_one_fold(network, rng, mixing):
    network.mixing = mixing
    images = torch.from_numpy(rng.uniform(0, 255, (2, 3, *SIZE)))
    centre = torch.from_numpy(rng.normal(size=(2, *SIZE)))
    with torch.no_grad():
        maps = maps_of(network, images)
        mixer, small = small_centre(ONE_FOLD, centre)
        grid = readout_grid(ONE_FOLD, SIZE)
        found = head_of(network, mixing).log_densities(maps, grid, small, mixer, [2, 0])
        expected = network(images, centre, None, [2, 0])
    np.testing.assert_allclose(mixer.enlarged(found), expected, rtol=0, atol=1e-11)


def test_gradients_reach_all_parameters(network, rng):
    """Also through the parts that are computed again for them."""
    images = torch.from_numpy(rng.uniform(0, 255, (2, 3, *SIZE)))
    mixer, small = small_centre(ONE_FOLD, torch.zeros(2, *SIZE, dtype=torch.float64))
    with torch.no_grad():
        maps = maps_of(network, images)
    head = head_of(network)
    logs = head.log_densities(maps, readout_grid(ONE_FOLD, SIZE), small, mixer, [1, 1])
    logs[:, 40, 50].sum().backward()
    without = [name for name, p in head.named_parameters() if p.grad is None or not p.grad.any()]
    # the weight of a centre bias that is 0 everywhere changes nothing
    assert [name for name in without if not name.endswith("centre_weight")] == []
    assert head.category_weights.grad[[0, 2]].eq(0).all()  # no image of those categories
