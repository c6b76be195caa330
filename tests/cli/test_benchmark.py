"""`salmetrics benchmark`; runs on several data sets are in tests/evaluation."""

import pandas as pd
import pytest

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import error_of


def test_leaderboards(result, capsys):
    models = ["--model", "gaussian-centre-bias:0.2", "--model", "uniform"]
    options = ["--metrics", "NSS", "LL", "--n-bootstrap", "0", "--out", "boards"]
    assert main(["benchmark", "--dataset", "data.h5", *models, *options]) == 0
    assert capsys.readouterr().out.endswith("\nwrote boards\n")
    table = pd.read_csv("boards/generated.csv", index_col="model")
    dataset = salmetrics.read_hdf5("data.h5")
    for name, model in (
        ("gaussian-centre-bias:0.2", salmetrics.GaussianCentreBias(0.2)),
        ("uniform", salmetrics.Uniform()),
    ):
        expected = salmetrics.log_likelihood(model, *dataset)
        assert table.loc[name, "LL"] == pytest.approx(expected, rel=1e-12)
    assert table.loc["uniform", "NSS"] == 0
    assert (result / "boards" / "checkpoint").is_dir()


def test_the_other_kind_of_maps(result, capsys):
    export = ["export-maps", "--dataset", "data.h5", "--model", "gaussian-centre-bias"]
    assert main([*export, "--out", "logs.h5"]) == 0
    capsys.readouterr()
    command = "benchmark --dataset data.h5 --metrics NSS --n-bootstrap 0"
    error = error_of(capsys, f"{command} --maps logs.h5")
    assert "'logs.h5' is marked as the other kind of maps: use --log-densities" in error
    assert main(f"{command} --log-densities logs.h5".split()) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", "no models: give --maps, --log-densities or --model"),
        ("--model uniform --model uniform", "two models have the same name; give each model once"),
        ("--model uniform --metrics ABC", "metric must be one of 'LL'"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"benchmark --dataset data.h5 {arguments}")
