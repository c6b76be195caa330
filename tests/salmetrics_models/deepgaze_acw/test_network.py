"""Networks whose backbones are weighed by category: folds, components, images of a batch."""

import math
import pickle

import numpy as np
import pytest
import torch

from salmetrics_models.deepgaze.finaliser import mixing_for
from salmetrics_models.deepgaze.head import small_centre
from salmetrics_models.deepgaze_acw.categories import mixed, shares
from tests.salmetrics_models.deepgaze_acw.toy import ARCHITECTURE, SIZE, made


@pytest.fixture(scope="module")
def network():
    return made(mixing="density").double().eval().requires_grad_(False)


@pytest.fixture
def images(rng):
    return torch.from_numpy(rng.uniform(0, 255, (3, 3, *SIZE)))


@pytest.fixture
def centre(rng):
    values = torch.from_numpy(rng.normal(size=(3, *SIZE)))
    return values - values.logsumexp((1, 2), keepdim=True)


def by_hand(network, image, centre, components, category):
    """The mixture of one fold's components for one image of a category."""
    (fold,) = {c % network.n_folds for c in components}
    mixing, small = small_centre(ARCHITECTURE, centre)
    chosen = torch.tensor(components)
    logs = []
    for branch in network.branches:
        maps, grid = network.maps(branch, image)
        logs.append(branch.mixture(maps, grid, small, mixing, chosen))
    weights = shares(network.category_weights[fold], [category])
    return mixing.enlarged(mixed(logs, weights, mixing, network.mixing))


def test_each_image_by_its_components_fold_and_category(network, images, centre):
    chosen, categories = [[0, 3], [1], [0, 3]], [2, 0, -1]
    found = network(images, centre, chosen, categories)
    for i, (components, category) in enumerate(zip(chosen, categories, strict=True)):
        row = slice(i, i + 1)
        expected = by_hand(network, images[row], centre[row], components, category)
        # the same sums, over other numbers of images at once
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-11)


def test_folds_are_mixed_with_equal_weights(network, images, centre):
    """Fold 0 has two of three components here, and counts as much as fold 2 with one."""
    some = images[:1], centre[:1]
    found = network(*some, [0, 3, 5], [1])
    folds = [by_hand(network, *some, components, 1) for components in ([0, 3], [5])]
    expected = torch.logsumexp(torch.stack(folds), 0) - math.log(2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_without_categories_all_are_unknown(network, images, centre):
    assert torch.equal(network(images, centre), network(images, centre, None, [-1, -1, -1]))


def test_one_centre_bias_for_all(network, images, centre):
    found = network(images, centre[:1])
    assert torch.equal(found, network(images, centre[:1].expand(3, -1, -1)))


def test_categories_begin_with_equal_shares():
    from salmetrics_models.deepgaze_acw.network import CategoryNetwork

    network = CategoryNetwork(ARCHITECTURE, 3, 4, "density")
    assert network.category_weights.shape == (3, 4, 3)
    assert not network.category_weights.any()


def test_pickled(network, images, centre):
    again = pickle.loads(pickle.dumps(network))
    assert (again.n_folds, again.mixing, again.digest) == (3, "density", network.digest)
    assert torch.equal(again(images, centre), network(images, centre))


def test_maps_have_the_size_of_the_image(network, centre):
    """Readouts are enlarged to the image itself: its map_factor is 1."""
    mixing, small = small_centre(ARCHITECTURE, centre)
    assert small.shape == centre.shape
    assert mixing is mixing_for(SIZE, SIZE, torch.float64, torch.device("cpu"))
