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
_STEPS = (2, 4, 8)
_LEAST_SIGMA, _MOST_SIGMA = 0.2, 200.0  # pixels of the map


class Finaliser(nn.Module):
    """What turns the readouts of K components into log densities.

    Enlarging and blurring with a Gaussian are linear, so each is a matrix for rows and one for
    columns: A_y R A_x^T, without the enlarged map.

    Parameters
    ----------
    n_components
        K.
    sigma
        Initial width of the Gaussian, in pixels of the map.
    enlargement
        "nearest" neighbours, or "bicubic" in steps (`stepwise_enlargement`).
    smooth
        Whether the Gaussian is there.
    """

    def __init__(
        self,
        n_components: int,
        sigma: float = 8.0,
        *,
        enlargement: str = "nearest",
        smooth: bool = True,
    ) -> None:
        super().__init__()
        self._enlarge = _ENLARGEMENTS[enlargement]
        self.sigma = nn.Parameter(torch.full((n_components,), float(sigma))) if smooth else None
        self._overshoots = enlargement != "nearest"
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
        down = self._matrix(readouts.shape[-2], height)
        across = self._matrix(readouts.shape[-1], width)
        if self.sigma is not None:  # else they are the same for all
            down, across = down[components], across[components]
        # a blur of numbers below 0 is below 0
        with torch.no_grad():  # a constant does not change the density
            ends = torch.stack([centre.amin((-2, -1)), centre.amax((-2, -1))])[..., None] * weight
            highest = readouts.amax((-2, -1)) + ends.amax(0)
        blurred = down @ (readouts - highest[..., None, None]) @ across.transpose(-1, -2)
        logs = blurred.addcmul_(weight[:, None, None], centre[:, None])
        return logs - logs.detach().amax((-2, -1), keepdim=True) if self._overshoots else logs

    def constrain(self) -> None:
        """Keep the blur where matrices can hold it."""
        if self.sigma is not None:
            with torch.no_grad():
                self.sigma.clamp_(_LEAST_SIGMA, _MOST_SIGMA)

    def facts(self) -> dict[str, float]:
        """Return the blur, if there is one, and the weight of the centre bias; means over K."""
        found = {} if self.sigma is None else {"sigma": float(self.sigma.detach().mean())}
        return found | {"centre_weight": float(self.centre_weight.detach().mean())}

    def _matrix(self, n_in: int, n_out: int) -> Tensor:
        """Return what enlarges and blurs a line, shape (k or 1, n_out, n_in).

        It is kept for the next image of this size.
        """
        where = self.centre_weight.dtype, self.centre_weight.device
        if self.sigma is None:
            return self._enlarge(n_in, n_out, *where)[None]
        if not torch.is_inference_mode_enabled():
            return blurred(self._enlarge(n_in, n_out, *where), self.sigma)
        # a version counts changes in place
        key = (n_in, n_out, *where, id(self.sigma), self.sigma._version)
        kept = self._matrices.get(key)
        if kept is None:
            kept = blurred(self._enlarge(n_in, n_out, *where), self.sigma)
            if len(self._matrices) >= _KEPT:
                self._matrices.clear()
            self._matrices[key] = kept
        return kept

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_matrices": {}}


def blurred(enlargement: Tensor, sigma: Tensor) -> Tensor:
    """Matrices that enlarge a line, and blur it, edges repeated.

    Parameters
    ----------
    enlargement
        Shape (n_out, n_in).
    sigma
        Widths of Gaussians, in pixels after, shape (k,).

    Returns
    -------
    Shape (k, n_out, n_in).
    """
    n_out = enlargement.shape[0]
    reach = torch.ceil(_TRUNCATE * sigma.detach())
    longest = int(reach.max())
    taps = torch.arange(-longest, longest + 1, dtype=sigma.dtype, device=sigma.device)
    kernel = torch.exp(-0.5 * (taps / sigma[:, None]) ** 2) * (taps.abs() <= reach[:, None])
    kernel = kernel / kernel.sum(1, keepdim=True)
    # which rows each tap around each output reads
    at = torch.arange(n_out, device=sigma.device)[:, None] + taps.long()
    rows = at.clamp(0, n_out - 1)
    return torch.einsum("kt,oti->koi", kernel, enlargement[rows])


@lru_cache(maxsize=_KEPT)
def nearest_enlargement(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix that enlarges a line by nearest neighbours, shape (n_out, n_in)."""
    with torch.inference_mode(False):  # may be used with gradients later
        source = nearest(n_in, n_out, dtype, device)
        return nn.functional.one_hot(source, n_in).to(dtype)


@lru_cache(maxsize=_KEPT)
def stepwise_enlargement(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix that enlarges a line by cubic interpolation in steps, shape (n_out, n_in).

    Steps are 2, 4 and 8 times, and then the wanted length; ends stay where they are, as with
    torch's ``align_corners``. Interpolation of a map is that of its rows and of its columns.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW, section V.C.
    """
    with torch.inference_mode(False):  # may be used with gradients later
        made = torch.eye(n_in, dtype=torch.float64)
        length = n_in
        for factor in (*_STEPS, None):
            length = n_out if factor is None else length * factor
            size = (length, n_in)  # columns stay as they are
            made = nn.functional.interpolate(
                made[None, None], size=size, mode="bicubic", align_corners=True
            )[0, 0]
        return made.to(device, dtype)


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


_ENLARGEMENTS = {"bicubic": stepwise_enlargement, "nearest": nearest_enlargement}
