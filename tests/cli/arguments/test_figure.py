"""Figures in files: names, sizes, and what is refused before anything is drawn."""

import argparse
from pathlib import Path

import pytest
from PIL import Image

from salmetrics import InputError
from salmetrics.cli.arguments.figure import FIGURES, check_figure, pyplot, save_figure
from tests.cli.command_line import error_of


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--out x.txt", "--out must end in .pdf, .png, .svg; got"),
        ("--out no/x.png", "folder 'no' does not exist"),
        ("--dpi 0 --out x.png", "--dpi must be at least 1"),
        ("--size 0 1 --out x.png", "--size must be two numbers from 1 to 133 inches; got 0 1"),
        ("--size nan 3 --out x.png", "--size must be two numbers from 1 to 133"),
        ("--size 999 9 --out x.png", "--size must be two numbers from 1 to 133"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"plot scores r.h5 {arguments}")
    assert not list(result.glob("x*"))


def options(path, **changes):
    return argparse.Namespace(**{"out": path, "size": None, "dpi": 50} | changes)


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_figures_are_written_and_closed(tmp_path, suffix, start):
    path = tmp_path / f"figure{suffix.upper()}"
    assert check_figure(options(path)) == suffix
    plt = pyplot()
    figure, _ = plt.subplots()
    save_figure(figure, options(path, size=(3, 2)))
    assert path.read_bytes().startswith(start)
    assert not plt.fignum_exists(figure.number)
    if suffix == ".png":
        with Image.open(path) as image:
            assert image.size == (150, 100)  # inches times pixels per inch


def test_an_interrupted_figure_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_text("old")
    figure, _ = pyplot().subplots()

    def interrupted(target, contents):
        with target.open("wb") as file:
            file.write(contents[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure, options(path))
    pyplot().close(figure)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_suffixes(tmp_path):
    path = tmp_path / "shares.csv"
    assert check_figure(options(path), (".csv", *FIGURES)) == ".csv"
    with pytest.raises(InputError, match=r"--out must end in .pdf, .png, .svg; got '.*shares.csv'"):
        check_figure(options(path))
