"""Networks trained on other tasks, and the feature maps that are read from their layers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics_models.devices import kept_tensors
from salmetrics_models.weights.packaged import PackagedWeights

__all__ = [
    "IMAGENET",
    "Backbone",
    "FeatureExtractor",
    "Normalisation",
    "layer_shapes",
    "maps_of",
]

_PROBE = 512  # side of the image that strides are measured with, in pixels


@dataclass(frozen=True)
class Normalisation:
    """How a network wants the values of images: (RGB from 0 to 255 / scale - mean) / std.

    Attributes
    ----------
    mean, std
        Of each channel, after the division.
    scale
        What values are divided by first.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 255.0

    def __call__(self, images: Tensor) -> Tensor:
        """Return normalised images.

        Parameters
        ----------
        images
            RGB from 0 to 255, shape (n, 3, h, w).
        """
        scaled = images / self.scale
        # in float64 and rounded twice, as in the published models
        mean, std = _mean_and_std(self, images.device)
        return ((scaled - mean).to(images.dtype) / std).to(images.dtype)


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Backbone:
    """A network and the layers that are read from it.

    Attributes
    ----------
    name
        Name in results and files of weights.
    make
        Function that returns the network with random weights.
    trunk
        Function from the network to the part of it that the layers need.
    layers
        Names of the modules whose outputs are read, in the order of the features.
    channels
        Number of channels of all features together.
    strides
        Stride of each layer, in pixels; empty unless features are aligned.
    pretrained
        Whether weights come from a file; False for hand-made features.
    pool
        Layers whose features are computed and cached together, so that several choices among them
        share one cache; empty for `layers` alone.
    normalisation
        How the network wants the values of images.
    offsets
        Centre of the receptive field of unit 0 of each layer, in pixels, where that of pixel 0 is
        0; empty unless features are aligned.
    packaged
        Weights in an installed package, which are the default; None: they come from a file.

    Examples
    --------
    >>> from salmetrics_models.backbones import HAND_MADE
    >>> backbone = HAND_MADE.reading(["gabor", "contrast"])
    >>> backbone.channels, backbone.strides
    (20, (8, 8))
    """

    name: str
    make: Callable[[], nn.Module]
    trunk: Callable[[Any], Callable[[Tensor], Any]]
    layers: tuple[str, ...]
    channels: int
    strides: tuple[int, ...] = ()
    pretrained: bool = True
    pool: tuple[str, ...] = ()
    normalisation: Normalisation = IMAGENET
    packaged: PackagedWeights | None = None
    offsets: tuple[float, ...] = ()

    def reading(self, layers: Sequence[str], *, pool: Sequence[str] = ()) -> Backbone:
        """Return the same network, read at other layers.

        Parameters
        ----------
        layers
            Names of modules.
        pool
            Layers that are cached together, see the class; they include `layers`.

        Returns
        -------
        backbone : Backbone

        Raises
        ------
        InputError
            If a layer does not exist, is not on the way to the last feature, or has no maps.
        """
        names = tuple(check_list("layers", layers))
        if not names or len(set(names)) < len(names):
            raise InputError(f"layers must be at least one, and different; got {list(names)}")
        for name in names if pool else ():
            check_choice("layer", name, pool)
        shapes = layer_shapes(replace(self, layers=names))
        strides = tuple(_PROBE // height for _, height, _ in shapes)
        channels = sum(n for n, _, _ in shapes)
        known = dict(zip(self.layers, self.offsets, strict=False))
        offsets = tuple(known[name] for name in names if name in known)
        return replace(
            self,
            layers=names,
            channels=channels,
            strides=strides,
            pool=tuple(pool),
            offsets=offsets if len(offsets) == len(names) else (),
        )


class FeatureExtractor(nn.Module):
    """The feature maps of a backbone: raw outputs of its layers, each at its own size.

    Parameters
    ----------
    backbone
        Network and layers. Weights are random until they are loaded.

    Attributes
    ----------
    network
        The whole network, classifier included, so that its files load and are saved completely;
        only the part that the layers need is computed.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.network = backbone.make()
        self.eval()
        self.requires_grad_(False)
        self._reading = threading.Lock()

    def train(self, mode: bool = True) -> FeatureExtractor:
        """Stay in evaluation mode: normalisation keeps the statistics of the original training."""
        return super().train(False)

    def forward(self, images: Tensor, layers: Sequence[str] | None = None) -> list[Tensor]:
        """Return the feature maps of images, one tensor per layer.

        Parameters
        ----------
        images
            RGB from 0 to 255, shape (n, 3, h, w), on the device of the network.
        layers
            Names of the layers; by default those of the backbone.
        """
        wanted = self.backbone.layers if layers is None else layers
        scaled = self.backbone.normalisation(images)
        if images.is_cuda:
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        with self._reading:  # a second thread would find the hooks of this call
            return maps_of(self.network, self.backbone, scaled, wanted)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_reading"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._reading = threading.Lock()


def maps_of(
    network: nn.Module, backbone: Backbone, images: Tensor, layers: Sequence[str] | None = None
) -> list[Tensor]:
    """Return the outputs of a network's layers for images, each at its own size.

    Parameters
    ----------
    network
        Network that `backbone.make` returned. Only one thread may call it at a time.
    backbone
        The backbone, with the layers and the way to them.
    images
        Images in the scale of the network, shape (n, 3, h, w).
    layers
        Names of the layers; by default those of the backbone.

    Raises
    ------
    KeyError
        If the network does not pass through a layer.
    """
    wanted = backbone.layers if layers is None else layers
    maps: dict[str, Tensor] = {}
    handles = [
        network.get_submodule(name).register_forward_hook(partial(_keep, maps, name))
        for name in wanted
    ]
    try:
        backbone.trunk(network)(images)
    finally:
        for handle in handles:
            handle.remove()
    return [maps[name] for name in wanted]


@kept_tensors(maxsize=64)
def _mean_and_std(normalisation: Normalisation, device: torch.device) -> Tensor:
    """Return both, shape (2, 3, 1, 1); cached, since each copy would make a GPU wait."""
    values = (normalisation.mean, normalisation.std)
    return torch.tensor(values, dtype=torch.float64, device=device)[..., None, None]


def _keep(
    maps: dict[str, Tensor], name: str, module: nn.Module, inputs: Any, output: Tensor
) -> None:
    maps[name] = output.clone()  # a rectifier may overwrite it


def layer_shapes(
    backbone: Backbone, size: tuple[int, int] = (_PROBE, _PROBE)
) -> list[tuple[int, int, int]]:
    """Return (channels, height, width) of each layer's output for images of a size.

    Parameters
    ----------
    backbone
        The backbone.
    size
        (height, width) of the images.

    Raises
    ------
    InputError
        If a layer does not exist, is not on the way to the last feature, or has no maps.
    """
    with torch.device("meta"):  # shapes, without computing values
        network = backbone.make().eval()
    names = {name for name, _ in network.named_modules()}
    missing = [name for name in backbone.layers if name not in names or not name]
    if missing:
        raise InputError(
            f"{backbone.name} has no layer {missing[0]!r}; layers are the names of its modules"
        )
    with torch.no_grad():
        try:
            maps = maps_of(network, backbone, torch.zeros(1, 3, *size, device="meta"))
        except KeyError as error:
            raise InputError(
                f"{backbone.name} does not pass through layer {error.args[0]!r} on the way to its "
                "features"
            ) from error
    for name, output in zip(backbone.layers, maps, strict=True):
        if output.ndim != 4:
            raise InputError(
                f"layer {name!r} of {backbone.name} has no maps: its output has {output.ndim} axes"
            )
    return [(output.shape[1], output.shape[2], output.shape[3]) for output in maps]
