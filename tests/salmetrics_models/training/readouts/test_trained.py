"""The result of a training of readouts: its file, its models, its scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import CentreBias, CrossValidated, Folds, InputError, Stimuli, Uniform
from salmetrics.cli import main
from salmetrics_models import ReadoutModel
from salmetrics_models.training import Stage, Trained, train
from tests.salmetrics_models.rounding import assert_equal_in_float32
from tests.salmetrics_models.training.toy_training import (
    ARCHITECTURE,
    ONE_EPOCH,
    QUIET,
    blob_dataset,
)


def test_what_comes_of_it(trained, dataset):
    files = {path.name for path in trained.path.parent.iterdir()}
    assert {"model.pth", "folds.csv", "history.csv", "features", "hand-made"} <= files
    model = trained.model(device="cpu")
    assert isinstance(model, ReadoutModel)
    assert (model.n_components, model.n_folds) == (6, 3)
    assert model.components_of(fold=1) == (1, 4)
    assert model.components_of(fold=1, instance=1) == (4,)
    for k in range(3):
        for j in range(2):
            state = torch.load(
                trained.path.parent / f"hand-made/instance-{j}/blobs/fold-{k}/final.pth",
                weights_only=True,
            )["state_dict"]
            own = model.network.branches[0].state_dict()
            for key, tensor in state.items():
                assert torch.equal(own[key][3 * j + k], tensor[0])
    columns = ["backbone", "instance", "stage", "fold", "epoch"]
    assert list(trained.history.columns[:5]) == columns
    assert len(trained.history) == 2 * 3 * 4
    assert dict(Folds.load(trained.path.with_name("folds.csv"))) == dict(trained.stage.folds)
    best = trained.history.groupby(["instance", "fold"])["IG"].max()
    assert trained.validation() == pytest.approx(best.mean(), rel=1e-12)
    assert trained.validation(1) == pytest.approx(best.loc[1].mean(), rel=1e-12)


@pytest.mark.slow
def test_three_ways_to_predict_are_one(trained, dataset, capsys, monkeypatch, tmp_path):
    """Cross-validated from the file, from kept features, and on the command line."""
    crossed = trained.cross_validated(device="cpu")
    double = {"device": "cpu", "dtype": "float64"}  # measures what float32 loses
    exact = trained.cross_validated(**double)
    kept = trained.from_features()
    for i in (0, 3, 7):
        stimulus = dataset.stimuli[i]
        expected = crossed.log_density(stimulus)
        assert_equal_in_float32(kept.log_density(stimulus), expected, exact.log_density(stimulus))
        fold = trained.stage.folds[stimulus.id]
        options = {"components": (fold + 3,), "centre_bias": trained.parts[fold].centre_bias}
        alone = trained.model(device="cpu", **options)
        one = trained.from_features(instance=1)
        assert_equal_in_float32(
            one.log_density(stimulus),
            alone.log_density(stimulus),
            trained.model(**double, **options).log_density(stimulus),
        )
    with pytest.raises(InputError, match="there are no features of image 'else'"):
        kept.log_density(Stimuli.from_arrays([stimulus.image], ["else"])[0])
    monkeypatch.chdir(tmp_path)
    salmetrics.write_hdf5(dataset, "blobs.h5", images="copy")
    spec = f"readout:{trained.path},folds={trained.path.with_name('folds.csv')},centre=uniform"
    command = ["evaluate", "--dataset", "blobs.h5", "--metrics", "LL", "--model", spec]
    assert main([*command, "--out", "result.h5"]) == 0
    capsys.readouterr()
    result = salmetrics.Evaluation.load("result.h5")
    expected, precise = (
        salmetrics.log_likelihood(
            trained.cross_validated(centre_bias="uniform", **options), *dataset
        )
        for options in ({"device": "cpu"}, double)
    )
    assert_equal_in_float32(result.value(result.models[0], "LL"), expected, precise)
    assert main(["evaluate", "--dataset", "blobs.h5", "--model", "readout"]) == 2
    assert "give the file that a training wrote: readout:FILE" in capsys.readouterr().err


def test_new_images_have_the_mixture(trained, dataset):
    new = blob_dataset(1, seed=40, name="new").stimuli[0]
    assert np.isfinite(trained.model(device="cpu").log_density(new)).all()
    with pytest.raises(InputError, match="'new0' is in no fold"):
        trained.cross_validated(device="cpu").log_density(new)


def test_without_validation_there_is_none(dataset, tmp_path):
    stage = Stage("all", dataset, ONE_EPOCH.changed(keep="last"))
    found = train(ARCHITECTURE, [stage], tmp_path, **QUIET)
    assert np.isnan(found.validation())


def test_the_centre_bias_of_each_fold_has_not_seen_it(trained, dataset):
    bias = trained.centre_bias
    assert isinstance(bias, CrossValidated)
    for i in (0, 5, 10):
        stimulus = dataset.stimuli[i]
        fold = trained.stage.folds[stimulus.id]
        others = dataset[[k for k in trained.parts[fold].training.tolist() if k != i]]
        assert stimulus.id not in others.stimuli.ids
        alone = CentreBias.fit(*others, progress=False)
        # the same images, the same fit: the same arithmetic
        np.testing.assert_array_equal(bias.log_density(stimulus), alone.log_density(stimulus))
    given = replace(trained.stage, centre_bias="uniform")
    parts = tuple(replace(part, stage=given) for part in trained.parts)
    assert isinstance(replace(trained, parts=parts).centre_bias, Uniform)


def test_validation_is_of_the_epochs_that_are_kept(trained):
    """Best or last, by the recipe; the table of the history is changed by hand."""
    history = trained.history.copy()
    history["IG"] = np.arange(len(history), dtype=float)
    history.loc[history["epoch"] == 3, "IG"] = -1.0
    rows = history.groupby(["instance", "fold"])["IG"]
    for keep, expected in (("best", rows.max()), ("last", rows.last())):
        stage = replace(trained.stage, recipe=trained.stage.recipe.changed(keep=keep))
        parts = tuple(replace(part, stage=stage) for part in trained.parts)
        changed = replace(trained, history=history, parts=parts)
        assert changed.validation() == pytest.approx(expected.mean(), rel=1e-12)
        assert changed.validation(0) == pytest.approx(expected.loc[0].mean(), rel=1e-12)
    assert isinstance(changed, Trained)
    assert changed.validation() == -1
