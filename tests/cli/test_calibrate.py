"""`salmetrics calibrate`."""

import json
import warnings

import pandas as pd
import pytest
from PIL import Image

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import INSIDE, error_of


def test_calibrate(folder, capsys):
    arguments = [
        "calibrate",
        *INSIDE,
        "--n-bootstrap",
        "20",
        "--n-bins",
        "4",
    ]
    models = ["--model", "uniform", "--model", "gaussian-centre-bias:0.05"]
    assert main([*arguments, *models, "--out", "shares.csv"]) == 0
    out = capsys.readouterr().out
    assert "3 images, 40 fixations" in out
    assert "wrote shares.csv" in out
    table = pd.read_csv(folder / "shares.csv")
    assert table["share"][:4].tolist() == pytest.approx([0.25] * 4, abs=1e-12)
    assert table["model"].unique().tolist() == ["uniform", "gaussian-centre-bias:0.05"]
    assert table["share"][4] > 0.3  # far too narrow: most fixations fall where it predicts few
    assert (
        main([*arguments, "--model", "gaussian-centre-bias", "--recalibrate", "--out", "x.png"])
        == 0
    )
    assert "gaussian-centre-bias, recalibrated" in capsys.readouterr().out
    with Image.open(folder / "x.png") as image:
        assert image.width > image.height > 300


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--model", "uniform", "--out", "x.txt"], "--out must end in .csv, .pdf, .png, .svg; got"),
        (["--model", "my_models.py:Flat"], "needs densities; Flat gives saliency maps"),
        (["--model", "uniform", "--n-bins", "1"], "--n-bins must be a whole number >= 2; got 1"),
    ],
)
def test_calibrate_errors(folder, capsys, arguments, text):
    assert text in error_of(capsys, ["calibrate", *INSIDE, *arguments])


def test_a_seed_below_0(result, capsys):
    command = "calibrate --dataset data.h5 --model uniform --seed -1 --out x.png"
    assert "seed must be a" in error_of(capsys, command)
    assert not (result / "x.png").exists()


@pytest.mark.slow
def test_calibrate_several_data_sets(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip", sigma=3)
    for name in ("one", "two"):
        named = salmetrics.Dataset(name, *dataset, dataset.info)
        salmetrics.write_hdf5(named, f"{name}.h5", images="copy")
    data = ["--dataset", "one.h5", "--dataset", "two.h5", "--first", "2", "--n-bootstrap", "10"]
    both = ["--model", "gaussian-centre-bias", "--model", "my_models.py:first_channel"]
    fit = ["--kind", "saliency_map", "--fit-density"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a fit to noise
        assert main(["calibrate", *data, *both, *fit, "--out", "c.csv"]) == 0
    out = capsys.readouterr().out
    assert "one: 2 images" in out
    assert "two: 2 images" in out
    table = pd.read_csv("c.csv", index_col=["dataset", "model", "bin"])
    assert table.loc["one"].equals(table.loc["two"])
    assert table.groupby(level=[0, 1])["share"].sum().tolist() == pytest.approx([1] * 4, abs=1e-12)
    assert main(["calibrate", *data, "--model", "uniform", "--out", "c.svg"]) == 0
    assert (folder / "c.svg").read_text().startswith("<?xml")
    twice = ["--dataset", "one.h5", "--dataset", "one.h5", "--model", "uniform"]
    assert "two data sets are called 'one'" in error_of(capsys, ["calibrate", *twice])


def test_recalibrate_with_the_centre_bias(folder, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # random fixations
        command = ["calibrate", *INSIDE, "--model", "gaussian-centre-bias", "--n-bootstrap", "0"]
        assert main([*command, "--recalibrate", "--centre-bias"]) == 0
        both = capsys.readouterr().out
        assert main([*command, "--recalibrate"]) == 0
    assert capsys.readouterr().out != both
    error = error_of(capsys, [*command, "--centre-bias"])
    assert "--centre-bias needs --recalibrate" in error
    assert "needs at least 2 images with fixations" in error_of(
        capsys, [*command, "--recalibrate", "--first", "1"]
    )
    shares = []
    for options in (["--ties", "mid"], ["--ties", "split"], ["--average", "image"]):
        flat = ["calibrate", *INSIDE, "--model", "uniform", "--n-bootstrap", "0", *options]
        assert main([*flat, "--out", "s.csv"]) == 0
        shares.append(pd.read_csv("s.csv")["share"].tolist())
    assert shares[0] != shares[1]  # all in the middle bin
    assert shares[1] == pytest.approx([0.1] * 10, abs=1e-12)


def test_a_model_that_cannot_be_fitted_is_missing(folder, capsys):
    command = ["calibrate", *INSIDE, "--first", "1", "--n-bootstrap", "0", "--out", "c.csv"]
    models = ["--model", "centre-bias", "--model", "uniform"]
    assert main([*command, *models]) == 0
    out = capsys.readouterr().out
    assert "centre-bias on images: the centre bias of an image is made from fixations" in out
    assert pd.read_csv("c.csv")["model"].unique().tolist() == ["uniform"]
    assert main([*command, *models, "--json"]) == 0
    (missing,) = json.loads(capsys.readouterr().out)["missing"]
    assert (missing["dataset"], missing["model"]) == ("images", "centre-bias")
    assert "there are some on 1; gaussian" in error_of(capsys, [*command, *models[:2]])
