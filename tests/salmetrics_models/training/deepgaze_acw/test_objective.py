"""Features of all backbones together, batches with categories, and what is logged of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import Uniform
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.deepgaze_acw.head import CategoryHead
from salmetrics_models.training.deepgaze_acw.objective import (
    PREFIX,
    CategoryObjective,
    CategorySamples,
    JointFeatures,
    column_of,
)
from salmetrics_models.training.inputs.features import Features
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.training.deepgaze_acw.toy_categories import (
    ARCHITECTURE,
    CATEGORIES,
    categorised_blobs,
)


@pytest.fixture(scope="module")
def data():
    return categorised_blobs(6)


@pytest.fixture(scope="module")
def features(data):
    torch.manual_seed(2)
    return [Features(FeatureExtractor(backbone), data.stimuli) for backbone in SEES.values()]


@pytest.fixture
def head():
    torch.manual_seed(3)
    return CategoryHead(replace(ARCHITECTURE, n_components=2), 3, "log-density")


def test_features_of_all_backbones_in_their_order(features):
    joint = JointFeatures(features).maps([4, 1])
    expected = [m for own in features for m in own.maps([4, 1])]
    assert len(joint) == 6  # two layers of each of three backbones
    assert all(torch.equal(one, other) for one, other in zip(joint, expected, strict=True))


def test_batches_know_their_categories(data, features):
    samples = CategorySamples(data, range(6), JointFeatures(features), Uniform(), ARCHITECTURE)
    samples.categories = [0, 1, 2, 0, 1, 2]
    batch = samples.batch([5, 0])
    assert batch.categories == (2, 0)
    assert batch.ids == (data.stimuli.ids[5], data.stimuli.ids[0])
    assert batch.counts.sum().item() == 60
    assert batch.to(torch.device("cpu"), torch.float64).categories == (2, 0)


def test_weights_of_categories_learn_faster(head):
    objective = CategoryObjective(head, CATEGORIES, 10.0, ())
    readouts, weights = objective.groups(0.5)
    assert (readouts["lr"], weights["lr"]) == (0.5, 5.0)
    assert weights["params"][0] is head.category_weights
    n_all = sum(p.numel() for p in head.parameters())
    assert sum(p.numel() for p in readouts["params"]) == n_all - 3 * 3


def test_a_mixture_by_the_category_of_each_image(head, data, features):
    """With all weight on one backbone, the density is that of its readouts."""
    samples = CategorySamples(data, range(6), JointFeatures(features), Uniform(), ARCHITECTURE)
    samples.categories = [0, 1, 2, 0, 1, 2]
    batch = samples.batch([1, 3]).to(torch.device("cpu"), torch.float64)
    head.double()
    with torch.no_grad():
        head.category_weights.copy_(
            100.0 * torch.eye(3, dtype=torch.float64)
        )  # a softmax of 1 and 0
        found = CategoryObjective(head, CATEGORIES, 10.0, ()).log_densities(batch)
        for k, category in enumerate(batch.categories):
            maps = [m[k : k + 1] for m in batch.maps[2 * category : 2 * category + 2]]
            centre = batch.centre[k : k + 1]
            every = torch.arange(2)
            own = head.heads[category].mixture(maps, batch.grid, centre, batch.mixing, every)
            np.testing.assert_allclose(found[k], own[0], rtol=0, atol=1e-12)  # float64


def test_shares_of_backbones_are_logged(head):
    with torch.no_grad():
        head.category_weights[1] = torch.log(torch.tensor([0.5, 0.25, 0.25]))
    facts = CategoryObjective(head, CATEGORIES, 10.0, ()).facts()
    shares = {key: value for key, value in facts.items() if key.startswith(PREFIX)}
    assert len(shares) == 9
    for name, share in zip(("sees-red", "sees-green", "sees-blue"), (0.5, 0.25, 0.25), strict=True):
        column = column_of(CATEGORIES[1], name)
        assert column == f"weight:{CATEGORIES[1]}:{name}"
        assert shares[column] == pytest.approx(share, rel=1e-6)  # logs held in float32
        assert shares[column_of(CATEGORIES[0], name)] == pytest.approx(1 / 3, rel=1e-6)
    assert facts["centre_weight"] == 1


def test_blurs_are_kept_in_bounds():
    torch.manual_seed(3)
    head = CategoryHead(replace(ARCHITECTURE, n_components=1, smooth=True), 3, "density")
    with torch.no_grad():
        head.heads[1].finaliser.sigma.fill_(-1.0)
    objective = CategoryObjective(head, CATEGORIES, 10.0, ())
    objective.constrain()
    kept = [one.finaliser.sigma.item() for one in head.heads]
    assert kept == pytest.approx([8, 0.2, 8], rel=1e-6)  # held in float32
    assert objective.facts()["sigma"] == pytest.approx((8 + 0.2 + 8) / 3, rel=1e-6)
