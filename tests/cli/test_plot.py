"""`salmetrics plot`: figures of saved results."""

import pytest

from tests.cli.command_line import draw_figure, error_of


@pytest.mark.parametrize(
    "figure",
    [
        "scores r.h5",
        "scores r.h5 --metric AUC --model wide",
        "against-gold-standard r.h5 --model wide",
        "groups r.h5 --by subject --model wide --metric IGE",
        "differences r.h5 --first wide --second flat",
        "sweep r.h5 --first wide --second flat --metric IGE",
        "mixtures r.h5 --sizes 1 2",
        "instances r.h5 --group a=wide,narrow --reference gold-standard",
    ],
)
def test_figures(result, capsys, figure):
    draw_figure(capsys, figure)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("scores none.h5", "there is no file 'none.h5'"),
        ("scores data.h5", "data.h5"),
        ("scores r.h5 --metric CC", "metric must be one of"),
        ("groups r.h5 --by season", "'season'"),
        ("instances r.h5 --group wide", "NAME=MODEL,MODEL"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"plot {arguments} --out x.png")
    assert not (result / "x.png").exists()
