"""Pointwise networks from features to one map, many of them computed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from salmetrics.array_types import Size
from salmetrics.errors import check_choice, check_whole

__all__ = ["ACTIVATIONS", "EPS", "Activation", "ReadoutLayer", "Readouts"]

Activation = Literal["relu", "softplus"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)

EPS = 1e-12  # added to the variance


@dataclass(frozen=True)
class ReadoutLayer:
    """One layer of a readout: normalisation, 1x1 convolution, bias, activation.

    Attributes
    ----------
    channels
        Number of channels of the output.
    norm
        Whether the input is normalised, over channels and space together, and scaled per channel.
    bias
        Whether a bias is added.
    activation
        "softplus", "relu" or None.
    """

    channels: int
    norm: bool = False
    bias: bool = True
    activation: Activation | None = None

    def __post_init__(self) -> None:
        check_whole("channels", self.channels, 1)
        check_choice("norm", self.norm, (True, False))
        check_choice("bias", self.bias, (True, False))
        check_choice("activation", self.activation, (None, *ACTIVATIONS))


class Readouts(nn.Module):
    """K networks of 1x1 convolutions with the same layers, on shared features.

    All components are computed at once. The statistics of the features are the same for all, so the
    first normalisation is merged into the first convolution; later layers are batched products.

    Parameters
    ----------
    channels
        Number of channels of the features.
    layers
        Layers of each network.
    n_components
        Number of networks, K.
    """

    def __init__(self, channels: int, layers: Sequence[ReadoutLayer], n_components: int) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.n_components = n_components
        n_in = channels
        for i, layer in enumerate(self.layers):
            k, n_out = n_components, layer.channels
            if layer.norm:
                self.register_parameter(f"norm_weight{i}", nn.Parameter(torch.ones(k, n_in)))
                self.register_parameter(f"norm_bias{i}", nn.Parameter(torch.zeros(k, n_in)))
            weight = torch.empty(k, n_out, n_in)
            for own in weight:
                nn.init.kaiming_uniform_(own, a=5**0.5)  # the default of torch's convolutions
            self.register_parameter(f"weight{i}", nn.Parameter(weight))
            if layer.bias:
                self.register_parameter(f"bias{i}", nn.Parameter(torch.zeros(k, n_out)))
            n_in = n_out

    def forward(self, features: Tensor, components: Tensor | None = None) -> Tensor:
        """Return one map per component.

        Parameters
        ----------
        features
            Features, shape (n, channels, h, w).
        components
            Indices of the components, shape (k,); by default all.

        Returns
        -------
        readouts : Tensor of shape (n, k, h, w)
        """
        x = features.flatten(2)  # (n, channels, h * w); from the first layer on, (n, k, ...)
        for i in range(len(self.layers)):
            x = self._layer(i, x, components)
        return x[:, :, 0].unflatten(2, features.shape[-2:])

    def merged(self, components: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return weight and offset of the first layer, with its normalisation merged into them.

        Parameters
        ----------
        components
            Indices of the components, shape (k,); None for all.

        Returns
        -------
        weight : Tensor of shape (k, channels of the first layer, channels)
            For features with mean 0, and a product that is then divided by their standard
            deviation, if the layer is normalised.
        offset : Tensor of shape (k, channels of the first layer, 1), or None
        """
        return self._merged(0, components)

    def after_product(
        self, product: Tensor, offset: Tensor | None, components: Tensor | None, size: Size
    ) -> Tensor:
        """Return the maps that follow from the product of the first layer's weights and features.

        Parameters
        ----------
        product
            The product, shape (n, k, channels of the first layer, h * w).
        offset
            What is added to it, see `merged`.
        components
            Indices of the components, shape (k,); None for all.
        size
            (h, w).

        Returns
        -------
        readouts : Tensor of shape (n, k, h, w)
        """
        x = _activated(self.layers[0], product, offset)
        for i in range(1, len(self.layers)):
            x = self._layer(i, x, components)
        return x[:, :, 0].unflatten(2, size)

    def _merged(self, i: int, components: Tensor | None) -> tuple[Tensor, Tensor | None]:
        layer = self.layers[i]
        weight = self._parameter("weight", i, components)
        offset: Tensor | None = None
        if layer.norm:
            offset = weight @ self._parameter("norm_bias", i, components)[..., None]
            weight = weight * self._parameter("norm_weight", i, components)[:, None]
        if layer.bias:
            bias = self._parameter("bias", i, components)[..., None]
            offset = bias if offset is None else offset + bias
        return weight, offset

    def _layer(self, i: int, x: Tensor, components: Tensor | None) -> Tensor:
        weight, offset = self._merged(i, components)
        k, n_out, _ = weight.shape
        scale: Tensor | float = 1.0
        if self.layers[i].norm:
            x, scale = _centred(x)
        if i == 0:  # shared features: one product for all components
            x = (weight.flatten(0, 1) @ x * scale).unflatten(1, (k, n_out))
        else:
            x = (weight * scale) @ x
        return _activated(self.layers[i], x, offset)

    def _parameter(self, name: str, i: int, components: Tensor | None) -> Tensor:
        tensor: Tensor = getattr(self, f"{name}{i}")
        return tensor if components is None else tensor[components]


def _activated(layer: ReadoutLayer, x: Tensor, offset: Tensor | None) -> Tensor:
    if offset is not None:
        x = x + offset
    return x if layer.activation is None else getattr(nn.functional, layer.activation)(x)


def _centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return values minus their mean over the last two axes, and the factor to variance 1.

    Five times faster than torch.var_mean on a CPU.
    """
    centred = x - x.mean((-2, -1), keepdim=True)
    # one axis after the other: over both at once float32 loses three digits
    row_norms = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    square = torch.linalg.vector_norm(row_norms, dim=-2, keepdim=True) ** 2
    n = x.shape[-2] * x.shape[-1]
    return centred, torch.rsqrt(square / n + EPS)
