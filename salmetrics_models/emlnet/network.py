"""Networks of EML-NET: encoders that are trained alone, and a decoder that combines them."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from salmetrics.errors import InputError, check_choice
from salmetrics_models.backbones.backbone import Backbone, layer_shapes, maps_of
from salmetrics_models.backbones.networks import first_stages, resnet_trunk
from salmetrics_models.backbones.torchvision_loading import timm_models, vision_models

__all__ = [
    "DENSENET_161",
    "FORMS",
    "NASNET_LARGE",
    "RESNET_50",
    "Decoder",
    "EMLNetwork",
    "Encoder",
    "Form",
    "FormName",
    "channels_of",
    "checked_encoders",
]


FormName = Literal["public", "paper"]


@dataclass(frozen=True)
class Form:
    """The differences between the authors' public code and their paper.

    Attributes
    ----------
    name
        "public" or "paper".
    kernel
        Side of all convolutions. Those of side 3 have a bias and are followed by batch
        normalisation; the 1x1 convolutions of the paper have neither.
    resizing
        Mode of interpolation in torch, "nearest" or "bilinear".
    backbones
        Backbones by the names of their encoders.
    """

    name: FormName
    kernel: int
    resizing: str
    backbones: Mapping[str, Backbone]

    @property
    def is_public(self) -> bool:
        """Whether this is the form of the published weights."""
        return self.kernel == 3

    def convolution(self, channels: int, activation: nn.Module) -> nn.Sequential:
        """Return the layers from many maps to one: convolution, normalisation (public), activation.

        Parameters
        ----------
        channels
            Number of maps of the input.
        activation
            Module after the convolution.
        """
        pad = self.kernel // 2
        layer = nn.Conv2d(channels, 1, self.kernel, padding=pad, bias=self.is_public)
        if self.is_public:
            nn.init.normal_(layer.weight, 0, (2 / self.kernel**2) ** 0.5)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            return nn.Sequential(layer, nn.BatchNorm2d(1), activation)
        nn.init.normal_(layer.weight, 0, (2 / channels) ** 0.5)
        with torch.no_grad():
            layer.weight.abs_()  # see `awaken`
        return nn.Sequential(layer, activation)

    def awaken(self, convolution: nn.Sequential, features: Tensor) -> None:
        """Change signs of a convolution's weights, such that its map is not 0 everywhere.

        A rectifier whose output is 0 everywhere never learns. So each weight gets the sign of the
        mean of its feature. For rectified features that is above 0, as weights are initially.

        Parameters
        ----------
        convolution
            Layers that `convolution` returned for the paper's form.
        features
            Features of some images, shape (n, channels, h, w).
        """
        weight: Tensor = convolution[0].weight  # type: ignore[assignment]
        signs = torch.where(features.mean((0, 2, 3)) < 0, -1.0, 1.0).to(weight.dtype)
        with torch.no_grad():
            weight.copy_(weight.abs() * signs[None, :, None, None])

    def resized(self, maps: Tensor, size: Sequence[int]) -> Tensor:
        """Return maps of shape (n, k, h, w) at a size, (height, width)."""
        if tuple(maps.shape[-2:]) == tuple(size):
            return maps
        options = {} if self.resizing == "nearest" else {"align_corners": False}
        return nn.functional.interpolate(maps, size=tuple(size), mode=self.resizing, **options)


class Encoder(nn.Module):
    """A backbone whose layers are tapped, and a head with which it is trained alone.

    In the public form, each tap has a convolution, and the head resizes all maps to the grid of the
    first, combines them, and enlarges the result. In the form of the paper, an encoder alone has
    only the map of the last tap; the convolutions of taps belong to the decoder.

    Parameters
    ----------
    backbone
        Backbone with the layers that are tapped, finest first.
    form
        The public form, or that of the paper.
    """

    def __init__(self, backbone: Backbone, form: Form) -> None:
        super().__init__()
        self.backbone, self.form = backbone, form
        self.network = backbone.make()
        channels = channels_of(backbone)
        if form.is_public:
            self.outputs = nn.ModuleList([form.convolution(n, nn.ReLU()) for n in channels])
            self.combined = form.convolution(len(channels), nn.Sigmoid())
        else:
            self.outputs = nn.ModuleList([form.convolution(channels[-1], nn.ReLU())])
        self._reading = threading.Lock()

    def taps(self, images: Tensor) -> list[Tensor]:
        """Return the inputs of the decoder.

        Parameters
        ----------
        images
            RGB from 0 to 1, shape (n, 3, h, w).

        Returns
        -------
        taps : list of Tensor of shape (n, k, height, width)
            Each tap at its own size: one map in the public form, all features in that of the paper.
        """
        maps = self._maps(images)
        if not self.form.is_public:
            return maps
        return [output(m) for output, m in zip(self.outputs, maps, strict=True)]

    def forward(self, images: Tensor) -> Tensor:
        """Return the prediction of this encoder, shape (n, 1, h, w), for images from 0 to 1."""
        if self.form.is_public:
            taps = self.taps(images)
            grid = taps[0].shape[-2:]
            combined = self.combined(torch.cat([self.form.resized(t, grid) for t in taps], dim=1))
        else:
            combined = self.outputs[0](self._maps(images)[-1])
        return self.form.resized(combined, images.shape[-2:])

    def awaken(self, images: Tensor) -> None:
        """Prevent a map of the paper's head that is 0 everywhere for these images."""
        if not self.form.is_public:
            self.form.awaken(self.outputs[0], self._maps(images)[-1])  # type: ignore[arg-type]

    def _maps(self, images: Tensor) -> list[Tensor]:
        with self._reading:  # a second thread would trigger the hooks of this call
            return maps_of(self.network, self.backbone, images)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_reading"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._reading = threading.Lock()


class Decoder(nn.Module):
    """The network from the taps of all encoders to one map.

    Parameters
    ----------
    channels
        Number of channels of each tap of each encoder, see `Encoder.taps`.
    form
        The public form, or that of the paper.
    """

    def __init__(self, channels: Sequence[Sequence[int]], form: Form) -> None:
        super().__init__()
        self.form = form
        self.maps = nn.ModuleList(
            [nn.ModuleList([form.convolution(n, nn.ReLU()) for n in own]) for own in channels]
        )
        n_maps = sum(len(own) for own in channels)
        self.combined = form.convolution(n_maps, nn.Sigmoid() if form.is_public else nn.ReLU())

    def awaken(self, taps: Sequence[Sequence[Tensor]]) -> None:
        """Prevent maps of the paper's form that are 0 everywhere for these taps."""
        if self.form.is_public:
            return
        for convolutions, own in zip(self.maps, taps, strict=True):
            for convolution, tap in zip(convolutions, own, strict=True):  # type: ignore[call-overload]
                self.form.awaken(convolution, tap)

    def forward(self, taps: Sequence[Sequence[Tensor]], size: Sequence[int]) -> Tensor:
        """Return the prediction, shape (n, 1, h, w).

        Parameters
        ----------
        taps
            Taps of each encoder, see `Encoder.taps`.
        size
            (height, width) of the images.
        """
        maps = [
            convolution(tap)
            for convolutions, own in zip(self.maps, taps, strict=True)
            for convolution, tap in zip(convolutions, own, strict=True)  # type: ignore[call-overload]
        ]
        # the public code enlarges each map to the image; the paper, to the largest of the maps
        grid = size if self.form.is_public else max(tuple(m.shape[-2:]) for m in maps)
        combined = self.combined(torch.cat([self.form.resized(m, grid) for m in maps], dim=1))
        return self.form.resized(combined, size)


class EMLNetwork(nn.Module):
    """Encoders and their decoder, with random weights until some are loaded.

    Parameters
    ----------
    backbones
        Backbones by the names of their encoders.
    form
        "public" or "paper".

    Raises
    ------
    InputError
        If the form is unknown, or a name or backbone is invalid.
    """

    def __init__(self, backbones: Mapping[str, Backbone], form: FormName) -> None:
        super().__init__()
        check_choice("form", form, FORMS)
        self.form = FORMS[form]
        self.names = checked_encoders(backbones)
        self.encoders = nn.ModuleList([Encoder(b, self.form) for b in backbones.values()])
        public = self.form.is_public
        channels = [channels_of(b) for b in backbones.values()]
        self.decoder = Decoder([[1] * len(c) if public else c for c in channels], self.form)

    def encoder(self, name: str) -> Encoder:
        """Return an encoder by its name."""
        check_choice("encoder", name, self.names)
        encoder: Encoder = self.encoders[self.names.index(name)]  # type: ignore[assignment]
        return encoder

    def forward(self, images: Tensor) -> Tensor:
        """Return the prediction, shape (n, 1, h, w), for images from 0 to 1, shape (n, 3, h, w)."""
        taps = [encoder.taps(images) for encoder in self.encoders]  # type: ignore[operator]
        return self.decoder(taps, images.shape[-2:])

    def __reduce__(self) -> tuple[Any, ...]:
        # another process finds the classes of torchvision only after `vision_models`
        state = {name: tensor.cpu() for name, tensor in self.state_dict().items()}
        like = next(self.parameters())
        backbones = {name: self.encoder(name).backbone for name in self.names}
        return _restored, (backbones, self.form.name, state, like.dtype, like.device)

    def description(self) -> dict[str, Any]:
        """Return the form, encoders, backbones and layers, as values that JSON can hold."""
        return {
            "form": self.form.name,
            "encoders": [
                {
                    "name": name,
                    "backbone": encoder.backbone.name,  # type: ignore[union-attr]
                    "layers": list(encoder.backbone.layers),  # type: ignore[union-attr, arg-type]
                }
                for name, encoder in zip(self.names, self.encoders, strict=True)
            ],
        }


def checked_encoders(backbones: Any) -> tuple[str, ...]:
    """Return the names of the encoders in a mapping of backbones.

    Raises
    ------
    InputError
        If it is not a mapping, a name is invalid, or a value is not a `Backbone`.
    """
    if not isinstance(backbones, Mapping):
        raise InputError(
            "backbones must be a mapping from names of encoders to backbones; got "
            f"{type(backbones).__name__}"
        )
    names = tuple(backbones)
    wrong = [n for n in names if not isinstance(n, str) or not re.fullmatch(r"\w[\w.-]*", n)]
    if not names or wrong or len({name.lower() for name in names}) < len(names):
        raise InputError(
            "EML-NET needs at least one encoder; names of encoders must be different, start with "
            f"a letter or digit, and have only these, '-', '_' and '.'; got {list(names)}"
        )
    for name, backbone in backbones.items():
        if not isinstance(backbone, Backbone):
            raise InputError(f"backbone of encoder {name!r} must be a Backbone; got {backbone!r}")
    return names


def channels_of(backbone: Backbone) -> list[int]:
    """Return the number of channels of each layer."""
    return [channels for channels, _, _ in layer_shapes(backbone)]


def _restored(
    backbones: Mapping[str, Backbone],
    form: FormName,
    state: dict[str, Tensor],
    dtype: torch.dtype,
    device: torch.device,
) -> EMLNetwork:
    network = EMLNetwork(backbones, form).to(dtype)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False).to(device)


def _without_classifier(name: str) -> nn.Module:
    network: nn.Module = getattr(vision_models(), name)(weights=None)
    setattr(network, "fc" if hasattr(network, "fc") else "classifier", nn.Identity())
    return network


def _nasnet_large() -> nn.Module:
    network: nn.Module = timm_models(
        "NASNet needs timm: pip install 'salmetrics[nasnet]'"
    ).create_model("nasnetalarge", pretrained=False)
    network.last_linear = nn.Identity()
    return network


def _features_of_timm(network: Any) -> Any:
    return network.forward_features


RESNET_50 = Backbone(
    "resnet-50",
    partial(_without_classifier, "resnet50"),
    resnet_trunk,
    ("relu", "layer1", "layer2", "layer3", "layer4"),
    64 + 256 + 512 + 1024 + 2048,
)

DENSENET_161 = Backbone(
    "densenet-161",
    partial(_without_classifier, "densenet161"),
    partial(first_stages, -1),  # all but the last normalisation
    tuple(f"features.denseblock{i}" for i in (1, 2, 3, 4)),
    384 + 768 + 2112 + 2208,
)

NASNET_LARGE = Backbone(
    "nasnet-large",
    _nasnet_large,
    _features_of_timm,
    ("reduction_cell_0", "reduction_cell_1", "act"),
    1344 + 2688 + 4032,
)

FORMS: dict[FormName, Form] = {
    form.name: form
    for form in (
        Form("public", 3, "nearest", {"imagenet": RESNET_50, "places": RESNET_50}),
        Form("paper", 1, "bilinear", {"imagenet": NASNET_LARGE, "places": DENSENET_161}),
    )
}
