"""`salmetrics plot category-weights`."""

import pytest

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import draw_figure, error_of


@pytest.mark.parametrize(
    "figure",
    [
        "category-weights weights.csv",
        "category-weights weights.csv --category 01 --category NA --by backbone",
        "category-weights one/weights.csv weights.csv --category 01",
    ],
)
def test_figures(result, capsys, figure):
    draw_figure(capsys, figure)


def test_runs_are_named_after_folders(result, monkeypatch):
    drawn = []

    def keep(history, categories, *, by):
        drawn.append((history, categories, by))
        return draw(history, categories, by=by)

    draw = salmetrics.plotting.plot_category_weights
    monkeypatch.setattr(salmetrics.plotting, "plot_category_weights", keep)
    files = ["one/weights.csv", "weights.csv"]
    command = ["plot", "category-weights", *files, "--category", "NA", "--by", "backbone"]
    assert main([*command, "--out", "w.png"]) == 0
    ((history, categories, by),) = drawn
    assert list(history) == ["one", result.name]
    assert history["one"]["category"].unique().tolist() == ["01", "NA"]
    assert (categories, by) == (["NA"], "backbone")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("none.csv --out x.png", "there is no file 'none.csv'"),
        ("nothing.csv --out x.png", "'nothing.csv' is not a valid CSV file"),
        ("data.h5 --out x.png", "'data.h5' is not a valid CSV file"),
        ("no_weight.csv --out x.png", "no_weight.csv: history has no column 'weight'; its columns"),
        ("text.csv --out x.png", "text.csv: history: weight must be finite; got high in row 0"),
        ("weights.csv --category 1 --out x.png", "category must be one of '01', 'NA'; got '1'"),
        (
            "one/weights.csv other/one/weights.csv --out x.png",
            "two files are in folders called 'one'; folders name the runs, so",
        ),
        ("weights.csv --out x.txt", "--out must end in .pdf, .png, .svg; got"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"plot category-weights {arguments}")
    assert not list(result.glob("x*"))
