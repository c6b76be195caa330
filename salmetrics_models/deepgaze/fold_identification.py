"""The fold of each component, inferred from the weights or from data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array, Rows
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import Folds
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_whole
from salmetrics.progress import progress_bar
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze.folded import ORDERS, Order

__all__ = ["ComponentOrder", "identify_folds", "order_from_weights"]

_SURE = 0.999  # share of permutations, and of resamples, that an order must beat
_FEWEST = 1000  # smallest number of them with which that can be shown


@dataclass(frozen=True)
class ComponentOrder:
    """The order of components in a file, with the evidence for it.

    Parameters
    ----------
    component_order
        "instance-major" or "fold-major", see `DeepGazeIIE.components_of`.
    p_value
        Probability of evidence at least as strong if components had no order.
    statistics
        Evidence for each order, higher is stronger. From weights: how much closer components of an
        instance are to each other than to others, as a share of the distance. From data: by how
        many nats components predict images of their own fold worse than others do.
    fold_offset
        From data: fold that the first component left out, so that component k of an instance
        belongs to fold (k + fold_offset) mod n_folds. From weights always 0, since they do not
        determine it.
    share_ahead
        From data: share of resamples of the images in which this order and offset are ahead of
        all others. From weights NaN.

    Examples
    --------
    >>> from salmetrics_models import ComponentOrder
    >>> found = ComponentOrder("fold-major", 0.0005, {"instance-major": 0.0, "fold-major": 0.2})
    >>> found.component_order
    'fold-major'
    """

    component_order: Order
    p_value: float
    statistics: dict[str, float]
    fold_offset: int = 0
    share_ahead: float = math.nan


def order_from_weights(
    model: DeepGazeIIE, *, n_permutations: int = 2000, seed: int = 0
) -> ComponentOrder:
    """Infer the order of components from their first convolutions.

    The folds of an instance start from the same pretrained readout, so they should be closer to
    each other than to those of other instances.

    Parameters
    ----------
    model
        Model with all its components.
    n_permutations
        Number of permutations of the components, at least 1000.
    seed
        Seed of the permutations.

    Returns
    -------
    order : ComponentOrder
        The order, and the evidence for it.

    Raises
    ------
    InputError
        If components of an instance are not closer than expected by chance in any order.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeIIE, order_from_weights
    >>> model = DeepGazeIIE.from_pretrained()  # doctest: +SKIP
    >>> order = order_from_weights(model)  # doctest: +SKIP
    >>> model.components_of(fold=3, component_order=order.component_order)  # doctest: +SKIP
    """
    n_permutations = check_whole("n_permutations", n_permutations, _FEWEST)
    distances = np.zeros((model.n_components, model.n_components))
    for branch in model.network.branches:
        weights: Any = branch.readouts.weight0  # type: ignore[union-attr]
        flat = weights.detach().cpu().double().flatten(1).numpy()
        squared = np.square(flat).sum(1)
        between = squared[:, None] + squared - 2 * flat @ flat.T
        distances += np.sqrt(np.maximum(between, 0)) / np.sqrt(squared.mean())
    n_instances = model.n_components // model.n_folds
    groups: dict[Order, Rows] = {
        "instance-major": np.repeat(np.arange(n_instances), model.n_folds),
        "fold-major": np.tile(np.arange(n_instances), model.n_folds),
    }
    statistics: dict[str, float] = {
        order: _closeness(distances, group) for order, group in groups.items()
    }
    best = max(groups, key=lambda order: statistics[order])
    stream = np.random.default_rng(seed)
    chance = [
        _closeness(distances, stream.permutation(groups[best])) for _ in range(n_permutations)
    ]
    p_value = (1 + np.sum(np.array(chance) >= statistics[best])) / (1 + n_permutations)
    if p_value > 1 - _SURE:
        raise InputError(
            "the weights do not determine the order of components: those of an instance are not "
            f"closer to each other than to others (p = {p_value:.3g}); pass component_order="
        )
    return ComponentOrder(best, float(p_value), statistics)


def identify_folds(
    model: DeepGazeIIE,
    stimuli: Stimuli,
    fixations: Fixations,
    folds: Folds,
    *,
    n_permutations: int = 2000,
    n_bootstrap: int = 2000,
    seed: int = 0,
    progress: bool = True,
) -> ComponentOrder:
    """Infer from data which components left out which images.

    A component predicts images that it was trained on better than those that it was tested or
    validated on. Components are compared with each other on each image. The best of all orders
    and offsets is returned if its evidence exceeds that of permuted components, and if it stays
    ahead of all others when images are resampled.

    Parameters
    ----------
    model
        Model with all its components.
    stimuli, fixations
        Images that it was trained on, at least some of each fold, and fixations on them.
    folds
        Folds of the images; their number must be that of the model.
    n_permutations
        Number of permutations of the components, at least 1000.
    n_bootstrap
        Number of resamples of the images, at least 1000.
    seed
        Seed of permutations and resamples.
    progress
        Whether to show a bar on standard error if it takes more than two seconds.

    Returns
    -------
    order : ComponentOrder
        The order and offset, and the evidence for them.

    Raises
    ------
    InputError
        If the evidence does not determine an order, or an argument is invalid.

    Examples
    --------
    >>> from salmetrics.data.folds import mit1003
    >>> from salmetrics_models import DeepGazeIIE, identify_folds
    >>> model = DeepGazeIIE.from_pretrained()  # doctest: +SKIP
    >>> folds = mit1003(stimuli)  # doctest: +SKIP
    >>> order = identify_folds(model, stimuli, fixations, folds)  # doctest: +SKIP
    >>> crossed = model.cross_validated(  # doctest: +SKIP
    ...     folds, component_order=order.component_order, fold_offset=order.fold_offset
    ... )
    """
    if folds.n_folds != model.n_folds:
        raise InputError(
            f"folds must be the {model.n_folds} folds of {model.name}; got {folds.n_folds}"
        )
    n_permutations = check_whole("n_permutations", n_permutations, _FEWEST)
    n_bootstrap = check_whole("n_bootstrap", n_bootstrap, _FEWEST)
    losses = _losses(model, stimuli, fixations, progress=progress)
    fixated = ~np.isnan(losses[:, 0])
    # images differ in difficulty
    losses = losses[fixated] - losses[fixated].mean(1, keepdims=True)
    unseen = _unseen(folds, stimuli.ids)[:, fixated]
    if not unseen.any(1).all():
        raise InputError(
            f"fold {int(unseen.any(1).argmin())} leaves out none of the images with fixations; "
            "give images of each fold"
        )
    numbers = np.arange(model.n_components)
    n_instances = model.n_components // model.n_folds
    fold_of: dict[Order, Rows] = {
        "instance-major": numbers % model.n_folds,
        "fold-major": numbers // n_instances,
    }
    candidates = [(order, offset) for order in ORDERS for offset in range(model.n_folds)]
    rows = np.array([(fold_of[o] + offset) % model.n_folds for o, offset in candidates])

    def evidence(weights: Array, order: Rows = numbers) -> Array:
        """Nats by which components are worse on images they left out, for each candidate."""
        left_out = unseen * weights
        totals = left_out.sum(1, keepdims=True)
        zeros = np.zeros((len(left_out), numbers.size))
        table = np.divide(left_out @ losses, totals, out=zeros, where=totals > 0)
        table -= table.mean(0)  # components differ in quality
        return np.asarray(table[rows, order].mean(1))

    observed = evidence(np.ones(len(losses)))
    best = int(observed.argmax())
    stream = np.random.default_rng(seed)
    every = np.ones(len(losses))
    chance = [evidence(every, stream.permutation(numbers)).max() for _ in range(n_permutations)]
    p_value = float((1 + np.sum(np.array(chance) >= observed[best])) / (1 + n_permutations))
    if p_value > 1 - _SURE:
        raise InputError(
            "the data do not determine which components left out which images "
            f"(p = {p_value:.3g}); give more images, or pass component_order="
        )
    equal = np.full(len(losses), 1 / len(losses))
    resampled = stream.multinomial(len(losses), equal, size=n_bootstrap)
    ahead = float(np.mean([evidence(weights).argmax() == best for weights in resampled]))
    (order, offset) = candidates[best]
    if ahead < _SURE:
        second = candidates[int(np.argsort(observed)[-2])]
        raise InputError(
            f"the data do not distinguish {order!r} with fold_offset {offset} from {second[0]!r} "
            f"with {second[1]}: it is ahead in only {ahead:.1%} of the resamples; give more "
            "images, or pass component_order="
        )
    best_by_order = observed.reshape(len(ORDERS), model.n_folds).max(1)
    statistics: dict[str, float] = dict(zip(ORDERS, best_by_order.tolist(), strict=True))
    return ComponentOrder(order, p_value, statistics, offset, ahead)


def _unseen(folds: Folds, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Return which images each fold leaves out, for test or validation, shape (n_folds, n)."""
    left_out = [{*folds.test(k), *folds.validation(k)} for k in range(folds.n_folds)]
    return np.array([[name in names for name in ids] for names in left_out])


def _losses(model: DeepGazeIIE, stimuli: Stimuli, fixations: Fixations, *, progress: bool) -> Array:
    """Return the mean negative log likelihood of components on images, nats; NaN if not fixated.

    The components of all backbones with the same number are mixed. Shape (images, components).
    """
    losses = np.full((len(stimuli), model.n_components), np.nan)
    images = np.flatnonzero(fixations.counts())
    for i in progress_bar(images, show=progress, description="components"):
        rows, stimulus = fixations.rows_of_image(int(i)), stimuli[int(i)]
        pixels = pixel_indices(fixations.x[rows], fixations.y[rows], stimulus.size)
        logs = model.log_densities_of_components(stimulus)
        losses[i] = -logs.reshape(len(logs), -1)[:, pixels].mean(1)
    return losses


def _closeness(distances: Array, group: Rows) -> float:
    """Return how much smaller distances are within groups than between, as a share of these."""
    same = group[:, None] == group
    np.fill_diagonal(same, False)
    other = group[:, None] != group
    return float((distances[other].mean() - distances[same].mean()) / distances[other].mean())
