"""How well a model predicts where people look, in bits and with error bars."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salmetrics.data.checks.findings import Finding
    from salmetrics.data.dataset import Dataset
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.folds import Folds
    from salmetrics.data.hdf5 import read_hdf5, write_hdf5
    from salmetrics.data.stimuli import Stimuli, Stimulus
    from salmetrics.data.transforms import concatenate, rescale, resize, split, subsample
    from salmetrics.errors import InputError, InputWarning
    from salmetrics.evaluation.benchmark import benchmark
    from salmetrics.evaluation.calibration import Calibration, calibration
    from salmetrics.evaluation.checks import check_inputs
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
    from salmetrics.results.leaderboards import Benchmark

__all__ = [
    "Benchmark",
    "Calibration",
    "CentreBias",
    "CrossValidated",
    "Dataset",
    "DensityModel",
    "EmpiricalMaps",
    "Evaluation",
    "Finding",
    "FittedDensity",
    "Fixations",
    "Folds",
    "GaussianCentreBias",
    "GoldStandard",
    "InputError",
    "InputWarning",
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
    "check_inputs",
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

__version__ = "0.1.0"

# what is imported when it is first asked for, so that `salmetrics --help` loads nothing heavy
_MODULES = {
    "data.checks.findings": "Finding",
    "data.dataset": "Dataset",
    "data.fixations": "Fixations",
    "data.folds": "Folds",
    "data.hdf5": "read_hdf5 write_hdf5",
    "data.stimuli": "Stimuli Stimulus",
    "data.transforms": "concatenate rescale resize split subsample",
    "errors": "InputError InputWarning",
    "evaluation.benchmark": "benchmark",
    "evaluation.calibration": "Calibration calibration",
    "evaluation.checks": "check_inputs",
    "evaluation.evaluate": "evaluate",
    "evaluation.expected_score": "expected_score",
    "evaluation.explained": "information_gain_explained information_gain_map inter_observer",
    "evaluation.metric_functions": "auc cc emd information_gain kldiv log_likelihood nss sauc sim",
    "evaluation.optimal_map": "OptimalMapModel optimal_saliency_map",
    "models.base": "DensityModel SaliencyMapModel",
    "models.baselines": "GaussianCentreBias Uniform",
    "models.centre_bias": "CentreBias",
    "models.conversion": "as_model",
    "models.cross_validated": "CrossValidated",
    "models.empirical": "EmpiricalMaps empirical_map",
    "models.export": "export_predictions",
    "models.fitted_density": "FittedDensity fit_density",
    "models.gold_standard": "GoldStandard",
    "models.mixture": "Mixture ShuffledBaseline",
    "models.recalibrated": "Recalibrated recalibrate",
    "models.stored_maps": "StoredMaps",
    "protocols": "Protocol get_protocol",
    "results.evaluation": "Evaluation",
    "results.leaderboards": "Benchmark",
}
_HOMES = {n: f"{__name__}.{module}" for module, names in _MODULES.items() for n in names.split()}


def __getattr__(name: str) -> Any:
    """Return a public name, or a subpackage, which is imported when it is first asked for."""
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
