"""Trainings of DeepGaze IIE-ACW as TOML files, and `salmetrics train` with them."""

import re

import pytest

import salmetrics
from salmetrics.cli import main
from tests.salmetrics_models.toy_backbones import blobs

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


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[[stages]]", "[[stages]]\ndataset='data.h5'\n[[stages]]", "has one stage"),
        ('dataset = "data.h5"', "", r"\[\[stages\]\] 1 must have a dataset"),
        ("instances = 1", "channels = 1", r"key of \[model\] must be one of"),
        ("[run]", "[features]\nkeep = false\n[run]", "always keeps its features; leave out keep"),
        ("instances = 1", 'mixing = "mean"', "mixing must be one of"),
    ],
)
def test_wrong(folder, capsys, old, new, text):
    (folder / "config.toml").write_text(TEXT.replace(old, new))
    assert main(["train", "config.toml"]) == 2
    assert re.search(text, capsys.readouterr().err)
