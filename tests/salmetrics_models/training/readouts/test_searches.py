"""Searches over layers and random starts."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.data import folds
from salmetrics.datasets import generate_dataset
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.training import Recipe, Stage, instance_search, layer_search
from salmetrics_models.training.inputs import features as features_module
from tests.salmetrics_models.training.toy_training import ARCHITECTURE, QUIET

LAYERS = ["gabor", "colour", "contrast"]


@pytest.fixture(scope="module")
def short(dataset):
    """Six images, one epoch, and a centre bias that is not fitted."""
    few = dataset[:6]
    recipe = Recipe(max_epochs=1, batch_size=4, learning_rate=0.02)
    cut = folds.kfold(few.stimuli, 3)
    return Stage("blobs", few, recipe, folds=cut, centre_bias="gaussian")


@pytest.mark.slow
def test_instances(short, tmp_path):
    found = instance_search(ARCHITECTURE, [short], tmp_path, n=3, **QUIET)
    assert list(found.table["instance"]) == [0, 1, 2]
    assert found.groups == {"instances": [f"instances, instance {j}" for j in range(3)]}
    trained = found.trained["instances"]
    for _, row in found.table.iterrows():
        model = trained.from_features(instance=row["instance"])
        expected = salmetrics.information_gain(model, *short.dataset)
        assert row["IG"] == pytest.approx(expected, rel=1e-12)
        assert row["IG_low"] < row["IG"] < row["IG_high"]
        assert row["validation_IG"] == pytest.approx(trained.validation(row["instance"]), rel=1e-12)
    assert len(set(found.table["IG"])) == 3
    # the likelihood of a mixture is the mean of likelihoods, so its log is above the mean of logs
    ensemble = found.evaluation.value("instances, ensemble", "IG")
    assert ensemble >= found.table["IG"].mean()
    axes = found.plot()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["instances"]
    labels = axes.get_legend_handles_labels()[1]
    assert "instances, ensemble" in " ".join(labels)
    axes.figure.clear()


@pytest.mark.slow
def test_layers(short, tmp_path, monkeypatch):
    n_computed = [0]
    computed = features_module.Features._computed

    def spy(self, images):
        n_computed[0] += len(images)
        return computed(self, images)

    monkeypatch.setattr(features_module.Features, "_computed", spy)
    options = {"n": 50, "n_layers": (2, 3), "n_instances": 2, **QUIET}
    found = layer_search(ARCHITECTURE, LAYERS, [short], tmp_path, **options)
    assert n_computed[0] == len(short.dataset)  # once, for all sets
    sets = found.table.drop_duplicates("configuration")
    expected = {"gabor, colour", "gabor, contrast", "colour, contrast", "gabor, colour, contrast"}
    assert {*sets["layers"]} == expected
    channels = {"gabor": 16, "colour": 12, "contrast": 4}
    for _, row in sets.iterrows():
        assert row["n_channels"] == sum(channels[one] for one in row["layers"].split(", "))
    means = found.table.groupby("configuration")["validation_IG"].mean()
    assert found.best == means.idxmax()
    model = found.trained[found.best].model(device="cpu")
    chosen = sets.set_index("configuration").loc[found.best, "layers"]
    assert ", ".join(model.network.branches[0].features.backbone.layers) == chosen
    axes = found.plot()
    assert len(axes.get_xticklabels()) == 4
    axes.figure.clear()
    again = layer_search(ARCHITECTURE, LAYERS, [short], tmp_path, **options)
    np.testing.assert_array_equal(again.table["IG"], found.table["IG"])


@pytest.mark.filterwarnings("ignore:the fit of the gold standard ended")  # to 3 people
@pytest.mark.slow
def test_all_metrics_and_shares_of_the_gold_standard(tmp_path):
    """The last stage has no folds: the images of its validation are scored."""
    made = generate_dataset(9, size=(64, 80), n_subjects=3, n_fixations=6, seed=1).dataset
    recipe = Recipe(max_epochs=1, learning_rate=0.02)
    stage = Stage("made", made[:5], recipe, validation=made[5:], centre_bias="gaussian")
    metrics = ["NSS", "IGE", "AUC"]
    found = instance_search(ARCHITECTURE, [stage], tmp_path, n=2, metrics=metrics, **QUIET)
    result = found.evaluation
    assert result.provenance["dataset"]["n_images"] == 4
    columns = [c for c in found.table if not c.endswith(("_low", "_high"))]
    assert columns == ["configuration", "instance", "validation_IG", "IG", "IGE", "NSS", "AUC"]
    trained = found.trained["instances"]
    for j, row in found.table.iterrows():
        model = trained.from_features(instance=j)
        own = trained.model(device="cpu", centre_bias="gaussian")
        own = own.with_components(own.components_of(instance=j))
        expected = salmetrics.nss(own, *made[5:])
        # float32, in the one convolution of all components or of one
        assert row["NSS"] == pytest.approx(expected, rel=1e-4)
        assert row["NSS"] == pytest.approx(salmetrics.nss(model, *made[5:]), rel=1e-12)
        gold_gain = result.value(result.gold_standard, "IG")
        assert row["IGE"] == pytest.approx(row["IG"] / gold_gain, rel=1e-9)
        assert row["IGE_low"] < row["IGE_high"]
    summary = found.summary
    scores = found.table["IGE"]
    row = summary.loc[("instances", "IGE")]
    assert (row["n"], row["lowest"], row["highest"]) == (2, scores.min(), scores.max())
    assert row["mean"] == pytest.approx(scores.mean(), rel=1e-12)
    assert row["sd"] == pytest.approx(np.ptp(scores) / 2**0.5, rel=1e-9)
    assert row["ensemble"] == result.value("instances, ensemble", "IGE")
    assert summary.loc[("instances", "validation_IG"), "mean"] == pytest.approx(
        found.table["validation_IG"].mean(), rel=1e-12
    )
    assert [metric for _, metric in summary.index] == ["IG", "IGE", "NSS", "AUC", "validation_IG"]
    labels = found.plot("IGE").get_legend_handles_labels()[1]
    assert [label.rpartition(" ")[0] for label in labels] == [
        "instances, ensemble",
        "gold-standard",
    ]
    plt.close("all")
    one = instance_search(
        ARCHITECTURE,
        [stage],
        tmp_path / "one",
        n=1,
        metrics=["LL"],
        gold_standard=salmetrics.GaussianCentreBias(0.3),
        **QUIET,
    )
    assert np.isfinite(one.table["IGE"]).all()
    assert np.isnan(one.summary.loc[("instances", "LL"), "sd"])
    assert one.summary.loc[("instances", "LL"), "ensemble"] == one.table.loc[0, "LL"]


def test_sets_are_drawn_by_seed(short, tmp_path, monkeypatch):
    from salmetrics_models.training.readouts import searches

    drawn = [searches._sets(tuple(LAYERS), 3, (1, 3), seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    many = tuple(f"layer {i}" for i in range(40))  # too many sets to list them all
    drawn.append(searches._sets(many, 3, (2, 20), 0))
    for some in drawn[:3]:
        assert len(set(some)) == 3
        assert all(list(one) == [x for x in LAYERS if x in one] for one in some)
    assert len(set(drawn[3])) == 3
    assert all(2 <= len(set(one)) == len(one) <= 20 for one in drawn[3])


def test_wrong_input(short, tmp_path):
    for layers, options, text in (
        (LAYERS, {"n": 0}, "n must be a whole number >= 1"),
        (
            LAYERS,
            {"n_layers": (4, 5)},
            r"n_layers must be the fewest and the most layers, from 1 to 3",
        ),
        (LAYERS, {"n_layers": (2, 1)}, "n_layers must be the fewest and the most layers"),
        (LAYERS, {"n_layers": (1, 2, 3)}, "n_layers must be the fewest and the most layers"),
        (LAYERS, {"n_layers": 3}, "n_layers must be a list"),
        (["other"], {}, "hand-made has no layer 'other'"),
        ("gabor", {}, "layers must be a list"),
    ):
        with pytest.raises(InputError, match=text):
            layer_search(ARCHITECTURE, layers, [short], tmp_path, **options)
    for options, text in (
        ({"metrics": ["FOO"]}, "metric must be one of"),
        ({"metrics": ["IGE"]}, "IGE needs a gold standard, and all fixations are of one subject"),
        ({"gold_standard": True}, "all fixations are of one subject"),
        (
            {"stages": [replace(short, folds=None, recipe=short.recipe.changed(keep="last"))]},
            "give folds to the last stage, or validation",
        ),
    ):
        given = {"stages": [short]} | options
        with pytest.raises(InputError, match=text):
            instance_search(ARCHITECTURE, out=tmp_path, **given)
        with pytest.raises(InputError, match=text):
            layer_search(ARCHITECTURE, LAYERS, out=tmp_path, **given)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="needs an architecture with one backbone; this one has 4"):
        layer_search(DEEPGAZE_2E, LAYERS, [short], tmp_path)
