"""Trainings of DeepGaze IIE-ACW as TOML files, and `salmetrics train` with them."""

import re
import zipfile

import numpy as np
import pytest

import salmetrics
from salmetrics.cli import main
from salmetrics.datasets import registry
from tests.datasets.published import CATEGORIES, cat2000_train, small
from tests.salmetrics_models.toy_backbones import blobs

SMALL = """
backbones = ["hand-made"]
downsample = 1
readout_factor = 8
least_side = 32
"""
TEXT = """
    out = "out"
    [model]
    base = "deepgaze2e-acw"
    backbones = ["hand-made"]
    downsample = 1
    readout_factor = 8
    least_side = 32
    instances = 1
    [[stages]]
    dataset = "data.h5"
    folds = 3
    learning_rate = 0.01
    max_epochs = 1
    [run]
    device = "cpu"
    tensorboard = false
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    data = blobs(8, lambda i: [0], size=(48, 64), categories=["a", "b"] * 4)
    salmetrics.write_hdf5(data, tmp_path / "data.h5")
    (tmp_path / "config.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_train(folder, capsys):
    assert main(["train", "config.toml"]) == 0
    out = capsys.readouterr().out
    assert "3 folds" in out
    assert "IG on validation images" in out
    assert "8 images of blobs, each by readouts not trained on it" in out
    assert main(["show", "out/evaluation.h5", "--by", "category"]) == 0
    assert "b" in capsys.readouterr().out
    assert main(["plot", "category-weights", "out/category_weights.csv", "--out", "w.png"]) == 0
    assert (folder / "w.png").stat().st_size > 1000
    model = "deepgaze2e-acw:out/model.pth,folds=out/folds.csv,device=cpu"
    assert main(["evaluate", "--dataset", "data.h5", "--model", model, "--metrics", "IG"]) == 0


@pytest.mark.slow
def test_the_shipped_split_on_files_in_the_published_layout(tmp_path, capsys, monkeypatch):
    """The example as it is, but for the backbone: the real registry finds and reads CAT2000."""
    monkeypatch.chdir(tmp_path)
    description = small("cat2000-train")  # as published, but for the counts
    monkeypatch.setattr(registry, "described", lambda _: description)
    (tmp_path / "archives").mkdir()
    for path in cat2000_train(tmp_path / "archives", np.random.default_rng(0), n=10):
        with zipfile.ZipFile(path) as file:
            file.extractall(tmp_path / "CAT2000")
    assert main(["train", "--example", "deepgaze2e-acw-split"]) == 0
    text = capsys.readouterr().out
    text = text.replace('dataset = "cat2000-train"', 'dataset = "cat2000-train:CAT2000"')
    text = text.replace('all = "deepgaze2e.pth"', "")
    text = text.replace('base = "deepgaze2e-acw"', 'base = "deepgaze2e-acw"\n' + SMALL)
    text = text.replace("instances = 15", "instances = 1")
    (tmp_path / "config.toml").write_text(text + 'max_epochs = 1\n[run]\ndevice = "cpu"\n')
    assert main(["train", "config.toml", "--check"]) == 0
    assert "in all, 18 for training, 6 for validation, 6 for test" in capsys.readouterr().out
    assert main(["train", "config.toml"]) == 0
    out = capsys.readouterr().out
    assert "6 images of cat2000-train, each by readouts not trained on it" in out
    results = tmp_path / "deepgaze2e-acw-split"
    scored = salmetrics.Evaluation.load(results / "evaluation.h5")
    parts = dict(line.split(",") for line in (results / "split.csv").read_text().splitlines()[1:])
    assert len(parts) == 30
    tested = [name for name, part in parts.items() if part == "test"]
    assert sorted(scored.per_image.index) == sorted(tested)
    assert sorted(name.partition("/")[0] for name in tested) == sorted([*CATEGORIES] * 2)
    assert sorted(scored.by("category").index.unique("category")) == sorted(CATEGORIES)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[[stages]]", "[[stages]]\ndataset='data.h5'\n[[stages]]", "has one stage"),
        ('dataset = "data.h5"', "", r"\[\[stages\]\] 1 must have a dataset"),
        ("instances = 1", "channels = 1", r"key of \[model\] must be one of"),
        ("[run]", "[features]\nkeep = false\n[run]", "always keeps its features; leave out keep"),
        ("instances = 1", 'mixing = "mean"', "mixing must be one of"),
        ("folds = 3", "folds = 3\nsplit = [2, 1, 1]", r"1 has folds and split"),
        ("folds = 3", "split = [9, 1]", r"split in \[\[stages\]\] 1 must be three numbers"),
    ],
)
def test_wrong(folder, capsys, old, new, text):
    (folder / "config.toml").write_text(TEXT.replace(old, new))
    assert main(["train", "config.toml"]) == 2
    assert re.search(text, capsys.readouterr().err)
