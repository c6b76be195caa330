"""DeepGaze on small networks: as many components and folds as the published, in milliseconds."""

from dataclasses import replace
from functools import partial

from salmetrics_models import DeepGazeI, DeepGazeII, DeepGazeIIE
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.networks import first_stages, vision_network
from salmetrics_models.deepgaze.architectures import DEEPGAZE_1, DEEPGAZE_2, DEEPGAZE_2E
from tests.salmetrics_models.toy_backbones import SEES

OPTIONS = {"centre_bias": "uniform", "device": "cpu"}

TOY_1 = replace(DEEPGAZE_1, backbones=(SEES["green"],))
TOY_2 = replace(DEEPGAZE_2, backbones=(SEES["red"],))
TOY_2E = replace(DEEPGAZE_2E, backbones=tuple(SEES.values()))


class ToyDeepGazeI(DeepGazeI):
    """DeepGaze I on a small network; its weights may come in the published layout."""

    architecture = TOY_1


class ToyDeepGazeII(DeepGazeII):
    """DeepGaze II on a small network; `n_components` are chosen as there."""

    architecture = TOY_2
    more_backbones = tuple(SEES.values())


class ToyDeepGazeIIE(DeepGazeIIE):
    """DeepGaze IIE on three small networks: 30 components, 3 instances of 10 folds."""

    architecture = TOY_2E
    more_backbones = tuple(SEES.values())


SQUEEZENET = Backbone(
    "squeezenet",
    partial(vision_network, "squeezenet1_1"),
    partial(first_stages, 13),
    ("features.12",),
    512,
)


class TorchvisionDeepGazeI(DeepGazeI):
    """DeepGaze I on the smallest network of torchvision."""

    architecture = replace(DEEPGAZE_1, backbones=(SQUEEZENET,))
