"""Tables of a file: types of their values, data sets, recipes, folds, and options of a training."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import salmetrics
from salmetrics import Folds, InputError
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import ALEXNET
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.training import RECIPES, Recipe
from salmetrics_models.training import toml_tables as tables
from tests.salmetrics_models.toy_backbones import blobs
from tests.salmetrics_models.training.toy_training import ARCHITECTURE


@pytest.fixture
def source(tmp_path, dataset):
    """A file in a folder of its own, whose data sets are all the same one."""
    asked = []

    def load(name, root):
        asked.append((name, root))
        return dataset

    source = tables.TomlSource(tmp_path, load, tmp_path / "out", {"device": None, "n_threads": 3})
    return SimpleNamespace(source=source, asked=asked)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (True, int, "a whole number"),
        (1.5, int, "a whole number"),
        ("1", tables.NUMBERS, "a whole number or a number"),
        (1, bool, "true or false"),
        ([1], dict, "a table"),
        (1, str, "text"),
        ("a", (str, list, dict)[1:], "a list or a table"),
    ],
)
def test_values_of_other_types(value, kind, words):
    with pytest.raises(InputError, match=rf"x in \[a\] must be {words}; got "):
        tables.checked("[a]", {"x": value}, {"x": kind})


def test_values_that_can_be():
    kinds = {"x": tables.NUMBERS, "y": bool, "z": (str, dict)}
    for table in ({"x": 1, "y": True}, {"x": 1.5, "z": {}}, {}):
        assert tables.checked("[a]", table, kinds) is table
    with pytest.raises(InputError, match=r"\[a\] must be a table; got 3"):
        tables.checked("[a]", 3, kinds)
    with pytest.raises(InputError, match=r"key of \[a\] must be one of 'x', 'y', 'z'; got 'v'"):
        tables.checked("[a]", {"v": 1}, kinds)


def test_data_sets(source, tmp_path):
    (tmp_path / "own.h5").touch()
    source, asked = source.source, source.asked
    table = {"dataset": "own.h5", "validation": "osie,kind=x", "validation_root": "there"}
    table |= {"first": 5, "size": [70, 80]}
    training = tables.dataset_of(table, source)
    validation = tables.validation_of(table, source)
    # a file beside the TOML file, or a registered data set
    assert asked == [(str(tmp_path / "own.h5"), None), ("osie,kind=x", tmp_path / "there")]
    assert (len(training), len(validation)) == (5, 12)  # first is of the training only
    assert {tuple(size) for d in (training, validation) for size in d.stimuli.sizes} == {(70, 80)}
    assert tables.validation_of({"dataset": "own.h5"}, source) is None


def test_recipes():
    usual = Recipe(batch_size=7)
    for table, expected in (
        ({}, Recipe()),
        ({"recipe": "deepgaze2-fine-tuning"}, RECIPES["deepgaze2-fine-tuning"]),
        ({"recipe": {"decay": 0.5}, "patience": 3}, Recipe(decay=0.5, patience=3)),
        (
            {"recipe": "emlnet-decoder", "max_epochs": 2},
            RECIPES["emlnet-decoder"].changed(max_epochs=2),
        ),
    ):
        assert tables.recipe_of("[a]", table) == expected
    found = tables.recipe_of("[a]", {"encoder": {"decay": 0.5}}, "encoder", usual)
    assert found == Recipe(batch_size=7, decay=0.5)
    assert tables.recipe_of("[a]", {}, "encoder", usual) == usual
    with pytest.raises(InputError, match=r"\[a\] and its recipe both have decay; say it once"):
        tables.recipe_of("[a]", {"recipe": {"decay": 0.5}, "decay": 0.5})


def test_folds(dataset, tmp_path):
    table = {"folds": 4, "scheme": "deepgaze3"}
    own = salmetrics.data.folds.kfold(dataset.stimuli, 4)
    assert tables.folds_of(table, dataset, tmp_path) == own
    own.save(tmp_path / "own.csv")
    assert tables.folds_of({"folds": "own.csv"}, dataset, tmp_path) == own
    assert tables.folds_of({}, dataset, tmp_path) is None
    asked = []
    found = tables.folds_of(table, dataset, tmp_path, lambda *given: asked.append(given) or own)
    assert (found, asked) == (own, [(dataset, 4)])
    with pytest.raises(InputError, match="scheme is an option of folds"):
        tables.folds_of({"scheme": "deepgaze3"}, dataset, tmp_path)
    with pytest.raises(InputError, match="a file of folds contains its scheme"):
        tables.folds_of({"folds": "own.csv", "scheme": "deepgaze3"}, dataset, tmp_path)
    with pytest.raises(InputError, match="scheme must be one of 'deepgaze3', 'deepgaze2'"):
        tables.folds_of({"folds": 3, "scheme": "mine"}, dataset, tmp_path)
    assert isinstance(own, Folds)


def test_splits(tmp_path):
    dataset = blobs(20, lambda i: [0], categories=["a", "b"] * 10)
    assert tables.split_of("[a]", {}, dataset) is None
    table = {"split": [3, 1, 1]}
    found = tables.split_of("[a]", table, dataset, "category")
    for part, n in ((found.training, 6), (found.validation, 2), (found.test, 2)):
        assert sorted(part.stimuli.attributes["category"]) == ["a"] * n + ["b"] * n
    assert str(found) == "12 for training, 4 for validation, 4 for test"
    again = tables.split_of("[a]", {"split": [0.6, 0.2, 0.2], "split_by": "category"}, dataset)
    assert again.test.stimuli.ids == found.test.stimuli.ids
    other = tables.split_of("[a]", table | {"split_seed": 1}, dataset, "category")
    assert other.test.stimuli.ids != found.test.stimuli.ids
    found.save(tmp_path / "new" / "split.csv")
    lines = (tmp_path / "new" / "split.csv").read_text().splitlines()
    assert lines[0] == "id,part"
    assert set(lines[1:]) == {
        *(f"{name},training" for name in found.training.stimuli.ids),
        *(f"{name},validation" for name in found.validation.stimuli.ids),
        *(f"{name},test" for name in found.test.stimuli.ids),
    }
    for wrong, text in (
        ({"split": [1, 2]}, r"split in \[a\] must be three numbers above 0, .*; got \[1, 2\]"),
        ({"split": [1, 2, 0]}, "three numbers above 0"),
        ({"split": [1, 2, "x"]}, "three numbers above 0"),
        ({"split": [98, 1, 1]}, r"leaves no image of category 'a' for validation"),
        ({"split": [98, 1, 1], "split_by": "x"}, r"split_by in \[a\] must be one of 'category'"),
        (table | {"split_seed": -1}, r"split_seed in \[a\] must be a whole number >= 0"),
        (table | {"folds": 3}, r"\[a\] has folds and split; leave out one of them"),
        (table | {"validation": "x"}, r"\[a\] has validation and split"),
        ({"split_by": "category"}, r"split_by in \[a\] is an option of split; give split, too"),
    ):
        with pytest.raises(InputError, match=text):
            tables.split_of("[a]", wrong, dataset, "category")
    with pytest.raises(InputError, match="leaves no image for training"):
        tables.split_of("[a]", {"split": [1, 98, 1]}, dataset)


def test_one_stage_only():
    kinds = {"dataset": str}
    assert tables.only_stage({"stages": [{"dataset": "a"}]}, kinds, "It") == (
        "[[stages]] 1",
        {"dataset": "a"},
    )
    for stages, text in (
        ([], r"It has one stage: give one table \[\[stages\]\]; got 0"),
        ([{"dataset": "a"}] * 2, "It has one stage"),
        ([{}], r"\[\[stages\]\] 1 must have a dataset"),
    ):
        with pytest.raises(InputError, match=text):
            tables.only_stage({"stages": stages}, kinds, "It")


def test_options_of_a_run(source):
    """Those of the command come first, where it says any."""
    run = {"device": "cpu", "threads": 1, "metrics": ["NSS"], "save_seconds": 2.5}
    assert tables.run_options(run, source.source) == {
        "device": "cpu",
        "n_threads": 3,
        "metrics": ["NSS"],
        "save_seconds": 2.5,
    }


def test_weights_and_features(source, tmp_path):
    top = {
        "weights": {"hand-made": "random", "all": "a.pth"},
        "features": {"folder": "kept", "dtype": "float16", "keep": False},
    }
    assert tables.weights_of(top, ARCHITECTURE, source.source) == {
        "hand-made": "random",
        "all": tmp_path / "a.pth",
    }
    assert tables.cache_options(top, source.source) == {
        "features": tmp_path / "kept",
        "feature_dtype": "float16",
        "keep_features": False,
    }
    assert tables.cache_options({}, source.source) == {}
    with pytest.raises(InputError, match=r"key of \[weights\] must be one of 'hand-made', 'all'"):
        tables.weights_of({"weights": {"alexnet": "x"}}, ARCHITECTURE, source.source)


def test_architectures():
    model = {
        "backbones": ["alexnet", "hand-made"],
        "layers": {"hand-made": ["gabor", "contrast"]},
        "downsample": 3,
        "map_factor": 5,
    }
    found = tables.architecture_of(model, DEEPGAZE_2E)
    assert found.backbones == (ALEXNET, HAND_MADE.reading(["gabor", "contrast"]))
    assert (found.downsample, found.map_factor) == (3, 5)
    assert found.readout_factor == DEEPGAZE_2E.readout_factor
    assert found.layers == DEEPGAZE_2E.layers
    assert tables.architecture_of({}, DEEPGAZE_2E) == DEEPGAZE_2E


@pytest.mark.slow
def test_scores_of_images_by_models_that_have_not_seen_them(trained, dataset, tmp_path):
    lines = list(
        tables.scores_of_unseen(trained.from_features(), dataset, tmp_path / "m.pth", " --by x")
    )
    assert lines[0] == "12 images of blobs, each by readouts not trained on it:\n"
    assert lines[1].startswith("| model |")
    scored = salmetrics.Evaluation.load(tmp_path / "evaluation.h5")
    assert set(scored.metrics) == {"LL", "IG", "NSS", "AUC"}
    path = Path(tmp_path / "evaluation.h5")
    assert lines[2] == f"wrote {path} (salmetrics show {path} --by x)"
