"""Where the receptive fields of a backbone's units have their centres."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from salmetrics.errors import InputError
from salmetrics_models.backbones.backbone import Backbone, maps_of

__all__ = ["located"]

_NARROW = 64  # the other side of the image, in pixels
# sides of images, of which the first one that shows whole receptive fields is taken, and an odd one
# for each, at which every halving rounds
_SIDES = ((1024, 993), (8192, 8161))


def located(backbone: Backbone) -> Backbone:
    """Return a backbone that knows the stride and the centre of unit 0 of each layer.

    They are measured by the support of the gradient of a unit in the middle, with positive weights,
    without normalisation, and with averages in place of maxima, so that no part of a receptive
    field is left out.

    Parameters
    ----------
    backbone
        The backbone.

    Returns
    -------
    located : Backbone
        With `strides` and `offsets`.

    Raises
    ------
    InputError
        If units of a layer see the whole image, or their places depend on the size of the image.
    """
    if backbone.offsets:
        return backbone
    calls = (backbone.make, backbone.trunk)
    measure = _kept_places if all(isinstance(c, Hashable) for c in calls) else _all_places
    try:
        # choices among the layers of a pool share one measurement
        places = measure(*calls, backbone.pool or backbone.layers)
    except _NotAlignableError as error:
        if backbone.pool and backbone.pool != backbone.layers:  # perhaps because of other layers
            alone = located(replace(backbone, pool=()))
            return replace(alone, pool=backbone.pool)
        some = ", ".join(backbone.layers[:3])
        raise InputError(
            f"features of {backbone.name} at {some} cannot be aligned, as {error}; "
            "use an architecture with aligned=False, or other layers"
        ) from error
    own = [places[name] for name in backbone.layers]
    strides = tuple(int(stride) for stride, _ in own)
    return replace(backbone, strides=strides, offsets=tuple(offset for _, offset in own))


class _NotAlignableError(Exception):
    pass


def _all_places(
    make: Callable[[], nn.Module], trunk: Callable[[Any], Any], layers: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    """Return stride and centre of unit 0 of each layer."""
    backbone = Backbone("", make, trunk, layers, 0)
    network = _network(backbone)
    found: list[list[tuple[float, float]]] = []
    for along in (0, 1):
        for even, odd in _SIDES:
            places = _places(backbone, network, even, along)
            if places is not None:
                found += [places, _places(backbone, network, odd, along) or []]
                break
        else:
            raise _NotAlignableError("units see the whole image")
    if any(places != found[0] for places in found):
        raise _NotAlignableError(
            "the places of units depend on the size of the image or on the axis"
        )
    return dict(zip(layers, found[0], strict=True))


_kept_places = lru_cache(maxsize=32)(_all_places)


def _network(backbone: Backbone) -> nn.Module:
    """Return the network with weights of 1, which is faster than random ones."""
    with torch.device("meta"):
        network = backbone.make().eval()
    network = network.to_empty(device="cpu").requires_grad_(False)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.fill_(1)
    return network


def _places(
    backbone: Backbone, network: nn.Module, side: int, along: int
) -> list[tuple[float, float]] | None:
    """Return stride and centre of unit 0 of each layer; None if a unit sees both ends."""
    shape = (1, 3, side, _NARROW) if along == 0 else (1, 3, _NARROW, side)
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand(shape, generator=generator) + 0.5).requires_grad_(True)
    with torch.enable_grad(), _Supports() as supports:
        maps = maps_of(network, backbone, images)
        places = []
        for output in maps:
            middle = [n // 2 for n in output.shape[-2:]]
            centres = []
            for unit in (middle[along] - 1, middle[along]):
                at = [*middle]
                at[along] = unit
                chosen = output[0, :, at[0], at[1]].sum()
                (gradient,) = torch.autograd.grad(chosen, images, retain_graph=True)
                seen = gradient[0].abs().sum((0, 2 - along)).nonzero().flatten()
                first, last = int(seen[0]), int(seen[-1])
                if supports.whole_image or first == 0 or last == side - 1:
                    return None
                centres.append((first + last) / 2)
            stride = centres[1] - centres[0]
            places.append((stride, centres[1] - stride * middle[along]))
    return places


class _Supports(TorchFunctionMode):
    """Lets gradients be 1 where an output depends on a value, and 0 elsewhere.

    Attributes
    ----------
    whole_image
        Whether a gradient has come through a mean over the whole image.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whole_image = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        output = _REPLACED.get(func, func)(*args, **named)
        if isinstance(output, Tensor) and output.requires_grad and func not in _NOT_HOOKED:
            if output.ndim == 4 and tuple(output.shape[-2:]) == (1, 1):
                output.register_hook(self._whole)
            else:
                output.register_hook(_support)
        return output

    def _whole(self, gradient: Tensor) -> Tensor:
        self.whole_image = True
        return _support(gradient)


def _support(gradient: Tensor) -> Tensor:
    return (gradient != 0).to(gradient.dtype)


def _sum_of_window(
    images: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Return a convolution whose channels are all the same: means over channels and windows."""
    window = torch.ones(1, 1, *weight.shape[2:]) / weight[0, 0].numel()
    mean = torch.conv2d(images.mean(1, keepdim=True), window, None, stride, padding, dilation)
    with torch.no_grad():  # so that no activation is saturated
        largest = mean.abs().max() + 1e-30
    return (mean / largest).repeat(1, weight.shape[0], 1, 1)


def _mean_of_inputs(values: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
    mean = values.mean(-1, keepdim=True)
    return mean.repeat(*(1,) * (values.ndim - 1), weight.shape[0])


def _average(
    images: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    **others: Any,
) -> Tensor:
    if dilation not in (1, (1, 1), [1, 1]):
        raise _NotAlignableError("they come after pooling with gaps between pixels")
    return nn.functional.avg_pool2d(images, kernel_size, stride or None, padding, ceil_mode)


def _as_it_is(images: Tensor, *others: Any, **options: Any) -> Tensor:
    return images


_REPLACED: dict[Any, Callable[..., Any]] = {
    torch.conv2d: _sum_of_window,
    nn.functional.linear: _mean_of_inputs,
    torch.max_pool2d: _average,
    nn.functional.max_pool2d: _average,
    torch.batch_norm: _as_it_is,
    nn.functional.batch_norm: _as_it_is,
    torch.layer_norm: _as_it_is,
    nn.functional.layer_norm: _as_it_is,
    torch.group_norm: _as_it_is,
    nn.functional.group_norm: _as_it_is,
    torch.instance_norm: _as_it_is,
    nn.functional.instance_norm: _as_it_is,
}
_NOT_HOOKED = {Tensor.requires_grad_, Tensor.register_hook, torch.autograd.grad}
