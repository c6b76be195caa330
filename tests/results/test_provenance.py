"""What a result says about itself, and what differs between two."""

import json

import numpy as np
from scored_models import Blurred, Pixels

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
