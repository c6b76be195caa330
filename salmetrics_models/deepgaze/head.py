"""The trained part of a network: from a backbone's maps to the densities of its components."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from salmetrics.array_types import Size
from salmetrics.errors import InputError
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.finaliser import Finaliser, Mixing, mixing_for, nearest
from salmetrics_models.deepgaze.readouts import EPS, Readouts
from salmetrics_models.devices import kept_tensors

__all__ = [
    "Head",
    "aligned",
    "channel_scale",
    "downsampled",
    "mean_of_logs",
    "readout_grid",
    "small_centre",
]


_AT_ONCE = 10  # number of components whose maps are in memory together


class Head(nn.Module):
    """Readouts and finalisers of one backbone.

    Parameters
    ----------
    backbone
        Backbone whose maps are read.
    architecture
        Architecture of the network.
    """

    feature_scale: Tensor

    def __init__(self, backbone: Backbone, architecture: Architecture) -> None:
        super().__init__()
        n = architecture.n_components
        self.readouts = Readouts(backbone.channels, architecture.layers, n)
        self.finaliser = Finaliser(
            n,
            enlargement=architecture.enlargement,
            smooth=architecture.smooth,
            centre_weight=architecture.centre_weight,
        )
        self._factor = architecture.readout_factor
        self._places: list[tuple[float, float]] | None = None
        if architecture.aligned:
            self._places = list(zip(backbone.strides, backbone.offsets, strict=True))
        self._scaled = architecture.scaled
        if self._scaled:
            self.register_buffer("feature_scale", torch.ones(backbone.channels))

    def at_grid(self, maps: Sequence[Tensor], grid: Size) -> Tensor:
        """Return all features at the size of the readout, shape (n, channels, h, w).

        Parameters
        ----------
        maps
            Maps of each layer, shape (n, channels of the layer, its height, its width).
        grid
            (height, width) of the readout.
        """
        features = torch.cat(self._resized(maps, grid), dim=1)
        return features / self.feature_scale[:, None, None] if self._scaled else features

    def read(self, maps: Sequence[Tensor], grid: Size, components: Tensor) -> Tensor:
        """Return the readouts of some components.

        Parameters
        ----------
        maps
            Maps of each layer, see `at_grid`.
        grid
            (height, width) of the readout.
        components
            Indices of the components, shape (k,).

        Returns
        -------
        readouts : Tensor of shape (n, k, height, width)
        """
        norm = self.readouts.layers[0].norm
        if norm and (self._scaled or self._places is not None):
            return self.readouts(self.at_grid(maps, grid), components)
        # Interpolation and the first product are linear, so they commute: the few channels after
        # the product are interpolated instead of the thousands before it.
        weight, offset = self.readouts.merged(components)
        if self._scaled:
            weight = weight / self.feature_scale
        k, n_out, _ = weight.shape
        scale: Tensor | float = 1.0
        if norm:
            maps, scale = _centred(maps, grid)
        parts = weight.flatten(0, 1).split([m.shape[1] for m in maps], dim=1)
        products = [
            (part @ m.flatten(2)).unflatten(2, m.shape[-2:])
            for part, m in zip(parts, maps, strict=True)
        ]
        total = torch.stack(self._resized(products, grid)).sum(0) * scale
        product = total.flatten(2).unflatten(1, (k, n_out))
        return self.readouts.after_product(product, offset, components, grid)

    def log_densities(
        self, maps: Sequence[Tensor], centre: Tensor, mixing: Mixing, grid: Size
    ) -> Tensor:
        """Return log densities of all components at the size of the map, shape (n, k, h, w).

        Parameters
        ----------
        maps
            Maps of each layer, see `at_grid`.
        centre
            Log density of the centre bias at the map's pixels, shape (n or 1, h, w).
        mixing
            `Mixing` for the sizes of the map and of the image.
        grid
            (height, width) of the readout.
        """
        every = torch.arange(self.readouts.n_components, device=centre.device)
        logs = self.finaliser(self.read(maps, grid, every), centre, every)
        return mixing.component_densities(logs)

    def mixture(
        self,
        maps: Sequence[Tensor],
        grid: Size,
        centre: Tensor,
        mixing: Mixing,
        components: Tensor,
    ) -> Tensor:
        """Return the log of the mean density of some components, shape (n, h, w).

        Parameters
        ----------
        maps
            Maps of each layer, see `at_grid`.
        grid
            (height, width) of the readout.
        centre
            Log density of the centre bias at the map's pixels, shape (n or 1, h, w).
        mixing
            `Mixing` for the sizes of the map and of the image.
        components
            Indices of the components, shape (k,).
        """
        readouts = self.read(maps, grid, components)
        total: Tensor | None = None
        for start in range(0, components.numel(), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            logs = self.finaliser(readouts[:, some], centre, components[some])
            log_mean = mixing.mean_log(logs) + math.log(logs.shape[1])
            total = log_mean if total is None else torch.logaddexp(total, log_mean)
        assert total is not None
        return total - math.log(components.numel())

    def _resized(self, maps: Sequence[Tensor], grid: Size) -> list[Tensor]:
        if self._places is None:
            return [nn.functional.interpolate(m, size=grid) for m in maps]
        return [
            aligned(m, *place, self._factor, grid)
            for m, place in zip(maps, self._places, strict=True)
        ]


def aligned(features: Tensor, stride: float, offset: float, factor: int, size: Size) -> Tensor:
    """Interpolate features linearly, such that units lie at the centres of their receptive fields.

    The receptive field of unit j in a layer of stride s is centred on pixel s j + offset of the
    image; with padding that keeps sizes, and 2 x 2 pooling, the offset is (s - 1) / 2. Pixel i of
    the readout, of side f, is at f i + (f - 1) / 2, which is where features are read. Beyond the
    centres of the outermost units, these are repeated.

    Parameters
    ----------
    features
        Features of the layer, shape (n, channels, h, w).
    stride, offset
        Distance of the units of the layer, and centre of unit 0, in pixels.
    factor
        Side of the readout's pixels, f, in pixels.
    size
        (height, width) of the readout.

    Returns
    -------
    aligned : Tensor of shape (n, channels, height, width)
    """
    if offset != (stride - 1) / 2:
        for axis, length in zip((-2, -1), size, strict=True):
            features = _read_along(features, axis, stride, offset, factor, length)
        return features
    enlarged = nn.functional.interpolate(features, scale_factor=stride / factor, mode="bilinear")
    height, width = enlarged.shape[-2:]
    missing = (0, max(0, size[1] - width), 0, max(0, size[0] - height))
    padded = nn.functional.pad(enlarged, missing, mode="replicate")
    return padded[..., : size[0], : size[1]]


def _read_along(
    features: Tensor, axis: int, stride: float, offset: float, factor: int, length: int
) -> Tensor:
    """Interpolate features linearly along one axis, see `aligned`."""
    before, after, share = _neighbours(
        features.shape[axis], stride, offset, factor, length, features.dtype, features.device
    )
    if axis == -2:
        share = share[:, None]
    return torch.lerp(
        features.index_select(axis, before), features.index_select(axis, after), share
    )


@kept_tensors(maxsize=64)
def _neighbours(
    n_units: int,
    stride: float,
    offset: float,
    factor: int,
    length: int,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the units before and after each pixel of the readout, and the share of the latter."""
    pixels = torch.arange(length, dtype=torch.float64) * factor + (factor - 1) / 2
    at = ((pixels - offset) / stride).clamp(0, n_units - 1)
    before = at.long()
    after = (before + 1).clamp(max=n_units - 1)
    return before.to(device), after.to(device), (at - before).to(device, dtype)


def _centred(maps: Sequence[Tensor], grid: Size) -> tuple[list[Tensor], Tensor]:
    """Return maps minus their common mean on the grid of the readout, and the factor to variance 1.

    Each pixel of a map counts as often as the nearest neighbours on the grid repeat it.
    """
    shares = [_shares((m.shape[-2], m.shape[-1]), grid, m.dtype, m.device) for m in maps]
    n = sum(m.shape[1] for m in maps)
    # one axis after the other: over both at once float32 loses three digits
    means = [(m.flatten(2) @ share).sum(1) for m, share in zip(maps, shares, strict=True)]
    mean = torch.stack(means).sum(0) / n
    centred = [m - mean[:, None, None, None] for m in maps]
    squares = [
        (m.flatten(2).square() @ share).sum(1) for m, share in zip(centred, shares, strict=True)
    ]
    variance = torch.stack(squares).sum(0) / n
    return centred, torch.rsqrt(variance + EPS)[:, None, None, None]


@kept_tensors(maxsize=64)
def _shares(size: Size, grid: Size, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the share of the grid for which each pixel of a map stands, shape (h * w,)."""
    down, across = (
        torch.bincount(nearest(n_in, n_out, dtype, device), minlength=n_in).to(dtype) / n_out
        for n_in, n_out in zip(size, grid, strict=True)
    )
    return torch.outer(down, across).flatten()


def channel_scale(maps_by_image: Iterable[Sequence[Tensor]]) -> Tensor:
    """Return the standard deviation of each channel over images and space, shape (channels,).

    A channel that is constant, up to rounding, gets 1 and so stays as it is.

    Parameters
    ----------
    maps_by_image
        For each image, the maps of each layer, shape (1, channels, h, w).

    Raises
    ------
    InputError
        If there are no images.
    """
    n, sums, squares = torch.zeros(()), torch.zeros(()), torch.zeros(())
    for maps in maps_by_image:
        values = [m[0].flatten(1).double() for m in maps]
        n = n + torch.cat([torch.full_like(v[:, 0], v.shape[1]) for v in values])
        sums = sums + torch.cat([v.sum(1) for v in values])
        squares = squares + torch.cat([v.square().sum(1) for v in values])
    if n.ndim == 0:
        raise InputError("the scale of features needs at least one image; got no images")
    variance = squares / n - (sums / n) ** 2
    varies = variance > 1e-12 * (squares / n)
    return torch.where(varies, variance.clamp(min=0).sqrt(), 1.0)


def mean_of_logs(logs: Sequence[Tensor]) -> Tensor:
    """Return the log of the mean of densities, from one log density per backbone."""
    if len(logs) == 1:
        return logs[0]
    return torch.logsumexp(torch.stack(list(logs)), dim=0) - math.log(len(logs))


def downsampled(images: Tensor, step: float) -> Tensor:
    """Return every `step`-th pixel of images, floor(side / step) along each side."""
    height, width = (int(side / step) for side in images.shape[-2:])
    if step == int(step):
        every = int(step)
        return images[..., ::every, ::every][..., :height, :width]
    rows = (torch.arange(height, device=images.device) * step).long()
    columns = (torch.arange(width, device=images.device) * step).long()
    return images[..., rows[:, None], columns]


def readout_grid(architecture: Architecture, size: Size) -> Size:
    """Return (height, width) of the readout for images of a size."""
    down, factor = architecture.downsample, architecture.readout_factor
    if architecture.aligned:  # a layer of the network, which rounds down
        return int(size[0] / down) // factor, int(size[1] / down) // factor
    return math.ceil(size[0] / (down * factor)), math.ceil(size[1] / (down * factor))


def small_centre(architecture: Architecture, centre: Tensor) -> tuple[Mixing, Tensor]:
    """Return the `Mixing` for images of a size, and the centre bias at the map's pixels.

    Parameters
    ----------
    architecture
        Architecture of the network.
    centre
        Log density of the centre bias at the size of the images, shape (n, h, w).
    """
    step = architecture.map_factor
    height, width = centre.shape[-2:]
    size = (height // step, width // step)
    small = centre[:, ::step, ::step][:, : size[0], : size[1]]
    return mixing_for(size, (height, width), centre.dtype, centre.device), small
