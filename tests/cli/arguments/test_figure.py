"""Figures in files: names, sizes, and what is refused before anything is drawn."""

import pytest

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
