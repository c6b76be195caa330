"""One metric of one model as one number: the functions people call first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.run import score_models
from salmetrics.errors import InputError, check_choice
from salmetrics.metrics.information import in_unit
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import NO_DENSITY, SaliencyMapModel, model_name
from salmetrics.models.conversion import as_model
from salmetrics.protocols import AVERAGES, DEFAULT, Protocol
from salmetrics.statistics.cells import Cells

__all__ = ["auc", "cc", "emd", "information_gain", "kldiv", "log_likelihood", "nss", "sauc", "sim"]

Score = float | NDArray[np.float64]

_AUC_METHODS = {
    "mann-whitney": "AUC",
    "judd": "AUC-Judd",
    "borji": "AUC-Borji",
    "shuffled-matlab": "sAUC-MATLAB",
}


def log_likelihood(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    average: str | None = DEFAULT.average,
    unit: str = "bit",
    kind: str | None = None,
) -> Score:
    """Mean log likelihood of fixations under a density model.

    LL = mean_i log2 p(y_i, x_i)

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimuli, fixations
        What was shown and where people looked.
    average
        "fixation", "image" or "subject": the mean over fixations, or over images or subjects of
        the mean over their fixations. None: the array.
    unit
        "bit" or "nat".
    kind
        What raw arrays are, if not log densities; see `as_model`.

    Returns
    -------
    Bits per fixation, at most 0, higher is better; or an array of shape (n_fixations,).

    Raises
    ------
    TypeError
        For a saliency map model.
    InputError
        Naming the argument, model or image at fault.
    """
    nats_or_bits = _score("LL", model, stimuli, fixations, average, DEFAULT, kind or "log_density")
    return in_unit(nats_or_bits, unit)


def information_gain(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    baseline: Any = None,
    method: str = "log-likelihood",
    average: str | None = DEFAULT.average,
    unit: str = "bit",
    kind: str | None = None,
) -> Score:
    """Information gain of a density model over a baseline.

    IG = mean_i [log2 p(y_i, x_i) - log2 p_baseline(y_i, x_i)]

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimuli, fixations
        What was shown and where people looked.
    baseline
        A density model. By default the `CentreBias` of these fixations, each image's own left out.
    method
        "log-likelihood"; or "matlab", which is another thing: see
        `salmetrics.metrics.information.matlab`. It takes saliency maps too, and has one value
        an image.
    average, unit, kind
        As in `log_likelihood`; "matlab" takes "image" and None only.

    Returns
    -------
    Bits per fixation, higher is better; or an array of shape (n_fixations,).

    Raises
    ------
    TypeError
        For a saliency map model, which has no densities.
    InputError
        Naming the argument, model or image at fault.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> centred = salmetrics.GaussianCentreBias()
    >>> information_gain(centred, stimuli, fixations, baseline=salmetrics.Uniform())
    1.45
    """
    check_choice("method", method, ("log-likelihood", "matlab"))
    key, protocol, raw = "IG", DEFAULT, "log_density"
    if method == "matlab":
        key, protocol, raw = "IG-MATLAB", DEFAULT.override(maps="density"), "saliency_map"
    bits = _score(key, model, stimuli, fixations, average, protocol, kind or raw, baseline=baseline)
    return in_unit(bits, unit)


def auc(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    nonfixations: str | Fixations = DEFAULT.nonfixations,
    method: str = "mann-whitney",
    average: str | None = DEFAULT.average,
    jitter: str | bool = DEFAULT.judd_jitter,
    step: float = DEFAULT.threshold_step,
    n_other: int | None = DEFAULT.n_other,
    seed: int = 0,
    kind: str | None = None,
) -> Score:
    """Area under the ROC curve that tells fixated from nonfixated pixels.

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    nonfixations
        "uniform" (all pixels), "unfixated", "shuffled" (fixations on all other images), or
        `Fixations` on the same images. For "mann-whitney" only.
    method
        "mann-whitney", with exact ties; or a variant of the MATLAB benchmark with one value an
        image: "judd", "borji", "shuffled-matlab"; see `salmetrics.metrics.auc`.
    average
        As in `log_likelihood`; the MATLAB variants take "image" and None only.
    jitter
        Of "judd".
    step
        Distance of the thresholds of "borji" and "shuffled-matlab".
    n_other, seed
        How many other images "shuffled-matlab" draws, and the seed of the draw.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    From 0 to 1, chance 0.5, higher is better; or an array, one value a fixation or an image. NaN
    with a warning for a density whose optimal map is not known.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.
    """
    check_choice("method", method, _AUC_METHODS)
    key = _AUC_METHODS[method]
    if key == "AUC":
        shuffled = isinstance(nonfixations, str) and nonfixations == "shuffled"
        if not isinstance(nonfixations, Fixations):
            check_choice("nonfixations", nonfixations, ("uniform", "unfixated", "shuffled"))
        key = "sAUC" if shuffled else "AUC"
    elif nonfixations != DEFAULT.nonfixations:
        raise InputError(f"nonfixations is fixed for method={method!r}; leave it out")
    protocol = DEFAULT.override(judd_jitter=jitter, threshold_step=step, n_other=n_other)
    if method != "mann-whitney":
        protocol = protocol.override(maps="density")
    if key == "AUC" and isinstance(nonfixations, str):
        protocol = protocol.override(nonfixations=nonfixations)
    return _score(
        key,
        model,
        stimuli,
        fixations,
        average,
        protocol,
        kind or "saliency_map",
        nonfixations=nonfixations if isinstance(nonfixations, Fixations) else None,
        seed=seed,
    )


def sauc(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    average: str | None = DEFAULT.average,
    kind: str | None = None,
) -> Score:
    """Shuffled AUC: `auc` with ``nonfixations="shuffled"``, the fixations on all other images."""
    return auc(model, stimuli, fixations, nonfixations="shuffled", average=average, kind=kind)


def nss(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    ddof: int = DEFAULT.nss_ddof,
    unique: bool = False,
    average: str | None = DEFAULT.average,
    kind: str | None = None,
) -> Score:
    """Normalised scanpath saliency: see `salmetrics.metrics.nss.score`.

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    ddof
        The standard deviation's denominator is N - ddof.
    unique
        Count each fixated pixel of an image once. With ``ddof=1, average="image"`` this is the
        MATLAB benchmark's NSS.
    average, kind
        As in `auc`; with `unique`, repeated fixations are NaN in the array.

    Returns
    -------
    Standard deviations above the map's mean, chance 0, higher is better; or an array of shape
    (n_fixations,).

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.
    """
    protocol = DEFAULT.override(nss_ddof=ddof)
    scored, rows = fixations, np.arange(len(fixations))
    if unique:
        fixations.check_against(stimuli)
        pixels = np.stack([fixations.image, np.floor(fixations.y), np.floor(fixations.x)])
        rows = np.sort(np.unique(pixels, axis=1, return_index=True)[1])
        scored = fixations[rows]
        if average == "subject":
            raise InputError(
                "average='subject' goes without unique=True: a pixel that several subjects "
                "fixated belongs to none of them"
            )
    wanted = None if unique else average
    result = _score("NSS", model, stimuli, scored, wanted, protocol, kind or "saliency_map")
    if not unique:
        return result
    if average is not None:
        check_choice("average", average, AVERAGES)
        nobody = Cells(scored.image, np.zeros(len(scored), np.int64))
        sums = np.zeros(len(nobody))
        nobody.add(sums, result, np.arange(len(scored)))
        return nobody.sample(sums, average).value
    aligned = np.full(len(fixations), np.nan)
    aligned[rows] = result
    return aligned


def cc(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: str = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    average: str | None = "image",
    kind: str | None = None,
) -> Score:
    """Correlation of maps and empirical maps: see `salmetrics.metrics.cc.score`.

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    sigma
        Standard deviation of the empirical maps in pixels; by default the stimuli's `sigma`, or
        one degree.
    boundary, cycles
        See `salmetrics.densities.smoothing.Smoothing`; ``cycles=8`` is the MATLAB benchmark's blur.
    empirical
        Ground-truth maps instead of blurred fixations, as `as_model` takes them.
    average
        "image", or None for the array.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    From -1 to 1, higher is better; or an array of shape (n_images,), NaN without fixations.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.
    """
    protocol = DEFAULT.override(sigma=sigma, boundary=boundary, cycles=cycles)
    return _score(
        "CC",
        model,
        stimuli,
        fixations,
        average,
        protocol,
        kind or "saliency_map",
        empirical=empirical,
    )


def kldiv(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: str = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    method: str = DEFAULT.kldiv_method,
    average: str | None = "image",
    kind: str | None = None,
) -> Score:
    """KL divergence of maps from empirical maps: see `salmetrics.metrics.kldiv.score`.

    Parameters are those of `cc`, and ``method``, "benchmark" or "matlab".

    Returns
    -------
    Nats, 0 at best, lower is better; or an array of shape (n_images,), NaN without fixations.
    """
    protocol = DEFAULT.override(sigma=sigma, boundary=boundary, cycles=cycles, kldiv_method=method)
    return _score(
        "KLDiv",
        model,
        stimuli,
        fixations,
        average,
        protocol,
        kind or "saliency_map",
        empirical=empirical,
    )


def sim(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: str = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    method: str = "benchmark",
    average: str | None = "image",
    kind: str | None = None,
) -> Score:
    """Similarity of maps and empirical maps: see `salmetrics.metrics.sim.score`.

    Parameters are those of `cc`, and ``method``, "benchmark" or "matlab".

    Returns
    -------
    From 0 to 1, higher is better; or an array of shape (n_images,), NaN without fixations. NaN
    with a warning for a density, whose SIM-optimal map is not part of this version; "matlab"
    scores the density itself.
    """
    check_choice("method", method, ("benchmark", "matlab"))
    protocol = DEFAULT.override(sigma=sigma, boundary=boundary, cycles=cycles)
    key = "SIM"
    if method == "matlab":
        key, protocol = "SIM-MATLAB", protocol.override(maps="density")
    return _score(
        key,
        model,
        stimuli,
        fixations,
        average,
        protocol,
        kind or "saliency_map",
        empirical=empirical,
    )


def emd(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: str = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    average: str | None = "image",
    kind: str | None = None,
) -> Score:
    """Earth mover's distance of maps to empirical maps: see `salmetrics.metrics.emd.score`.

    Parameters are those of `cc`. A density is scored as it is: no EMD-optimal map is known.

    Returns
    -------
    Cells of 32 pixels, 0 at best, lower is better; or an array of shape (n_images,), NaN without
    fixations.
    """
    protocol = DEFAULT.override(sigma=sigma, boundary=boundary, cycles=cycles, maps="density")
    return _score(
        "EMD",
        model,
        stimuli,
        fixations,
        average,
        protocol,
        kind or "saliency_map",
        empirical=empirical,
    )


def _score(
    key: str,
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    average: str | None,
    protocol: Protocol,
    kind: str,
    **options: Any,
) -> Any:
    """Validate, score with the one engine, average."""
    per_image = METRICS[key].per == "image"
    check_choice(
        f"average of {key}, which has one value {'an image' if per_image else 'a fixation'},",
        average,
        ("image", None) if per_image else (*AVERAGES, None),
    )
    scored = as_model(model, stimuli, kind=kind)
    if METRICS[key].needs_density and isinstance(scored, SaliencyMapModel):
        raise TypeError(f"{model_name(scored)} gives saliency maps: {NO_DENSITY}")
    scores = score_models(
        {"model": scored},
        stimuli,
        fixations,
        protocol.override(metrics=(key,)),
        progress=True,
        **options,
    )
    if ("model", key) in scores.reasons:
        warnings.warn(f"{key} is NaN: {scores.reasons['model', key]}", stacklevel=3)
    if average is None:
        return scores.values["model", key]
    return scores.sample("model", key, average).value
