"""`salmetrics pack`."""

import json
import shutil

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.cli import main
from tests.cli.command_line import DATA, FILES, error_of


def test_scale_and_name(folder, capsys):
    options = ["--pixels-per-degree", "12", "--first", "2", "--name", "mine"]
    assert main(["pack", *DATA, *options, "--out", "data.h5"]) == 0
    assert capsys.readouterr().out.startswith("wrote data.h5: mine, Stimuli(2 images")
    packed = salmetrics.read_hdf5("data.h5")
    expected = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)[:2]
    assert packed.name == "mine"
    assert (packed.stimuli.sigma, packed.stimuli.pixels_per_degree) == (3, 12)
    assert packed.stimuli.ids == expected.stimuli.ids
    np.testing.assert_array_equal(packed.fixations.x, expected.fixations.x)
    np.testing.assert_array_equal(packed.fixations.image, expected.fixations.image)


def test_scale_is_kept_without_options(folder):
    assert main(["pack", *DATA, "--out", "data.h5"]) == 0
    assert main(["pack", "--dataset", "data.h5", "--pixels-per-degree", "9", "--out", "b.h5"]) == 0
    again = salmetrics.read_hdf5("b.h5")
    assert again.name == "images"  # the name of the folder
    assert (again.stimuli.sigma, again.stimuli.pixels_per_degree) == (3, 9)


def test_images_are_linked_or_copied(folder):
    pixels = salmetrics.datasets.load_folder("images", "fixations.csv").stimuli[0].image
    assert main(["pack", *FILES, "--out", "linked.h5"]) == 0
    assert main(["pack", *FILES, "--copy-images", "--out", "copied.hdf5"]) == 0
    np.testing.assert_array_equal(salmetrics.read_hdf5("linked.h5").stimuli[0].image, pixels)
    shutil.rmtree("images")
    np.testing.assert_array_equal(salmetrics.read_hdf5("copied.hdf5").stimuli[0].image, pixels)
    with pytest.raises((InputError, OSError)):
        salmetrics.read_hdf5("linked.h5").stimuli[0].image  # noqa: B018


def test_suffixes(folder, capsys):
    error = error_of(capsys, ["pack", *FILES, "--out", "data.npz"])
    assert "--out must end in .h5, .hdf5; got 'data.npz'" in error
    assert not (folder / "data.npz").exists()


@pytest.mark.filterwarnings("ignore:.* are outside their image")
def test_json(folder, capsys):
    command = ["pack", "--images", "images", "--fixations", "outside.csv", "--outside", "drop"]
    command += ["--name", "mine", "--sigma", "3", "--out", "data.h5", "--json"]
    assert main(command) == 0
    printed = json.loads(capsys.readouterr().out)
    packed = salmetrics.read_hdf5("data.h5")
    assert printed == {
        "name": "mine",
        "n_images": 3,
        "n_fixations": len(packed.fixations),
        "left_out": {"fixations outside their image": 40 - len(packed.fixations)},
        "sigma": 3.0,
        "pixels_per_degree": None,
        "saved": ["data.h5"],
    }
