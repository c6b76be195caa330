"""Data sets as the command line names them."""

import re

import pytest

from salmetrics.cli import main
from tests.cli.command_line import DATA, error_of


@pytest.mark.parametrize(("outside", "n"), [("drop", None), ("clip", 40)])
def test_outside(folder, capsys, outside, n):
    data = ["--images", "images", "--fixations", "outside.csv", "--outside", outside]
    assert main(["evaluate", *data, "--metrics", "NSS", "--model", "uniform"]) == 0
    found = int(re.search(r"(\d+) fixations", capsys.readouterr().out)[1])
    assert found == n if n else 10 < found < 40


def test_column_names(folder):
    columns = ["--image-column", "name", "--x-column", "col", "--y-column", "row"]
    data = ["--images", "images", "--fixations", "named.csv", *columns]
    assert main(["evaluate", *data, "--metrics", "NSS", "--model", "uniform"]) == 0


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
            "'empty' holds no 'eye/fixations.mat' of Object",
        ),
        (["--images", "no", *DATA[2:]], "image folder 'no' does not exist"),
        (["--images", "empty", *DATA[2:]], "no images in 'empty'"),
        ([*DATA[:2], "--fixations", "no.csv"], "'no.csv' does not exist"),
        (
            [*DATA[:2], "--fixations", "named.csv"],
            "no column 'file' (image), 'x' (x), 'y' (y); its columns are 'name', 'col', 'row'",
        ),
        ([*DATA[:2], "--fixations", "outside.csv"], "fixations are outside their image"),
        (DATA[:4], "pass sigma= (pixels; --sigma"),
        ([*DATA, "--first", "0"], "--first must be at least 1; got 0"),
    ],
)
def test_errors(folder, capsys, arguments, text):
    assert text in error_of(capsys, ["evaluate", *arguments, "--model", "uniform"])
