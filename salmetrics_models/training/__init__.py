"""Readouts trained on features of fixed backbones, in stages and folds."""

from salmetrics_models.training.acw import TrainedACW, train_acw
from salmetrics_models.training.emlnet import TrainedEMLNet, train_emlnet
from salmetrics_models.training.recipes import RECIPES, Recipe, named_recipe
from salmetrics_models.training.runs import train
from salmetrics_models.training.searches import Search, instance_search, layer_search
from salmetrics_models.training.stages import Stage
from salmetrics_models.training.trained import Trained

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
