"""Paired differences of models, and ranks with groups."""

import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import InputError
from salmetrics.results.comparison import chosen_pairs, compared, ranked
from salmetrics.statistics.cells import Sample
from salmetrics.statistics.inference import paired_test
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


# ---- by hand


def sample(values, images=None):
    """One value per image, of some images."""
    images = np.arange(len(values)) if images is None else np.array(images)
    ones = np.ones(len(values))
    return Sample(images, np.zeros(len(values), np.int64), np.array(values), ones, "fixation")


def no_bounds(samples):
    return np.full((len(samples), 2), np.nan)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(None, None, [("a", "b"), ("a", "c"), ("b", "c")]), ("c", "a", [("c", "a")])],
)
def test_pairs(first, second, expected):
    assert chosen_pairs(["a", "b", "c"], first, second) == expected


@pytest.mark.parametrize(
    ("models", "first", "second", "text"),
    [
        (["a", "b"], "x", "b", "model must be one of 'a', 'b'; got 'x'"),
        (["a", "b"], "a", None, "first and second must both be names of models"),
        (["a"], None, None, "there is only one model"),
    ],
)
def test_wrong_pairs(models, first, second, text):
    with pytest.raises(InputError, match=text):
        chosen_pairs(models, first, second)


def test_differences_with_tests():
    rng = np.random.default_rng(0)
    clear, unclear = sample(1 + 0.1 * rng.standard_normal(30)), sample(rng.standard_normal(30))
    differences = {("a", "b"): clear, ("a", "c"): unclear}
    table = compared({"NSS": differences}, no_bounds, "images")
    assert table.index.tolist() == [("NSS", "a", "b"), ("NSS", "a", "c")]
    assert table["difference"].tolist() == [clear.value, unclear.value]
    p_values = [paired_test(each, "images")[1] for each in (clear, unclear)]
    assert table["p_value"].tolist() == p_values
    # Holm: the smaller of two is doubled; the larger stays, unless that is above it
    assert table["p_holm"].tolist() == [2 * p_values[0], max(p_values[1], 2 * p_values[0])]
    assert table["n_images"].tolist() == [30, 30]


def test_ranks_and_letters():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(40)
    samples = {
        "middle": sample(noise),
        "best": sample(noise + 1),
        "as good": sample(noise + 1 + 0.1 * rng.standard_normal(40)),
        "unknown": sample([]),
    }
    table = ranked("NSS", samples, no_bounds, "images", 0.05)
    assert set(table.index[:2]) == {"best", "as good"}
    assert table.index[2] == "middle"
    assert table["group"].tolist() == ["a", "a", "b"]
    assert ranked("KLDiv", samples, no_bounds, "images", 0.05).index[0] == "middle"  # lower wins


def test_ranks_are_of_the_images_that_all_have():
    samples = {"a": sample([1.0, 2.0, 3.0]), "b": sample([0.0, 1.5], [0, 2])}
    with pytest.warns(UserWarning, match="compared on those that all have"):
        table = ranked("NSS", samples, no_bounds, "images", 0.05)
    assert table["value"].to_dict() == {"a": 2.0, "b": 0.75}
    assert table["n_images"].tolist() == [2, 2]
