"""`salmetrics ground-truth`."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import DATA, FILES, error_of


def written(name):
    with Image.open(f"truth/{name}.png") as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("options", "sigma"),
    [
        ("--sigma 3", 3),
        ("--pixels-per-degree 4", 4),
        ("--sigma-degrees 0.5 --pixels-per-degree 6", 3),
    ],
)
def test_maps_of_own_data(folder, capsys, options, sigma):
    assert main(["ground-truth", *FILES, *options.split(), "--out", "truth"]) == 0
    assert f"wrote truth: 3 maps, sigma {sigma}, protocol default" in capsys.readouterr().out
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv")
    for i in range(3):
        expected = salmetrics.empirical_map(*dataset, i, sigma=sigma)
        np.testing.assert_array_equal(written(i), np.rint(expected / expected.max() * 255))
    assert json.loads((folder / "truth" / "salmetrics.json").read_text())["sigma"] == f"{sigma}.0"
    assert "'truth' exists already" in error_of(
        capsys, ["ground-truth", *FILES, *options.split(), "--out", "truth"]
    )


def test_numbers_as_scores_use_them(folder, capsys):
    options = ["--out", "truth.h5", "--dtype", "float64"]
    assert main(["ground-truth", *DATA, *options]) == 0
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    centre = salmetrics.Uniform(), salmetrics.GaussianCentreBias()
    own = salmetrics.kldiv(centre[1], *dataset)
    assert salmetrics.kldiv(centre[1], *dataset, empirical="truth.h5") == own


def test_images_without_fixations_are_left_out_and_counted(folder, capsys):
    table = pd.read_csv("fixations.csv")
    table[table["file"] != "1.png"].to_csv("two.csv", index=False)
    data = ["--images", "images", "--fixations", "two.csv", "--sigma", "3"]
    assert main(["ground-truth", *data, "--out", "truth", "--files", ".npy"]) == 0
    assert capsys.readouterr().out.endswith(
        ": 2 maps, sigma 3, protocol default; 1 images without fixations are left out\n"
    )
    assert sorted(path.name for path in (folder / "truth").glob("*.npy")) == ["0.npy", "2.npy"]


def test_the_scale_of_a_file(result, capsys):
    assert main(["ground-truth", "--dataset", "data.h5,sigma=2", "--out", "a"]) == 0
    assert "sigma 2, protocol default" in capsys.readouterr().out
    command = "ground-truth --dataset data.h5 --pixels-per-degree 5 --sigma-degrees 2 --out b"
    assert main(command.split()) == 0
    assert "sigma 10, protocol default" in capsys.readouterr().out
    assert (
        main(["ground-truth", "--dataset", "data.h5", "--protocol", "mit-matlab", "--out", "c"])
        == 0
    )
    assert "8 cycles, protocol mit-matlab" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("", "the width of the empirical maps is not known"),
        ("--sigma 3 --sigma-degrees 1", "give --sigma or --sigma-degrees, not both"),
        ("--sigma-degrees 1", "--sigma-degrees needs --pixels-per-degree"),
    ],
)
def test_errors(folder, capsys, options, text):
    assert text in error_of(capsys, ["ground-truth", *FILES, *options.split(), "--out", "t"])
    assert not (folder / "t").exists()


def test_json(folder, capsys):
    assert main(["ground-truth", *FILES, "--sigma", "3", "--out", "truth", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["n_maps"], document["sigma"], document["saved"]) == (3, 3.0, ["truth"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--bits 16 --files .jpg", "--bits 16 is not possible: .jpg holds 8 bits per pixel"),
        ("--bits 8 --files .npy", "--bits 8 is not possible: .npy holds numbers, as --dtype says"),
        ("--dtype float64", "--dtype float64 is for numbers, and grey levels hold none"),
    ],
)
def test_forms_that_files_do_not_have(folder, capsys, options, message):
    words = ["ground-truth", *DATA, "--out", "truth", *options.split()]
    assert message in error_of(capsys, words)
    assert not (folder / "truth").exists()
