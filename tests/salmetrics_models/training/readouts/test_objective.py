"""The objective of one readout: its head's densities, its blur kept in bounds, its facts."""

import numpy as np
import pytest
import torch

from salmetrics_models.training.readouts.objective import ReadoutObjective
from tests.salmetrics_models.training.toy_training import new_head


def test_log_densities_are_those_of_the_head(parts):
    head = new_head()
    objective = ReadoutObjective(head)
    assert objective.module is head
    assert objective.unit == "bit"
    batch = parts[0].batch([1, 2])
    with torch.no_grad():
        found = objective.log_densities(batch)
        expected = head.log_densities(batch.maps, batch.centre, batch.mixing, batch.grid)
        full = batch.mixing.enlarged(found).double().exp()
    assert found.shape == batch.counts.shape
    assert torch.equal(found, expected[:, 0])
    # over the image they sum to 1, in float32
    np.testing.assert_allclose(full.sum((1, 2)), 1, rtol=1e-5)


def test_the_blur_stays_where_a_matrix_can_hold_it():
    head = new_head()
    objective = ReadoutObjective(head)
    assert objective.facts() == {"sigma": 8.0, "centre_weight": 1.0}
    for sigma, kept in ((-3.0, 0.2), (5.0, 5.0), (1e9, 200.0)):
        with torch.no_grad():
            head.finaliser.sigma.fill_(sigma)
        objective.constrain()
        assert objective.facts()["sigma"] == pytest.approx(kept, rel=1e-6)  # held in float32
