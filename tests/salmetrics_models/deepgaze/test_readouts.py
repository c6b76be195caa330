"""Readouts of all components at once keep the digits of float32."""

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.readouts import ReadoutLayer, Readouts
from tests.salmetrics_models.rounding import EPS32


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_rounding(shift):
    """On a large grid, and for features whose mean is not 0."""
    torch.manual_seed(0)
    readouts = Readouts(1200, DEEPGAZE_2E.layers, 4).requires_grad_(False)
    features = torch.randn(1, 1200, 40, 50) + shift
    found = readouts(features)
    exact = readouts.double()(features.double())
    assert found.shape == (1, 4, 40, 50)
    # eps for each of six layers, and for the root of the terms of each sum
    tolerance = 6 * 1200**0.5 * EPS32
    assert (found - exact).abs().max() < tolerance * exact.std()


def test_some_components():
    torch.manual_seed(0)
    readouts = Readouts(20, DEEPGAZE_2E.layers, 4).double().requires_grad_(False)
    features = torch.randn(2, 20, 5, 6, dtype=torch.float64)
    some = readouts(features, torch.tensor([2, 0]))
    torch.testing.assert_close(some, readouts(features)[:, [2, 0]], rtol=0, atol=1e-12)


def test_one_layer_after_the_other():
    """Normalisation over channels and space, 1x1 convolution, bias, activation; written out."""
    torch.manual_seed(0)
    layers = (
        ReadoutLayer(4, norm=True, activation="softplus"),
        ReadoutLayer(3, activation="relu"),
        ReadoutLayer(1, bias=False),
    )
    readouts = Readouts(5, layers, 2).double().requires_grad_(False)
    for parameter in readouts.parameters():
        parameter.normal_()
    features = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    found = readouts(features)
    for k in range(2):
        mean = features.mean((1, 2, 3), keepdim=True)
        variance = features.var((1, 2, 3), correction=0, keepdim=True)
        x = (features - mean) / torch.sqrt(variance + 1e-12)
        x = x * readouts.norm_weight0[k][:, None, None] + readouts.norm_bias0[k][:, None, None]
        x = torch.einsum("oi,nihw->nohw", readouts.weight0[k], x)
        x = torch.nn.functional.softplus(x + readouts.bias0[k][:, None, None])
        x = torch.einsum("oi,nihw->nohw", readouts.weight1[k], x)
        x = torch.relu(x + readouts.bias1[k][:, None, None])
        x = torch.einsum("oi,nihw->nohw", readouts.weight2[k], x)
        torch.testing.assert_close(found[:, k], x[:, 0], rtol=0, atol=1e-12)


def test_parameters_that_layers_have():
    layers = (ReadoutLayer(3, norm=True), ReadoutLayer(1, bias=False))
    names = [name for name, _ in Readouts(5, layers, 2).named_parameters()]
    assert names == ["norm_weight0", "norm_bias0", "weight0", "bias0", "weight1"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"channels": 0}, "channels must be a whole number >= 1; got 0"),
        ({"channels": 1, "norm": 1.5}, "norm must be one of True, False"),
        ({"channels": 1, "bias": None}, "bias must be one of True, False"),
        ({"channels": 1, "activation": "tanh"}, "activation must be one of None, 'relu', 'softp"),
    ],
)
def test_wrong_layers(options, text):
    with pytest.raises(InputError, match=text):
        ReadoutLayer(**options)
