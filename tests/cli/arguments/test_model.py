"""Models as the command line names them."""

import sys

import pandas as pd
import pytest

from salmetrics.cli import main
from tests.cli.command_line import DATA, error_of


def test_model_files_of_one_name(folder):
    for sub, value in (("one", 1), ("two", -1)):
        (folder / sub).mkdir()
        source = f"def first(stimulus):\n    return {value} * stimulus.rgb[:, :, 0].astype(float)\n"
        (folder / sub / "model.py").write_text(source)
    models = ["--model", "one/model.py:first", "--model", "two/model.py:first"]
    options = [*DATA, *models, "--kind", "saliency_map", "--metrics", "NSS", "--out", "two.csv"]
    assert main(["evaluate", *options]) == 0
    first, second = pd.read_csv("two.csv").value
    assert first == pytest.approx(-second, abs=1e-12)


def test_a_module_in_the_current_folder(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.path", [p for p in sys.path if p not in ("", str(folder))])
    assert main(["evaluate", *DATA, "--model", "my_models:Flat", "--metrics", "AUC"]) == 0
    assert "my_models:Flat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("deep", "model 'deep' is neither registered (centre-bias, "),
        ("uniform:3", "model 'uniform' takes no argument; got '3'"),
        ("centre-bias:x", "model 'centre-bias' takes a number; got 'x'"),
        ("centre-bias:-1", "bandwidth must be a positive share"),
        ("no.py:Flat", "model file 'no.py' does not exist"),
        ("my_models.py:Other", "my_models.py has no 'Other'"),
        ("no_such_module:A", "there is no module 'no_such_module'; to name a file"),
        ("salmetrics.none:A", "there is no module 'salmetrics.none'"),
        (
            "./my_models:Flat",
            "there is no module './my_models'; to name a file, add its suffix: ./my_models.py",
        ),
        ("my_models.py:first_channel", "kind is needed for first_channel"),
    ],
)
def test_errors(folder, capsys, spec, text):
    assert text in error_of(capsys, ["evaluate", *DATA, "--model", spec])
