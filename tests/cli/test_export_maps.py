"""`salmetrics export-maps`."""

import json

import numpy as np
import pytest
from PIL import Image

import salmetrics
from salmetrics.cli import main
from salmetrics.densities.grey_levels import quantise
from tests.cli.command_line import INSIDE, error_of


def test_export_maps(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip")
    centre = salmetrics.GaussianCentreBias()
    command = ["export-maps", *INSIDE, "--model", "gaussian-centre-bias"]
    assert main([*command, "--out", "logs.h5"]) == 0
    assert "wrote logs.h5: 3 maps of gaussian-centre-bias" in capsys.readouterr().out
    stored = salmetrics.as_model("logs.h5", dataset.stimuli)
    np.testing.assert_allclose(
        stored.log_density(dataset.stimuli[1]),
        centre.log_density(dataset.stimuli[1]),
        rtol=np.finfo(np.float32).eps,  # stored as float32: half of this
    )
    assert main([*command, "--quantise", "--out", "levels"]) == 0
    with Image.open("levels/1.png") as image:
        levels = np.asarray(image)
    expected = quantise(centre.log_density(dataset.stimuli[1]))
    np.testing.assert_array_equal(levels, expected)
    assert main([*command, "--quantise", "--without", "uniform", "--out", "same"]) == 0
    with Image.open("same/1.png") as image:
        np.testing.assert_array_equal(np.asarray(image), expected)
    maps = ["--model", "my_models.py:first_channel", "--kind", "saliency_map"]
    assert (
        main(["export-maps", *INSIDE, *maps, "--files", ".png", "--bits", "16", "--out", "m.zip"])
        == 0
    )
    stored = salmetrics.as_model("m.zip", dataset.stimuli)
    assert stored.saliency_map(dataset.stimuli[0]).dtype == np.uint16


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--quantise --bits 16", "--quantise writes 8 bits per pixel; leave out --bits 16"),
        ("--without uniform", "--without needs --quantise"),
    ],
)
def test_errors(result, capsys, arguments, text):
    command = f"export-maps --dataset data.h5 --model uniform {arguments} --out x"
    assert text in error_of(capsys, command)
    assert not (result / "x").exists()


def test_json(folder, capsys):
    command = ["export-maps", *INSIDE, "--model", "flat=uniform", "--name", "mine"]
    assert main([*command, "--out", "maps.h5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "dataset": "mine",
        "model": "flat",
        "n_maps": 3,
        "saved": ["maps.h5"],
    }


@pytest.mark.filterwarnings("ignore:.* are outside their image")
def test_degrees(folder, capsys):
    degrees = [*INSIDE, "--units", "degree", "--origin", "centre", "--model", "uniform"]
    assert "--units degree needs --pixels-per-degree" in error_of(
        capsys, ["export-maps", *degrees, "--out", "maps.h5"]
    )
    command = ["export-maps", *degrees, "--pixels-per-degree", "4", "--out", "maps.h5"]
    assert main(command) == 0
    assert main(["pack", *INSIDE, "--out", "data.h5"]) == 0
    given = ["--dataset", "data.h5", "--model", "uniform", "--pixels-per-degree", "4"]
    error = error_of(capsys, ["export-maps", *given, "--out", "b.h5"])
    assert "--pixels-per-degree need --images and --fixations" in error


def test_images_alone(folder, capsys):
    images = ["export-maps", "--images", "images", "--model"]
    assert main([*images, "gaussian-centre-bias", "--first", "1", "--out", "alone"]) == 0
    assert "wrote alone: 1 map of gaussian-centre-bias" in capsys.readouterr().out
    assert main(["export-maps", *INSIDE, *images[3:], "gaussian-centre-bias", "--out", "both"]) == 0
    with open("alone/0.npy", "rb") as alone, open("both/0.npy", "rb") as both:
        assert alone.read() == both.read()
    capsys.readouterr()
    text = error_of(capsys, [*images, "centre-bias", "--out", "x"])
    assert "so it needs fixations on at least two images; there are some on 0" in text
    text = error_of(capsys, [*images, "uniform", "--x-column", "x", "--out", "x"])
    assert "--x-column need --fixations" in text
    text = error_of(capsys, "export-maps --fixations f.csv --model uniform --out x")
    assert "give --dataset, or --images (and --fixations, where a model needs them)" in text


@pytest.mark.parametrize(("words", "suffix"), [("", ".png"), ("--files .npy", ".npy")])
def test_files_of_grey_levels(folder, words, suffix):
    command = f"export-maps --images images --model gaussian-centre-bias --quantise {words} --out q"
    assert main(command.split()) == 0
    assert {path.suffix for path in (folder / "q").iterdir()} == {suffix}
    if suffix == ".npy":
        assert set(np.unique(np.load("q/0.npy"))) <= set(range(256))
