"""Heads: reading before or after interpolation, grids, densities."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import VGG_19
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2, DEEPGAZE_2E
from salmetrics_models.deepgaze.head import (
    Head,
    aligned,
    channel_scale,
    downsampled,
    mean_of_logs,
    readout_grid,
    small_centre,
)
from salmetrics_models.deepgaze.readouts import ReadoutLayer


def test_product_before_interpolation_is_the_same():
    """As on the interpolated features, for layers of several strides, values and gradients."""
    backbone = replace(VGG_19, channels=12, strides=(16, 16, 8, 1), offsets=(7.5, 15.0, 3.5, 0.0))
    architecture = replace(DEEPGAZE_2, backbones=(backbone,), n_components=3)
    torch.manual_seed(0)
    head = Head(backbone, architecture).double()
    head.feature_scale.copy_(torch.rand(12) + 0.5)
    sizes = [(4, 3, 3, 5), (4, 3, 3, 5), (4, 3, 7, 10), (4, 3, 56, 81)]
    maps = [torch.randn(size, dtype=torch.float64) for size in sizes]
    grid = (28, 40)
    some = torch.tensor([2, 0])
    slow = head.readouts(head.at_grid(maps, grid), some)
    fast = head.read(maps, grid, some)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    gradients = [
        torch.autograd.grad(found.square().sum(), head.readouts.parameters())
        for found in (slow, fast)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("sizes", [[(4, 5), (2, 3)], [(4, 4), (16, 9)], [(7, 10)]])
def test_nearest_neighbours_after_the_product_are_those_before(norm, sizes):
    layers = (ReadoutLayer(4, norm=norm, activation="softplus"), ReadoutLayer(1, norm=norm))
    backbone = replace(VGG_19, channels=3 * len(sizes), strides=())
    architecture = replace(DEEPGAZE_2E, backbones=(backbone,), layers=layers, n_components=2)
    torch.manual_seed(1)
    head = Head(backbone, architecture).double()
    maps = [torch.randn(2, 3, *size, dtype=torch.float64) * 5 + 2 for size in sizes]
    grid, components = (7, 10), torch.tensor([1, 0])
    slow = head.readouts(head.at_grid(maps, grid), components)
    fast = head.read(maps, grid, components)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    parameters = list(head.readouts.parameters())
    gradients = [torch.autograd.grad(found.square().sum(), parameters) for found in (slow, fast)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("change", [{}, {"aligned": False}])
def test_where_it_is_not_the_same_features_come_first(change, monkeypatch):
    """Statistics of aligned or scaled features are those at the grid."""
    layers = (ReadoutLayer(4, norm=True), ReadoutLayer(1))
    backbone = replace(VGG_19, channels=6, strides=(16, 16), offsets=(7.5, 7.5))
    architecture = replace(DEEPGAZE_2, backbones=(backbone,), layers=layers, **change)
    head = Head(backbone, architecture)
    maps = [torch.randn(1, 3, 4, 4), torch.randn(1, 3, 4, 4)]
    expected = head.readouts(head.at_grid(maps, (32, 32)))
    monkeypatch.setattr(head.readouts, "after_product", None)
    assert torch.equal(head.read(maps, (32, 32), torch.tensor([0])), expected)


def test_alignment_to_a_coarser_grid():
    """A layer of stride 1 read at stride 2: its units lie between those of the grid."""
    units = torch.arange(12.0).expand(1, 1, 12, 12)
    found = aligned(units, 1, 0, 2, (6, 6))[0, 0, 0]
    assert torch.equal(found, torch.arange(6.0) * 2 + 0.5)  # halves are exact


def test_alignment_is_linear_between_the_centres():
    """A layer of stride 16 whose values are where its units look, read at a layer of stride 2."""
    units = torch.arange(9.0) * 16 + 7.5
    found = aligned(units[None, None, None].expand(1, 1, 9, 9), 16, 7.5, 2, (75, 75))[0, 0, 0]
    centres = torch.arange(75.0) * 2 + 0.5
    expected = centres.clamp(7.5, 8 * 16 + 7.5)
    assert torch.equal(found, expected)  # sixteenths of whole numbers are exact in float32
    smaller = aligned(units[None, None, None].expand(1, 1, 9, 9), 16, 7.5, 2, (70, 71))
    assert smaller.shape[-2:] == (70, 71)


@pytest.mark.parametrize("factor", [2, 4, 16])
@pytest.mark.parametrize(("stride", "offset"), [(16, 15.0), (8, 0.0), (4, 3.0), (32, -7.0)])
def test_alignment_of_units_at_any_place(stride, offset, factor):
    """Features whose values are where their units look are those places, on both axes."""
    rows, columns = (torch.arange(float(n), dtype=torch.float64) * stride + offset for n in (7, 9))
    size = (7 * stride // factor, 9 * stride // factor)
    features = torch.stack([rows[:, None].expand(7, 9), columns.expand(7, 9)])[None]
    found = aligned(features, stride, offset, factor, size)[0]
    y, x = (torch.arange(n) * factor + (factor - 1) / 2 for n in size)
    # positions are multiples of 1 / 64, exact in float64
    assert torch.equal(found[0], y.double().clamp(rows[0], rows[-1])[:, None].expand(size))
    assert torch.equal(found[1], x.double().clamp(columns[0], columns[-1]).expand(size))


@pytest.mark.parametrize("stride", [2, 8, 16])
def test_both_ways_of_alignment_agree(stride):
    """That of VGG's layers, and that of units at any other place."""
    features = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    size = (5 * stride // 2 + 3, 7 * stride // 2 - 1)
    usual = aligned(features, stride, (stride - 1) / 2, 2, size)
    other = aligned(features, stride, (stride - 1) / 2 + 1e-12, 2, size)
    torch.testing.assert_close(other, usual, rtol=0, atol=1e-11)


def test_densities_add_up_to_one_over_the_image():
    architecture = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=2, map_factor=4)
    head = Head(HAND_MADE, architecture).double()
    centre = torch.randn(3, 50, 71, dtype=torch.float64)
    mixing, small = small_centre(architecture, centre)
    assert small.shape == (3, 12, 17)
    maps = [torch.randn(3, 32, 4, 5, dtype=torch.float64)]
    logs = head.log_densities(maps, small, mixing, (2, 3))
    full = mixing.enlarged(logs)
    assert full.shape == (3, 2, 50, 71)
    np.testing.assert_allclose(full.exp().sum((2, 3)).detach(), 1, rtol=0, atol=1e-12)
    every = torch.arange(2)
    mean = head.mixture(maps, (2, 3), small, mixing, every)
    torch.testing.assert_close(mean, logs.exp().mean(1).log(), rtol=0, atol=1e-12)


def test_grids():
    assert readout_grid(DEEPGAZE_2E, (768, 1024)) == (24, 32)
    assert readout_grid(DEEPGAZE_2E, (770, 1024)) == (25, 32)
    assert readout_grid(replace(DEEPGAZE_2E, downsample=1.5), (480, 640)) == (20, 27)
    assert readout_grid(DEEPGAZE_2, (770, 1023)) == (192, 255)


@pytest.mark.parametrize("step", [1, 2, 3, 8.5])
def test_every_so_many_pixels(step):
    images = torch.arange(2 * 3 * 35 * 40).view(2, 3, 35, 40)
    found = downsampled(images, step)
    rows, columns = ([int(i * step) for i in range(int(side / step))] for side in (35, 40))
    assert torch.equal(found, images[..., rows, :][..., columns])


def test_scale_of_channels():
    """Over images of any size, each unit counts alike; a constant channel keeps its values."""
    stream = torch.Generator().manual_seed(0)
    sizes = [(5, 6), (3, 9)]
    images = [
        [
            torch.randn(1, 4, *size, generator=stream, dtype=torch.float64) + 100,
            torch.full((1, 2, *size), 7.0, dtype=torch.float64),
        ]
        for size in sizes
    ]
    found = channel_scale(images)
    units = torch.cat([maps[0][0].flatten(1) for maps in images], dim=1)
    # the variance is a difference of squares of 100: it loses four digits of sixteen
    torch.testing.assert_close(found[:4], units.std(1, correction=0), rtol=1e-10, atol=0)
    assert found[4:].tolist() == [1, 1]
    with pytest.raises(InputError, match="no images"):
        channel_scale([])


def test_mean_of_logs():
    logs = torch.tensor([[0.1, 0.5], [0.3, 0.1]], dtype=torch.float64).log()
    assert torch.equal(mean_of_logs([logs[0]]), logs[0])
    expected = [math.log(0.2), math.log(0.3)]
    np.testing.assert_allclose(mean_of_logs(list(logs)), expected, rtol=1e-14, atol=0)


def test_components_beyond_those_in_memory_at_once():
    """12 components are taken as 10 and 2; the mean is over all."""
    architecture = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=12)
    torch.manual_seed(0)
    head = Head(HAND_MADE, architecture).double().requires_grad_(False)
    maps = [torch.randn(2, 32, 4, 5, dtype=torch.float64)]
    mixing, small = small_centre(architecture, torch.zeros(1, 64, 80, dtype=torch.float64))
    every = torch.arange(12)
    found = head.mixture(maps, (2, 3), small, mixing, every)
    logs = head.log_densities(maps, small, mixing, (2, 3))
    torch.testing.assert_close(found, logs.exp().mean(1).log(), rtol=0, atol=1e-12)
