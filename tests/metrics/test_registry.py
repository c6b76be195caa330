"""The entries of the registry: complete, consistent, and honest about what each metric needs."""

import inspect

import numpy as np
import pytest

import salmetrics
from salmetrics.checked_map import as_map
from salmetrics.densities.smoothing import Smoothing
from salmetrics.metrics import auc
from salmetrics.metrics.observation import NEEDS, Observation
from salmetrics.metrics.registry import (
    METRICS,
    OPTIMAL_MAP_METRICS,
    metrics_of_function,
    metrics_that_need,
)
from salmetrics.protocols import DEFAULT, get_protocol

SIZE = (20, 30)
SCORED = [key for key, metric in METRICS.items() if metric.share_of is None]
LAWS = {"additive", "flip", "monotone", "scale", "shift"}


@pytest.fixture
def parts(rng):
    """Makers of all parts of the observation of ten fixations, by need."""
    pixels = rng.choice(SIZE[0] * SIZE[1], 10, replace=False)
    others = rng.choice(SIZE[0] * SIZE[1], 40)
    y, x = np.divmod(pixels, SIZE[1])
    makers = {
        "baseline": lambda: np.full(10, -np.log(SIZE[0] * SIZE[1])),
        "baseline_map": lambda: as_map(np.ones(SIZE)),
        "empirical_map": lambda: as_map(Smoothing(sigma=3).points(SIZE, pixels)),
        "negatives": lambda: "uniform",
        "other_negatives": lambda: auc.count_pixels(others),
        "other_pixels": lambda: np.unique(others),
    }
    return x + 0.5, y + 0.5, makers


def prediction(metric, rng):
    """A prediction of the kind that a metric is computed from."""
    if metric.needs_density:
        return -rng.random(10) - 5
    return rng.random(SIZE)


@pytest.mark.parametrize("key", SCORED)
def test_each_metric_is_computed_from_its_needs_alone(key, parts, rng):
    metric, (x, y, makers) = METRICS[key], parts
    values = metric.score(
        prediction(metric, rng),
        Observation(x=x, y=y, **{f"make_{part}": makers[part] for part in metric.needs}),
    )
    assert np.shape(values) == ((10,) if metric.per == "fixation" else ())
    assert np.isfinite(values).all()
    assert np.all((metric.low <= values) & (values <= metric.high))


@pytest.mark.parametrize(
    ("key", "need"), [(key, need) for key in SCORED for need in sorted(METRICS[key].needs)]
)
def test_no_need_is_listed_that_a_metric_does_without(key, need, parts, rng):
    x, y, makers = parts
    offered = {f"make_{part}": make for part, make in makers.items() if part != need}
    with pytest.raises(LookupError, match=f"no {need}"):
        METRICS[key].score(prediction(METRICS[key], rng), Observation(x=x, y=y, **offered))


@pytest.mark.parametrize("key", METRICS)
def test_entries(key):
    metric = METRICS[key]
    assert metric.key == key
    assert metric.low < metric.high
    assert metric.per in ("fixation", "image")
    assert metric.needs <= set(NEEDS)
    assert set(metric.laws) <= LAWS
    assert metric.title
    assert "doi:" in metric.reference or "MIT-CSAIL" in metric.reference
    assert callable(getattr(salmetrics, metric.function))
    if metric.method is not None:
        assert "method" in inspect.signature(getattr(salmetrics, metric.function)).parameters
    if metric.needs_density:  # it is computed from likelihoods, so it has no map at all
        assert not metric.has_optimal_map
    assert metric.optimal_map is None or metric.optimal_map_from_mean is None


def test_what_is_relative_to_a_baseline():
    relative = {key for key, metric in METRICS.items() if metric.relative_to_baseline}
    assert relative == {"IG", "IGE", "IG-MATLAB"}


def test_which_optimal_maps_are_known():
    assert OPTIMAL_MAP_METRICS == (
        "AUC",
        "AUC-Judd",
        "CC",
        "KLDiv",
        "NSS",
        "NSS-MATLAB",
        "sAUC",
        "SIM",
    )
    assert [key for key in METRICS if METRICS[key].optimal_map_from_mean] == ["sAUC"]


def test_metrics_that_need_a_part():
    assert metrics_that_need("baseline") == ("IG",)
    assert metrics_that_need("other_pixels") == ("sAUC-MATLAB",)
    assert metrics_that_need("empirical_map") == ("CC", "EMD", "KLDiv", "SIM", "SIM-MATLAB")


def test_metrics_of_a_function():
    assert metrics_of_function("auc") == {
        "mann-whitney": "AUC",
        "judd": "AUC-Judd",
        "borji": "AUC-Borji",
        "shuffled-matlab": "sAUC-MATLAB",
    }
    assert metrics_of_function("sim") == {"benchmark": "SIM", "matlab": "SIM-MATLAB"}
    assert metrics_of_function("cc") == {}  # one metric, no method


def test_averages_under_a_protocol():
    apart = get_protocol("mit-tuebingen")  # information per fixation, all else per image
    assert METRICS["IG"].average_under(apart) == "fixation"
    assert METRICS["NSS"].average_under(apart) == "image"
    assert METRICS["IG"].average_under(DEFAULT.override(average="subject")) == "subject"


def test_a_share_of_the_gold_standard_is_not_computed_from_predictions():
    with pytest.raises(NotImplementedError, match="is made from scores"):
        METRICS["IGE"].score(np.zeros(3), Observation(x=None, y=None))
