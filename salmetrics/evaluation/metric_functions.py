"""Single metrics: one function per metric family, from model and data to one number."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.array_types import Array, Kind
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.run_options import RunOptions
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.checks import check_types
from salmetrics.evaluation.scoring import checked_references, scored
from salmetrics.metrics.information import Unit, in_unit
from salmetrics.metrics.registry import METRICS, metrics_of_function
from salmetrics.metrics.sim import SimMethod
from salmetrics.models.conversion import as_model, require_density
from salmetrics.protocols import (
    AVERAGES,
    DEFAULT,
    Average,
    Boundary,
    JuddJitter,
    KLDivMethod,
    Nonfixations,
    Protocol,
)
from salmetrics.statistics.cells import Cells

__all__ = [
    "auc",
    "cc",
    "emd",
    "information_gain",
    "kldiv",
    "log_likelihood",
    "nss",
    "sauc",
    "sim",
]

AucMethod = Literal["mann-whitney", "judd", "borji", "shuffled-matlab"]
InformationMethod = Literal["log-likelihood", "matlab"]
Score = float | Array


def log_likelihood(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    average: Average | None = DEFAULT.average,
    unit: Unit = "bit",
    kind: Kind | None = None,
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
        the mean over their fixations. None: one value per fixation.
    unit
        "bit" or "nat".
    kind
        What raw arrays are, if not log densities; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_fixations,)
        Bits per fixation, at most 0; higher is better.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.
    NeedsDensityError
        For a saliency map model; an `InputError` and a `TypeError`.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> log_likelihood(salmetrics.Uniform(), stimuli, fixations)
    -10.23
    """
    bits = _score("LL", model, stimuli, fixations, average, DEFAULT, kind or "log_density")
    return in_unit(bits, unit)


def information_gain(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    baseline: Any = None,
    method: InformationMethod = "log-likelihood",
    average: Average | None = DEFAULT.average,
    unit: Unit = "bit",
    kind: Kind | None = None,
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
        A density model. By default the `CentreBias` fitted to these fixations, leaving out each
        image's own.
    method
        "log-likelihood"; or "matlab", a different quantity: see
        `salmetrics.metrics.information.matlab`. The latter takes saliency maps too, and has one
        value per image.
    average
        See `log_likelihood`; "matlab" takes only "image" and None.
    unit
        "bit" or "nat".
    kind
        What raw arrays are, if not log densities; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_fixations,)
        Bits per fixation; above 0 is better than the baseline, higher is better. For "matlab"
        bits per pixel, and the array has shape (n_images,).

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.
    NeedsDensityError
        For a saliency map model; an `InputError` and a `TypeError`.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> centred = salmetrics.GaussianCentreBias()
    >>> information_gain(centred, stimuli, fixations, baseline=salmetrics.Uniform())
    1.45
    """
    keys = metrics_of_function("information_gain")
    check_choice("method", method, keys)
    protocol, raw = DEFAULT, kind or "log_density"
    if method == "matlab":
        protocol, raw = DEFAULT.override(maps="density"), kind or "saliency_map"
    bits = _score(
        keys[method], model, stimuli, fixations, average, protocol, raw, baseline=baseline
    )
    return in_unit(bits, unit)


def auc(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    nonfixations: Nonfixations | Literal["shuffled"] | Fixations = DEFAULT.nonfixations,
    method: AucMethod = "mann-whitney",
    average: Average | None = DEFAULT.average,
    jitter: JuddJitter = DEFAULT.judd_jitter,
    step: float = DEFAULT.threshold_step,
    n_other: int | None = DEFAULT.n_other,
    seed: int = 0,
    kind: Kind | None = None,
) -> Score:
    """Area under the ROC curve for distinguishing fixated from nonfixated pixels by saliency.

    AUC = P(s_fixated > s_nonfixated) + P(s_fixated = s_nonfixated) / 2

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    nonfixations
        "uniform" (all pixels), "unfixated" (all other pixels), "shuffled" (fixations on all other
        images), or `Fixations` on the same images. For "mann-whitney" only.
    method
        "mann-whitney", with exact ties; or a variant of the MATLAB benchmark with one value per
        image: "judd", "borji", "shuffled-matlab"; see `salmetrics.metrics.auc`.
    average
        See `log_likelihood`; the MATLAB variants take only "image" and None.
    jitter
        How "judd" breaks ties: "expected" or False; see `salmetrics.metrics.auc.judd`.
    step
        Distance between the thresholds of "borji" and "shuffled-matlab".
    n_other
        Number of other images whose fixations "shuffled-matlab" draws; None for all.
    seed
        Seed of the draw of other images.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_fixations,) or (n_images,)
        From 0 to 1, chance 0.5; higher is better. NaN with a warning for a density whose optimal
        map is not known.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Green and Swets (1966), Signal detection theory and psychophysics; the variants compared:
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> auc(salmetrics.GaussianCentreBias(), stimuli, fixations)
    0.9917
    """
    keys = metrics_of_function("auc")
    check_choice("method", method, keys)
    key = keys[method]
    protocol = DEFAULT.override(judd_jitter=jitter, threshold_step=step, n_other=n_other)
    if method == "mann-whitney":
        if isinstance(nonfixations, str):
            choices = (*get_args(Nonfixations), "shuffled")
            check_choice("nonfixations", nonfixations, choices)
            if nonfixations == "shuffled":
                key = "sAUC"
            else:
                protocol = protocol.override(nonfixations=nonfixations)
        elif not isinstance(nonfixations, Fixations):
            check_choice("nonfixations", nonfixations, (*get_args(Nonfixations), "shuffled"))
    else:
        if nonfixations != DEFAULT.nonfixations:
            raise InputError(f"nonfixations is fixed for method={method!r}; leave it out")
        protocol = protocol.override(maps="density")
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
    average: Average | None = DEFAULT.average,
    kind: Kind | None = None,
) -> Score:
    """Shuffled AUC: the nonfixations are the fixations on all other images.

    The same as `auc` with ``nonfixations="shuffled"``. A centre bias that all images share is
    worth nothing to it.

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    average
        "fixation", "image" or "subject": the mean over fixations, or over images or subjects of
        the mean over their fixations. None: one value per fixation.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_fixations,)
        From 0 to 1, chance 0.5; higher is better. NaN where there are no other images.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Tatler, Baddeley and Gilchrist (2005), Vision Research 45, 643-659,
    doi:10.1016/j.visres.2004.09.017.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> sauc(lambda stimulus: np.ones(stimulus.size), stimuli, fixations)
    0.5
    """
    return auc(model, stimuli, fixations, nonfixations="shuffled", average=average, kind=kind)


def nss(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    ddof: int = DEFAULT.nss_ddof,
    unique: bool = False,
    average: Average | None = DEFAULT.average,
    kind: Kind | None = None,
) -> Score:
    """Normalised scanpath saliency: the z-scored map at the fixations.

    NSS = mean_i (s(y_i, x_i) - mean s) / std s

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked.
    ddof
        The standard deviation divides by N - ddof, with N the number of pixels.
    unique
        Count each fixated pixel of an image once. With ``ddof=1, average="image"`` this is the
        MATLAB benchmark's NSS.
    average
        See `log_likelihood`; with `unique`, repeated fixations are NaN in the array, and
        "subject" is an error.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_fixations,)
        Standard deviations above the mean of the map, chance 0; higher is better.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Peters, Iyer, Itti and Koch (2005), Vision Research 45, 2397-2416,
    doi:10.1016/j.visres.2005.03.019.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> nss(salmetrics.GaussianCentreBias(), stimuli, fixations)
    2.417
    """
    check_types(stimuli, fixations)
    fixations = Fixations.none(stimuli) if fixations is None else fixations
    protocol = DEFAULT.override(nss_ddof=ddof)
    counted, rows = fixations, np.arange(len(fixations))
    if unique:
        fixations.check_against(stimuli)
        pixels = np.stack([fixations.image, np.floor(fixations.y), np.floor(fixations.x)])
        rows = np.sort(np.unique(pixels, axis=1, return_index=True)[1])
        counted = fixations[rows]
        if average == "subject":
            raise InputError(
                "average='subject' requires unique=False: a pixel that several subjects fixated "
                "belongs to none of them"
            )
    each = None if unique else average
    scores = _score("NSS", model, stimuli, counted, each, protocol, kind or "saliency_map")
    if not unique:
        return scores
    if average is not None:
        check_choice("average", average, AVERAGES)
        cells = Cells(counted.image, np.zeros(len(counted), np.int64))
        sums = np.zeros(len(cells))
        cells.add(sums, scores, np.arange(len(counted)))
        return cells.sample(sums, average).value
    aligned = np.full(len(fixations), np.nan)
    aligned[rows] = scores
    return aligned


def cc(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations | None,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: Boundary = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    average: Literal["image"] | None = "image",
    kind: Kind | None = None,
) -> Score:
    """Pearson correlation of maps with empirical maps, averaged over images.

    CC = cov(s, q) / (std s std q), over the pixels of an image; q is the empirical map

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked; fixations may be None with `empirical`.
    sigma
        Standard deviation of the Gaussian that blurs fixations into empirical maps, in pixels; by
        default the stimuli's `sigma`, or one degree.
    boundary, cycles
        See `salmetrics.densities.smoothing.Smoothing`; ``cycles=8`` is the MATLAB benchmark's
        blur.
    empirical
        Ground-truth maps that replace blurred fixations, whatever `as_model` takes.
    average
        "image", or None for one value per image.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_images,)
        From -1 to 1, chance 0; higher is better. NaN for images without fixations.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Bylinskii, Judd, Oliva, Torralba and Durand (2019), IEEE Transactions on Pattern Analysis and
    Machine Intelligence 41, 740-757, doi:10.1109/TPAMI.2018.2815601.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> cc(salmetrics.GaussianCentreBias(), stimuli, fixations)
    0.471
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
    fixations: Fixations | None,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: Boundary = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    method: KLDivMethod = DEFAULT.kldiv_method,
    average: Literal["image"] | None = "image",
    kind: Kind | None = None,
) -> Score:
    """KL divergence of maps from empirical maps, averaged over images.

    KLDiv = sum q ln(q / s), over the pixels of an image; s and q are normalised to sum 1

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked; fixations may be None with `empirical`.
    sigma
        Standard deviation of the Gaussian that blurs fixations into empirical maps, in pixels; by
        default the stimuli's `sigma`, or one degree.
    boundary, cycles
        See `salmetrics.densities.smoothing.Smoothing`; ``cycles=8`` is the MATLAB benchmark's
        blur.
    empirical
        Ground-truth maps that replace blurred fixations, whatever `as_model` takes.
    method
        "benchmark" or "matlab", which add small constants differently; see
        `salmetrics.metrics.kldiv.score`.
    average
        "image", or None for one value per image.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_images,)
        Nats, 0 at best; lower is better. NaN for images without fixations.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Bylinskii, Judd, Oliva, Torralba and Durand (2019), IEEE Transactions on Pattern Analysis and
    Machine Intelligence 41, 740-757, doi:10.1109/TPAMI.2018.2815601.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> kldiv(salmetrics.GaussianCentreBias(), stimuli, fixations)
    1.868
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
    fixations: Fixations | None,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: Boundary = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    method: SimMethod = "benchmark",
    average: Literal["image"] | None = "image",
    kind: Kind | None = None,
) -> Score:
    """Similarity (histogram intersection) of maps with empirical maps, averaged over images.

    SIM = sum min(s, q), over the pixels of an image; s and q are normalised to sum 1

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked; fixations may be None with `empirical`.
    sigma
        Standard deviation of the Gaussian that blurs fixations into empirical maps, in pixels; by
        default the stimuli's `sigma`, or one degree.
    boundary, cycles
        See `salmetrics.densities.smoothing.Smoothing`; ``cycles=8`` is the MATLAB benchmark's
        blur.
    empirical
        Ground-truth maps that replace blurred fixations, whatever `as_model` takes.
    method
        "benchmark", where a density is scored on its SIM-optimal map; or "matlab", which scales
        maps to the range from 0 to 1 first and scores the density itself.
    average
        "image", or None for one value per image.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_images,)
        From 0 to 1; higher is better. NaN for images without fixations.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Bylinskii, Judd, Oliva, Torralba and Durand (2019), IEEE Transactions on Pattern Analysis and
    Machine Intelligence 41, 740-757, doi:10.1109/TPAMI.2018.2815601.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> sim(salmetrics.GaussianCentreBias(), stimuli, fixations)
    0.355
    """
    keys = metrics_of_function("sim")
    check_choice("method", method, keys)
    protocol = DEFAULT.override(sigma=sigma, boundary=boundary, cycles=cycles)
    if method == "matlab":
        protocol = protocol.override(maps="density")
    return _score(
        keys[method],
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
    fixations: Fixations | None,
    *,
    sigma: float | None = DEFAULT.sigma,
    boundary: Boundary = DEFAULT.boundary,
    cycles: float | None = DEFAULT.cycles,
    empirical: Any = None,
    average: Literal["image"] | None = "image",
    kind: Kind | None = None,
) -> Score:
    """Earth mover's distance of maps to empirical maps, averaged over images.

    EMD = the least sum of mass times distance that turns s into q, both normalised to sum 1

    Parameters
    ----------
    model
        A model, or what `as_model` takes; raw arrays are saliency maps.
    stimuli, fixations
        What was shown and where people looked; fixations may be None with `empirical`.
    sigma
        Standard deviation of the Gaussian that blurs fixations into empirical maps, in pixels; by
        default the stimuli's `sigma`, or one degree.
    boundary, cycles
        See `salmetrics.densities.smoothing.Smoothing`; ``cycles=8`` is the MATLAB benchmark's
        blur.
    empirical
        Ground-truth maps that replace blurred fixations, whatever `as_model` takes.
    average
        "image", or None for one value per image.
    kind
        What raw arrays are, if not saliency maps; see `as_model`.

    Returns
    -------
    score : float or ndarray of shape (n_images,)
        In cells of 32 pixels, 0 at best; lower is better. NaN for images without fixations. A
        density is scored as it is, since no EMD-optimal map is known.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.

    References
    ----------
    Rubner, Tomasi and Guibas (2000), International Journal of Computer Vision 40, 99-121,
    doi:10.1023/A:1026543900054.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> emd(salmetrics.GaussianCentreBias(), stimuli, fixations)
    0.0305
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
    fixations: Fixations | None,
    average: Average | None,
    protocol: Protocol,
    kind: Kind,
    *,
    seed: int = 0,
    **references: Any,
) -> Any:
    """Validate, score with the one engine, average."""
    check_types(stimuli, fixations)
    metric = METRICS[key]
    per_image = metric.per == "image"
    check_choice(
        f"average of {key}, which has one value per {metric.per},",
        average,
        ("image", None) if per_image else (*AVERAGES, None),
    )
    choices = protocol.override(metrics=(key,))
    fixations = Fixations.none(stimuli) if fixations is None else fixations
    if metric.needs_density:
        model = require_density(model, key, stimuli, kind=kind)
    models = {"model": as_model(model, stimuli, kind=kind)}
    compared_with = checked_references(
        models, stimuli, fixations, choices, asked=(key,), required=True, **references
    )
    options = RunOptions(seed=seed, progress=True)
    scores = scored(models, stimuli, fixations, choices, compared_with, options)
    if ("model", key) in scores.reasons:
        warnings.warn(f"{key} is NaN: {scores.reasons['model', key]}", stacklevel=3)
    if average is None:
        return scores.values["model", key]
    return scores.sample("model", key, average).value
