"""All readouts of a model: folds, instances, stages, and the file that comes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock

import salmetrics
from salmetrics import CrossValidated, Dataset, Folds, InputError
from salmetrics.data import folds
from salmetrics_models import DeepGazeII, DeepGazeIIE, ReadoutModel
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.loading import backbone_names
from salmetrics_models.backbones.networks import ALEXNET, BACKBONES, VGG_19
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2, DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.training import Recipe, Stage, train
from salmetrics_models.training.inputs.samples import Samples
from salmetrics_models.training.loop import fit as fitting
from salmetrics_models.training.readouts import train as runs
from salmetrics_models.weights.files import write_weights
from tests.salmetrics_models.rounding import assert_equal_in_float32
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.training.toy_training import (
    ARCHITECTURE,
    EPS,
    ONE_EPOCH,
    QUIET,
    blob_dataset,
)


def test_no_readout_saw_its_test_images(stage, tmp_path, monkeypatch):
    """Neither its pixels nor its fixations, in training, stopping or the centre bias."""
    seen, fitted = [], []
    init = Samples.__init__
    fit_bias = salmetrics.CentreBias.fit.__func__

    def spy_samples(self, dataset, chosen, *args, **options):
        seen.append({dataset.stimuli.ids[i] for i in chosen})
        init(self, dataset, chosen, *args, **options)

    def spy_bias(cls, stimuli, fixations, **options):
        fitted.append(set(stimuli.ids))
        return fit_bias(cls, stimuli, fixations, **options)

    monkeypatch.setattr(Samples, "__init__", spy_samples)
    monkeypatch.setattr(salmetrics.CentreBias, "fit", classmethod(spy_bias))
    stage = replace(stage, recipe=ONE_EPOCH)
    found = train(ARCHITECTURE, [stage], tmp_path, **QUIET)
    assert len(seen) == 6
    assert len(fitted) == 3
    for k in range(3):
        used = seen[2 * k] | seen[2 * k + 1] | fitted[k]
        stage.folds.check(k, used)
        assert used | set(stage.folds.test(k)) == set(stage.dataset.stimuli.ids)
    assert isinstance(found.centre_bias, CrossValidated)
    assert len(fitted) == 3  # not fitted again


@pytest.mark.slow
def test_interrupted_between_readouts_the_file_is_the_same(quick_stage, tmp_path, monkeypatch):
    whole = train(ARCHITECTURE, [quick_stage], tmp_path / "whole", n_instances=2, **QUIET)
    write = runs.fit

    def stopped(head, training, validation, recipe, folder, **options):
        if "instance-1" in str(folder) and folder.name == "fold-1":
            raise KeyboardInterrupt
        return write(head, training, validation, recipe, folder, **options)

    monkeypatch.setattr(runs, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(ARCHITECTURE, [quick_stage], tmp_path / "cut", n_instances=2, **QUIET)
    assert not (tmp_path / "cut" / "model.pth").exists()
    monkeypatch.undo()
    again = train(ARCHITECTURE, [quick_stage], tmp_path / "cut", n_instances=2, **QUIET)
    assert again.path.read_bytes() == whole.path.read_bytes()
    assert (
        again.path.with_name("history.csv").read_text()
        == whole.path.with_name("history.csv").read_text()
    )


@pytest.mark.slow
def test_seeds_and_features_that_are_not_kept(quick_stage, tmp_path):
    digests = {}
    for name, options in {
        "a": {},
        "b": {"keep_features": False},
        "c": {"features": tmp_path / "elsewhere"},
        "d": {"seed": 1},
        "e": {"feature_dtype": "float16"},
    }.items():
        found = train(ARCHITECTURE, [quick_stage], tmp_path / name, **QUIET, **options)
        digests[name] = found.model(device="cpu").weights_digest
    assert digests["a"] == digests["b"] == digests["c"]
    assert len(set(digests.values())) == 3
    assert not (tmp_path / "b" / "features").exists()
    assert (tmp_path / "elsewhere").is_dir()


@pytest.mark.slow
def test_stages_go_on_from_each_other(dataset, tmp_path):
    """Pretraining with validation images of its own and another downsampling, then folds."""
    first = Stage(
        "first",
        blob_dataset(8, seed=11, name="other"),
        Recipe(max_epochs=2, batch_size=2, learning_rate=0.02, downsample=1.5),
        validation=blob_dataset(4, seed=12, name="third"),
    )
    folded = folds.kfold(dataset.stimuli, 3, scheme="deepgaze3")
    second = Stage("second", dataset, replace(ONE_EPOCH, learning_rate=1e-9), folds=folded)
    found = train(ARCHITECTURE, [first, second], tmp_path, **QUIET)
    rows = found.history.set_index(["stage", "fold"])
    assert len(rows.loc["first"]) == 3
    assert {*rows.loc["second"].index} == {0, 1, 2}
    state = torch.load(tmp_path / "hand-made/instance-0/first/final.pth", weights_only=True)
    own = found.model(device="cpu").network.branches[0].state_dict()
    for key, tensor in state["state_dict"].items():
        for k in range(3):  # Adam moves nothing by more than its rate, 1e-9, in a step
            torch.testing.assert_close(own[key][k], tensor[0], rtol=EPS, atol=1e-8)
    assert found.model().network.architecture.downsample == 1
    alone = train(ARCHITECTURE, [first], tmp_path / "alone", **QUIET)
    assert alone.model(device="cpu").n_components == 1
    with pytest.raises(InputError, match="the last stage of this training has no folds"):
        alone.cross_validated()
    assert np.isfinite(alone.model(device="cpu").log_density(dataset.stimuli[0])).all()


@pytest.mark.slow
def test_several_backbones_are_mixed(dataset, quick_stage, tmp_path):
    """Each is trained alone; the density is the mean over backbones of those of its readouts."""
    colour = replace(HAND_MADE.reading(["colour"]), name="colour")
    gabor = replace(HAND_MADE.reading(["gabor"]), name="gabor")
    together = train(
        replace(ARCHITECTURE, backbones=(colour, gabor)), [quick_stage], tmp_path / "both", **QUIET
    )
    alone = [
        train(replace(ARCHITECTURE, backbones=(one,)), [quick_stage], tmp_path / one.name, **QUIET)
        for one in (colour, gabor)
    ]
    stimulus = dataset.stimuli[4]
    parts = [t.cross_validated(device="cpu").log_density(stimulus) for t in (together, alone[0])]
    assert np.abs(parts[0] - parts[1]).max() > 1e-3
    # the second backbone starts from other random weights than one that is alone
    first, second = (t.history for t in (together, alone[0]))
    same = first[first["backbone"] == "colour"].reset_index(drop=True)
    assert same["IG"].tolist() == second["IG"].tolist()
    kept = together.from_features().log_density(stimulus)
    exact = together.cross_validated(device="cpu", dtype="float64").log_density(stimulus)
    assert_equal_in_float32(kept, parts[0], exact)
    assert together.model(device="cpu").network.architecture.backbones == (colour, gabor)
    with pytest.raises(InputError, match="backbone must be one of"):
        ReadoutModel(together.path, centre_bias="uniform", device="cpu")


def random_file(backbone, path, names=None, prefix=""):
    torch.manual_seed(2)
    state = FeatureExtractor(backbone).network.state_dict()
    torch.save({prefix + (names or {}).get(k, k): t for k, t in state.items()}, path)
    return state


@pytest.mark.slow
def test_deepgaze_2(dataset, tmp_path):
    """Trained in folds, it is loaded by `DeepGazeII`; features have unit variance."""
    state = random_file(VGG_19, tmp_path / "vgg19.pth")
    small = salmetrics.resize(dataset[:6], (64, 64))
    stage = Stage("blobs", small, ONE_EPOCH, folds=folds.kfold(small.stimuli, 3))
    with pytest.raises(InputError, match="backbone 'vgg-19' needs weights: give the file"):
        train(DEEPGAZE_2, [stage], tmp_path / "out", **QUIET)
    options = {"weights": {"vgg-19": tmp_path / "vgg19.pth"}, **QUIET}
    found = train(DEEPGAZE_2, [stage], tmp_path / "out", n_instances=2, **options)
    model = DeepGazeII.from_pretrained(found.path, centre_bias="uniform", device="cpu")
    assert (model.n_components, model.n_folds) == (6, 3)
    branch = model.network.branches[0]
    assert torch.equal(branch.features.network.features[0].weight, state["features.0.weight"])
    trained_scale = branch.feature_scale.clone()
    model.fit_feature_scale(small.stimuli, progress=False)
    # the same float32 features, their moments added up in float64: one rounding to float32
    torch.testing.assert_close(trained_scale, branch.feature_scale, rtol=4 * EPS, atol=0)
    crossed = model.cross_validated(found.stage.folds)
    assert crossed.model_for(small.stimuli.ids[0]).components == model.components_of(
        fold=found.stage.folds[small.stimuli.ids[0]]
    )
    assert isinstance(found.model(device="cpu"), DeepGazeII)
    model.save(tmp_path / "again.pth")
    again = DeepGazeII(tmp_path / "again.pth", centre_bias="uniform", device="cpu")
    assert again.n_folds == 3
    with pytest.raises(InputError, match=r"of another model than deepgaze2e: backbones, .* differ"):
        DeepGazeIIE(found.path, centre_bias="uniform", device="cpu")


@pytest.mark.slow
def test_a_part_of_deepgaze_2e(tmp_path, dataset):
    """Weights come from a checkpoint that has all backbones; it needs no more than one of them."""
    architecture = replace(DEEPGAZE_2E, backbones=(BACKBONES["resnext-50"],))
    torch.manual_seed(3)
    source = FeatureExtractor(BACKBONES["resnext-50"])
    names = {ours: theirs for theirs, ours in backbone_names("resnext-50", source.network)}
    published = {
        f"models.3.features.features.1.{names[k]}": t
        for k, t in source.network.state_dict().items()
    }
    torch.save(published | {"models.0.features.features.1.x": torch.zeros(1)}, tmp_path / "all.pth")
    small = salmetrics.resize(dataset[:6], (64, 96))
    stage = Stage("blobs", small, ONE_EPOCH, folds=folds.kfold(small.stimuli, 3))
    weights = {"all": tmp_path / "all.pth"}
    found = train(architecture, [stage], tmp_path / "out", weights=weights, **QUIET)
    model = found.model(device="cpu")
    assert isinstance(model, ReadoutModel)
    kept = model.network.branches[0].features.network.conv1.weight
    assert torch.equal(kept, source.network.conv1.weight)
    one = found.from_features().log_density(small.stimuli[1])
    other = found.cross_validated(device="cpu").log_density(small.stimuli[1])
    double = found.cross_validated(device="cpu", dtype="float64")
    assert_equal_in_float32(one, other, double.log_density(small.stimuli[1]))
    again = train(architecture, [stage], tmp_path / "again", weights={"all": found.path}, **QUIET)
    assert again.model(device="cpu").weights_digest == model.weights_digest


def test_published_layout_of_a_trained_deepgaze_2e(tmp_path, monkeypatch):
    """A checkpoint with 2 instances of 3 folds is one of `DeepGazeIIE`."""
    small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,))  # for four of 400 MB
    monkeypatch.setattr(DeepGazeIIE, "architecture", small)
    architecture = replace(small, n_components=6)
    network = DeepGazeNetwork(architecture)
    about = {"architecture": architecture.description(), "n_folds": 3}
    write_weights(tmp_path / "e.pth", network.state_dict(), about)
    model = DeepGazeIIE.from_pretrained(tmp_path / "e.pth", centre_bias="uniform", device="cpu")

    def described(**changes):
        return architecture.description() | changes

    assert (model.n_components, model.n_folds) == (6, 3)
    assert model.components_of(fold=2) == (2, 5)
    for wrong, text in (
        ({"n_folds": 4}, "6 components cannot have 4 folds"),
        ({"n_folds": 0}, "n_folds must be a whole number"),
        ({"architecture": {}}, "the description of the architecture is invalid"),
        ({"architecture": 3}, "'int' object"),
        ({"architecture": "abc"}, "the description of the architecture is invalid"),
        ({"architecture": described(downsample="x")}, "downsample must be a number"),
        ({"architecture": described(readout_factor=0)}, "readout_factor must be a whole number"),
        ({"architecture": described(layers=[{"channels": 10**9 + 0.5}])}, "channels must be"),
        (
            {"architecture": described(layers=[{"channels": 1, "activation": "silu"}])},
            "activation must be one of None, 'relu', 'softplus'; got 'silu'",
        ),
    ):
        few = {"branches.0.readouts.weight0": torch.zeros(6, 1, 1)}
        write_weights(tmp_path / "w.pth", few, about | wrong)
        with pytest.raises(InputError, match=f"w.pth'.*{text}"):
            DeepGazeIIE(tmp_path / "w.pth", centre_bias="uniform", device="cpu")
    torch.save(network.state_dict(), tmp_path / "plain.pth")
    with pytest.raises(InputError, match="has no description of its architecture"):
        ReadoutModel(tmp_path / "plain.pth", centre_bias="uniform")
    with pytest.raises(InputError, match="a readout has no published weights"):
        ReadoutModel.from_pretrained()
    with pytest.raises(InputError, match="a readout has no random weights"):
        ReadoutModel(None)


def test_one_at_a_time(stage, tmp_path):
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(InputError, match="another process trains in"),
    ):
        train(ARCHITECTURE, [stage], tmp_path, **QUIET)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"folder .* cannot be created"):
        train(ARCHITECTURE, [stage], tmp_path / "file" / "x", **QUIET)


def test_wrong_options(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "has_tensorboard", lambda: False)
    for options, text in (
        ({"n_instances": 0}, "n_instances must be"),
        ({"seed": -1}, "seed must be"),
        ({"n_threads": 0}, "n_threads must be"),
        ({"tensorboard": True}, "TensorBoard is not installed: pip install"),
        ({"seed": 2**70}, r"seed must be below 2 \*\* 63"),
        ({"metrics": "NSS"}, "metrics must be a list"),
        ({"metrics": ["IG"]}, "metric must be one of 'NSS', 'AUC'"),
        ({"weights": {"x": "y"}}, "backbone in weights must be one of 'hand-made', 'all'"),
        ({"feature_dtype": "int8"}, "dtype must be one of"),
        ({"device": "tpu"}, "device must be"),
    ):
        with pytest.raises(InputError, match=text):
            train(ARCHITECTURE, [stage], tmp_path / "w", **(QUIET | options))


def test_wrong_stages(dataset, stage, tmp_path):
    """They are checked before anything is computed."""
    with pytest.raises(InputError, match="stages must have different names"):
        train(ARCHITECTURE, [stage, stage], tmp_path, **QUIET)
    with pytest.raises(InputError, match="12 images are in no fold"):
        train(ARCHITECTURE, [replace(stage, folds=Folds({"z": 2}))], tmp_path, **QUIET)
    small = replace(stage, dataset=salmetrics.resize(dataset, (63, 90)))
    with pytest.raises(InputError, match=r"at least 64 pixels .* 'blobs0' of stage 'blobs' has 63"):
        train(ARCHITECTURE, [small], tmp_path / "w", **QUIET)
    first = Stage("first", dataset[2:5], ONE_EPOCH.changed(keep="last"))
    with pytest.raises(InputError, match="stage 'first' is trained on 3 images of stage 'blobs'"):
        train(ARCHITECTURE, [first, stage], tmp_path, **QUIET)
    assert not list(tmp_path.rglob("features"))


def test_other_data_in_the_same_folder(quick_stage, tmp_path):
    train(ARCHITECTURE, [quick_stage], tmp_path, **QUIET)
    data = quick_stage.dataset
    fewer = Dataset(data.name, data.stimuli, data.fixations[:-1])
    with pytest.raises(InputError, match=r"other conditions: stages.0.data.fixations \(was"):
        train(ARCHITECTURE, [replace(quick_stage, dataset=fewer)], tmp_path, **QUIET)
    with pytest.raises(InputError, match=r"other conditions: seed \(was 0, is 5\)"):
        train(ARCHITECTURE, [quick_stage], tmp_path, seed=5, **QUIET)


def test_a_finished_training_is_read_on_other_machines(quick_stage, tmp_path, monkeypatch):
    """Where other threads, torch or devices would move the last digits only."""
    first = train(ARCHITECTURE, [quick_stage], tmp_path, **QUIET)
    monkeypatch.setattr(torch, "__version__", "2.99.0")
    monkeypatch.setattr(runs, "fit", None)
    again = train(ARCHITECTURE, [quick_stage], tmp_path, n_threads=2, **QUIET)
    assert again.model(device="cpu").weights_digest == first.model(device="cpu").weights_digest


@pytest.mark.slow
def test_a_deepgaze_as_centre_bias(trained, stage, tmp_path):
    """It wants settings of torch while the training has some."""
    bias = trained.model(device="cpu", centre_bias="uniform", n_threads=1)
    own = replace(stage, recipe=ONE_EPOCH, centre_bias=bias)
    found = train(ARCHITECTURE, [own], tmp_path, n_threads=1, **QUIET)
    assert np.isfinite(found.history["IG"]).all()


def test_other_conditions_are_said_before_anything_is_computed(quick_stage, tmp_path, monkeypatch):
    train(ARCHITECTURE, [quick_stage], tmp_path, **QUIET)
    monkeypatch.setattr(runs, "filled_features", None)
    other = replace(quick_stage, recipe=ONE_EPOCH.changed(learning_rate=0.02))
    with pytest.raises(InputError, match=r"recipe.learning_rate \(was 0.01, is 0.02\)"):
        train(ARCHITECTURE, [other], tmp_path, **QUIET)


def test_deepgaze_2_with_another_backbone(dataset, tmp_path):
    """Strides are found out where they are needed."""
    architecture = replace(DEEPGAZE_2, backbones=(SEES["red"],), readout_factor=4)
    assert architecture.backbones[0].strides == (2, 4)
    small = salmetrics.resize(dataset[:6], (70, 96))
    stage = Stage("blobs", small, ONE_EPOCH, folds=folds.kfold(small.stimuli, 3))
    found = train(architecture, [stage], tmp_path, weights={"sees-red": "random"}, **QUIET)
    one = found.from_features().log_density(small.stimuli[1])
    other = found.cross_validated(device="cpu").log_density(small.stimuli[1])
    double = found.cross_validated(device="cpu", dtype="float64")
    assert_equal_in_float32(one, other, double.log_density(small.stimuli[1]))


def test_what_a_kill_left_is_swept(quick_stage, tmp_path):
    left = tmp_path / "hand-made" / ".state.pth-0123456789ab"
    left.parent.mkdir()
    left.write_bytes(b"half")
    own, shared = tmp_path / ".mine", tmp_path / "features" / "x" / ".a.safetensors-0123456789ab"
    own.touch()
    shared.parent.mkdir(parents=True)  # of another training
    shared.touch()
    train(ARCHITECTURE, [quick_stage], tmp_path, **QUIET)
    assert not left.exists()
    assert own.exists()
    assert shared.exists()


@pytest.mark.slow
def test_images_without_fixations_warn_once(quick_stage, tmp_path):
    data = quick_stage.dataset
    kept = data.fixations[data.fixations.image != 4]
    lacking = replace(quick_stage, dataset=Dataset("blobs", data.stimuli, kept))
    text = "1 of 12 images of 'blobs' have no fixations, or weight 0, and are left out of training"
    with pytest.warns(UserWarning, match=text) as caught:
        train(ARCHITECTURE, [lacking], tmp_path, n_instances=2, **QUIET)
    assert len([w for w in caught if text in str(w.message)]) == 1


@pytest.mark.slow
def test_layers_of_backbones():
    found = ALEXNET.reading(["features.4", "features.10"])
    assert (found.channels, found.strides) == (192 + 256, (8, 16))
    assert VGG_19.reading(VGG_19.layers) == VGG_19
    for backbone in BACKBONES.values():
        assert backbone.reading(backbone.layers).channels == backbone.channels
    for layers, text in (
        ([], "layers must be at least one, and different"),
        (["features.4", "features.4"], "and different"),
        (["features.40"], "alexnet has no layer 'features.40'"),
        ([""], "alexnet has no layer ''"),
        (["classifier.1"], "does not pass through layer 'classifier.1'"),
        ("features.4", "layers must be a list"),
    ):
        with pytest.raises(InputError, match=text):
            ALEXNET.reading(layers)


def test_wrong_weights_are_said_first(stage, tmp_path):
    architecture = replace(ARCHITECTURE, backbones=(HAND_MADE, SEES["red"]))
    for weights, text in (
        ({}, "backbone 'sees-red' needs weights"),
        ({"sees-red": tmp_path / "none.pth"}, "there is no file .*none.pth"),
    ):
        with pytest.raises(InputError, match=text):
            train(architecture, [stage], tmp_path / "out", weights=weights, **QUIET)
    torch.save({"first.0.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    weights = {"sees-red": tmp_path / "wrong.pth"}
    with pytest.raises(InputError, match="is of another model"):
        train(architecture, [stage], tmp_path / "out", weights=weights, **QUIET)
    assert not list(tmp_path.rglob("final.pth"))
    with pytest.raises(InputError, match="backbones with different names"):
        replace(ARCHITECTURE, backbones=(HAND_MADE, HAND_MADE.reading(["gabor"])))
