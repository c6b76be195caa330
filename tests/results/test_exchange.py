"""Results as tidy tables, Parquet files and xarray data sets."""

import json

import numpy as np
import pandas as pd
import pytest

import salmetrics
from salmetrics import Fixations, InputError, Stimuli


@pytest.fixture(scope="module")
def result():
    stimuli = Stimuli.from_sizes(
        [(6, 8), (6, 8), (5, 9)],
        ids=["a", "b", "c"],
        sigma=1,
        attributes={"room": ["in", "out", "in"], "value": [1.5, 2.5, 3.5]},
    )
    fixations = Fixations.from_arrays(
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 0],
        [0, 0, 1, 1, 1],
        subject=list("xyxyx"),
        duration=[0.1, 0.2, 0.3, 0.4, 0.5],
        n_images=3,
    )
    models = {"centre": salmetrics.GaussianCentreBias(), "flat": salmetrics.Uniform()}
    return salmetrics.evaluate(models, stimuli, fixations, metrics=["LL", "NSS", "CC"])


def test_one_row_per_image(result):
    table = result.tidy()
    assert list(table.columns) == ["model", "metric", "image", "room", "value_", "value"]
    assert len(table) == 2 * 3 * 3
    for row in table.itertuples():
        expected = result.per_image.loc[row.image, (row.model, row.metric)]
        np.testing.assert_equal(row.value, expected)
    chosen = table[(table["image"] == "b") & (table["model"] == "flat")]
    assert chosen["room"].tolist() == ["out"] * 3
    assert chosen["value_"].tolist() == [2.5] * 3


def test_one_row_per_fixation(result):
    table = result.tidy("fixation")
    assert list(table.columns) == [
        *("model", "metric", "image", "subject", "x", "y", "duration", "value")
    ]
    chosen = table[(table["model"] == "centre") & (table["metric"] == "LL")]
    assert chosen["subject"].tolist() == list("xyxyx")
    assert chosen["image"].tolist() == list("aabbb")
    assert chosen["duration"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert chosen["value"].mean() == pytest.approx(result.value("centre", "LL"), rel=1e-12)
    assert "CC" not in set(table["metric"])


def test_errors(result):
    assert result.tidy("model").equals(result.summary.reset_index())
    with pytest.raises(InputError, match="per must be one of 'model', 'image', 'fixation'; got"):
        result.tidy("subject")


def test_parquet(result, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    for per in ("model", "image", "fixation"):
        result.to_parquet(tmp_path / "r.parquet", per=per)
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / "r.parquet"), result.tidy(per), check_dtype=False
        )
    record = json.loads(pq.read_schema(tmp_path / "r.parquet").metadata[b"salmetrics"])
    assert record == json.loads(json.dumps(result.provenance))
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]
    with pytest.raises(InputError, match="does not exist"):
        result.to_parquet(tmp_path / "no" / "r.parquet")


def test_xarray(result, tmp_path):
    pytest.importorskip("xarray", reason="xarray is not installed")
    data = result.to_xarray()
    assert dict(data.sizes) == {"model": 2, "metric": 3, "image": 3}
    for model, metric in result.summary.index:
        row = result.summary.loc[(model, metric)]
        here = data.sel(model=model, metric=metric)
        for name in ("value", "low", "high", "n_images"):
            assert float(here[name]) == row[name]
        np.testing.assert_array_equal(here["per_image"], result.per_image[model, metric])
    assert data["room"].values.tolist() == ["in", "out", "in"]
    assert data["value_"].values.tolist() == [1.5, 2.5, 3.5]
    inside = data["per_image"].where(data["room"] == "in", drop=True)
    assert inside["image"].values.tolist() == ["a", "c"]
    assert data["unit"].sel(metric="LL").item() == "bit/fixation"
    assert json.loads(data.attrs["provenance"])["seed"] == 0


@pytest.mark.parametrize(("module", "method"), [("pyarrow", "to_parquet"), ("xarray", "to_xarray")])
def test_without_the_packages(result, tmp_path, monkeypatch, module, method):
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    arguments = [tmp_path / "r.parquet"] if method == "to_parquet" else []
    with pytest.raises(InputError, match=rf"need.* {module}; install salmetrics\[tables\]"):
        getattr(result, method)(*arguments)
