"""Protocols: the frozen record of every evaluation choice, and the only home of defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from salmetrics.errors import InputError, check_choice, check_whole

__all__ = [
    "AVERAGES",
    "BOUNDARIES",
    "DEFAULT",
    "MIT_MATLAB",
    "MIT_TUEBINGEN",
    "PROTOCOLS",
    "WIDEST_BLUR",
    "Average",
    "Boundary",
    "JuddJitter",
    "KLDivMethod",
    "Maps",
    "MeanGrid",
    "Nonfixations",
    "Protocol",
    "get_protocol",
    "protocol_from_record",
]

Average = Literal["fixation", "image", "subject"]
Boundary = Literal["constant", "reflect", "renormalise"]
JuddJitter = Literal["expected", False]
KLDivMethod = Literal["benchmark", "matlab"]
Maps = Literal["optimal", "density"]
MeanGrid = Literal["mass", "log"]
Nonfixations = Literal["uniform", "unfixated"]

AVERAGES: tuple[Average, ...] = get_args(Average)
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)
WIDEST_BLUR = 10_000  # pixels, far beyond any image


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Every choice that moves a score, named and versioned.

    Parameters
    ----------
    name
        Name of the published protocol that this is, or that it was derived from.
    version
        Version of that protocol.
    metrics
        Keys of the metrics that `evaluate` computes by default.
    average
        How metrics with one value per fixation are averaged: over fixations, images or subjects
        ("fixation", "image", "subject"). Metrics with one value per image are averaged over
        images.
    maps
        Map on which a density is scored: "optimal", for each metric the map that is best under
        the density itself; or "density", the density for all metrics.
    average_information
        How LL, IG and IGE are averaged; None: like the other metrics.
    sigma
        Standard deviation of the Gaussian that blurs empirical maps, in pixels; None: the
        stimuli's `sigma`, or one degree.
    boundary, truncate, cycles
        How empirical maps are blurred; see `salmetrics.densities.smoothing.Smoothing`.
    prediction_sigma, prediction_boundary
        How densities are blurred for the comparison with empirical maps; None: like these.
    sim_fixations
        Number of fixations per sampled empirical map for the SIM-optimal map of a density; None:
        the data set's mean number of fixations per image, or 100 if it has only ground-truth maps.
    sim_samples
        Number of sampled empirical maps for the SIM-optimal map.
    sim_truncate
        Where the kernel of sampled empirical maps ends, in standard deviations; None: like
        `truncate`.
    mean_grid
        How densities are brought to the grid of sAUC's mean density: "mass", each cell gets the
        mass that it covers; or "log", their logs are interpolated.
    binary
        Whether empirical maps count each fixated pixel once.
    nonfixations
        Negatives of AUC: "uniform" (all pixels) or "unfixated".
    nss_ddof
        NSS divides by the standard deviation with denominator N - nss_ddof.
    kldiv_method
        "benchmark" or "matlab"; see `salmetrics.metrics.kldiv.score`.
    judd_jitter
        "expected" or False; see `salmetrics.metrics.auc.judd`.
    threshold_step
        Distance between the thresholds of AUC-Borji and sAUC-MATLAB.
    n_other
        Number of other images whose fixations are sAUC-MATLAB's negatives; None: all.

    Raises
    ------
    InputError
        For a choice that does not exist or is out of range.

    Examples
    --------
    >>> protocol = get_protocol("default").override(average="image")
    >>> protocol.overrides
    {'average': 'image'}
    """

    name: str
    version: int
    metrics: tuple[str, ...]
    average: Average
    maps: Maps
    average_information: Average | None
    sigma: float | None
    boundary: Boundary
    truncate: float
    cycles: float | None
    prediction_sigma: float | None
    prediction_boundary: Boundary | None
    sim_fixations: int | None
    sim_samples: int
    sim_truncate: float | None
    mean_grid: MeanGrid
    binary: bool
    nonfixations: Nonfixations
    nss_ddof: int
    kldiv_method: KLDivMethod
    judd_jitter: JuddJitter
    threshold_step: float
    n_other: int | None

    def __post_init__(self) -> None:
        check_choice("average", self.average, AVERAGES)
        check_choice("maps", self.maps, get_args(Maps))
        check_choice("average_information", self.average_information, (None, *AVERAGES))
        check_choice("boundary", self.boundary, BOUNDARIES)
        check_choice("prediction_boundary", self.prediction_boundary, (None, *BOUNDARIES))
        check_choice("mean_grid", self.mean_grid, get_args(MeanGrid))
        check_choice("nonfixations", self.nonfixations, get_args(Nonfixations))
        check_choice("kldiv_method", self.kldiv_method, get_args(KLDivMethod))
        check_choice("judd_jitter", self.judd_jitter, get_args(JuddJitter))
        for name in ("sigma", "truncate", "cycles", "prediction_sigma", "sim_truncate"):
            value = getattr(self, name)
            if value is None and name != "truncate":
                continue
            if not isinstance(value, (int, float)) or not 0 < value < float("inf"):
                raise InputError(f"{name} must be a positive number; got {value!r}")
            if "sigma" in name and value > WIDEST_BLUR:
                raise InputError(f"{name} must be at most {WIDEST_BLUR} pixels; got {value!r}")
        check_whole("nss_ddof", self.nss_ddof, 0)
        if self.sim_fixations is not None:
            check_whole("sim_fixations", self.sim_fixations, 1)
        check_whole("sim_samples", self.sim_samples, 2)
        if isinstance(self.metrics, str) or len(self.metrics) == 0:
            raise InputError(f"metrics must be a list of at least one key; got {self.metrics!r}")
        if not 0 < self.threshold_step <= 1:
            raise InputError(
                f"threshold_step must be above 0 and at most 1; got {self.threshold_step!r}"
            )
        if self.n_other is not None and self.n_other < 1:
            raise InputError(f"n_other must be at least 1, or None for all; got {self.n_other!r}")

    def override(self, **changes: Any) -> Protocol:
        """Return this protocol with some choices changed; `overrides` lists them.

        Parameters
        ----------
        **changes
            New values by name of the choice, such as ``average="image"``.

        Returns
        -------
        protocol : Protocol
            A copy with the same name and version.

        Raises
        ------
        InputError
            For a choice that does not exist or is out of range.
        """
        for name in changes:
            check_choice("protocol choice", name, CHOICES)
        return dataclasses.replace(self, **changes)

    @property
    def overrides(self) -> dict[str, Any]:
        """Choices that differ from the published protocol of this name, by name."""
        published = PROTOCOLS.get(self.name)
        if published is None:  # a protocol that the user defined
            return {}
        return {
            name: getattr(self, name)
            for name in CHOICES
            if getattr(self, name) != getattr(published, name)
        }


CHOICES = tuple(
    field.name for field in dataclasses.fields(Protocol) if field.name not in ("name", "version")
)

DEFAULT = Protocol(
    name="default",
    version=1,
    metrics=("LL", "IG", "AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM"),
    average="fixation",
    maps="optimal",
    average_information=None,
    sigma=None,
    boundary="constant",
    truncate=4.0,
    cycles=None,
    prediction_sigma=None,
    prediction_boundary=None,
    sim_fixations=None,
    sim_samples=500,
    sim_truncate=None,
    mean_grid="mass",
    binary=False,
    nonfixations="uniform",
    nss_ddof=0,
    kldiv_method="benchmark",
    judd_jitter="expected",
    threshold_step=0.1,
    n_other=10,
)

MIT_MATLAB = dataclasses.replace(
    DEFAULT,
    name="mit-matlab",
    metrics=(
        "AUC-Judd",
        "AUC-Borji",
        "sAUC-MATLAB",
        "NSS-MATLAB",
        "CC",
        "SIM-MATLAB",
        "KLDiv",
        "IG-MATLAB",
        "EMD",
    ),
    average="image",
    maps="density",
    cycles=8.0,
    binary=True,
    nss_ddof=1,
    kldiv_method="matlab",
)

MIT_TUEBINGEN = dataclasses.replace(
    DEFAULT,
    name="mit-tuebingen",
    metrics=("IG", "AUC", "sAUC", "NSS", "CC", "KLDiv", "SIM"),
    average="image",
    average_information="fixation",
    sigma=23.99,
    boundary="reflect",
    prediction_sigma=24.0,
    prediction_boundary="constant",
    sim_fixations=100,
    sim_truncate=3.0,
    mean_grid="log",
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        DEFAULT,
        MIT_MATLAB,
        # whose maps of CAT2000 are blurred with 40 pixels, not with 8 cycles (48 pixels)
        dataclasses.replace(MIT_MATLAB, name="mit-matlab-cat2000", sigma=40.0, cycles=None),
        dataclasses.replace(
            MIT_MATLAB,
            name="salicon-2017",
            metrics=(
                "NSS-MATLAB",
                "CC",
                "AUC-Borji",
                "sAUC-MATLAB",
                "KLDiv",
                "IG-MATLAB",
                "SIM-MATLAB",
            ),
            sigma=19.0,
            cycles=None,
            n_other=None,
        ),
        MIT_TUEBINGEN,
        dataclasses.replace(MIT_TUEBINGEN, name="mit-tuebingen-mit300", sim_fixations=260),
        dataclasses.replace(
            MIT_TUEBINGEN,
            name="mit-tuebingen-cat2000",
            average_information=None,
            sigma=40.0,
            prediction_sigma=40.0,
            sim_fixations=448,
        ),
        dataclasses.replace(
            MIT_TUEBINGEN,
            name="mit-tuebingen-coco-freeview",
            average_information=None,
            sigma=30.0,
            prediction_sigma=30.0,
            sim_fixations=154,
        ),
    )
}


def protocol_from_record(record: Mapping[str, Any]) -> Protocol:
    """Return the protocol that a result recorded.

    Parameters
    ----------
    record
        Its name, version and choices. Choices that older records lack are those of the published
        protocol.

    Returns
    -------
    protocol : Protocol
        The protocol with these choices.

    Raises
    ------
    KeyError
        If the record has no name, version or choices.
    InputError
        If a choice is invalid.

    Examples
    --------
    >>> record = {"name": "default", "version": 1, "choices": {"sigma": 30.0}}
    >>> protocol_from_record(record).sigma
    30.0
    """
    choices: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record["choices"].items()
    }
    published = PROTOCOLS.get(record["name"], DEFAULT)
    return dataclasses.replace(published, name=record["name"], version=record["version"], **choices)


def get_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol by name; a `Protocol` is returned as it is.

    Parameters
    ----------
    protocol
        A name from `salmetrics.protocols.PROTOCOLS`, such as "default" or "mit-matlab", or a
        `Protocol`.

    Returns
    -------
    protocol : Protocol
        The frozen record of all choices.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> get_protocol("mit-matlab").average
    'image'
    """
    if isinstance(protocol, Protocol):
        return protocol
    check_choice("protocol", protocol, PROTOCOLS)
    return PROTOCOLS[protocol]
