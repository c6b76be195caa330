"""Which component belongs to which fold: from the weights, and from the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import Folds
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_whole
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE

__all__ = ["ComponentOrder", "identify_folds", "order_from_weights"]

Array = NDArray[np.float64]

_ORDERS = ("instance-major", "fold-major")
_SURE = 0.999  # share of permutations, and of resamples, that an order must beat
_FEWEST = 1000  # of them, to be so sure


@dataclass(frozen=True)
class ComponentOrder:
    """How components are numbered, and how sure that is.

    Attributes
    ----------
    component_order
        "instance-major" or "fold-major", as `DeepGazeIIE.cross_validated` takes it.
    p_value
        Probability of evidence as strong, or stronger, if components had no order.
    statistics
        Evidence for each order, larger is better: of weights, how much closer components of one
        instance are than others, as a share of the distance; of data, nats by which components
        predict images of their own fold worse than others do.
    fold_offset
        From data: which fold the first component left out, so that component k of an instance
        belongs to fold (k + fold_offset) mod n_folds. 0 from weights, which can't tell.
    share_ahead
        From data: share of resamples of the images in which this order and offset are ahead of
        all others. NaN from weights.
    """

    component_order: str
    p_value: float
    statistics: dict[str, float]
    fold_offset: int = 0
    share_ahead: float = math.nan


def order_from_weights(
    model: DeepGazeIIE, *, n_permutations: int = 2000, seed: int = 0
) -> ComponentOrder:
    """Tell the order of components from their first convolutions.

    The ten folds of an instance begin from one pretrained readout, so they should be closer to
    each other than to those of other instances.

    Raises
    ------
    InputError
        If no order is closer than chance would have it: nothing is known then.
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
    groups = {
        "instance-major": np.repeat(np.arange(n_instances), model.n_folds),
        "fold-major": np.tile(np.arange(n_instances), model.n_folds),
    }
    statistics = {order: _closeness(distances, group) for order, group in groups.items()}
    best = max(statistics, key=lambda order: statistics[order])
    stream = np.random.default_rng(seed)
    chance = [
        _closeness(distances, stream.permutation(groups[best])) for _ in range(n_permutations)
    ]
    p_value = (1 + np.sum(np.array(chance) >= statistics[best])) / (1 + n_permutations)
    if p_value > 1 - _SURE:
        raise InputError(
            "the weights do not tell the order of components: those of one instance are not "
            f"closer to each other than others (p = {p_value:.3g}); pass component_order="
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
    """Tell from data which components left out which images.

    A component predicts images that it was trained on better than those that it was tested or
    validated on. On each image, components are compared with each other. The best of all orders
    and offsets is told, if it is better than those of permuted components, and stays ahead of all
    others when images are resampled.

    Parameters
    ----------
    model
        With all its components.
    stimuli, fixations
        Images that it was trained on, at least some of each fold.
    folds
        Of the images, 10.
    n_permutations
        Of components.
    n_bootstrap
        Resamples of the images.
    seed
        Of both.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Raises
    ------
    InputError
        If the evidence does not tell an order.
    """
    if folds.n_folds != model.n_folds:
        raise InputError(f"{model.name} has {model.n_folds} folds; got {folds.n_folds}")
    n_permutations = check_whole("n_permutations", n_permutations, _FEWEST)
    n_bootstrap = check_whole("n_bootstrap", n_bootstrap, _FEWEST)
    losses = _losses(model, stimuli, fixations, progress=progress)
    there = ~np.isnan(losses[:, 0])
    losses = losses[there] - losses[there].mean(1, keepdims=True)  # images differ in difficulty
    unseen = _unseen(folds, stimuli.ids)[:, there]
    if not unseen.any(1).all():
        raise InputError(
            f"there are no fixated images that fold {int(unseen.any(1).argmin())} leaves out"
        )
    numbers = np.arange(model.n_components)
    n_instances = model.n_components // model.n_folds
    fold_of = {"instance-major": numbers % model.n_folds, "fold-major": numbers // n_instances}
    candidates = [(order, offset) for order in _ORDERS for offset in range(model.n_folds)]
    rows = np.array([(fold_of[o] + offset) % model.n_folds for o, offset in candidates])

    def evidence(weights: Array, of: NDArray[np.int64] = numbers) -> Array:
        """How much worse components are on what they left out, for each candidate."""
        on = unseen * weights
        totals = on.sum(1, keepdims=True)
        table = np.divide(
            on @ losses, totals, out=np.zeros((len(on), numbers.size)), where=totals > 0
        )
        table -= table.mean(0)  # nor are all components equally good
        return np.asarray(table[rows, of].mean(1))

    found = evidence(np.ones(len(losses)))
    best = int(found.argmax())
    stream = np.random.default_rng(seed)
    every = np.ones(len(losses))
    chance = [evidence(every, stream.permutation(numbers)).max() for _ in range(n_permutations)]
    p_value = float((1 + np.sum(np.array(chance) >= found[best])) / (1 + n_permutations))
    if p_value > 1 - _SURE:
        raise InputError(
            "the data do not tell which components left out which images "
            f"(p = {p_value:.3g}); give more images, or pass component_order="
        )
    equal = np.full(len(losses), 1 / len(losses))
    resampled = stream.multinomial(len(losses), equal, size=n_bootstrap)
    ahead = float(np.mean([evidence(weights).argmax() == best for weights in resampled]))
    (order, offset) = candidates[best]
    if ahead < _SURE:
        second = candidates[int(np.argsort(found)[-2])]
        raise InputError(
            f"the data do not tell {order!r} with fold_offset {offset} from {second[0]!r} with "
            f"{second[1]}: it is ahead in {ahead:.1%} of resamples only; give more images, or pass "
            "component_order="
        )
    best_of_each = found.reshape(len(_ORDERS), model.n_folds).max(1)
    statistics = dict(zip(_ORDERS, best_of_each.tolist(), strict=True))
    return ComponentOrder(order, p_value, statistics, offset, ahead)


def _unseen(folds: Folds, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Which images each fold leaves out, tested or validated on, shape (n_folds, n)."""
    left_out = [{*folds.test(k), *folds.validation(k)} for k in range(folds.n_folds)]
    return np.array([[name in names for name in ids] for names in left_out])


def _losses(model: DeepGazeIIE, stimuli: Stimuli, fixations: Fixations, *, progress: bool) -> Array:
    """Mean negative log likelihood on each image by each component, nats; NaN without fixations.

    The components of all backbones that share a number are taken together.
    """
    from tqdm import tqdm

    found = np.full((len(stimuli), model.n_components), np.nan)
    images = np.flatnonzero(fixations.counts())
    for i in tqdm(images, delay=2, disable=not progress, desc="components", unit="image"):
        rows, stimulus = fixations.rows_of_image(int(i)), stimuli[int(i)]
        pixels = pixel_indices(fixations.x[rows], fixations.y[rows], stimulus.size)
        logs = model.log_densities_of_components(stimulus)
        found[i] = -logs.reshape(len(logs), -1)[:, pixels].mean(1)
    return found


def _closeness(distances: Array, group: NDArray[np.int64]) -> float:
    """How much smaller distances within groups are than between, as a share of all."""
    same = group[:, None] == group
    np.fill_diagonal(same, False)
    other = group[:, None] != group
    return float((distances[other].mean() - distances[same].mean()) / distances[other].mean())
