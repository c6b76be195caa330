"""Arguments that the commands share, and what they print for wrong ones."""

import warnings

from PIL import Image

from salmetrics.cli import main

# the files of the fixture `folder`
FILES = ["--images", "images", "--fixations", "fixations.csv"]
DATA = [*FILES, "--sigma", "3"]
INSIDE = [*FILES, "--outside", "clip"]


def error_of(capsys, arguments):
    """Return the one line that the command line prints for wrong arguments."""
    words = arguments.split() if isinstance(arguments, str) else arguments
    assert main([*map(str, words)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("salmetrics: error: ")
    assert error.count("\n") == 1
    return error


def draw_figure(capsys, arguments):
    """Draw a figure with `salmetrics plot`, and check that something is on it."""
    command = f"plot {arguments} --out f.png --size 4 3 --dpi 50"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few fixations for a gold standard
        code = main(command.split())
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "wrote f.png" in printed.out
    with Image.open("f.png") as image:
        assert image.size == (200, 150)
        histogram = image.convert("L").histogram()
    assert len(histogram) - histogram.count(0) > 10
