"""The parser: help that begins with an example, short usage, errors of one line."""

import pytest

from salmetrics import InputError
from salmetrics.cli.arguments.parsing import Parser


@pytest.fixture
def program():
    program = Parser(prog="p", examples=("p score a.h5 --model m",))
    commands = program.add_subparsers(required=True, metavar="COMMAND")
    commands.summaries = {"score": "score models"}
    score = commands.add_parser("score", examples=("p score a.h5 --model m", "p score b.h5"))
    score.add_argument("file", metavar="FILE", help="a file")
    group = score.add_argument_group("models")
    group.add_argument("--model", required=True, metavar="SPEC", help="such as gold-standard")
    group.add_argument("--size", type=float, nargs=2, metavar=("W", "H"), help="of it")
    group.add_argument("-n", "--number", type=int, help="a number", choices=(1, 2))
    return program


def test_help(program):
    text = program.commands["score"].format_help()
    assert text.startswith(
        "usage: p score FILE --model SPEC [options]\n\nScore models.\n\n"
        "examples:\n  p score a.h5 --model m\n  p score b.h5\n\n"
    )
    titles = [line for line in text.splitlines() if line.endswith(":")]
    assert titles == ["examples:", "positional arguments:", "models:", "general:"]
    assert "such as gold-standard" in text
    assert "score models" in program.format_help()


@pytest.mark.parametrize("order", ["-q score f --model m", "score f --model m -q"])
def test_general_options_before_and_after_the_command(program, order):
    options = program.parse_args(order.split())
    assert options.quiet
    assert not hasattr(options, "verbose")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("score f --model m --siz 1 2", "there is no option --siz; did you mean --size? See p"),
        ("score f --model m -k 3", "there is no option -k; see p score --help"),
        ("score f --model m -n 3", "--number must be one of 1, 2; got 3; see p score --help"),
        ("score f --model m -n3", "--number must be one of 1, 2; got 3; see p score --help"),
        ("score f --model m --number x", "--number must be a whole number; got 'x'; see p"),
        ("score f --model m --size 1", "--size: expected 2 arguments; see p score --help"),
        ("score f g --model m", "there is no place for 'g'; see p score --help"),
        ("scor f", "there is no command 'scor'; did you mean 'score'? See p --help"),
        ("xyz", "there is no command 'xyz'; there are score; see p --help"),
    ],
)
def test_errors(program, words, message):
    with pytest.raises(InputError) as caught:
        program.parse_args(words.split())
    assert str(caught.value).startswith(message)


def test_values_that_look_like_options(program):
    options = program.parse_args(["score", "--model=--x", "--size", "-1", "-2.5", "--", "-f"])
    assert (options.model, options.size, options.file) == ("--x", [-1, -2.5], "-f")
