"""Paired differences of models, and ranks with groups."""

import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import InputError
from tests.results.evaluated_pictures import FailsOnTheHard, make


def test_compare(result):
    table = result.compare()
    assert table.index.names == ["metric", "first", "second"]
    assert len(table) == 4 * 3
    row = table.loc["NSS", "pixels", "blurred"]
    expected = result.value("pixels", "NSS") - result.value("blurred", "NSS")
    assert row.difference == pytest.approx(expected, rel=1e-9)
    assert row.low < row.difference < row.high
    assert row.p_holm >= row.p_value
    assert row.n_images == 24
    assert np.isnan(table.loc["LL", "pixels", "noise"].p_value)  # maps have no likelihood
    swapped = result.compare("blurred", "pixels", metric="NSS").iloc[0]
    assert swapped.difference == -row.difference
    assert swapped.p_value == row.p_value


def test_rank(result):
    table = result.rank("NSS")
    assert table.value.is_monotonic_decreasing
    groups = dict(table.group)
    assert set(groups["pixels"]) & set(groups["noise"])  # nearly one map
    assert result.rank("LL").index.tolist() == ["blurred"]


class Nowhere(salmetrics.DensityModel):
    """Probability 0 for half of the image."""

    def log_density(self, stimulus, *, subject=None):
        density = np.zeros(stimulus.size)
        density[:, : stimulus.size[1] // 2] = 1
        with np.errstate(divide="ignore"):
            return np.log(density / density.sum())


def test_rank_of_infinite_values_and_single_clusters():
    result = make({"u": salmetrics.Uniform(), "b": Blurred(), "n": Nowhere()}, metrics=["LL", "CC"])
    ranks = result.rank("LL")
    assert list(ranks.index)[-1] == "n"
    assert ranks.group["n"] == ""
    assert set(ranks.group[:2]) <= {"a", "b", "ab"}
    with pytest.raises(InputError, match="CC has one value per image: pass over='images'"):
        result.rank("CC", over="both")
    with pytest.raises(InputError, match=r"alpha must be between 0 and 1, such as 0.05; got 5"):
        result.rank("LL", alpha=5)
    alone = make({"u": salmetrics.Uniform()}, pictures(1), metrics=["LL"])
    with pytest.raises(InputError, match="one cluster alone shows no difference"):
        alone.rank("LL")


def test_rank_on_the_images_that_all_have():
    result = make({"all": Pixels(), "some": FailsOnTheHard()}, metrics=["NSS"], on_error="record")
    with pytest.warns(UserWarning, match="compared on those that all have"):
        ranks = result.rank("NSS")
    assert list(ranks.n_images) == [20, 20]
    assert ranks.value["all"] == ranks.value["some"]
    assert list(ranks.group) == ["a", "a"]
