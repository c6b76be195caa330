"""From readouts to densities: enlargement, blur, centre bias, normalisation, mixture."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from salmetrics.array_types import Size
from salmetrics_models.devices import Shared, kept_tensors

__all__ = [
    "ENLARGEMENTS",
    "Enlargement",
    "Finaliser",
    "Mixing",
    "blurred",
    "mixing_for",
    "nearest",
    "nearest_enlargement",
    "stepwise_enlargement",
]

Enlargement = Literal["bicubic", "nearest"]
ENLARGEMENTS: tuple[Enlargement, ...] = get_args(Enlargement)

_TRUNCATE = 3  # where Gaussians end, in standard deviations
_KEPT = 16  # number of cached matrices: two sides of eight sizes
_STEPS = (2, 4, 8)
_LEAST_SIGMA, _MOST_SIGMA = 0.2, 200.0  # pixels of the map


class Finaliser(nn.Module):
    """The step from the readouts of K components to log densities.

    Enlargement and Gaussian blur are linear and separable, so together they are one matrix for rows
    and one for columns: A_y R A_x^T, without an enlarged map in between.

    Parameters
    ----------
    n_components
        Number of components, K.
    sigma
        Initial standard deviation of the Gaussian, in pixels of the map.
    enlargement
        "nearest" neighbours, or "bicubic" in steps, see `stepwise_enlargement`.
    smooth
        Whether maps are blurred.
    centre_weight
        Whether the weight of the centre bias is learnt; otherwise it stays 1.
    """

    centre_weight: Tensor

    def __init__(
        self,
        n_components: int,
        sigma: float = 8.0,
        *,
        enlargement: Enlargement = "nearest",
        smooth: bool = True,
        centre_weight: bool = True,
    ) -> None:
        super().__init__()
        self._enlarge = _ENLARGEMENT_OF_LINES[enlargement]
        self.sigma = nn.Parameter(torch.full((n_components,), float(sigma))) if smooth else None
        self._overshoots = enlargement != "nearest"
        weight = torch.ones(n_components)
        if centre_weight:
            self.centre_weight = nn.Parameter(weight)
        else:  # which files hold all the same
            self.register_buffer("centre_weight", weight)
        self._matrices: dict[tuple[Any, ...], Shared[Tensor]] = {}

    def forward(self, readouts: Tensor, centre: Tensor, components: Tensor) -> Tensor:
        """Return log densities up to a constant, at the size of the map; all are at most 0.

        Parameters
        ----------
        readouts
            Readouts, shape (n, k, h, w).
        centre
            Log density of the centre bias at the map's pixels, shape (n or 1, height, width).
        components
            Indices of the k components, shape (k,).

        Returns
        -------
        logs : Tensor of shape (n, k, height, width)
        """
        height, width = centre.shape[-2:]
        weight = self.centre_weight[components]
        down = self._matrix(readouts.shape[-2], height)
        across = self._matrix(readouts.shape[-1], width)
        if self.sigma is not None:  # otherwise matrices are the same for all
            down, across = down[components], across[components]
        # blurred numbers below 0 are below 0
        with torch.no_grad():  # a constant does not change the density
            ends = torch.stack([centre.amin((-2, -1)), centre.amax((-2, -1))])[..., None] * weight
            highest = readouts.amax((-2, -1)) + ends.amax(0)
        blurred = down @ (readouts - highest[..., None, None]) @ across.transpose(-1, -2)
        logs = blurred.addcmul_(weight[:, None, None], centre[:, None])
        return logs - logs.detach().amax((-2, -1), keepdim=True) if self._overshoots else logs

    def constrain(self) -> None:
        """Clamp the standard deviation of the blur to the range that matrices can represent."""
        if self.sigma is not None:
            with torch.no_grad():
                self.sigma.clamp_(_LEAST_SIGMA, _MOST_SIGMA)

    def facts(self) -> dict[str, float]:
        """Return the width of the blur, if any, and the weight of the centre bias; means over K."""
        blur = {} if self.sigma is None else {"sigma": float(self.sigma.detach().mean())}
        return blur | {"centre_weight": float(self.centre_weight.detach().mean())}

    def _matrix(self, n_in: int, n_out: int) -> Tensor:
        """Return the matrix that enlarges and blurs a line, shape (k or 1, n_out, n_in).

        It is cached for the next image of this size.
        """
        where = self.centre_weight.dtype, self.centre_weight.device
        if self.sigma is None:
            return self._enlarge(n_in, n_out, *where)[None]
        if not torch.is_inference_mode_enabled():
            return blurred(self._enlarge(n_in, n_out, *where), self.sigma)
        # the version counts changes in place
        key = (n_in, n_out, *where, id(self.sigma), self.sigma._version)
        kept = self._matrices.get(key)
        if kept is None:
            kept = Shared(blurred(self._enlarge(n_in, n_out, *where), self.sigma))
            if len(self._matrices) >= _KEPT:
                self._matrices.clear()
            self._matrices[key] = kept
        return kept.read()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_matrices": {}}


def blurred(enlargement: Tensor, sigma: Tensor) -> Tensor:
    """Return matrices that enlarge a line and then blur it, with repeated edges.

    Parameters
    ----------
    enlargement
        Matrix that enlarges, shape (n_out, n_in).
    sigma
        Standard deviations of Gaussians, in pixels of the enlarged line, shape (k,).

    Returns
    -------
    matrices : Tensor of shape (k, n_out, n_in)
    """
    n_out = enlargement.shape[0]
    reach = torch.ceil(_TRUNCATE * sigma.detach())
    longest = int(reach.max())
    taps = torch.arange(-longest, longest + 1, dtype=sigma.dtype, device=sigma.device)
    kernel = torch.exp(-0.5 * (taps / sigma[:, None]) ** 2) * (taps.abs() <= reach[:, None])
    kernel = kernel / kernel.sum(1, keepdim=True)
    # the rows that each tap around each output reads
    at = torch.arange(n_out, device=sigma.device)[:, None] + taps.long()
    rows = at.clamp(0, n_out - 1)
    return torch.einsum("kt,oti->koi", kernel, enlargement[rows])


@kept_tensors(maxsize=_KEPT)
def nearest_enlargement(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix that enlarges a line by nearest neighbours, shape (n_out, n_in)."""
    source = nearest(n_in, n_out, dtype, device)
    return nn.functional.one_hot(source, n_in).to(dtype)


@kept_tensors(maxsize=_KEPT)
def stepwise_enlargement(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix that enlarges a line by cubic interpolation in steps, shape (n_out, n_in).

    The steps are factors of 2, 4 and 8, and then the final length; ends stay where they are, as
    with torch's ``align_corners``. A map is interpolated along its rows, and along its columns.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW, section V.C.
    """
    matrix = torch.eye(n_in, dtype=torch.float64)
    length = n_in
    for factor in (*_STEPS, None):
        length = n_out if factor is None else length * factor
        size = (length, n_in)  # columns stay as they are
        matrix = nn.functional.interpolate(
            matrix[None, None], size=size, mode="bicubic", align_corners=True
        )[0, 0]
    return matrix.to(device, dtype)


def nearest(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the positions that torch's nearest-neighbour resizing reads, shape (n_out,).

    Torch itself computes them: at some sizes its rounding in float32 differs from that of integers.
    """
    line = torch.arange(n_in, dtype=dtype, device=device)
    return nn.functional.interpolate(line[None, None], size=n_out)[0, 0].long()


class Mixing:
    """Normalisation and mixture of densities on maps that are smaller than the image.

    Each pixel of a map stands for several of the image, and densities sum to 1 over the image.

    Parameters
    ----------
    map_size, size
        (height, width) of the maps and of the image.
    dtype, device
        Type and device of the maps.
    """

    def __init__(
        self,
        map_size: Size,
        size: Size,
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
        # below this, the sum of exponentials has lost digits
        self._least = torch.finfo(dtype).tiny * 1e12

    def component_densities(self, logs: Tensor) -> Tensor:
        """Return normalised log densities, shape (..., height, width)."""
        total = torch.logsumexp(logs + self._log_counts, dim=(-2, -1), keepdim=True)
        return logs - total

    def mean_log(self, logs: Tensor) -> Tensor:
        """Normalise densities, and return the log of their mean over components.

        Parameters
        ----------
        logs
            Log densities up to a constant, at most 0, shape (n, k, height, width).

        Returns
        -------
        log_mean : Tensor of shape (n, height, width)
        """
        k, height, width = logs.shape[1:]
        if logs.is_cuda:  # checking whether digits are lost would make the GPU wait
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
        """Return maps of shape (..., height, width) enlarged to the image by nearest neighbours."""
        down, across = self._sources
        return log_density[..., down, :][..., across]


@kept_tensors(maxsize=64)
def mixing_for(map_size: Size, size: Size, dtype: torch.dtype, device: torch.device) -> Mixing:
    """Return a `Mixing`, cached for the next image of this size."""
    return Mixing(map_size, size, dtype, device)


_ENLARGEMENT_OF_LINES = {"bicubic": stepwise_enlargement, "nearest": nearest_enlargement}
