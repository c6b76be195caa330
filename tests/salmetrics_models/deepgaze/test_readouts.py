"""Readouts of all components at once keep the digits of float32."""

import pytest
import torch

from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.readouts import Readouts


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_rounding(shift):
    """On a large grid, and for features whose mean is not 0."""
    torch.manual_seed(0)
    readouts = Readouts(1200, DEEPGAZE_2E.layers, 4).requires_grad_(False)
    features = torch.randn(1, 1200, 40, 50) + shift
    found = readouts(features)
    exact = readouts.double()(features.double())
    assert found.shape == (1, 4, 40, 50)
    assert (found - exact).abs().max() < 1.5e-5 * exact.std()


def test_some_components():
    torch.manual_seed(0)
    readouts = Readouts(20, DEEPGAZE_2E.layers, 4).requires_grad_(False)
    features = torch.randn(2, 20, 5, 6)
    some = readouts(features, torch.tensor([2, 0]))
    torch.testing.assert_close(some, readouts(features)[:, [2, 0]])
