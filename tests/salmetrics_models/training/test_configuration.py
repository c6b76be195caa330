"""Trainings as TOML files, and `salmetrics train`."""

import os
import signal
import subprocess
import sys
import time
import tomllib

import pytest

import salmetrics
from salmetrics import Dataset, InputError
from salmetrics.cli import main
from salmetrics.cli.arguments.dataset_spec import option_values
from salmetrics_models import ReadoutModel
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2, DEEPGAZE_2E, DEEPGAZE_2E_ACW
from salmetrics_models.litegaze.architecture import LITEGAZE
from salmetrics_models.training import RECIPES
from salmetrics_models.training import toml_tables as tables
from salmetrics_models.training.configuration import example, example_names, read_configuration
from tests.salmetrics_models.toy_backbones import blobs
from tests.salmetrics_models.training.toy_files import BEGIN, STAGE
from tests.salmetrics_models.training.toy_training import blob_dataset


@pytest.mark.slow
def test_train(training_folder, capsys):
    (training_folder / "sub").mkdir()
    os.chdir(training_folder / "sub")  # paths are relative to the file
    assert main(["train", "../config.toml"]) == 0
    out = capsys.readouterr().out
    assert "1 instance of readouts of hand-made" in out
    assert "blobs: blobs, 12 images, 480 fixations, 3 folds" in out
    assert "3 readouts of each backbone" in out
    assert "IG on validation images" in out
    assert "| cross-validated |" in out
    found = salmetrics.Evaluation.load(training_folder / "out" / "evaluation.h5")
    assert set(found.metrics) == {"LL", "IG", "NSS", "AUC"}
    model = ReadoutModel(training_folder / "out" / "model.pth", centre_bias="uniform", device="cpu")
    assert (model.n_components, model.n_folds) == (3, 3)
    assert main(["train", "../config.toml"]) == 0  # all is done
    assert capsys.readouterr().out == out


def test_check_and_other_places(training_folder, capsys):
    assert main(["train", "config.toml", "--check", "--out", "there", "--threads", "1"]) == 0
    assert "in there" in capsys.readouterr().out
    assert not (training_folder / "there").exists()
    assert not (training_folder / "out").exists()


@pytest.mark.parametrize("name", example_names())
def test_examples(name, capsys, tmp_path, monkeypatch):
    """Each reads well, with data sets of the right names, and stands for its paper's recipe."""
    assert main(["train", "--example", name]) == 0
    text = capsys.readouterr().out
    assert text == example(name)
    (tmp_path / "config.toml").write_text(text)
    asked = []

    def load(spec, root):
        asked.append(spec)
        registered, *options = spec.split(",")
        option_values(registered, options)  # raises an error for names that are not registered
        if registered == "cat2000-train":
            return blobs(10, lambda i: [0], categories=["a", "b"] * 5)
        n = 1003 if spec.startswith("mit1003") else 30
        few = blob_dataset(30, n_fixations=4, name=spec)
        if name == "litegaze":  # which names two of the photographs of OSIE
            ids = ["1279", *few.stimuli.ids[2:], "1374"]
            arrays = [stimulus.image for stimulus in few.stimuli]
            few = Dataset(spec, salmetrics.Stimuli.from_arrays(arrays, ids=ids), few.fixations)
        if n > 30:  # the folds of MIT1003 are defined on all its images
            sizes = [few.stimuli.sizes[0].tolist()] * n
            stimuli = salmetrics.Stimuli.from_arrays([few.stimuli[0].image] * n)
            assert len(sizes) == len(stimuli)
            none = salmetrics.Fixations.from_arrays([1.0], [1.0], [0], n_images=n)
            return Dataset("mit1003", stimuli, none)
        return few

    monkeypatch.setattr(tables, "mit1003", lambda stimuli, scheme: _folds(stimuli, scheme))
    found = read_configuration(tmp_path / "config.toml", load)
    if name in ("hand-made", "litegaze"):
        assert asked == ["osie"]
        assert tuple(found.stages[0].dataset.stimuli.sizes[0]) == (300, 400)
        if name == "litegaze":
            folds = found.stages[0].folds
            assert folds["1279"] == folds["1374"]
            assert LITEGAZE.differences(found.architecture) == []
            assert found.architecture.downsample == LITEGAZE.downsample
        return
    if name == "deepgaze2e-acw-split":
        parts = found.parts
        assert [len(d) for d in (parts.training, parts.validation, parts.test)] == [6, 2, 2]
        assert (found.dataset, found.options["validation"]) == (parts.training, parts.validation)
        assert (found.options["folds"], found.options["n_instances"]) == ("none", 15)
        return
    if name == "deepgaze2e-acw":
        options = found.options
        assert options["architecture"] == DEEPGAZE_2E_ACW
        assert options["folds"].n_folds == 5
        assert options["recipe"] == RECIPES[name]
        assert (options["n_instances"], options["category_rate"]) == (3, 10)
        assert "shapenet-c" in found.summary()
        return
    if name == "emlnet-mit1003":
        assert asked == ["mit1003"]
        options = found.options
        assert (len(found.dataset), len(options["validation"])) == (903, 100)
        assert not {*found.dataset.stimuli.ids} & {*options["validation"].stimuli.ids}
        assert options["pad"] is True
        with pytest.raises(InputError, match=r"model.pth"):
            found.check()
        return
    if name == "emlnet":
        assert [spec.partition(",")[0] for spec in asked] == ["salicon"] * 2
        options = found.options
        assert options["encoder_recipe"] == RECIPES["emlnet-encoder"]
        assert options["decoder_recipe"] == RECIPES["emlnet-decoder"]
        assert sorted(options["weights"]) == ["imagenet", "places"]
        assert "public form" in found.summary()
        with pytest.raises(InputError, match="resnet50"):
            found.check()
        return
    base = {"deepgaze2": DEEPGAZE_2, "deepgaze2e": DEEPGAZE_2E}[name]
    assert found.architecture == base
    assert found.options["n_instances"] == {"deepgaze2": 1, "deepgaze2e": 3}[name]
    first, second = found.stages
    assert first.recipe == RECIPES[f"{name}-pretraining"]
    assert second.recipe == RECIPES[f"{name}-fine-tuning"]
    assert (first.folds, second.folds.n_folds, second.validation) == (None, 10, None)
    assert first.validation is not None
    assert second.folds.scheme == {"deepgaze2": "deepgaze2", "deepgaze2e": "deepgaze3"}[name]
    data = [spec.partition(",")[0] for spec in asked]
    stopped = {"deepgaze2": "mit1003", "deepgaze2e": "salicon"}[name]
    assert data == ["salicon", stopped, "mit1003"]


def _folds(stimuli, scheme):
    import warnings

    from salmetrics.data.folds import mit1003

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the scheme of DeepGaze II, which the example explains
        return mit1003(stimuli, scheme=scheme)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("out = ", "config.toml' is not valid TOML"),
        ("stagez = 1", "key of the file must be one of 'out', .*; got 'stagez'"),
        ("out='o'\n[model]\nseeds = 1", r"key of \[model\] must be one of .*; got 'seeds'"),
        ("out='o'\n[model]\nseed = true", r"seed in \[model\] must be a whole number; got True"),
        ("out='o'\n[model]\nseed = 'x'", r"seed in \[model\] must be a whole number; got 'x'"),
        ("out='o'\n[model]\ndownsample = 'x'", r"must be a whole number or a number; got 'x'"),
        ("model = 3", "model in the file must be a table; got 3"),
        ("[model]\nbase = 'x'\n", "the file must name the folder of the results"),
        ("out='o'\n[model]\nbase = 'x'", "base must be one of 'deepgaze1', .*; got 'x'"),
        ("out='o'\n[model]\nbackbones = ['x']", "backbone must be one of .*; got 'x'"),
        ("out='o'\n[model]\nbackbones = []", "needs backbones with different names"),
        ("out='o'\n[model]\ndownsample = 0", "downsample must be a number from 1 to 100; got 0"),
        ("out='o'\n[model.layers]\nvgg-19 = ['x']", r"backbone in \[model.layers\] must be one of"),
        ("out='o'\n[weights]\nx = 'y'", r"key of \[weights\] must be one of .*'all'; got 'x'"),
        ("out='o'", r"there must be at least one table \[\[stages\]\]"),
        ("out='o'\n[[stages]]\nname='a'", r"\[\[stages\]\] 1 must have a dataset"),
        ("out='o'\nstages=[1]", r"\[\[stages\]\] 1 must be a table; got 1"),
        (BEGIN + STAGE + "x = 1", r"key of \[run\] must be one of .*; got 'x'"),
        (BEGIN + STAGE.replace("folds = 3", "first = 0"), "first must be at least 1; got 0"),
        (BEGIN + STAGE.replace("folds = 3", "size = [3]"), r"size must be \[height, width\]"),
        (
            BEGIN + STAGE.replace("folds = 3", "scheme = 'deepgaze2'"),
            "scheme is an option of folds",
        ),
        (BEGIN + STAGE.replace("folds = 3", "folds = 'x.csv'"), "there is no file .*x.csv"),
        (BEGIN + STAGE.replace("folds = 3", "recipe = 'x'"), "recipe must be one of"),
        (BEGIN + STAGE.replace("folds = 3", "recipe = {x = 1}"), "recipe must be one of .*'x'"),
        (BEGIN + STAGE.replace("0.02", "'fast'"), "learning_rate must be a number"),
        (BEGIN + STAGE.replace("folds = 3", "image_weights = 'x'"), "image_weights must be one of"),
        (BEGIN + STAGE.replace("folds = 3", "fixation_weights = 'z'"), "fixation_weights must be"),
        (BEGIN + STAGE.replace("folds = 3", "folds = 50"), "n_folds must be from 2 to 12"),
        (
            BEGIN + STAGE.replace("0.02", "0.02\nrecipe = {learning_rate = 1}"),
            "both have learning_rate",
        ),
        (
            BEGIN + STAGE.replace("folds = 3", "folds = 3\ndownsample = 2"),
            r"\[model\] and the recipe of 'blobs'",
        ),
        (
            BEGIN.replace('"hand-made"', '"hand-made", "hand-made"') + STAGE,
            "backbones with different names",
        ),
        (BEGIN.replace('"hand-made"', '"alexnet"') + STAGE, "backbone 'alexnet' needs weights"),
        (BEGIN + STAGE.replace('"cpu"', '"tpu"'), "device must be 'auto', 'cpu' or 'cuda'"),
        (
            BEGIN + STAGE.replace("folds = 3", "folds = 'f.csv'\nscheme = 'deepgaze3'"),
            "a file of folds contains its scheme",
        ),
        (BEGIN + STAGE.replace("blobs.h5", "nothing"), "'nothing' is neither registered"),
    ],
)
def test_wrong_files(training_folder, capsys, text, said):
    (training_folder / "config.toml").write_text(text)
    assert main(["train", "config.toml"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("salmetrics: error: ")
    assert len(error.splitlines()) == 1
    with pytest.raises(InputError, match=said):
        raise InputError(error)


def test_wrong_commands(training_folder, capsys):
    assert main(["train"]) == 2
    assert "give a file, or --example NAME" in capsys.readouterr().err
    assert main(["train", "config.toml", "--example", "deepgaze2"]) == 2
    assert main(["train", "--example", "deepgaze9"]) == 2
    assert (
        "example must be one of 'deepgaze2', 'deepgaze2e', 'deepgaze2e-acw'"
        in capsys.readouterr().err
    )
    assert main(["train", "missing.toml"]) == 2
    assert "there is no file 'missing.toml'" in capsys.readouterr().err


def test_examples_say_no_more_than_is_known():
    for name in example_names():
        assert "out" in tomllib.loads(example(name))
    with pytest.raises(InputError, match="example must be one of"):
        example("other")


@pytest.mark.slow
def test_killed_and_started_again(training_folder):
    """The command ends with the same file, bit for bit."""
    (training_folder / "config.toml").write_text(
        BEGIN
        + STAGE.replace("max_epochs = 2", "max_epochs = 4")
        + "save_seconds = 0.01\nthreads = 1"
    )
    command = ["train", "config.toml", "--out"]
    assert main([*command, "whole"]) == 0
    started = [sys.executable, "-m", "salmetrics", *command, "cut"]
    process = subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((training_folder / "cut").rglob("fold-1/state.pth")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (training_folder / "cut" / "model.pth").exists()
    assert main([*command, "cut"]) == 0
    for name in ("model.pth", "history.csv", "folds.csv"):
        assert (training_folder / "cut" / name).read_bytes() == (
            training_folder / "whole" / name
        ).read_bytes()
