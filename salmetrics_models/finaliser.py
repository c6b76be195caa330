"""From readouts to densities: enlarge, blur, add the centre bias, normalise, mix."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Finaliser", "Mixing", "mixing_for", "nearest"]

_TRUNCATE = 3  # widths of the Gaussian
_KEPT = 16  # matrices, of two sides of eight sizes


class Finaliser(nn.Module):
    """What turns the readouts of K components into log densities.

    Enlarging by nearest neighbours and blurring with a Gaussian are linear, so each is a matrix
    for rows and one for columns: A_y R A_x^T, without the enlarged map.

    Parameters
    ----------
    n_components
        K.
    sigma
        Initial width of the Gaussian, in pixels of the map.
    """

    def __init__(self, n_components: int, sigma: float = 8.0) -> None:
        super().__init__()
        self.sigma = nn.Parameter(torch.full((n_components,), float(sigma)))
        self.centre_weight = nn.Parameter(torch.ones(n_components))
        self._matrices: dict[tuple[Any, ...], Tensor] = {}

    def forward(self, readouts: Tensor, centre: Tensor, components: Tensor) -> Tensor:
        """Return log densities up to a constant, at the size of the map; none is above 0.

        Parameters
        ----------
        readouts
            Shape (n, k, h, w).
        centre
            Log density of the centre bias at the map's pixels, shape (n or 1, height, width).
        components
            Indices of the k components, shape (k,).
        """
        height, width = centre.shape[-2:]
        weight = self.centre_weight[components]
        down = self._matrix(readouts.shape[-2], height)[components]
        across = self._matrix(readouts.shape[-1], width)[components]
        # a blur of numbers below 0 is below 0
        with torch.no_grad():  # a constant does not change the density
            ends = torch.stack([centre.amin((-2, -1)), centre.amax((-2, -1))])[..., None] * weight
            highest = readouts.amax((-2, -1)) + ends.amax(0)
        blurred = down @ (readouts - highest[..., None, None]) @ across.transpose(-1, -2)
        return blurred.addcmul_(weight[:, None, None], centre[:, None])

    def _matrix(self, n_in: int, n_out: int) -> Tensor:
        """Return `blurred_enlargement` of all components; kept for the next image of this size."""
        if not torch.is_inference_mode_enabled():
            return blurred_enlargement(n_in, n_out, self.sigma)
        # a version counts changes in place
        key = (
            n_in,
            n_out,
            self.sigma.dtype,
            self.sigma.device,
            id(self.sigma),
            self.sigma._version,
        )
        kept = self._matrices.get(key)
        if kept is None:
            kept = blurred_enlargement(n_in, n_out, self.sigma)
            if len(self._matrices) >= _KEPT:
                self._matrices.clear()
            self._matrices[key] = kept
        return kept

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_matrices": {}}


def blurred_enlargement(n_in: int, n_out: int, sigma: Tensor) -> Tensor:
    """Matrices that enlarge a line by nearest neighbours, and blur it, edges repeated.

    Parameters
    ----------
    n_in, n_out
        Lengths before and after.
    sigma
        Widths of Gaussians, in pixels after, shape (k,).

    Returns
    -------
    Shape (k, n_out, n_in), rows of sum 1.
    """
    reach = torch.ceil(_TRUNCATE * sigma.detach())
    longest = int(reach.max())
    taps = torch.arange(-longest, longest + 1, dtype=sigma.dtype, device=sigma.device)
    kernel = torch.exp(-0.5 * (taps / sigma[:, None]) ** 2) * (taps.abs() <= reach[:, None])
    kernel = kernel / kernel.sum(1, keepdim=True)
    # which input each tap around each output reads
    at = torch.arange(n_out, device=sigma.device)[:, None] + taps.long()
    source = nearest(n_in, n_out, sigma.dtype, sigma.device)[at.clamp(0, n_out - 1)]
    matrix = torch.zeros(sigma.numel(), n_out, n_in, dtype=sigma.dtype, device=sigma.device)
    return matrix.scatter_add(
        2, source.expand(sigma.numel(), -1, -1), kernel[:, None].expand(-1, n_out, -1)
    )


def nearest(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return where torch's nearest-neighbour resizing reads, shape (n_out,).

    Asked of torch itself: in float32 its rounding differs from whole numbers' at some sizes.
    """
    line = torch.arange(n_in, dtype=dtype, device=device)
    return nn.functional.interpolate(line[None, None], size=n_out)[0, 0].long()


class Mixing:
    """The mean of normalised densities, added up one after the other.

    Maps are smaller than the images; each of their pixels stands for several, and their sum is
    that over the image.

    Parameters
    ----------
    map_size, size
        (height, width) of the maps and of the image.
    dtype, device
        Of the maps.
    """

    def __init__(
        self,
        map_size: tuple[int, int],
        size: tuple[int, int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.map_size, self.size = map_size, size
        self._sources = [nearest(a, b, dtype, device) for a, b in zip(map_size, size, strict=True)]
        counts = [
            torch.bincount(source, minlength=length).to(dtype)
            for source, length in zip(self._sources, map_size, strict=True)
        ]
        self._down, self._across = counts
        self._log_counts = counts[0].log()[:, None] + counts[1].log()
        # below, the sum of exponentials has lost digits
        self._least = torch.finfo(dtype).tiny * 1e12

    def component_densities(self, logs: Tensor) -> Tensor:
        """Normalise log densities of shape (..., height, width)."""
        total = torch.logsumexp(logs + self._log_counts, dim=(-2, -1), keepdim=True)
        return logs - total

    def mean_log(self, logs: Tensor) -> Tensor:
        """Return the log of the mean over components of densities, normalised here.

        Parameters
        ----------
        logs
            Shape (n, k, height, width), none above 0.

        Returns
        -------
        Shape (n, height, width).
        """
        k, height, width = logs.shape[1:]
        if logs.is_cuda:  # to look whether digits are lost would make it wait
            return self._mean_of_logs(logs)
        density = torch.exp(logs)
        totals = density @ self._across @ self._down
        shares = 1 / (k * totals[:, None])
        mean = (shares @ density.flatten(2)).view(-1, height, width)
        if bool(mean.min() > self._least):
            return mean.log()
        return self._mean_of_logs(logs)

    def _mean_of_logs(self, logs: Tensor) -> Tensor:
        return torch.logsumexp(self.component_densities(logs), dim=1) - math.log(logs.shape[1])

    def enlarged(self, log_density: Tensor) -> Tensor:
        """Return maps of shape (..., height, width) at the size of the image."""
        down, across = self._sources
        return log_density[..., down, :][..., across]


@lru_cache(maxsize=64)
def mixing_for(
    map_size: tuple[int, int], size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> Mixing:
    """Return `Mixing`; kept for the next image of this size."""
    with torch.inference_mode(False):  # may be used with gradients later
        return Mixing(map_size, size, dtype, device)
