"""DeepGaze networks: backbones, readouts, and the mixture of all densities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from salmetrics.errors import InputError, is_whole
from salmetrics_models.backbones.backbone import Backbone, CachedDigest, FeatureExtractor
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.finaliser import Mixing
from salmetrics_models.deepgaze.head import (
    Head,
    downsampled,
    mean_of_logs,
    readout_grid,
    small_centre,
)

__all__ = ["Branch", "DeepGazeNetwork"]

Components = Sequence[int] | Sequence[Sequence[int]]


class Branch(Head):
    """One backbone with its readouts and finalisers."""

    def __init__(self, backbone: Backbone, architecture: Architecture) -> None:
        super().__init__(backbone, architecture)
        self.features = FeatureExtractor(backbone)

    def maps(self, images: Tensor, *, autocast: bool = False) -> list[Tensor]:
        """Return the features of each layer at its own size, shape (n, channels, h, w).

        Parameters
        ----------
        images
            Shape (n, 3, h, w), downsampled.
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
        `DEEPGAZE_1` or `DEEPGAZE_2E`, or another.
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
        """Start of the SHA-256 of all weights."""
        return self._digest.of(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # classes of torchvision are found in another process only after `vision_models`
        state = {name: tensor.cpu() for name, tensor in self.state_dict().items()}
        where = next(self.parameters())
        made_of = type(self), self._made_of()
        return _restored, (made_of, state, self.autocast, where.dtype, where.device)

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
        return mixing.enlarged(mean_of_logs(parts))

    def log_densities_of_backbones(
        self, images: Tensor, centre: Tensor, components: Components | None = None
    ) -> tuple[Mixing, list[Tensor]]:
        """Return each backbone's mixture at the size of the map, and what enlarges it."""
        groups = self._groups(components, images)
        mixing, small = small_centre(self.architecture, centre)
        small = small.expand(len(images), -1, -1)

        def mixture(branch: Branch) -> Tensor:
            maps, grid = self.maps(branch, images)
            if len(groups) == 1:
                return branch.mixture(maps, grid, small, mixing, groups[0][1])
            made = torch.empty_like(small)
            for rows, chosen in groups:
                of_rows = [chosen_rows(m, rows) for m in maps]
                centres = chosen_rows(small, rows)
                mixed = branch.mixture(of_rows, grid, centres, mixing, chosen)
                for row, one in zip(rows, mixed, strict=True):
                    made[row] = one
            return made

        return mixing, self.by_branch(mixture, images.device)

    def log_densities_of_components(self, images: Tensor, centre: Tensor) -> Tensor:
        """Return the log density of each component number, mixed over backbones: (n, k, h, w)."""
        every = index(range(self.architecture.n_components), images.device)
        mixing, small = small_centre(self.architecture, centre)
        total: Tensor | None = None
        for branch in self.branches:
            readouts = self.readouts(branch, images, every)  # type: ignore[arg-type]
            logs = mixing.component_densities(branch.finaliser(readouts, small, every))  # type: ignore[operator]
            total = logs if total is None else torch.logaddexp(total, logs)
        assert total is not None
        return mixing.enlarged(total - math.log(len(self.branches)))

    def maps(self, branch: Branch, images: Tensor) -> tuple[list[Tensor], tuple[int, int]]:
        """Return one backbone's maps, and the (height, width) of the readout."""
        height, width = images.shape[-2:]
        smaller = downsampled(images, self.architecture.downsample)
        maps = branch.maps(smaller, autocast=self.autocast)
        return maps, readout_grid(self.architecture, (height, width))

    def readouts(self, branch: Branch, images: Tensor, components: Tensor) -> Tensor:
        """Return one backbone's readouts, shape (n, k, h, w)."""
        return branch.read(*self.maps(branch, images), components)

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

    def _made_of(self) -> tuple[Any, ...]:
        """Return the arguments that it was made with."""
        return (self.architecture,)

    def by_branch(self, work: Callable[[Branch], Tensor], device: torch.device) -> list[Tensor]:
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


def chosen_rows(tensor: Tensor, rows: Sequence[int]) -> Tensor:
    """Return some rows of a tensor; a GPU does not wait for their numbers."""
    if list(rows) == list(range(len(tensor))):
        return tensor
    return torch.stack([tensor[row] for row in rows])


def index(numbers: Sequence[int], device: torch.device) -> Tensor:
    """Return indices on a device; kept, as a GPU would wait for each copy."""
    return _index(tuple(numbers), device)


@lru_cache(maxsize=256)
def _index(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # may be used with gradients later
        return torch.tensor(numbers, device=device)


def _restored(
    made_of: tuple[type[DeepGazeNetwork], tuple[Any, ...]],
    state: dict[str, Tensor],
    autocast: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> DeepGazeNetwork:
    kind, arguments = made_of
    with torch.device("meta"):
        network = kind(*arguments)
    network = network.to_empty(device="cpu").to(dtype)
    network.load_state_dict(state)
    network.autocast = autocast
    return network.eval().requires_grad_(False).to(device)
