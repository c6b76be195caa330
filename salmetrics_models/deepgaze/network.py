"""DeepGaze networks: backbones, readouts, and the mixture of the densities of all components."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from salmetrics.array_types import Size
from salmetrics.errors import InputError, is_whole
from salmetrics_models.backbones.backbone import Backbone, FeatureExtractor
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.finaliser import Mixing
from salmetrics_models.deepgaze.head import (
    Head,
    downsampled,
    mean_of_logs,
    readout_grid,
    small_centre,
)
from salmetrics_models.devices import kept_tensors
from salmetrics_models.weights.digests import CachedDigest

__all__ = ["Branch", "Components", "DeepGazeNetwork", "chosen_rows", "index"]

Components = Sequence[int] | Sequence[Sequence[int]]  # the same for all images, or for each


class Branch(Head):
    """One backbone with its readouts and finalisers.

    Parameters
    ----------
    backbone
        The backbone.
    architecture
        Architecture of the network.
    """

    def __init__(self, backbone: Backbone, architecture: Architecture) -> None:
        super().__init__(backbone, architecture)
        self.features = FeatureExtractor(backbone)

    def maps(self, images: Tensor, *, autocast: bool = False) -> list[Tensor]:
        """Return the features of each layer at its own size, shape (n, channels, h, w).

        Parameters
        ----------
        images
            Downsampled images, RGB from 0 to 255, shape (n, 3, h, w).
        autocast
            Whether the backbone may compute in bfloat16.
        """
        with torch.autocast(images.device.type, torch.bfloat16, enabled=autocast):
            return [m.to(images.dtype) for m in self.features(images)]


class DeepGazeNetwork(nn.Module):
    """The mixture of all components of all backbones, with random weights until some are loaded.

    Parameters
    ----------
    architecture
        Architecture, such as `DEEPGAZE_1` or `DEEPGAZE_2E`.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.autocast = False  # whether backbones may compute in bfloat16
        self._digest = CachedDigest()
        self._streams: list[torch.cuda.Stream] = []
        self.branches = nn.ModuleList([Branch(b, architecture) for b in architecture.backbones])

    @property
    def digest(self) -> str:
        """First 16 digits of the SHA-256 of all weights."""
        return self._digest.of(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # another process finds the classes of torchvision only after `vision_models`
        state = {name: tensor.cpu() for name, tensor in self.state_dict().items()}
        like = next(self.parameters())
        call = type(self), self._arguments()
        return _restored, (call, state, self.autocast, like.dtype, like.device)

    def forward(
        self, images: Tensor, centre: Tensor, components: Components | None = None
    ) -> Tensor:
        """Return log densities, shape (n, h, w).

        Parameters
        ----------
        images
            RGB from 0 to 255, shape (n, 3, h, w).
        centre
            Log density of the centre bias, shape (n, h, w) or (1, h, w).
        components
            Indices of the components to mix, of each backbone: the same for all images, or one
            sequence for each image; by default all.
        """
        mixing, parts = self.log_densities_of_backbones(images, centre, components)
        return mixing.enlarged(mean_of_logs(parts))

    def with_branches(self, numbers: Sequence[int]) -> DeepGazeNetwork:
        """Return a network of some of the backbones, which shares their weights.

        Parameters
        ----------
        numbers
            Indices of the backbones.
        """
        chosen = tuple(self.architecture.backbones[i] for i in numbers)
        with torch.device("meta"):
            other = DeepGazeNetwork(replace(self.architecture, backbones=chosen))
        other.branches = nn.ModuleList([self.branches[i] for i in numbers])
        other.autocast = self.autocast
        return other.eval()

    def log_densities_of_backbones(
        self, images: Tensor, centre: Tensor, components: Components | None = None
    ) -> tuple[Mixing, list[Tensor]]:
        """Return the `Mixing` that enlarges maps, and each backbone's mixture at their size."""
        groups = self._groups(components, images)
        mixing, small = small_centre(self.architecture, centre)
        small = small.expand(len(images), -1, -1)

        def mixture(branch: Branch) -> Tensor:
            maps, grid = self.maps(branch, images)
            if len(groups) == 1:
                return branch.mixture(maps, grid, small, mixing, groups[0][1])
            logs = torch.empty_like(small)
            for rows, own in groups:
                own_maps = [chosen_rows(m, rows) for m in maps]
                centres = chosen_rows(small, rows)
                mixtures = branch.mixture(own_maps, grid, centres, mixing, own)
                for row, log in zip(rows, mixtures, strict=True):
                    logs[row] = log
            return logs

        return mixing, self.by_branch(mixture, images.device)

    def log_densities_of_components(self, images: Tensor, centre: Tensor) -> Tensor:
        """Return the log density of each component, mixed over backbones, shape (n, k, h, w)."""
        every = index(range(self.architecture.n_components), images.device)
        mixing, small = small_centre(self.architecture, centre)
        total: Tensor | None = None
        for branch in self.branches:
            readouts = self.readouts(branch, images, every)  # type: ignore[arg-type]
            logs = mixing.component_densities(branch.finaliser(readouts, small, every))  # type: ignore[operator]
            total = logs if total is None else torch.logaddexp(total, logs)
        assert total is not None
        return mixing.enlarged(total - math.log(len(self.branches)))

    def maps(self, branch: Branch, images: Tensor) -> tuple[list[Tensor], Size]:
        """Return the maps of one backbone, and (height, width) of the readout."""
        height, width = images.shape[-2:]
        smaller = downsampled(images, self.architecture.downsample)
        maps = branch.maps(smaller, autocast=self.autocast)
        return maps, readout_grid(self.architecture, (height, width))

    def readouts(self, branch: Branch, images: Tensor, components: Tensor) -> Tensor:
        """Return the readouts of one backbone, shape (n, k, h, w)."""
        return branch.read(*self.maps(branch, images), components)

    def _groups(
        self, components: Components | None, images: Tensor
    ) -> list[tuple[Sequence[int], Tensor]]:
        """Group images with the same components; return the rows and components of each group."""
        wanted = range(self.architecture.n_components) if components is None else components
        every = range(len(images))
        if len(wanted) == 0 or is_whole(wanted[0]):
            return [(every, index(wanted, images.device))]  # type: ignore[arg-type]
        if len(wanted) != len(images):
            raise InputError(
                f"components must be one list for all images, or one for each of the {len(images)} "
                f"images; got {len(wanted)} lists"
            )
        rows_by_components: dict[tuple[int, ...], list[int]] = {}
        for row, own in enumerate(wanted):
            rows_by_components.setdefault(tuple(own), []).append(row)  # type: ignore[arg-type]
        return [(rows, index(own, images.device)) for own, rows in rows_by_components.items()]

    def _arguments(self) -> tuple[Any, ...]:
        """Return the arguments of the constructor."""
        return (self.architecture,)

    def by_branch(self, work: Callable[[Branch], Tensor], device: torch.device) -> list[Tensor]:
        """Return the results of `work` for each backbone; on a GPU in parallel streams."""
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
            part.record_stream(now)  # its memory stays reserved until `now` has used it
        return parts


def chosen_rows(tensor: Tensor, rows: Sequence[int]) -> Tensor:
    """Return some rows of a tensor, without making a GPU wait for their numbers."""
    if list(rows) == list(range(len(tensor))):
        return tensor
    return torch.stack([tensor[row] for row in rows])


def index(numbers: Sequence[int], device: torch.device) -> Tensor:
    """Return indices on a device; cached, since each copy would make a GPU wait."""
    return _index(tuple(numbers), device)


@kept_tensors(maxsize=256)
def _index(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(numbers, device=device)


def _restored(
    call: tuple[type[DeepGazeNetwork], tuple[Any, ...]],
    state: dict[str, Tensor],
    autocast: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> DeepGazeNetwork:
    kind, arguments = call
    with torch.device("meta"):
        network = kind(*arguments)
    network = network.to_empty(device="cpu").to(dtype)
    network.load_state_dict(state)
    network.autocast = autocast
    return network.eval().requires_grad_(False).to(device)
