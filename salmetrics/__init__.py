"""How well a model predicts where people look, in bits and with error bars."""

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.evaluation import evaluate
from salmetrics.explained import information_gain_explained, information_gain_map, inter_observer
from salmetrics.fixations import Fixations
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.combine import Mixture, ShuffledBaseline
from salmetrics.models.convert import as_model
from salmetrics.models.fitted_density import FittedDensity, fit_density
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results import Evaluation
from salmetrics.scores import auc, cc, emd, information_gain, kldiv, log_likelihood, nss, sauc, sim
from salmetrics.stimuli import Stimuli, Stimulus

__all__ = [
    "CentreBias",
    "Dataset",
    "DensityModel",
    "Evaluation",
    "FittedDensity",
    "Fixations",
    "GaussianCentreBias",
    "GoldStandard",
    "InputError",
    "Mixture",
    "Protocol",
    "SaliencyMapModel",
    "ShuffledBaseline",
    "Stimuli",
    "Stimulus",
    "Uniform",
    "as_model",
    "auc",
    "cc",
    "emd",
    "evaluate",
    "fit_density",
    "get_protocol",
    "information_gain",
    "information_gain_explained",
    "information_gain_map",
    "inter_observer",
    "kldiv",
    "log_likelihood",
    "nss",
    "sauc",
    "sim",
]
