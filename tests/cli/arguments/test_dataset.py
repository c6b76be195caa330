"""Data sets as the command line names them."""

import argparse
import re
import warnings

import numpy as np
import pytest
from PIL import Image

import salmetrics
from salmetrics import InputError
from salmetrics.cli import main
from salmetrics.cli.arguments.dataset import (
    add_data,
    dataset_of,
    datasets_of,
    first_images,
    heading,
    protocol_of,
)
from tests.cli.command_line import DATA, FILES, error_of


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("outside", "n"), [("drop", None), ("clip", 40)])
def test_outside(folder, capsys, outside, n):
    data = ["--images", "images", "--fixations", "outside.csv", "--outside", outside]
    assert main(["evaluate", *data, "--metrics", "NSS", "--model", "uniform"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("salmetrics: warning: 16 of 40 fixations are outside their image")
    n_fixations = int(re.search(r"(\d+) fixations", printed.out)[1])
    assert n_fixations == n if n else 10 < n_fixations < 40


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "no data: give --dataset, or --images and --fixations"),
        (["--dataset", "osie"], "salmetrics datasets get osie"),
        (
            ["--dataset", "osie", "--root", "empty", *DATA],
            "give --dataset, or --images and --fixations, not both",
        ),
        (
            ["--dataset", "osie", "--root", "empty"],
            "'empty' lacks 'eye/fixations.mat' of Object",
        ),
        (["--images", "no", *DATA[2:]], "image folder 'no' does not exist"),
        (["--images", "empty", *DATA[2:]], "no images in 'empty'"),
        ([*DATA[:2], "--fixations", "no.csv"], "'no.csv' does not exist"),
        (
            [*DATA[:2], "--fixations", "named.csv"],
            "no column 'file', 'x', 'y'; its columns are 'name', 'col', 'row'. Name yours with "
            "--image-column, --x-column, --y-column",
        ),
        ([*DATA[:2], "--fixations", "outside.csv"], "fixations are outside their image"),
        (
            [*DATA[:4], "--metrics", "CC"],
            "pass --sigma, or --dataset NAME,sigma=PIXELS, or --pixels-per-degree, or leave out CC",
        ),
        ([*DATA, "--first", "0"], "--first must be at least 1; got 0"),
    ],
)
def test_errors(folder, capsys, arguments, text):
    assert text in error_of(capsys, ["evaluate", *arguments, "--model", "uniform"])


def parsed(words, **options):
    command = argparse.ArgumentParser()
    add_data(command, **options)
    return command.parse_args([str(word) for word in words])


def test_folders_and_tables(folder):
    dataset = dataset_of(parsed([*DATA, "--pixels-per-degree", "20"]))
    expected = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    assert dataset.stimuli.ids == expected.stimuli.ids == ("0.png", "1.png", "2.png")
    assert (dataset.stimuli.sigma, dataset.stimuli.pixels_per_degree) == (3, 20)
    assert dataset.fixations.x.tolist() == expected.fixations.x.tolist()


def test_the_first_images(folder):
    dataset = dataset_of(parsed(DATA))
    assert first_images(dataset, parsed(DATA)) is dataset
    first = first_images(dataset, parsed([*DATA, "--first", "2"]))
    assert first.stimuli.ids == dataset.stimuli.ids[:2]
    assert len(first.fixations) == (dataset.fixations.image < 2).sum()


def test_folders_and_files_in_the_wrong_place(folder, capsys):
    model = "--model uniform"
    text = error_of(capsys, f"evaluate --images images/0.png --fixations fixations.csv {model}")
    assert "'images/0.png' is a file; --images takes a folder of images" in text
    text = error_of(capsys, f"evaluate --images images --fixations empty {model}")
    assert "A folder of fixations holds one map of fixations per image; a table is a file" in text
    assert "--fixations table.csv" in text


def test_what_is_left_out_is_printed_and_kept(folder, capsys):
    rows = ["file;x;y", *["0.png;1,5;2,5"] * 3, *["1.png;99,5;1"] * 2, "1.png;.;.", "1.png;;"]
    (folder / "t.csv").write_text("\n".join(rows))
    data = "--images images --fixations t.csv --missing drop --outside drop --metrics NSS"
    command = f"evaluate {data} --model uniform --n-bootstrap 0 --out r.h5"
    assert main(command.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "images: 3 images (2 without fixations), 3 fixations",
        "left out: 2 rows without values, 2 of 5 fixations outside their image",
    ]
    left_out = {"rows without values": 2, "fixations outside their image": 2}
    assert salmetrics.Evaluation.load("r.h5").provenance["dataset"]["left_out"] == left_out
    assert main(command.replace("outside drop", "outside clip").split()) == 0
    assert "\nmoved: 2 of 5 fixations into their image\n" in capsys.readouterr().out
    assert main(f"pack {data.replace('--metrics NSS', '')} --out d.h5".split()) == 0
    packed = salmetrics.read_hdf5("d.h5")
    assert dict(packed.fixations.left_out) == left_out
    assert heading(packed).splitlines()[1] == lines[1]


def test_maps_of_fixations(folder, capsys):
    (folder / "maps").mkdir()
    for i in range(2):
        marks = np.zeros((20 + i, 30), np.uint8)
        marks[3 + i, 5], marks[9, 8 + i] = 255, 255
        Image.fromarray(marks).save(folder / f"maps/{i}.png")
    command = "evaluate --images images --fixations maps --model uniform --metrics AUC"
    assert "no map for '2.png'" in (text := error_of(capsys, command))
    assert "Images without a map have no fixations with --missing drop" in text
    assert "holds maps of fixations; --units need" in error_of(capsys, f"{command} --units pixel")
    assert main(f"{command} --missing drop".split()) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "images: 3 images (1 without fixations), 4 fixations",
        "left out: 1 image without a map of fixations",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # which the command line prints
        assert main(f"{command} --missing drop --fixation-values counts".split()) == 0
    out = capsys.readouterr().out
    assert out.startswith("images: 3 images (1 without fixations), 1020 fixations")
    assert "- warning: 2 of 3 fixation maps are read with --fixation-values counts though" in out
    text = error_of(capsys, command.replace("maps", "fixations.csv --fixation-values marks"))
    assert "--fixation-values is for maps of fixations; 'fixations.csv' is a table" in text


def test_several_data_sets(result):
    salmetrics.write_hdf5(salmetrics.read_hdf5("data.h5"), "copy.h5", images="copy")
    words = ["--dataset", "data.h5", "--dataset", "copy.h5", "--first", "1"]
    with pytest.raises(InputError, match=r"two data sets are called 'generated'; give one another"):
        datasets_of(parsed(words, several=True))
    (dataset,) = datasets_of(parsed([*words[:2], "--first", "1"], several=True))
    assert len(dataset.stimuli) == 1
    (dataset,) = datasets_of(parsed(DATA, several=True))  # without --dataset
    assert dataset.name == "images"


def test_options_that_do_not_go_together(result):
    data = ["--dataset", "data.h5"]
    for more in (
        ["--outside", "drop"],
        ["--x-column", "col"],
        ["--one-based"],
        ["--units", "pixel"],
    ):
        with pytest.raises(
            InputError, match=f"^{more[0]} need --images and --fixations, not --dat"
        ):
            dataset_of(parsed([*data, *more]))
    with pytest.raises(InputError, match="--root needs --dataset"):
        dataset_of(parsed([*DATA, "--root", "x"]))


@pytest.mark.parametrize(
    ("protocol", "sigma", "degree", "own_width", "overrides"),
    [
        ("default", None, None, False, {}),
        ("default", 3.0, None, False, {"sigma": 3.0}),
        ("default", 3.0, 20.0, False, {"sigma": 3.0}),
        ("default", None, 20.0, False, {"sigma": 20.0}),
        ("default", 3.0, None, True, {}),  # the stimuli have it
        ("mit-matlab", None, 20.0, False, {}),  # cycles, not degrees, set its width
        ("mit-matlab", 3.0, None, False, {"sigma": 3.0, "cycles": None}),
        ("mit-tuebingen", None, 20.0, False, {}),  # has a width of its own
        ("mit-tuebingen", 3.0, None, True, {"sigma": 3.0, "prediction_sigma": 3.0}),
    ],
)
def test_widths_of_protocols(protocol, sigma, degree, own_width, overrides):
    options = argparse.Namespace(protocol=protocol, sigma=sigma, pixels_per_degree=degree)
    assert protocol_of(options, own_width=own_width).overrides == overrides


def test_the_scale_of_all_data_sets_and_of_one(result):
    words = ["--dataset", "data.h5", "--dataset", "data.h5,sigma=7,name=own"]
    options = parsed([*words, "--sigma", "3"], several=True)
    assert [dataset.stimuli.sigma for dataset in datasets_of(options)] == [3, 7]
    options.protocol = "mit-tuebingen"
    with pytest.raises(InputError, match="'mit-tuebingen' has a blur of its own, so that of"):
        protocol_of(options)
    options = parsed(["--dataset", "data.h5,sigma=7", "--sigma", "3"])
    options.protocol = "default"
    with pytest.raises(InputError, match="has a width already; leave out --sigma"):
        protocol_of(options)


def test_own_images_beside_registered_data(result):
    words = ["--dataset", "data.h5", *FILES, "--sigma", "3"]
    own, other = datasets_of(parsed(words, several=True))
    assert (own.name, other.name) == ("images", "generated")
    assert own.stimuli.sigma == other.stimuli.sigma == 3


def test_images_with_ground_truth_alone(result):
    options = parsed(["--images", "images"])
    with pytest.raises(InputError, match="no data: give --dataset, or --images and --fixations"):
        dataset_of(options)
    options.empirical = "maps"
    dataset = dataset_of(options)
    assert len(dataset.fixations) == 0
    assert dataset.stimuli.ids == ("0.png", "1.png", "2.png")


def test_maps_of_fixations_with_other_names(folder, capsys):
    (folder / "maps").mkdir()
    for i in range(3):
        marks = np.zeros((20 + i, 30), np.uint8)
        marks[3 + i, 5] = 255
        Image.fromarray(marks).save(folder / f"maps/{i}_fix.png")
        Image.fromarray(marks).save(folder / f"maps/{i}_density.png")
    command = "evaluate --images images --fixations maps --model uniform --metrics AUC"
    assert "no map for '0.png'" in error_of(capsys, command)
    assert main([*command.split(), "--fixation-map-name", "{stem}_fix"]) == 0
    assert "3 images, 3 fixations" in capsys.readouterr().out
    np.savez(folder / "fs.npz", **{str(k): np.eye(20 + k, 30) for k in range(3)})
    np.save(folder / "few.npy", np.zeros((2, 20, 30)))
    orders = "evaluate --images images --model uniform --metrics AUC --fixation-map-order given"
    text = "--fixation-map-order is for maps without names, and for --fixation-map-name"
    assert text in error_of(capsys, f"{orders} --fixations fs.npz")
    assert "must hold one for each image" in error_of(capsys, f"{orders} --fixations few.npy")
    for option in ("--fixation-map-name {stem}", "--fixation-map-order given", "--image-name x"):
        assert f"{option.split()[0]} need --images" in error_of(
            capsys, f"evaluate --dataset osie:x {option} --model uniform"
        )
