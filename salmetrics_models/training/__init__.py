"""Readouts trained on features of fixed backbones, in stages and folds."""

from salmetrics_models.training.deepgaze_acw.train import TrainedACW, train_acw
from salmetrics_models.training.emlnet.train import TrainedEMLNet, train_emlnet
from salmetrics_models.training.inputs.stages import Stage
from salmetrics_models.training.loop.recipe import RECIPES, Recipe, named_recipe
from salmetrics_models.training.readouts.searches import Search, instance_search, layer_search
from salmetrics_models.training.readouts.train import train
from salmetrics_models.training.readouts.trained import Trained

__all__ = [
    "RECIPES",
    "Recipe",
    "Search",
    "Stage",
    "Trained",
    "TrainedACW",
    "TrainedEMLNet",
    "instance_search",
    "layer_search",
    "named_recipe",
    "train",
    "train_acw",
    "train_emlnet",
]
