"""Options that say how a table of fixations is written."""

import argparse

import pytest

from salmetrics.cli import main
from salmetrics.cli.arguments.fixation_table import add_table, table_format
from salmetrics.data.fixation_tables import TableFormat
from tests.cli.command_line import error_of


def test_column_names(folder):
    columns = ["--image-column", "name", "--x-column", "col", "--y-column", "row"]
    data = ["--images", "images", "--fixations", "named.csv", *columns]
    assert main(["evaluate", *data, "--metrics", "NSS", "--model", "uniform"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "",
            "line 3: x=-0.25, y=0.25 on '0.png' (width 30, height 20). They look like fractions of "
            "the image: give --units normalised; or use --outside drop, or --outside clip, which",
        ),
        ("--units degree", "--pixels-per-degree, and the place of 0 degrees: --origin centre if y"),
        ("--units degree --origin centre", "--units degree needs --pixels-per-degree"),
        ("--one-based --units normalised", "--one-based is for pixels that are counted"),
        ("--separator ab", "--separator takes one character, 'tab' or 'space'; got 'ab'"),
        ("--separator ;", "Give another separator with --separator, and other names with --image-"),
        ("--encoding utf-7x", "--encoding utf-7x does not fit: unknown encoding"),
        (
            "--subject-column nobody",
            "has no column 'nobody'; its columns are 'file', 'x', 'y', 'who'. "
            "Name yours with --subject-column",
        ),
        ("--subject-column who", "--missing drop, or leave the column out"),
        ("--preset tobii", "Name yours with --image-column, --x-column, --y-column"),
        ("--decimal ,", "--decimal , is assumed, --decimal . reads 12.5"),
    ],
)
def test_messages_name_options(folder, capsys, options, message):
    rows = ["file,x,y,who", "0.png,.25,.25,a", "0.png,-.25,.25,"]
    (folder / "t.csv").write_text("\n".join(rows))
    arguments = f"evaluate --images images --fixations t.csv --model uniform {options}"
    assert message in error_of(capsys, arguments)


def test_nothing_is_given_by_default():
    parser = argparse.ArgumentParser()
    add_table(parser)
    parser.set_defaults(missing="error")  # which is of maps of fixations, too
    assert table_format(parser.parse_args([])) == TableFormat()
    form = table_format(parser.parse_args(["--x-column", "px", "--one-based"]))
    assert form.given() == TableFormat(x="px", one_based=True).given()
