"""Evaluations made from evaluations, and what they say about differences."""

import warnings

import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from salmetrics.results.joining import joined, selected, shares_of, with_other_models
from salmetrics.results.scores import Scores
from salmetrics.statistics.cells import Cells
from tests.results.evaluated_pictures import Noise, make


def test_join_warns_of_what_differs():
    first = make({"a": Pixels()})
    same = make({"b": Noise()})
    both = first.join(same)
    assert both.models == ["a", "b"]
    assert both.n_predictions == 48
    together = make({"a": Pixels(), "b": Noise()})
    assert both.compare().equals(together.compare())
    other = make({"b": Noise()}, protocol=salmetrics.get_protocol("default").override(sigma=9))
    with pytest.warns(UserWarning, match=r"protocol\.choices\.sigma: None and 9"):
        first.join(other)


def test_joined_results_remember_what_differs(tmp_path):
    first = make({"a": Blurred()}, metrics=["LL", "IG"], baseline=salmetrics.Uniform())
    second = make({"b": Blurred()}, metrics=["IG", "NSS", "LL"], keep="image")
    with pytest.warns(UserWarning, match="baseline"):
        both = first.join(second)
    assert both.metrics == ["LL", "IG"]
    assert "b: baseline.name: 'uniform' and 'centre-bias'" in both.footnotes()
    both.save(tmp_path / "both.h5")
    assert "differs for b: baseline.name" in repr(Evaluation.load(tmp_path / "both.h5"))
    with pytest.raises(InputError, match="single fixations were not kept"):
        _ = both.per_fixation
    with pytest.raises(InputError, match="they share no metric"):
        first.join(make({"c": Pixels()}, metrics=["NSS"]))


def test_baselines_of_other_state_and_other_truths_are_told_apart():
    data = pictures(24)
    weights = [
        salmetrics.Mixture([salmetrics.Uniform(), Blurred()], [w, 1 - w]) for w in (0.2, 0.8)
    ]
    first, second = (
        make({name: Blurred()}, data, metrics=["IG"], baseline=w)
        for name, w in zip("ab", weights, strict=True)
    )
    with pytest.warns(UserWarning, match="baseline.fingerprint"):
        first.join(second)
    plain = make({"a": Pixels()}, data, metrics=["CC"])
    truth = make({"b": Pixels()}, data, metrics=["CC"], empirical=lambda s: s.image)
    with pytest.warns(UserWarning, match="empirical"):
        plain.join(truth)
    larger = salmetrics.Stimuli.from_sizes([(90, 90)] * 24).named("pictures")
    sizes = [
        make({n: salmetrics.Uniform()}, d, metrics=["LL"])
        for n, d in zip(
            "ab", (data, salmetrics.Dataset("pictures", larger, data.fixations)), strict=True
        )
    ]
    with pytest.raises(InputError, match=r"different images or fixations: dataset\.sizes"):
        sizes[0].join(sizes[1])


# ---- by hand

CELLS = Cells(np.array([0, 0, 1]), np.array(["x", "y", "x"]))


OTHER_BASELINE = {"name": "other", "class": "salmetrics.Uniform", "parameters": {}}


def parts_of(models, metrics=("IG", "NSS"), gold=None, **record):
    """Scores and record of some models, each of whose sums is its number."""
    names = [*models, *([gold] if gold else [])]
    sums = {(m, k): np.full(3, float(n)) for n, m in enumerate(names) for k in metrics}
    described = {
        name: {"name": name, "class": "salmetrics.Uniform", "parameters": {}} for name in names
    }
    return (
        Scores(CELLS, sums=sums, n_predictions=1, gold_standard=gold),
        {
            "protocol": {"name": "default", "choices": {"metrics": list(metrics)}},
            "baseline": {"name": "base", "class": "salmetrics.Uniform", "parameters": {}},
            "gold_standard": described[gold] if gold else None,
            "dataset": {"ids": "1", "sizes": "2", "fixations": "3"},
            "models": described,
            "n_predictions": 1,
            **record,
        },
    )


def test_shared_metrics_are_joined():
    first, second = parts_of(["a"], ("NSS", "IG")), parts_of(["b"], ("IG", "CC", "NSS"))
    scores, record = joined(first, second)
    assert record["protocol"]["choices"]["metrics"] == ["NSS", "IG"]
    assert list(record["models"]) == ["a", "b"]
    assert record["n_predictions"] == scores.n_predictions == 2
    assert list(first[1]["models"]) == ["a"]  # what is joined stays as it is


@pytest.mark.parametrize("which", ["ids", "sizes", "fixations"])
def test_other_data_are_not_joined(which):
    other = parts_of(["b"], dataset={"ids": "1", "sizes": "2", "fixations": "3"} | {which: "9"})
    with pytest.raises(InputError, match=f"different images or fixations: dataset.{which}"):
        joined(parts_of(["a"]), other)


@pytest.mark.parametrize(
    ("metrics", "changes", "warned"),
    [
        (("IG",), {"baseline": OTHER_BASELINE}, True),
        (("NSS",), {"baseline": OTHER_BASELINE}, False),  # which needs no baseline
        (("IG",), {"baseline": None}, False),  # no model of it has an information gain
        (("CC",), {"smoothing": {"sigma": 3}}, True),
        (("NSS",), {"smoothing": {"sigma": 3}}, False),
        (("NSS",), {"seed": 1}, True),
    ],
)
def test_only_differences_that_move_a_shared_metric_are_reported(metrics, changes, warned):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, record = joined(parts_of(["a"], metrics), parts_of(["b"], metrics, **changes))
    assert bool(caught) == bool(record["joined"]) == warned
    if warned:
        assert record["joined"][0].startswith(f"b: {next(iter(changes))}")


def test_a_gold_standard_of_one_is_that_of_both():
    scores, record = joined(parts_of(["a"]), parts_of(["b"], gold="gold"))
    assert scores.gold_standard == record["gold_standard"]["name"] == "gold"
    scores, record = joined(parts_of(["a"], ("NSS",)), parts_of(["b"], gold="gold"))
    assert scores.gold_standard is record["gold_standard"] is None  # no share without IG


def test_the_baseline_of_one_is_that_of_both():
    for first, second in (({"baseline": None}, {}), ({}, {"baseline": None})):
        _, record = joined(parts_of(["a"], **first), parts_of(["b"], **second))
        assert record["baseline"]["name"] == "base"


def test_why_there_was_no_gold_standard_is_forgotten_with_one():
    first, second = parts_of(["a", "m"]), parts_of(["b"], gold="gold")
    first[0].reasons |= {("a", "IGE"): "one subject", ("m", "IG"): "map", ("m", "IGE"): "map"}
    scores, _ = joined(first, second)
    assert scores.reasons == {("m", "IG"): "map", ("m", "IGE"): "map"}
    scores, _ = joined(first, parts_of(["b"]))
    assert scores.reasons["a", "IGE"] == "one subject"


def test_two_gold_standards():
    other = parts_of(["b"], gold="gold")
    other[1]["gold_standard"] = other[1]["gold_standard"] | {"parameters": {"bandwidth": 2.0}}
    with pytest.raises(InputError, match=r"gold and gold \(bandwidth 2\)"):
        joined(parts_of(["a"], gold="gold"), other)
    scores, _ = joined(parts_of(["a"], gold="gold"), parts_of(["b"], gold="gold"))
    assert {model for model, _ in scores.sums} == {"a", "b", "gold"}


def test_selected_models():
    scores, record = parts_of(["a", "b"], gold="gold")
    scores.reasons.update({("a", "NSS"): "why", ("b", "NSS"): "why"})
    scores.failures.update({("a", 0): "no", ("b", 0): "no"})
    few, selection = selected((scores, record), ["b", "b"])
    assert list(selection["models"]) == ["b", "gold"]
    assert few.reasons == {("b", "NSS"): "why"}
    assert few.failures == {("b", 0): "no"}
    assert list(record["models"]) == ["a", "b", "gold"]


def test_other_models_on_the_same_fixations():
    records = {"new": {"name": "new"}, "empty": {"name": "empty"}}
    values = {"new": [1.0, 2.0, 4.0], "empty": [np.nan] * 3}
    scores, record = with_other_models(
        parts_of(["a"], gold="gold"), records, ["IG"], lambda key: np.array(values[key[0]])
    )
    assert list(record["models"]) == ["new", "empty", "gold"]
    assert record["protocol"]["choices"]["metrics"] == ["IG"]
    assert scores.sums["new", "IG"].tolist() == [1, 2, 4]
    assert scores.sums["gold", "IG"].tolist() == [1, 1, 1]
    assert scores.reasons == dict.fromkeys(
        [("empty", "IG"), ("empty", "IGE")], "no fixation has a value"
    )
    assert scores.cells.of_fixation is None


def test_shares():
    assert shares_of(["IG", "NSS"]) == ("IGE",)
    assert shares_of(["LL", "NSS"]) == ()
