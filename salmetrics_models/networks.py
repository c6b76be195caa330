"""DeepGaze networks: backbones, readouts, and the mixture of all densities."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from salmetrics.errors import InputError, is_whole
from salmetrics_models.backbones import (
    ALEXNET,
    BACKBONES,
    VGG_19,
    Backbone,
    FeatureExtractor,
)
from salmetrics_models.finaliser import Finaliser, Mixing, mixing_for
from salmetrics_models.readouts import ReadoutLayer, Readouts

__all__ = [
    "DEEPGAZE_1",
    "DEEPGAZE_2",
    "DEEPGAZE_2E",
    "Architecture",
    "Branch",
    "DeepGazeNetwork",
    "aligned",
]

_AT_ONCE = 10  # components whose maps are in memory together

Components = Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Architecture:
    """What makes a DeepGaze network.

    Attributes
    ----------
    backbones
        Whose features are read out, each on its own.
    layers
        Of each readout.
    n_components
        Readouts a backbone.
    downsample
        By which images are made smaller first: every so many pixels is taken.
    readout_factor
        Pixels of the image for one of the readout, downsampling aside.
    map_factor
        Pixels of the image for one of the map that is blurred.
    least_side
        Of images; smaller ones leave a layer without any pixel.
    aligned
        By how much features are enlarged to have the centres of their receptive fields at the
        readout's pixels; None: they are brought to its size by nearest neighbours.
    scaled
        Whether each channel is divided by its standard deviation, `Branch.feature_scale`.
    """

    backbones: tuple[Backbone, ...]
    layers: tuple[ReadoutLayer, ...]
    n_components: int
    downsample: int
    readout_factor: int
    map_factor: int
    least_side: int
    aligned: int | None = None
    scaled: bool = False


DEEPGAZE_2E = Architecture(
    backbones=tuple(BACKBONES.values()),
    layers=(
        ReadoutLayer(8, norm=True, activation="softplus"),
        ReadoutLayer(16, norm=True, activation="softplus"),
        ReadoutLayer(1, norm=True, activation="softplus"),
        ReadoutLayer(128, norm=True, activation="softplus"),
        ReadoutLayer(16, norm=True, activation="softplus"),
        ReadoutLayer(1, bias=False),
    ),
    n_components=30,
    downsample=2,
    readout_factor=16,
    map_factor=2,
    least_side=64,
)

DEEPGAZE_1 = Architecture(
    backbones=(ALEXNET,),
    layers=(ReadoutLayer(1, bias=False),),
    n_components=1,
    downsample=2,
    readout_factor=4,
    map_factor=4,
    least_side=64,
)


DEEPGAZE_2 = Architecture(
    backbones=(VGG_19,),
    layers=(
        ReadoutLayer(16, activation="relu"),
        ReadoutLayer(32, activation="relu"),
        ReadoutLayer(2, activation="relu"),
        ReadoutLayer(1),
    ),
    n_components=1,
    downsample=2,
    readout_factor=2,
    map_factor=4,
    least_side=64,
    aligned=8,
    scaled=True,
)


class Branch(nn.Module):
    """One backbone with its readouts and finalisers."""

    feature_scale: Tensor

    def __init__(self, backbone: Backbone, architecture: Architecture) -> None:
        super().__init__()
        n = architecture.n_components
        self.features = FeatureExtractor(backbone)
        self.readouts = Readouts(backbone.channels, architecture.layers, n)
        self.finaliser = Finaliser(n)
        self._aligned = architecture.aligned
        self._scaled = architecture.scaled
        if self._scaled:
            self.register_buffer("feature_scale", torch.ones(backbone.channels))

    def at_grid(self, images: Tensor, grid: tuple[int, int], *, autocast: bool = False) -> Tensor:
        """Return all features at the size of the readout, shape (n, channels, h, w).

        Parameters
        ----------
        images
            Shape (n, 3, h, w).
        grid
            (height, width) of the readout.
        autocast
            Whether the backbone may compute in bfloat16.
        """
        with torch.autocast(images.device.type, torch.bfloat16, enabled=autocast):
            maps = [m.to(images.dtype) for m in self.features(images)]
        if self._aligned is None:
            found = torch.cat([nn.functional.interpolate(m, size=grid) for m in maps], dim=1)
        else:
            found = torch.cat([aligned(m, self._aligned, grid) for m in maps], dim=1)
        return found / self.feature_scale[:, None, None] if self._scaled else found


def aligned(features: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
    """Enlarge features linearly, such that units lie where their receptive fields have the centre.

    With padding that keeps sizes, and pooling of 2 x 2, unit j of a layer of stride s sees around
    pixel s j + (s - 1) / 2 of the image. Unit j of a layer of stride t at a pixel is then at
    (t j + (t - s) / 2) / s of the other, which is what linear interpolation by s / t does. Where
    the image's size is no multiple of s, the last units are repeated.

    Parameters
    ----------
    features
        Shape (n, channels, h, w).
    factor
        s / t.
    size
        (height, width) of the layer of stride t.
    """
    enlarged = nn.functional.interpolate(features, scale_factor=factor, mode="bilinear")
    height, width = enlarged.shape[-2:]
    missing = (0, max(0, size[1] - width), 0, max(0, size[0] - height))
    padded = nn.functional.pad(enlarged, missing, mode="replicate")
    return padded[..., : size[0], : size[1]]


class DeepGazeNetwork(nn.Module):
    """The mixture of all components of all backbones, with random weights until some are loaded.

    Parameters
    ----------
    architecture
        `DEEPGAZE_1` or `DEEPGAZE_2E`, or another.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.autocast = False  # whether backbones may compute in bfloat16
        self._digest: tuple[Any, str] | None = None
        self._streams: list[torch.cuda.Stream] = []
        self.branches = nn.ModuleList([Branch(b, architecture) for b in architecture.backbones])

    @property
    def digest(self) -> str:
        """Start of the SHA-256 of all weights."""
        tensors = self.state_dict()
        versions = tuple((tensor.dtype, tensor._version) for tensor in tensors.values())
        if self._digest is None or self._digest[0] != versions:
            found = hashlib.sha256()
            for name, tensor in sorted(tensors.items()):
                found.update(name.encode())
                found.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
            self._digest = versions, found.hexdigest()[:16]
        return self._digest[1]

    def __reduce__(self) -> tuple[Any, ...]:
        # classes of torchvision are found in another process only after `vision_models`
        state = {name: tensor.cpu() for name, tensor in self.state_dict().items()}
        where = next(self.parameters())
        return _restored, (self.architecture, state, self.autocast, where.dtype, where.device)

    def forward(
        self, images: Tensor, centre: Tensor, components: Components | None = None
    ) -> Tensor:
        """Return log densities, shape (n, h, w).

        Parameters
        ----------
        images
            Shape (n, 3, h, w), RGB, 0 to 255.
        centre
            Log density of the centre bias, shape (n, h, w) or (1, h, w).
        components
            Indices of those to mix, of each backbone; the same for all images, or a sequence for
            each; all by default.
        """
        mixing, parts = self.log_densities_of_backbones(images, centre, components)
        if len(parts) == 1:
            return mixing.enlarged(parts[0])
        mean = torch.logsumexp(torch.stack(parts), dim=0)
        return mixing.enlarged(mean - math.log(len(parts)))

    def log_densities_of_backbones(
        self, images: Tensor, centre: Tensor, components: Components | None = None
    ) -> tuple[Mixing, list[Tensor]]:
        """Return each backbone's mixture at the size of the map, and what enlarges it."""
        groups = self._groups(components, images)
        mixing, small = self.prepared(images, centre)
        small = small.expand(len(images), -1, -1)

        def mixture(branch: Branch) -> Tensor:
            features = self.features(branch, images)
            if len(groups) == 1:
                return _mixture(branch, mixing, features, small, groups[0][1])
            made = torch.empty_like(small)
            for rows, chosen in groups:
                of_rows = torch.stack([features[row] for row in rows])
                centres = torch.stack([small[row] for row in rows])
                mixed = _mixture(branch, mixing, of_rows, centres, chosen)
                for row, one in zip(rows, mixed, strict=True):
                    made[row] = one
            return made

        return mixing, self._of_branches(mixture, images.device)

    def log_densities_of_components(self, images: Tensor, centre: Tensor) -> Tensor:
        """Return the log density of each component number, mixed over backbones: (n, k, h, w)."""
        every = index(range(self.architecture.n_components), images.device)
        mixing, small = self.prepared(images, centre)
        total: Tensor | None = None
        for branch in self.branches:
            readouts = self.readouts(branch, images, every)  # type: ignore[arg-type]
            logs = mixing.component_densities(branch.finaliser(readouts, small, every))  # type: ignore[operator]
            total = logs if total is None else torch.logaddexp(total, logs)
        assert total is not None
        return mixing.enlarged(total - math.log(len(self.branches)))

    def prepared(self, images: Tensor, centre: Tensor) -> tuple[Mixing, Tensor]:
        """Return what mixes densities of these images, and the centre bias at the map's pixels."""
        step = self.architecture.map_factor
        height, width = images.shape[-2:]
        size = (height // step, width // step)
        small = centre[:, ::step, ::step][:, : size[0], : size[1]]
        return mixing_for(size, (height, width), centre.dtype, centre.device), small

    def features(self, branch: Branch, images: Tensor) -> Tensor:
        """Return one backbone's features at the size of the readout, shape (n, channels, h, w)."""
        down, factor = self.architecture.downsample, self.architecture.readout_factor
        height, width = images.shape[-2:]
        # as resizing by a factor: floor(size / down) pixels
        smaller = images[..., ::down, ::down][..., : height // down, : width // down]
        grid = (-(-height // (down * factor)), -(-width // (down * factor)))
        if self.architecture.aligned is not None:  # a layer of the network, which rounds down
            grid = (height // down // factor, width // down // factor)
        return branch.at_grid(smaller, grid, autocast=self.autocast)

    def readouts(self, branch: Branch, images: Tensor, components: Tensor) -> Tensor:
        """Return one backbone's readouts, shape (n, k, h, w)."""
        return branch.readouts(self.features(branch, images), components)

    def _groups(
        self, components: Components | None, images: Tensor
    ) -> list[tuple[Sequence[int], Tensor]]:
        """Return which images have which components: groups of those that have the same."""
        given = range(self.architecture.n_components) if components is None else components
        every = range(len(images))
        if len(given) == 0 or is_whole(given[0]):
            return [(every, index(given, images.device))]  # type: ignore[arg-type]
        if len(given) != len(images):
            raise InputError(f"there are {len(given)} lists of components for {len(images)} images")
        rows: dict[tuple[int, ...], list[int]] = {}
        for row, chosen in enumerate(given):
            rows.setdefault(tuple(chosen), []).append(row)  # type: ignore[arg-type]
        return [(images_of, index(chosen, images.device)) for chosen, images_of in rows.items()]

    def _of_branches(self, work: Callable[[Branch], Tensor], device: torch.device) -> list[Tensor]:
        """Do work for each backbone; on a GPU at once, each in a stream of its own."""
        branches: list[Branch] = list(self.branches)  # type: ignore[arg-type]
        if device.type != "cuda" or len(branches) == 1:
            return [work(branch) for branch in branches]
        if not self._streams:
            self._streams = [torch.cuda.Stream(device) for _ in branches]
        streams, now, parts = self._streams, torch.cuda.current_stream(device), []
        try:
            for branch, stream in zip(branches, streams, strict=True):
                stream.wait_stream(now)
                with torch.cuda.stream(stream):
                    parts.append(work(branch))
        finally:
            for stream in streams:
                now.wait_stream(stream)
        for part in parts:
            part.record_stream(now)  # its memory is not for others until `now` is done with it
        return parts


def _mixture(
    branch: Branch, mixing: Mixing, features: Tensor, centre: Tensor, components: Tensor
) -> Tensor:
    """Return the mean of densities, as its log, shape (n, height, width); some at a time."""
    readouts = branch.readouts(features, components)
    total: Tensor | None = None
    for start in range(0, components.numel(), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        logs = branch.finaliser(readouts[:, some], centre, components[some])
        log_mean = mixing.mean_log(logs) + math.log(logs.shape[1])
        total = log_mean if total is None else torch.logaddexp(total, log_mean)
    assert total is not None
    return total - math.log(components.numel())


def index(numbers: Sequence[int], device: torch.device) -> Tensor:
    """Return indices on a device; kept, as a GPU would wait for each copy."""
    return _index(tuple(numbers), device)


@lru_cache(maxsize=256)
def _index(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # may be used with gradients later
        return torch.tensor(numbers, device=device)


def _restored(
    architecture: Architecture,
    state: dict[str, Tensor],
    autocast: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> DeepGazeNetwork:
    with torch.device("meta"):
        network = DeepGazeNetwork(architecture)
    network = network.to_empty(device="cpu").to(dtype)
    network.load_state_dict(state)
    network.autocast = autocast
    return network.eval().requires_grad_(False).to(device)
