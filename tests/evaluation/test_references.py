"""What predictions are compared with: made once, checked, and the gold standard's own row."""

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.datasets import generate_dataset
from salmetrics.engine.references import References
from salmetrics.engine.run import score_models
from salmetrics.engine.run_options import RunOptions
from salmetrics.evaluation.references import add_gold_standard, make_references
from salmetrics.protocols import DEFAULT

GENERATED = generate_dataset(4, size=(24, 32), n_subjects=3)
STIMULI, FIXATIONS = GENERATED.dataset
IG, NSS = (DEFAULT.override(metrics=(key,)) for key in ("IG", "NSS"))
UNIFORM = salmetrics.Uniform()


def red(stimulus):
    return stimulus.rgb[..., 0].astype(float)


def made(models=None, protocol=IG, **references):
    return make_references(
        models or {"truth": GENERATED.truth}, STIMULI, FIXATIONS, protocol, **references
    )


@pytest.fixture
def n_fits(monkeypatch):
    """How often a centre bias and a gold standard were fitted, by name."""
    counts = {"CentreBias": 0, "GoldStandard": 0}
    for cls in (salmetrics.CentreBias, salmetrics.GoldStandard):

        def fit(cls, *data, _fit=cls.fit.__func__, _name=cls.__name__, **options):
            counts[_name] += 1
            return _fit(cls, *data, **options)

        monkeypatch.setattr(cls, "fit", classmethod(fit))
    return counts


# ---- baselines


def test_nothing_is_made_that_no_metric_needs(n_fits):
    assert made(protocol=NSS) == References()
    assert made(protocol=NSS, baseline=red) == References()  # not even looked at
    assert n_fits == {"CentreBias": 0, "GoldStandard": 0}


def test_the_usual_baseline_is_the_fitted_centre_bias(n_fits):
    references = made()
    assert isinstance(references.baseline, salmetrics.CentreBias)
    assert references.baseline.is_default(STIMULI, FIXATIONS)
    assert n_fits["CentreBias"] == 1


def test_a_centre_bias_among_the_models_is_used_again(n_fits):
    bias = salmetrics.CentreBias.fit(STIMULI, FIXATIONS, progress=False)
    assert made({"bias": bias}).baseline is bias
    assert n_fits["CentreBias"] == 1
    other = salmetrics.CentreBias(STIMULI, FIXATIONS, bandwidth=0.3, floor=0.1)
    assert made({"other": other}).baseline is not other  # its parameters were not fitted


def test_a_given_baseline():
    assert made(baseline=UNIFORM).baseline is UNIFORM
    with pytest.raises(InputError, match="baseline"):
        made(baseline=salmetrics.as_model(red, kind="saliency_map"))
    elsewhere = salmetrics.CentreBias(STIMULI, FIXATIONS[::2], bandwidth=0.3, floor=0.1)
    with pytest.raises(InputError, match="other fixations"):
        made(baseline=elsewhere)


def test_saliency_maps_need_no_baseline(n_fits):
    maps = salmetrics.as_model(red, kind="saliency_map")
    assert made({"maps": maps}) == References()
    assert n_fits["CentreBias"] == 0
    assert made({"maps": maps}, baseline=UNIFORM).baseline is UNIFORM
    matlab = DEFAULT.override(metrics=("IG-MATLAB",))  # which saliency maps have
    assert made({"maps": maps}, matlab).baseline is not None
    # without a map that is optimal for it, a density does not have it
    assert made({"truth": GENERATED.truth}, matlab).baseline is None
    assert made({"maps": maps}, gold_standard=GENERATED.truth).baseline is not None
    assert n_fits["CentreBias"] == 2


def test_a_baseline_that_cannot_be_fitted(n_fits):
    data = STIMULI, FIXATIONS[FIXATIONS.image == 0]
    both = DEFAULT.override(metrics=("LL", "IG"))
    models = {"truth": GENERATED.truth}
    found = make_references(models, *data, both)
    assert found.baseline is None
    assert "at least two images; there are some on 1; baseline=salmetrics.U" in found.no_baseline
    assert n_fits["CentreBias"] == 0
    assert make_references(models, *data, both, baseline=UNIFORM).no_baseline is None
    with pytest.raises(InputError, match=r"^IG cannot be computed: the centre bias .* baseline="):
        make_references(models, *data, both, required=True)
    with pytest.raises(InputError, match=r"^IG cannot be computed"):  # nothing else is asked for
        make_references(models, *data, IG)


# ---- gold standards


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (FIXATIONS.subject == 0, "all fixations are of one subject"),
        (FIXATIONS.subject == FIXATIONS.image % 3, "no image was seen by more than one subject"),
        (FIXATIONS.image == 0, "fixations on at least two images"),
    ],
)
def test_a_gold_standard_that_cannot_be_fitted(rows, text, n_fits):
    models, fixations = {"truth": GENERATED.truth}, FIXATIONS[rows]
    options = {"baseline": UNIFORM, "gold_standard": True}
    found = make_references(models, STIMULI, fixations, IG, **options)
    assert found.gold_standard is None
    assert text in found.no_gold_standard
    assert n_fits == {"CentreBias": 0, "GoldStandard": 0}
    with pytest.raises(InputError, match=f"^the gold standard cannot be fitted: .*{text}"):
        make_references(models, STIMULI, fixations, IG, **options, required=True)


def test_no_gold_standard():
    assert made(baseline=UNIFORM).gold_standard is None
    assert made(baseline=UNIFORM, gold_standard=False).gold_standard is None


# three subjects on four images say too little about the uniform weight
@pytest.mark.filterwarnings("ignore:the fit of the gold standard")
def test_a_fitted_gold_standard_shares_the_fitted_centre_bias(n_fits):
    references = made(gold_standard=True)
    assert isinstance(references.gold_standard, salmetrics.GoldStandard)
    assert n_fits == {"CentreBias": 1, "GoldStandard": 1}


def test_a_gold_standard_that_is_a_model_too():
    gold = GENERATED.truth
    assert made({"truth": gold}, baseline=UNIFORM, gold_standard=gold).gold_standard is gold
    with pytest.raises(InputError, match="there is a model 'truth' already, which is not the gold"):
        made({"truth": UNIFORM}, baseline=UNIFORM, gold_standard=gold)


def test_a_gold_standard_must_give_densities():
    with pytest.raises(InputError, match="gold_standard="):
        made(baseline=UNIFORM, gold_standard=salmetrics.as_model(red, kind="saliency_map"))


# ---- ground truth


def test_given_ground_truth():
    references = made(protocol=NSS, empirical=red)
    np.testing.assert_array_equal(references.empirical.saliency_map(STIMULI[0]), red(STIMULI[0]))
    with pytest.raises(InputError, match="empirical must give saliency maps, not densities"):
        made(protocol=NSS, empirical=UNIFORM)


def test_given_nonfixations():
    assert made(protocol=NSS, nonfixations=FIXATIONS).nonfixations is FIXATIONS


# ---- the gold standard's own row


def with_gold(metrics, model, keep="fixation"):
    protocol = DEFAULT.override(metrics=metrics)
    references = References(baseline=UNIFORM, gold_standard=GENERATED.truth)
    options = RunOptions(keep=keep)
    scores = score_models({"m": model}, STIMULI, FIXATIONS, protocol, references, options)
    return add_gold_standard(scores, STIMULI, FIXATIONS, protocol, references, options)


@pytest.mark.parametrize("keep", ["fixation", "image"])
def test_the_row_of_a_gold_standard(keep):
    scores = with_gold(("IG", "NSS", "CC"), UNIFORM, keep)
    assert scores.gold_standard == "truth"
    expected = salmetrics.information_gain(GENERATED.truth, STIMULI, FIXATIONS, baseline=UNIFORM)
    assert scores.sample("truth", "IG", "fixation").value == expected
    for key in ("NSS", "CC"):
        assert "scored by its likelihoods only" in scores.reasons["truth", key]
        assert np.isnan(scores.sample("truth", key, "image").value)
    assert (("truth", "NSS") in scores.values) == (keep == "fixation")
    assert scores.values["truth", "CC"].shape == (4,)


def test_shares_of_the_gold_standard():
    scores = with_gold(("IG",), UNIFORM)
    assert scores.sample("m", "IGE", "fixation").value == 0.0
    assert scores.sample("truth", "IGE", "fixation").value == 1.0
    assert scores.reasons == {}


def test_why_there_is_no_share():
    scores = with_gold(("IG",), salmetrics.as_model(red, kind="saliency_map"))
    assert scores.reasons["m", "IGE"] == scores.reasons["m", "IG"]
    protocol = DEFAULT.override(metrics=("IG",))
    # the uniform density gains nothing over itself
    references = References(baseline=UNIFORM, gold_standard=UNIFORM)
    scores = score_models(
        {"m": GENERATED.truth}, STIMULI, FIXATIONS, protocol, references, RunOptions()
    )
    scores = add_gold_standard(scores, STIMULI, FIXATIONS, protocol, references, RunOptions())
    nothing = "the gold standard has no information gain"
    assert scores.reasons == {("m", "IGE"): nothing, ("uniform", "IGE"): nothing}


def test_a_gold_standard_among_the_models_is_not_scored_twice():
    protocol = DEFAULT.override(metrics=("IG",))
    references = References(baseline=UNIFORM, gold_standard=GENERATED.truth)
    models = {"truth": GENERATED.truth}
    scores = score_models(models, STIMULI, FIXATIONS, protocol, references, RunOptions())
    again = add_gold_standard(scores, STIMULI, FIXATIONS, protocol, references, RunOptions())
    assert again is scores
    assert again.n_predictions == 4


def test_a_baseline_that_no_metric_needs_is_opened():
    stimuli = salmetrics.Stimuli.from_sizes([(20, 30)])
    fixations = salmetrics.Fixations.from_arrays([3.5], [4.5], [0])

    def scored(baseline):
        return salmetrics.evaluate(
            salmetrics.Uniform(), stimuli, fixations, metrics=["AUC"], baseline=baseline
        )

    with pytest.raises(salmetrics.InputError, match=r"^baseline=: there is no folder or file"):
        scored("unifrm")
    with pytest.raises(TypeError, match="int cannot serve as a model"):
        scored(3)
    assert scored(salmetrics.Uniform()).value("uniform", "AUC") == 0.5
