"""A small DeepGaze IIE-ACW: three backbones, six components, three categories."""

from dataclasses import replace

import torch

from salmetrics_models import DeepGazeIIEACW
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW
from salmetrics_models.deepgaze_acw.network import CategoryNetwork
from salmetrics_models.weights.files import write_weights
from tests.salmetrics_models.toy_backbones import SEES

SIZE = (96, 128)
ARCHITECTURE = replace(
    DEEPGAZE_2E_ACW,
    backbones=tuple(SEES.values()),
    n_components=6,
    downsample=1,
    readout_factor=8,
    least_side=32,
)
CATEGORIES = ("a", "b", "c")


def made(*, n_folds=3, mixing="log-density", architecture=ARCHITECTURE, seed=0):
    """A network with random numbers, also in the weights of categories."""
    torch.manual_seed(seed)
    network = CategoryNetwork(architecture, n_folds, len(CATEGORIES), mixing)
    with torch.no_grad():
        network.category_weights.normal_()
    return network


def saved(path, *, n_folds=3, mixing="log-density", architecture=ARCHITECTURE, seed=0):
    """A file of such a network, as a training writes it."""
    network = made(n_folds=n_folds, mixing=mixing, architecture=architecture, seed=seed)
    about = {
        "architecture": architecture.description(),
        "n_folds": n_folds,
        "categories": list(CATEGORIES),
        "mixing": mixing,
    }
    write_weights(path, network.state_dict(), about)
    return path


def loaded(path, **options):
    options = {"backbones": SEES.values(), "device": "cpu", "dtype": "float64"} | options
    return DeepGazeIIEACW(path, **options)
