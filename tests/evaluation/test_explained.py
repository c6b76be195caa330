"""IGE, gain maps and the inter-observer table against what they are made of."""

import numpy as np
import pytest

import salmetrics
from salmetrics import CentreBias, Evaluation, GaussianCentreBias, GoldStandard, InputError, Uniform
from salmetrics.datasets import generate_dataset
from salmetrics.statistics.cells import Ratio
from salmetrics.statistics.inference import intervals

GENERATED = generate_dataset(16, size=(90, 120), n_subjects=6, n_fixations=8)
STIMULI, FIXATIONS = GENERATED.dataset
MODELS = {"truth": GENERATED.truth, "gaussian": GaussianCentreBias()}


@pytest.fixture(scope="module")
def gold():
    return GoldStandard.fit(STIMULI, FIXATIONS)


def red(stimulus):
    return stimulus.image[:, :, 0]


def evaluated(models, gold, **options):
    metrics = ["LL", "IG", "NSS", "CC"]
    options = {"metrics": metrics, "n_bootstrap": 200, "progress": False} | options
    return salmetrics.evaluate(models, STIMULI, FIXATIONS, gold_standard=gold, **options)


@pytest.fixture(scope="module")
def result(gold):
    return evaluated(MODELS, gold)


def gains(model, gold):
    baseline = gold.centre_bias.log_likelihoods(STIMULI, FIXATIONS)
    found = model.log_likelihoods(STIMULI, FIXATIONS) - baseline
    return found / np.log(2), (gold.log_likelihoods(STIMULI, FIXATIONS) - baseline) / np.log(2)


def mean(values, average, weights=None):
    """Weighted mean over fixations, images or subjects, written out."""
    weights = np.ones(values.size) if weights is None else weights
    if average == "fixation":
        return np.average(values, weights=weights)
    groups = FIXATIONS.image if average == "image" else FIXATIONS.subject
    means = [
        np.average(values[groups == g], weights=weights[groups == g])
        for g in np.unique(groups)
        if weights[groups == g].sum() > 0
    ]
    return np.mean(means)


@pytest.mark.parametrize("average", ["fixation", "image", "subject"])
def test_ige_is_the_ratio_of_gains(gold, average):
    protocol = salmetrics.get_protocol("default").override(average=average, metrics=("IG",))
    found = evaluated(MODELS, gold, metrics=None, protocol=protocol)
    for name, model in MODELS.items():
        above, below = gains(model, gold)
        expected = mean(above, average) / mean(below, average)
        assert found.value(name, "IGE") == pytest.approx(expected, rel=1e-9)
        single = salmetrics.information_gain_explained(
            model, STIMULI, FIXATIONS, gold_standard=gold, average=average
        )
        assert single == found.value(name, "IGE")
    assert found.value("gold-standard", "IGE") == 1
    assert found.summary.loc[("gold-standard", "IGE"), "low"] == 1


def test_interval_resamples_both(gold, result):
    above, below = gains(MODELS["truth"], gold)
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    draws = rng.multinomial(16, np.full(16, 1 / 16), 200)
    ratios = [
        np.average(above, weights=w[FIXATIONS.image])
        / np.average(below, weights=w[FIXATIONS.image])
        for w in draws
    ]
    row = result.summary.loc[("truth", "IGE")]
    np.testing.assert_allclose([row.low, row.high], np.quantile(ratios, [0.025, 0.975]), rtol=1e-9)
    bca = result.intervals(method="bca").loc[("truth", "IGE")]
    assert bca.low < row.value < bca.high
    assert abs(bca.low - row.low) < row.high - row.low
    both = result.intervals("both").loc[("truth", "IGE")]
    assert both.low < row.value < both.high


def test_coverage_of_ratio_intervals(rng):
    """Two noisy gains of known ratio; images are clusters."""
    covered = 0
    for seed in range(200):
        level = rng.normal(2, 0.5, 40)
        parts = [
            salmetrics.statistics.cells.Sample.of_images(scale * level + rng.normal(0, 0.3, 40))
            for scale in (0.6, 1.0)
        ]
        ((low, high),) = intervals([Ratio.of(*parts)], n_bootstrap=300, seed=seed)
        covered += low < 0.6 < high
    assert 175 <= covered <= 198  # 95 % of 200, within 99.9 % binomial bounds, and a little less


def test_models_are_compared_over_the_same_gold_standard(result):
    row = result.compare("truth", "gaussian", metric="IGE").iloc[0]
    expected = result.value("truth", "IGE") - result.value("gaussian", "IGE")
    assert row.difference == pytest.approx(expected, rel=1e-12)
    assert row.low < expected < row.high
    assert row.p_value < 1e-6
    ranks = result.rank("IGE")
    assert list(ranks.index) == ["truth", "gold-standard", "gaussian"]


def test_per_image_and_per_subject(gold, result):
    above, below = gains(MODELS["truth"], gold)
    table = result.per_image["truth"]
    for i in (0, 7):
        rows = FIXATIONS.image == i
        assert table["IG"].iloc[i] == pytest.approx(above[rows].mean(), rel=1e-9)
        assert table["IGE"].iloc[i] == pytest.approx(
            above[rows].sum() / below[rows].sum(), rel=1e-9
        )
    subjects = result.by("subject")
    rows = FIXATIONS.subject == 2
    assert subjects.loc[(2, "truth", "IG"), "value"] == pytest.approx(above[rows].mean(), rel=1e-9)
    expected = above[rows].sum() / below[rows].sum()
    assert subjects.loc[(2, "truth", "IGE"), "value"] == pytest.approx(expected, rel=1e-9)
    assert "CC" not in subjects.index.get_level_values("metric")
    assert "IGE" not in result.per_fixation.columns.get_level_values("metric")


def test_saved_joined_and_kept_small(gold, result, tmp_path):
    result.save(tmp_path / "r.h5")
    loaded = Evaluation.load(tmp_path / "r.h5")
    assert loaded.summary.equals(result.summary)
    assert loaded.gold_standard == "gold-standard"
    assert loaded.baseline_model is None
    small = evaluated(MODELS, gold, keep="image")
    assert small.summary.equals(result.summary)
    both = result.join(evaluated({"uniform": Uniform()}, gold))
    assert both.value("uniform", "IGE") < 0
    assert both.models == ["truth", "gaussian", "gold-standard", "uniform"]


def test_true_fits_one_centre_bias(monkeypatch):
    calls = []
    fit = CentreBias.fit.__func__

    def counted(cls, *args, **kwargs):
        calls.append(1)
        return fit(cls, *args, **kwargs)

    monkeypatch.setattr(CentreBias, "fit", classmethod(counted))
    made = evaluated({"m": Uniform()}, True, metrics=["IG"])
    assert len(calls) == 1
    assert made.baseline_model.optimum is not None
    again = evaluated({"m": Uniform()}, None, metrics=["IG"], baseline=made.baseline_model)
    assert len(calls) == 1
    assert again.value("m", "IG") == made.value("m", "IG")
    known = evaluated({"c": made.baseline_model}, None, metrics=["IG"])
    assert len(calls) == 1
    assert known.value("c", "IG") == 0
    footnotes = made.footnotes().splitlines()
    assert footnotes[1].startswith("IG over centre-bias (bandwidth 0.0")
    assert footnotes[2].startswith("IGE: share of the IG of gold-standard (bandwidth ")


def test_gold_standard_among_the_models(gold):
    made = evaluated({"gold-standard": gold, "u": Uniform()}, gold, metrics=["IG", "NSS"])
    assert made.models == ["gold-standard", "u"]
    assert made.value("gold-standard", "NSS") > 1
    assert made.value("gold-standard", "IGE") == 1


def test_any_density_may_be_the_gold_standard():
    made = evaluated({"g": GaussianCentreBias()}, GENERATED.truth, baseline=Uniform())
    expected = made.value("g", "IG") / made.value(made.gold_standard, "IG")
    assert made.value("g", "IGE") == pytest.approx(expected, rel=1e-12)


def test_no_share_of_nothing():
    made = evaluated({"t": GENERATED.truth}, Uniform(), metrics=["IG"])
    assert np.isnan(made.value("t", "IGE"))  # uniform has no gain over the centre bias
    assert made.summary.loc[("t", "IGE"), "note"] == "the gold standard has no information gain"


def test_maps_have_no_ige(gold):
    made = evaluated({"m": salmetrics.as_model(red, kind="saliency_map")}, gold)
    assert np.isnan(made.value("m", "IGE"))
    assert "fit_density" in made.reasons["m", "IGE"]
    with pytest.raises(TypeError, match="fit_density"):
        salmetrics.information_gain_explained(
            salmetrics.as_model(red, kind="saliency_map"), STIMULI, FIXATIONS
        )


def test_gain_map(gold):
    joint = GoldStandard.fit(STIMULI, FIXATIONS, upper_bound=True, centre_bias=gold.centre_bias)
    options = {"gold_standard": joint, "baseline": Uniform()}
    found = salmetrics.information_gain_map(GENERATED.truth, STIMULI[3], **options)
    truth = GENERATED.truth.log_density(STIMULI[3])
    expected = np.exp(joint.log_density(STIMULI[3])) * (truth + np.log(truth.size)) / np.log(2)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    # under the model's own density, the sum is its expected gain
    own = {"gold_standard": GENERATED.truth, "baseline": Uniform()}
    total = salmetrics.information_gain_map(GENERATED.truth, STIMULI[3], **own).sum()
    assert total == pytest.approx(GENERATED.expected_gains[3], rel=1e-9)
    half = np.where(np.arange(120) < 60, -np.inf, -np.log(90 * 60)) + np.zeros((90, 1))
    nowhere = salmetrics.as_model({"3": half}, kind="log_density")
    shown = {"gold_standard": nowhere, "baseline": nowhere}
    assert (salmetrics.information_gain_map(nowhere, STIMULI[3], **shown) == 0).all()
    with pytest.raises(TypeError, match="gives saliency maps"):
        salmetrics.information_gain_map(
            salmetrics.as_model(red, kind="saliency_map"), STIMULI[3], **options
        )


def test_inter_observer(gold):
    table = salmetrics.inter_observer(STIMULI, FIXATIONS, gold_standard=gold, n_bootstrap=50)
    assert list(table.index.unique("subject")) == [*range(6), "all"]
    assert list(table.index.unique("metric")) == ["LL", "IG", "AUC", "NSS"]
    nats = gold.log_likelihoods(STIMULI, FIXATIONS)
    own = nats[FIXATIONS.subject == 4].mean() / np.log(2)
    assert table.loc[(4, "LL"), "value"] == pytest.approx(own, rel=1e-12)
    assert table.loc[("all", "LL"), "value"] == pytest.approx(nats.mean() / np.log(2), rel=1e-12)
    assert (table.loc["all"].low < table.loc["all"].high).all()
    fast = salmetrics.inter_observer(STIMULI, FIXATIONS, metrics=["IG"], n_bootstrap=0)
    assert fast.loc[(4, "IG"), "value"] == pytest.approx(table.loc[(4, "IG"), "value"], rel=1e-12)
    with pytest.raises(InputError, match=r"metric must be one of .*; got 'CC'"):
        salmetrics.inter_observer(STIMULI, FIXATIONS, metrics=["CC"])


def test_errors(gold):
    with pytest.raises(InputError, match="needs IG among the metrics"):
        evaluated(MODELS, gold, metrics=["LL"])
    with pytest.raises(InputError, match="IGE needs a gold standard: give gold_standard=, too"):
        evaluated(MODELS, None, metrics=["IG", "IGE"])
    named, alone = (evaluated(MODELS, gold, metrics=metrics) for metrics in (["IGE"], ["IG"]))
    assert named.summary.equals(alone.summary)
    with pytest.raises(InputError, match="gold_standard= needs densities; red gives saliency maps"):
        evaluated(MODELS, salmetrics.as_model(red, kind="saliency_map"))
    with pytest.raises(InputError, match="there is a model 'gold-standard' already"):
        evaluated({"gold-standard": Uniform()}, gold)
    with pytest.raises(InputError, match="now comes with other fixations"):
        salmetrics.evaluate(
            MODELS, STIMULI, FIXATIONS[1:], metrics=["IG"], gold_standard=gold, baseline=Uniform()
        )
    with pytest.raises(InputError, match="average must be one of"):
        salmetrics.information_gain_explained(Uniform(), STIMULI, FIXATIONS, average=None)


def test_joined_gold_standards(gold, result):
    other = GoldStandard(
        STIMULI,
        FIXATIONS,
        bandwidth=30.0,
        centre_weight=0.1,
        uniform_weight=0.1,
        centre_bias=gold.centre_bias,
    )
    with pytest.raises(InputError, match="have different gold standards"):
        result.join(evaluated({"u": Uniform()}, other))
    without = evaluated({"u": Uniform()}, None, metrics=["LL", "IG"])
    for both in (result.join(without), without.join(result)):
        assert both.gold_standard == "gold-standard"
        assert both.value("u", "IGE") < 0
        assert both.value("truth", "IGE") == result.value("truth", "IGE")
    alone = evaluated({"u": Uniform()}, None, metrics=["LL"])
    both = result.join(alone)
    assert both.metrics == ["LL"]
    assert both.gold_standard is None
    assert "gold-standard" in both.models


def test_a_model_that_is_called_gold_standard():
    with pytest.raises(InputError, match="there is a model 'gold-standard' already"):
        evaluated({"gold-standard": GaussianCentreBias()}, True, metrics=["IG"])


def test_a_given_centre_bias_does_not_change_the_gold_standard():
    wide = CentreBias(STIMULI, FIXATIONS, bandwidth=0.25, floor=0.5)
    records = [
        evaluated({"u": Uniform()}, True, metrics=["IG"], baseline=b).provenance["gold_standard"]
        for b in (None, wide, Uniform())
    ]
    assert records[0] == records[1] == records[2]


def test_no_share_on_images_where_people_tell_nothing():
    """IGE of an image is NaN where the gold standard has no gain, and so is its interval."""
    backwards = salmetrics.Mixture([GENERATED.truth, Uniform()], [0.02, 0.98])
    made = evaluated({"t": GENERATED.truth}, backwards, metrics=["IG"], baseline=GENERATED.truth)
    assert made.per_image.xs("IGE", axis=1, level="metric").isna().all().all()
    weak = salmetrics.statistics.cells.Sample.of_images(
        np.array([-1.0, 1.1, -1.0, 1.1, -1.0, 1.1, 0.2])
    )
    strong = salmetrics.statistics.cells.Sample.of_images(np.ones(7))
    assert np.isnan(intervals([Ratio.of(strong, weak)], n_bootstrap=200)).all()


def test_inter_observer_needs_subjects_left_out(gold):
    joint = GoldStandard.fit(STIMULI, FIXATIONS, upper_bound=True, centre_bias=gold.centre_bias)
    with pytest.raises(InputError, match="does not leave a subject out"):
        salmetrics.inter_observer(STIMULI, FIXATIONS, gold_standard=joint)


def test_failures_of_a_gold_standard_are_recorded():
    class Fails(GaussianCentreBias):
        name = "fails"

        def log_density(self, stimulus, *, subject=None):
            if stimulus.id == "3":
                raise RuntimeError("no")
            return super().log_density(stimulus)

    made = evaluated({"u": Uniform()}, Fails(), metrics=["IG"], on_error="record")
    assert list(made.errors.model) == ["fails"]
