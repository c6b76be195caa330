"""Trainings of EML-NET as TOML files, and `salmetrics train` with them."""

import re
from dataclasses import replace

import pytest

import salmetrics
from salmetrics.cli import main
from salmetrics_models.emlnet import model as emlnet
from salmetrics_models.emlnet.network import FORMS
from tests.salmetrics_models.toy_backbones import SEES, blobs

TEXT = """
    out = "out"
    [model]
    base = "emlnet"
    size = [32, 32]
    loss = "kld"
    [weights]
    imagenet = "random"
    places = "random"
    [[stages]]
    dataset = "data.h5"
    first = 4
    validation = "other.h5"
    [stages.encoder]
    max_epochs = 1
    batch_size = 4
    [stages.decoder]
    max_epochs = 1
    [run]
    device = "cpu"
    tensorboard = false
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    toys = {"imagenet": SEES["red"], "places": SEES["green"]}  # for two ResNet-50
    monkeypatch.setitem(FORMS, "public", replace(FORMS["public"], backbones=toys))
    monkeypatch.setattr(emlnet, "_KNOWN", tuple(toys.values()))
    for name, seed in (("data", 1), ("other", 2)):
        data = blobs(6, lambda i: [0], size=(40, 40), seed=seed, name=name)
        salmetrics.write_hdf5(data, tmp_path / f"{name}.h5")
    (tmp_path / "config.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train(folder, capsys):
    assert main(["train", "config.toml"]) == 0
    out = capsys.readouterr().out
    assert "data, 4 images, 120 fixations, validated on other (6 images)" in out
    for piece in ("encoder-imagenet", "encoder-places", "decoder"):
        assert piece in out
    options = ["--dataset", "data.h5", "--model", "emlnet:out/model.pth", "--metrics", "NSS"]
    assert main(["evaluate", *options]) == 0


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[run]", "[features]\nkeep = false\n[run]", r"has no table \[features\]"),
        ('imagenet = "random"', "", "encoder 'imagenet' needs weights of sees-red"),
        ('imagenet = "random"', 'red = "random"', r"key of \[weights\] must be one of"),
        ("max_epochs = 1", "epochs = 1", r"key of \[\[stages\]\] 1, encoder must be one of"),
        ("[run]", "[run]\nmetrics = ['NSS']", "metrics of EML-NET are always"),
        ("first = 4", "hold_out = 2", "has validation and hold_out"),
        ('validation = "other.h5"', "hold_out = 4", "hold_out must be from 1 to 3 images"),
        ('loss = "kld"', 'start = "nowhere.pth"', "nowhere.pth"),
        ('dataset = "data.h5"', "", r"\[\[stages\]\] 1 must have a dataset"),
        ('loss = "kld"', 'form = "old"', "form must be one of"),
    ],
)
def test_wrong(folder, capsys, old, new, text):
    (folder / "config.toml").write_text(TEXT.replace(old, new, 1))
    assert main(["train", "config.toml", "--check"]) == 2
    assert re.search(text, capsys.readouterr().err)
