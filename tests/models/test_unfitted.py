"""Models that cannot be fitted are missing beside others."""

import re

import pytest

import salmetrics
from salmetrics import CentreBias, Dataset, GoldStandard, InputError, Uniform, benchmark
from salmetrics.datasets import generate_dataset
from salmetrics.errors import CannotFitError, InputWarning
from salmetrics.models.unfitted import Unfitted, check_some_fitted, or_unfitted

TWO = generate_dataset(2, size=(24, 32), n_subjects=3, seed=1).dataset
ONE = Dataset("one", *TWO[:1])
QUIET = {"metrics": ["LL", "AUC"], "n_bootstrap": 0, "progress": False}


@pytest.mark.parametrize(
    "make",
    [
        lambda: CentreBias.fit(*ONE),
        lambda: CentreBias(ONE.stimuli, ONE.fixations[:0]),
        lambda: GoldStandard.fit(*ONE),
        lambda: GoldStandard.fit(TWO.stimuli, TWO.fixations[:0]),
        lambda: GoldStandard.fit(TWO.stimuli, TWO.fixations[TWO.fixations.subject == 0]),
    ],
)
def test_what_cannot_be_fitted(make):
    with pytest.raises(CannotFitError):
        make()
    model = or_unfitted(make)
    assert isinstance(model, Unfitted)
    assert model.parameters == {"unfitted": model.reason}
    with pytest.raises(InputError, match=re.escape(model.reason)):
        model.log_density(ONE.stimuli[0])


def test_other_errors_remain():
    with pytest.raises(InputError, match="floor must be from 0 to 1"):
        or_unfitted(lambda: CentreBias(*TWO, floor=2))
    assert or_unfitted(Uniform).name == "uniform"


def test_some_must_be_fitted():
    check_some_fitted([])
    check_some_fitted([Unfitted("no"), Uniform()])
    with pytest.raises(InputError, match=r"^no; never$"):
        check_some_fitted([Unfitted("no"), Unfitted("never"), Unfitted("no")])


def test_scores_are_missing_with_the_reason():
    models = {"flat": Uniform(), "none": Unfitted("there is one image")}
    found = salmetrics.evaluate(models, *ONE, **QUIET)
    assert found.value("flat", "AUC") == 0.5
    assert found.table.loc["none"].isna().all()
    assert "LL, AUC of none: there is one image" in found.footnotes()


def test_a_benchmark_scores_it_where_it_can():
    made = {"flat": lambda _: Uniform(), "bias": lambda dataset: CentreBias.fit(*dataset)}
    found = benchmark([ONE, Dataset("two", *TWO)], {}, made=made, **QUIET)
    assert found.leaderboard("one")["LL"].isna().to_dict() == {"flat": False, "bias": True}
    assert found.leaderboard("two")["LL"].notna().all()
    assert "LL, AUC of bias: the centre bias of an image is made from" in repr(found)
    del made["flat"]
    with pytest.raises(InputError, match=r"^the centre bias of an image is made from .* on 1; "):
        benchmark([ONE], {}, made=made, **QUIET)


def test_a_uniform_centre_bias_is_noted_in_results():
    centre_bias = CentreBias(*ONE)
    for models, baseline in (
        (centre_bias, Uniform()),
        (salmetrics.Mixture([Uniform(), centre_bias]), Uniform()),
        (Uniform(), centre_bias),
    ):
        with pytest.warns(InputWarning, match=r"are on '0', whose .* is uniform"):
            found = salmetrics.evaluate(
                models, *ONE, baseline=baseline, **QUIET | {"metrics": ["LL", "IG"]}
            )
        (note,) = found.provenance["checks"]
        assert "all fixations of the centre bias are on" in note
