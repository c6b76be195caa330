"""`salmetrics train`, without torch; trainings are in tests/salmetrics_models/training."""

import importlib.metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from salmetrics.cli import main
from salmetrics.cli.arguments.dataset_spec import named_dataset
from tests.cli.command_line import error_of


class Training:
    """Record the calls of the command."""

    def __init__(self):
        self.calls = []
        self.out = Path("o")

    def example(self, name):
        return f"# {name}\n"

    def read_configuration(self, path, load, *, out, device, n_threads):
        self.calls.append((str(path), load, out and str(out), device, n_threads))
        return self

    def check(self):
        self.calls.append("check")

    def summary(self):
        return "two stages"

    def train(self):
        self.calls.append("train")
        return "a network"

    def results(self, trained):
        yield f"trained {trained}"


@pytest.fixture
def training(monkeypatch):
    training = Training()
    entry = SimpleNamespace(load=lambda: training)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: (entry,))
    return training


def test_training(training, capsys):
    assert main(["train", "c.toml", "--out", "o", "--device", "cpu", "--threads", "2"]) == 0
    assert training.calls == [("c.toml", named_dataset, "o", "cpu", 2), "check", "train"]
    assert capsys.readouterr().out == "two stages\ntrained a network\n"


def test_check(training, capsys):
    assert main(["train", "c.toml", "--check"]) == 0
    assert training.calls == [("c.toml", named_dataset, None, None, None), "check"]
    assert capsys.readouterr().out == "two stages\n"


def test_example(training, capsys):
    assert main(["train", "--example", "deepgaze2"]) == 0
    assert capsys.readouterr().out == "# deepgaze2\n"
    assert training.calls == []


@pytest.mark.parametrize("arguments", ["", "c.toml --example deepgaze2"])
def test_a_file_or_an_example(training, capsys, arguments):
    assert "give a file, or --example NAME" in error_of(capsys, f"train {arguments}")


def test_nothing_is_installed(monkeypatch, capsys):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: ())
    error = error_of(capsys, "train c.toml")
    assert "no package for training is installed: pip install 'salmetrics[models]'" in error


def test_torch_is_missing(monkeypatch, capsys):
    def load():
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    entry = SimpleNamespace(load=load)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: (entry,))
    error = error_of(capsys, "train c.toml")
    assert "training needs torch: pip install 'salmetrics[models]'" in error
