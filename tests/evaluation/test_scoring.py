"""Checks before anything is fitted, and scores with or without a gold standard."""

import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.datasets import generate_dataset
from salmetrics.engine.references import References
from salmetrics.engine.run_options import RunOptions
from salmetrics.evaluation.scoring import checked_references, scored
from salmetrics.protocols import DEFAULT

GENERATED = generate_dataset(4, size=(24, 32), n_subjects=3)
STIMULI, FIXATIONS = GENERATED.dataset
UNIFORM = salmetrics.Uniform()
IG = DEFAULT.override(metrics=("IG",))


@pytest.fixture(autouse=True)
def nothing_is_fitted(monkeypatch):
    def fit(*arguments, **options):
        raise AssertionError("fitted before everything was checked")

    monkeypatch.setattr(salmetrics.CentreBias, "fit", fit)
    monkeypatch.setattr(salmetrics.GoldStandard, "fit", fit)


def of_other_data():
    return salmetrics.CentreBias(STIMULI, FIXATIONS[::2], bandwidth=0.3, floor=0.1)


@pytest.mark.parametrize(
    ("models", "stimuli", "fixations", "metrics", "text"),
    [
        ({}, STIMULI, FIXATIONS, ("IG",), "models must hold at least one model"),
        ({"m": UNIFORM}, STIMULI, FIXATIONS, ("IG", "XY"), "metric must be one of 'LL'.*got 'XY'"),
        (
            {"m": UNIFORM},
            STIMULI,
            FIXATIONS,
            ("IGE",),
            "IGE needs a gold standard: give gold_standard=, too",
        ),
        ({"m": UNIFORM}, STIMULI[:3], FIXATIONS, ("IG",), "on 4 images, but there are 3 stimuli"),
        ({"m": UNIFORM}, STIMULI, FIXATIONS[:0], ("IG",), "there are no fixations to score"),
        ({"m": of_other_data()}, STIMULI, FIXATIONS, ("IG",), "other fixations"),
    ],
)
def test_wrong_input_is_found_before_anything_is_fitted(models, stimuli, fixations, metrics, text):
    protocol = DEFAULT.override(metrics=metrics)
    with pytest.raises(InputError, match=text):
        checked_references(models, stimuli, fixations, protocol, gold_standard=True)


def test_references_are_made_of_the_options():
    references = checked_references(
        {"m": GENERATED.truth}, STIMULI, FIXATIONS, IG, baseline=UNIFORM, nonfixations=FIXATIONS
    )
    assert references == References(baseline=UNIFORM, nonfixations=FIXATIONS)


@pytest.mark.parametrize("gold", [None, GENERATED.truth])
def test_scores_with_or_without_a_gold_standard(gold):
    references = References(baseline=UNIFORM, gold_standard=gold)
    centred = salmetrics.GaussianCentreBias()
    scores = scored({"m": centred}, STIMULI, FIXATIONS, IG, references, RunOptions())
    gain = salmetrics.information_gain(centred, STIMULI, FIXATIONS, baseline=UNIFORM)
    assert scores.sample("m", "IG", "fixation").value == gain
    assert scores.baseline is UNIFORM
    if gold is None:
        assert scores.gold_standard is None
        return
    whole = salmetrics.information_gain(gold, STIMULI, FIXATIONS, baseline=UNIFORM)
    # one division of two sums over the same cells
    assert scores.sample("m", "IGE", "fixation").value == pytest.approx(gain / whole, rel=1e-15)
