"""Hand-made features, like those of early saliency models; they have no trained parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from salmetrics_models.backbones.backbone import Backbone

__all__ = ["HAND_MADE", "HandMadeFeatures"]

_LEVELS = 4  # pyramid with pixels of 1, 2, 4 and 8 pixels
_ORIENTATIONS = 4
_STRIDE = 2 ** (_LEVELS - 1)  # common to all features
_WAVELENGTH = 4.0  # in pixels of a level
_FILTER_SIGMA = 2.0
_FILTER_REACH = 5
_WINDOW = 5  # side of the windows of contrasts and surrounds, in pixels of a level
_LEAST = 1e-3  # added before logarithms


class HandMadeFeatures(nn.Module):
    """Gabor energy, colour opponency and contrast at four scales, one value every 8 pixels.

    All are logarithms, so that their ranges are similar: 16 channels of Gabor energy (4 scales,
    4 orientations), 12 of centre-surround differences (luminance, red-green and blue-yellow, at 4
    scales), and 4 of the standard deviation of luminance in windows (at 4 scales).

    References
    ----------
    Itti, Koch and Niebur (1998), IEEE TPAMI 20, 1254-1259, doi:10.1109/34.730558, for the kinds of
    features.
    """

    channels = _LEVELS * (_ORIENTATIONS + 3 + 1)

    def __init__(self) -> None:
        super().__init__()
        self.gabor = _GaborEnergy()
        self.colour = _Opponency()
        self.contrast = _Contrast()

    def forward(self, images: Tensor) -> Tensor:
        """Return all features, shape (n, channels, h / 8, w / 8).

        Parameters
        ----------
        images
            RGB, shape (n, 3, h, w), each colour with mean 0 and standard deviation 1 over
            photographs.
        """
        red, green, blue = images.unbind(1)
        opponents = torch.stack(
            [images.mean(1), (red - green) / 2, (blue - (red + green) / 2) / 2], dim=1
        )
        pyramid = [opponents]
        for _ in range(_LEVELS - 1):
            pyramid.append(nn.functional.avg_pool2d(pyramid[-1], 2))
        parts = [self.gabor(pyramid), self.colour(pyramid), self.contrast(pyramid)]
        return torch.cat(parts, dim=1)


class _GaborEnergy(nn.Module):
    """Root of the energy of a quadrature pair of filters, for each orientation and level."""

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        line = torch.arange(-_FILTER_REACH, _FILTER_REACH + 1.0)
        y, x = torch.meshgrid(line, line, indexing="ij")
        window = torch.exp(-(x**2 + y**2) / (2 * _FILTER_SIGMA**2))
        filters = []
        for k in range(_ORIENTATIONS):
            angle = math.pi * k / _ORIENTATIONS
            phase = 2 * math.pi / _WAVELENGTH * (x * math.cos(angle) + y * math.sin(angle))
            for wave in (torch.cos(phase), torch.sin(phase)):
                carrier = window * wave
                carrier = carrier - window * carrier.sum() / window.sum()  # blind to a constant
                filters.append(carrier / carrier.abs().sum())
        self.register_buffer("filters", torch.stack(filters)[:, None])

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        features = []
        for level, images in enumerate(pyramid):
            padded = nn.functional.pad(images[:, :1], (_FILTER_REACH,) * 4, mode="replicate")
            even, odd = (
                nn.functional.conv2d(padded, self.filters.to(images.dtype))
                .unflatten(1, (_ORIENTATIONS, 2))
                .unbind(2)
            )
            features.append(_pooled((even.square() + odd.square()).sqrt(), level))
        return torch.cat(features, dim=1)


class _Opponency(nn.Module):
    """Distance of luminance, red-green and blue-yellow from their surround, at each level."""

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        features = [
            _pooled((images - _blurred(images)).abs(), level)
            for level, images in enumerate(pyramid)
        ]
        return torch.cat(features, dim=1)


class _Contrast(nn.Module):
    """Standard deviation of luminance in windows, at each level."""

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        features = []
        for level, images in enumerate(pyramid):
            luminance = images[:, :1]
            variance = _blurred((luminance - _blurred(luminance)).square())
            features.append(_pooled(variance.sqrt(), level))
        return torch.cat(features, dim=1)


def _blurred(images: Tensor) -> Tensor:
    """Mean over windows around each pixel, with repeated edges."""
    padded = nn.functional.pad(images, (_WINDOW // 2,) * 4, mode="replicate")
    return nn.functional.avg_pool2d(padded, _WINDOW, stride=1)


def _pooled(values: Tensor, level: int) -> Tensor:
    """Log of the mean over the pixels of a level that share a feature."""
    step = _STRIDE // 2**level
    return (nn.functional.avg_pool2d(values, step) + _LEAST).log()


HAND_MADE = Backbone(
    "hand-made",
    HandMadeFeatures,
    nn.Sequential,
    ("gabor", "colour", "contrast"),
    HandMadeFeatures.channels,
    pretrained=False,
)
