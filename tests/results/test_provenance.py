"""What a result says about itself, and what differs between two."""

import copy
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from scored_models import Blurred, Pixels

import salmetrics
from salmetrics.results.provenance import differences, plain, same_model
from tests.results.evaluated_pictures import make


def test_provenance(result):
    record = result.provenance
    assert json.loads(json.dumps(record)) == record
    assert record["dataset"]["name"] == "pictures"
    assert record["dataset"]["n_images"] == 24
    assert record["packages"]["salmetrics"] == "0.1.0"
    assert list(record["models"]) == ["pixels", "noise", "blurred"]
    with_baseline = make({"b": Blurred()}, metrics=["IG"])
    assert with_baseline.provenance["baseline"]["parameters"]["fitted"] is True


def test_odd_parameters_are_recorded(tmp_path):
    class Odd(Pixels):
        @property
        def parameters(self):
            return {"w": np.float32(2), "a": np.arange(2), "p": tmp_path, 3: (None, True)}

    result = make({"odd": Odd()}, metrics=["NSS"])
    expected = {"w": 2.0, "a": [0, 1], "p": str(tmp_path), "3": [None, True]}
    assert result.provenance["models"]["odd"]["parameters"] == expected
    result.save(tmp_path / "odd.h5")


def test_packages_whose_versions_matter(result):
    assert set(result.provenance["packages"]) >= {"python", "salmetrics", "numpy", "numba"}
    assert result.provenance["packages"]["numpy"] == np.__version__


def test_records_of_models():
    record = make({"b": Blurred()}, metrics=["IG"], baseline=salmetrics.Uniform()).provenance
    assert record["models"]["b"] == {
        "name": "Blurred",
        "class": "scored_models.Blurred",
        "parameters": {},
    }
    assert record["baseline"]["class"] == "salmetrics.Uniform"
    assert re.fullmatch("2:[0-9a-f]{32}", record["baseline"]["fingerprint"])
    assert (record["gold_standard"], record["empirical"]) == (None, None)


def test_a_baseline_without_a_digest():
    class Open(salmetrics.DensityModel):
        def __init__(self):
            self.lock = threading.Lock()

        def log_density(self, stimulus, *, subject=None):
            return np.full(stimulus.size, -np.log(np.prod(stimulus.size)))

    record = make({"b": Blurred()}, metrics=["IG"], baseline=Open()).provenance
    assert record["baseline"]["fingerprint"] is None


# ---- differences

RECORD = {
    "format": 2,
    "created": "2026-01-02",
    "packages": {"numpy": "2.0"},
    "protocol": {"name": "default", "choices": {"sigma": None, "metrics": ["IG"]}},
    "baseline": {
        "name": "mix",
        "class": "salmetrics.Mixture",
        "parameters": {"models": [{"name": "u", "class": "salmetrics.Uniform"}]},
        "fingerprint": "2:abc",
    },
    "models": {"a": {"name": "a", "class": "salmetrics.Uniform", "parameters": {}}},
    "n_predictions": 7,
}
OLD = RECORD | {
    "format": 1,
    "baseline": {
        "name": "mix",
        "class": "salmetrics.models.combine.Mixture",
        "parameters": {"models": [{"name": "u", "class": "salmetrics.models.baselines.Uniform"}]},
        "fingerprint": "def",
    },
}


def changed(record, path, value):
    copied = copy.deepcopy(record)
    *parents, last = path.split(".")
    part = copied
    for name in parents:
        part = part[name]
    part[last] = value
    return copied


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("packages.numpy", "2.1"),
        ("protocol.choices.sigma", 3.0),
        ("baseline.name", "other"),
        ("baseline.class", "salmetrics.Uniform"),
        ("baseline.parameters.models", []),
        ("baseline.fingerprint", "2:xyz"),
        ("baseline.fingerprint", None),
    ],
)
def test_what_may_move_a_score_is_a_difference(path, value):
    old = RECORD
    for name in path.split("."):
        old = old[name]
    expected = [f"{path}: {old!r} and {value!r}"]
    assert differences(RECORD, changed(RECORD, path, value)) == expected


@pytest.mark.parametrize("path", ["created", "models", "n_predictions", "gold_standard", "joined"])
def test_what_moves_no_score_is_none(path):
    assert differences(RECORD, changed(RECORD, path, "other")) == []


def test_parts_that_one_record_lacks():
    without = {key: part for key, part in RECORD.items() if key != "packages"}
    assert differences(RECORD, without) == ["packages.numpy: '2.0' and None"]
    assert differences(without, RECORD) == ["packages.numpy: None and '2.0'"]


def test_records_of_two_formats():
    """Modules of classes do not count, nor fingerprints that were made in another way."""
    assert differences(OLD, RECORD) == differences(RECORD, OLD) == []
    assert same_model(OLD["baseline"], RECORD["baseline"])
    other = changed(OLD, "baseline.class", "salmetrics.models.recalibrated.Recalibrated")
    assert differences(other, RECORD) == [
        "baseline.class: 'salmetrics.Recalibrated' and 'salmetrics.Mixture'"
    ]
    assert not same_model(other["baseline"], RECORD["baseline"])


def test_fingerprints_of_one_format_are_compared():
    for record in (RECORD, OLD):
        other = changed(record, "baseline.fingerprint", record["baseline"]["fingerprint"] + "0")
        assert len(differences(record, other)) == 1
        assert not same_model(record["baseline"], other["baseline"])


def test_types_that_json_has():
    value = {"a": np.arange(2), 3: (np.float32(0.5), {None}), "b": np.bool_(True), "p": Path("x")}
    assert plain(value) == {"a": [0, 1], "3": [0.5, [None]], "b": True, "p": "x"}
