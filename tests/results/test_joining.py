"""Evaluations made from evaluations, and what they say about differences."""

import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from tests.results.evaluated_pictures import Noise, make


def test_join_warns_of_what_differs():
    first = make({"a": Pixels()})
    same = make({"b": Noise()})
    joined = first.join(same)
    assert joined.models == ["a", "b"]
    assert joined.n_predictions == 48
    together = make({"a": Pixels(), "b": Noise()})
    assert joined.compare().equals(together.compare())
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
