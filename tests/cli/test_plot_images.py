"""`salmetrics plot gallery` and `gain`."""

import pandas as pd
import pytest

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import draw_figure, error_of


@pytest.mark.parametrize(
    "figure",
    [
        "gallery --dataset data.h5 --model uniform --image 2",
        "gallery --dataset data.h5 --model gaussian-centre-bias --choose best",
        "gain --dataset data.h5 --model uniform --over gaussian-centre-bias --image 0",
    ],
)
def test_figures(result, capsys, figure):
    draw_figure(capsys, figure)


@pytest.mark.slow
def test_images_are_chosen(result, capsys):
    command = ["plot", "gallery", "--dataset", "data.h5", "--n", "2", "--out", "g.svg"]
    models = ["--model", "gaussian-centre-bias:0.3", "--model", "uniform"]
    dataset = salmetrics.read_hdf5("data.h5")
    parts = [salmetrics.GaussianCentreBias(0.3), salmetrics.Uniform()]
    gains = salmetrics.information_gain(parts[0], *dataset, average=None)
    means = pd.Series(gains).groupby(dataset.fixations.image).mean().sort_values()
    ids = [dataset.stimuli.ids[i] for i in means.index]
    for choice, expected in (("worst", ids[:2]), ("best", ids[:1:-1])):
        assert main([*command, *models, "--choose", choice]) == 0
        assert f"wrote g.svg: {', '.join(expected)}\n" in capsys.readouterr().out
    assert main([*command, *models, "--choose", "disagreed"]) == 0
    assert "wrote g.svg: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--model uniform --image x", "the data set has no image 'x'; it has '0', '1', '2', '3'"),
        ("--model uniform --n 2", "--n needs --choose"),
        ("--model uniform --metric IGE", "--metric needs --choose best or --choose worst"),
        ("--model uniform --model uniform", "--model uniform is given twice"),
        ("--model uniform --image 1 --choose best", "--image or --choose, not both"),
    ],
)
def test_errors(result, capsys, arguments, text):
    command = f"plot gallery --dataset data.h5 {arguments} --out x.png"
    assert text in error_of(capsys, command)
    assert not (result / "x.png").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")  # few fixations for a gold standard
def test_a_gallery_shows_one_density_per_image(result, capsys):
    command = "plot gallery --dataset data.h5 --model gold-standard --out x.png"
    assert "has one per subject" in error_of(capsys, command)
    assert not (result / "x.png").exists()
