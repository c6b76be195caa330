"""Leaderboards, and how models generalise; those of whole runs are in tests/evaluation."""

import numpy as np
import pandas as pd
import pytest

import salmetrics
from salmetrics import Benchmark, InputError
from salmetrics.results.leaderboards import Skipped, first_shared

MODELS = {
    "flat": salmetrics.Uniform(),
    "narrow": salmetrics.GaussianCentreBias(0.05),
    "wide": salmetrics.GaussianCentreBias(0.25),
}


@pytest.fixture(scope="module")
def evaluations():
    """Two data sets, the second without one of the models."""
    return {
        name: salmetrics.evaluate(
            models,
            *salmetrics.datasets.generate_dataset(n, size=(24, 32), seed=3).dataset,
            metrics=["NSS", "LL", "KLDiv"],
            protocol=salmetrics.get_protocol("default").override(sigma=3.0),
            n_bootstrap=10,
        )
        for name, n, models in (
            ("one", 6, MODELS),
            ("two", 5, {key: MODELS[key] for key in ("flat", "wide")}),
        )
    }


def test_models_are_sorted_from_best_to_worst(evaluations):
    board = Benchmark(evaluations, (), "LL")
    for name, result in board.evaluations.items():
        values = [evaluations[name].value(model, "LL") for model in result.models]
        assert values == sorted(values, reverse=True)
        table = board.leaderboard(name)
        assert list(table.index) == result.models
        assert table["LL"].tolist() == values
    assert Benchmark(evaluations, (), "KLDiv").leaderboard("one")["KLDiv"].is_monotonic_increasing
    wide = board.leaderboard("one", intervals=True)
    assert list(wide.columns[:4]) == ["group", "NSS", "NSS low", "NSS high"]
    with pytest.raises(InputError, match="dataset must be one of 'one', 'two'; got 'three'"):
        board.leaderboard("three")


def test_a_missing_model_ranks_last(evaluations):
    places = {
        name: list(Benchmark(evaluations, (), "LL").leaderboard(name).index) for name in evaluations
    }
    ranks = Benchmark(evaluations, (), "LL").generalisation["mean rank", ""]
    assert ranks["narrow"] == (places["one"].index("narrow") + 1 + 3) / 2
    assert ranks["wide"] == (places["one"].index("wide") + places["two"].index("wide") + 2) / 2


def test_the_metric_that_sorts_is_the_first_that_all_models_have(evaluations):
    assert first_shared(evaluations) == "NSS"
    dataset = salmetrics.datasets.generate_dataset(3, size=(24, 32)).dataset
    maps = salmetrics.as_model(lambda stimulus: stimulus.rgb[:, :, 0], kind="saliency_map")
    models = {"map": maps, "flat": salmetrics.Uniform()}
    mixed = salmetrics.evaluate(models, *dataset, metrics=["LL", "NSS"], n_bootstrap=0)
    assert np.isnan(mixed.value("map", "LL"))
    assert first_shared({"mixed": mixed}) == "NSS"


def test_what_is_printed_and_written(evaluations, tmp_path):
    skipped = [Skipped("two", "narrow", "no maps")]
    board = Benchmark(evaluations, skipped, "LL", {("one", "wide"): 2})
    text = repr(board)
    assert "one: 6 images, 864 fixations, by LL\n\n" in text
    assert "maps that belong to no image:\n- 2 of wide on one" in text
    assert text.endswith("skipped: 1\n- narrow on two: no maps")
    board.save(tmp_path / "out")
    expected = {f"{name}.{form}" for name in evaluations for form in ("csv", "h5", "md")}
    expected |= {"generalisation.csv", "skipped.tsv"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    table = pd.read_csv(tmp_path / "out" / "one.csv", index_col="model")
    assert table["LL"].tolist() == board.leaderboard("one")["LL"].tolist()
    lines = (tmp_path / "out" / "skipped.tsv").read_text().splitlines()
    assert lines == ["dataset\tmodel\treason", "two\tnarrow\tno maps"]
    assert Skipped("two", "narrow", "no maps") == skipped[0]
