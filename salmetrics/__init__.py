"""How well a model predicts where people look, in bits and with error bars."""

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import Folds
from salmetrics.data.hdf5 import read_hdf5, write_hdf5
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.data.transforms import concatenate, rescale, resize, split, subsample
from salmetrics.errors import InputError
from salmetrics.evaluation.benchmark import Benchmark, benchmark
from salmetrics.evaluation.calibration import Calibration, calibration
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.evaluation.expected_score import expected_score
from salmetrics.evaluation.explained import (
    information_gain_explained,
    information_gain_map,
    inter_observer,
)
from salmetrics.evaluation.metric_functions import (
    auc,
    cc,
    emd,
    information_gain,
    kldiv,
    log_likelihood,
    nss,
    sauc,
    sim,
)
from salmetrics.evaluation.optimal_map import OptimalMapModel, optimal_saliency_map
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.conversion import as_model
from salmetrics.models.cross_validated import CrossValidated
from salmetrics.models.empirical import EmpiricalMaps, empirical_map
from salmetrics.models.export import export_predictions
from salmetrics.models.fitted_density import FittedDensity, fit_density
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.models.mixture import Mixture, ShuffledBaseline
from salmetrics.models.recalibrated import Recalibrated, recalibrate
from salmetrics.models.stored_maps import StoredMaps
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.evaluation import Evaluation

__all__ = [
    "Benchmark",
    "Calibration",
    "CentreBias",
    "CrossValidated",
    "Dataset",
    "DensityModel",
    "EmpiricalMaps",
    "Evaluation",
    "FittedDensity",
    "Fixations",
    "Folds",
    "GaussianCentreBias",
    "GoldStandard",
    "InputError",
    "Mixture",
    "OptimalMapModel",
    "Protocol",
    "Recalibrated",
    "SaliencyMapModel",
    "ShuffledBaseline",
    "Stimuli",
    "Stimulus",
    "StoredMaps",
    "Uniform",
    "as_model",
    "auc",
    "benchmark",
    "calibration",
    "cc",
    "concatenate",
    "emd",
    "empirical_map",
    "evaluate",
    "expected_score",
    "export_predictions",
    "fit_density",
    "get_protocol",
    "information_gain",
    "information_gain_explained",
    "information_gain_map",
    "inter_observer",
    "kldiv",
    "log_likelihood",
    "nss",
    "optimal_saliency_map",
    "read_hdf5",
    "recalibrate",
    "rescale",
    "resize",
    "sauc",
    "sim",
    "split",
    "subsample",
    "write_hdf5",
]
