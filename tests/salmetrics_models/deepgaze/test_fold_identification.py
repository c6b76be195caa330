"""The order of components, from simulated checkpoints and simulated fixations."""

import numpy as np
import pytest
import torch

from salmetrics import Fixations, Folds, InputError, Stimuli
from salmetrics_models import DeepGazeIIE, identify_folds, order_from_weights


@pytest.fixture
def first_convolutions(toy_2e):
    """Lets a test put other first convolutions into the model, and takes them out again."""
    tensors = [branch.readouts.weight0 for branch in toy_2e.network.branches]
    kept = [tensor.clone() for tensor in tensors]
    yield tensors
    for tensor, values in zip(tensors, kept, strict=True):
        tensor.copy_(values)


@pytest.mark.parametrize("order", ["instance-major", "fold-major"])
def test_order_from_weights(toy_2e, first_convolutions, order):
    """Folds of an instance are trained on from one readout."""
    numbers = np.arange(30)
    instance = numbers // 10 if order == "instance-major" else numbers % 3
    stream = torch.Generator().manual_seed(3)
    for tensor in first_convolutions:
        pretrained = torch.randn(3, *tensor.shape[1:], generator=stream)
        moved = torch.randn(tensor.shape, generator=stream)
        tensor.copy_(pretrained[instance] + 0.7 * moved)
    found = order_from_weights(toy_2e, n_permutations=1000)
    assert found.component_order == order
    assert found.p_value == pytest.approx(1 / 1001, rel=1e-12)
    other = "fold-major" if order == "instance-major" else "instance-major"
    assert found.statistics[order] > 0.1 > found.statistics[other]


def test_too_few_permutations_to_be_sure(toy_2e):
    with pytest.raises(InputError, match="n_permutations must be a whole number >= 1000"):
        order_from_weights(toy_2e, n_permutations=500)


def test_weights_without_evidence(toy_2e):
    """Of independent readouts, nothing is claimed."""
    with pytest.raises(InputError, match="the weights do not determine the order of components"):
        order_from_weights(toy_2e, n_permutations=1000)


class Components:
    """Stands for a model: a random density for each image and component."""

    name = "components"
    n_folds, n_components = 10, 30
    components_of = DeepGazeIIE.components_of

    def __init__(self, n_images, seed=0):
        p = np.random.default_rng(seed).gamma(0.5, size=(n_images, 30, 8, 9)) + 1e-3
        self.densities = p / p.sum((2, 3), keepdims=True)

    def log_densities_of_components(self, stimulus):
        return np.log(self.densities[int(stimulus.id)])


def simulated(model, fold_of_component, folds):
    """Fixations drawn from the densities of the components that were trained on each image."""
    stimuli = Stimuli.from_sizes([(8, 9)] * len(model.densities))
    stream = np.random.default_rng(0)
    pixels = []
    for i, name in enumerate(stimuli.ids):
        trained = [c for c in range(30) if name in folds.train(int(fold_of_component[c]))]
        mixture = model.densities[i][trained].mean(0).ravel()
        pixels.append(stream.choice(72, 50, p=mixture / mixture.sum()))
    rows, columns = np.divmod(np.concatenate(pixels), 9)
    image = np.repeat(np.arange(len(stimuli)), 50)
    return stimuli, Fixations.from_arrays(columns + 0.5, rows + 0.5, image)


FOLDS = Folds({str(i): i % 10 for i in range(500)})
NUMBERS = np.arange(30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "offset"), [("instance-major", 0), ("fold-major", 0), ("instance-major", 4)]
)
def test_order_from_data(order, offset):
    model = Components(500)
    of_component = NUMBERS % 10 if order == "instance-major" else NUMBERS // 3
    of_component = (of_component + offset) % 10
    found = identify_folds(model, *simulated(model, of_component, FOLDS), FOLDS)
    assert found.share_ahead >= 0.999
    assert (found.component_order, found.fold_offset) == (order, offset)
    assert found.p_value == pytest.approx(1 / 2001, rel=1e-12)
    other = "fold-major" if order == "instance-major" else "instance-major"
    assert found.statistics[order] > found.statistics[other]
    for k in range(10):
        chosen = model.components_of(fold=k, component_order=order, fold_offset=offset)
        assert chosen == tuple(np.flatnonzero(of_component == k))


def test_data_that_do_not_tell_an_offset_from_the_next():
    """Half of what a fold leaves out, the next one leaves out too."""
    model = Components(60)
    data = simulated(model, (NUMBERS + 4) % 10, FOLDS)
    text = r"distinguish 'instance-major' with fold_offset \d from 'instance-major' with \d: it is"
    with pytest.raises(InputError, match=text):
        identify_folds(model, *data, FOLDS)


def test_components_trained_on_all_images_are_no_evidence():
    """Some are better than others, but on all images alike."""
    model = Components(200)
    stimuli, _ = simulated(model, NUMBERS % 10, FOLDS)
    stream = np.random.default_rng(4)
    quality = stream.dirichlet(np.full(30, 0.5))
    pixels = [
        stream.choice(72, 50, p=(quality @ density.reshape(30, -1))) for density in model.densities
    ]
    rows, columns = np.divmod(np.concatenate(pixels), 9)
    fixations = Fixations.from_arrays(columns + 0.5, rows + 0.5, np.repeat(np.arange(200), 50))
    with pytest.raises(InputError, match="the data do not determine"):
        identify_folds(model, stimuli, fixations, FOLDS)


def test_order_from_data_of_a_checkpoint(toy_2e, photo):
    """The network itself, on images whose fixations are such that those who saw them are better."""
    rng = np.random.default_rng(8)
    images = [np.roll(photo, rng.integers(0, 130, 2), (0, 1))[:64, :64] for _ in range(20)]
    stimuli = Stimuli.from_arrays(images)
    folds = Folds({name: i % 10 for i, name in enumerate(stimuli.ids)})
    of_component = (NUMBERS // 3 + 7) % 10
    pixels = []
    for stimulus in stimuli:
        saw = np.array([stimulus.id in folds.train(int(k)) for k in of_component])
        logs = toy_2e.log_densities_of_components(stimulus).reshape(30, -1)
        density = np.exp(logs.mean(0) + 8 * (logs[saw].mean(0) - logs[~saw].mean(0)))
        pixels.append(rng.choice(64 * 64, 200, p=density / density.sum()))
    rows, columns = np.divmod(np.concatenate(pixels), 64)
    fixations = Fixations.from_arrays(columns + 0.5, rows + 0.5, np.repeat(np.arange(20), 200))
    found = identify_folds(toy_2e, stimuli, fixations, folds, progress=False)
    assert (found.component_order, found.fold_offset) == ("fold-major", 7)


def test_data_without_evidence():
    """Which components were trained on an image has nothing to do with its fold."""
    model = Components(200)
    of_component = np.random.default_rng(1).permutation(NUMBERS % 10)
    stimuli, fixations = simulated(model, of_component, FOLDS)
    with pytest.raises(InputError, match="the data do not determine"):
        identify_folds(model, stimuli, fixations, FOLDS)
    with pytest.raises(InputError, match="n_bootstrap must be a whole number >= 1000"):
        identify_folds(model, stimuli, fixations, FOLDS, n_bootstrap=10)
    with pytest.raises(InputError, match="fold 3 leaves out none of the images with fixations"):
        identify_folds(model, stimuli[:2], fixations.select_images([0, 1]), FOLDS)
    with pytest.raises(InputError, match="folds must be the 10 folds of components; got 2"):
        identify_folds(model, stimuli, fixations, Folds({"0": 0, "1": 1}))
