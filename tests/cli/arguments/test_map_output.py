"""Options of commands that write maps."""

import argparse
from pathlib import Path

import pytest

from salmetrics.cli.arguments.map_output import add_one_model, add_writing, check_maps_out


@pytest.fixture
def command():
    return argparse.ArgumentParser(exit_on_error=False)


def test_one_model(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # no name is wrapped
    add_one_model(command, ("density", "log_density"), "log_density")
    options = command.parse_args(["--model", "uniform"])
    assert (options.model, options.kind, options.resize) == ("uniform", "log_density", None)
    assert "may be repeated" not in command.format_help()
    assert "Registered: centre-bias, " in " ".join(command.format_help().split())


def test_writing(command):
    add_writing(command, ".png")
    options = command.parse_args(["--out", "maps.zip"])
    assert options == argparse.Namespace(
        out=Path("maps.zip"), files=None, usual_files=".png", bits=None, dtype="float32"
    )
    check_maps_out(options)
    assert options.files == ".png"
    options = command.parse_args(
        ["--out", "m", "--files", ".tif", "--bits", "16", "--dtype", "float64"]
    )
    assert (options.files, options.bits, options.dtype) == (".tif", 16, "float64")


@pytest.mark.parametrize("words", [["--files", ".bmp"], ["--bits", "12"], ["--dtype", "int8"]])
def test_unknown_choices(command, words):
    add_writing(command, ".npy")
    with pytest.raises(argparse.ArgumentError, match="invalid choice"):
        command.parse_args(["--out", "maps", *words])
