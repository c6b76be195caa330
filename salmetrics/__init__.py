"""How well a model predicts where people look, in bits and with error bars."""

from salmetrics.benchmarking import Benchmark, benchmark
from salmetrics.calibrating import Calibration, calibration
from salmetrics.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.evaluation import evaluate
from salmetrics.explained import information_gain_explained, information_gain_map, inter_observer
from salmetrics.exporting import export_predictions
from salmetrics.fixations import Fixations
from salmetrics.folds import Folds
from salmetrics.io.hdf5 import read_hdf5, write_hdf5
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.combine import Mixture, ShuffledBaseline
from salmetrics.models.convert import as_model
from salmetrics.models.cross_validated import CrossValidated
from salmetrics.models.fitted_density import FittedDensity, fit_density
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.models.maps import StoredMaps
from salmetrics.models.recalibrated import Recalibrated, recalibrate
from salmetrics.optimality import OptimalMapModel, expected_score, optimal_saliency_map
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results import Evaluation
from salmetrics.scores import auc, cc, emd, information_gain, kldiv, log_likelihood, nss, sauc, sim
from salmetrics.stimuli import Stimuli, Stimulus
from salmetrics.transforms import concatenate, rescale, resize, split, subsample

__all__ = [
    "Benchmark",
    "Calibration",
    "CentreBias",
    "CrossValidated",
    "Dataset",
    "DensityModel",
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
