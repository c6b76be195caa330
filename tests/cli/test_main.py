"""The command line as a whole: usage, exit codes, and errors that are bugs."""

import argparse
import signal
import threading

import pytest

import salmetrics
from salmetrics.cli import main, parser
from tests.cli.command_line import DATA, error_of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "the following arguments are required: COMMAND; see salmetrics --help"),
        ("evaluate", "the following arguments are required: --model; see salmetrics evaluate"),
        ("run", "there is no command 'run'; there are evaluate, benchmark"),
        ("evaluat --model a", "there is no command 'evaluat'; did you mean 'evaluate'?"),
        ("plot score r.h5", "there is no figure 'score'; did you mean 'scores'? See"),
        ("evaluate --outside x", "--outside must be one of error, drop, clip; got 'x'; see"),
        ("evaluate --outside dropp", "got 'dropp'; did you mean 'drop'? See"),
        ("evaluate --metric AUC", "there is no option --metric; did you mean --metrics? See"),
        ("evaluate --modle=a", "there is no option --modle; did you mean --model? See"),
        ("evaluate --xyz", "there is no option --xyz; see salmetrics evaluate --help"),
        ("evaluate -x 3", "there is no option -x; see"),
        ("evaluate --model", "--model: expected one argument; see"),
        ("evaluate --seed x", "--seed must be a whole number; got 'x'; see"),
        ("evaluate --sigma 1,5", "--sigma must be a number; got '1,5'; see"),
        ("evaluate --model a b", "there is no place for 'b'; see"),
        ("show", "the following arguments are required: FILE; see salmetrics show --help"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert message in error_of(capsys, arguments)


def test_bugs_are_not_hidden(folder):
    (folder / "buggy.py").write_text("def model(stimulus):\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        main(["evaluate", *DATA, "--model", "buggy.py:model", "--kind", "saliency_map"])


def test_exit_codes(monkeypatch, capsys):
    for result, code in ((None, 0), (0, 0), (3, 3)):
        monkeypatch.setattr("salmetrics.cli.metrics._run", lambda options, result=result: result)
        assert main(["metrics"]) == code

    def fail(options):
        raise OSError("the disk is full")

    monkeypatch.setattr("salmetrics.cli.metrics._run", fail)
    assert main(["metrics"]) == 2
    assert capsys.readouterr().err == "salmetrics: error: the disk is full\n"


def test_sigterm_ends_like_an_exception(capsys):
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["metrics"]) == 0
        with pytest.raises(SystemExit) as caught:
            signal.raise_signal(signal.SIGTERM)
        assert caught.value.code == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_leave_signals_alone(capsys):
    before = signal.getsignal(signal.SIGTERM)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["metrics"])))
    thread.start()
    thread.join()
    assert codes == [0]
    assert signal.getsignal(signal.SIGTERM) is before


def parsers(name, command):
    yield name, command
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child, subcommand in action.choices.items():
                yield from parsers(f"{name} {child}", subcommand)


ALL = dict(parsers("salmetrics", parser()))


def test_commands():
    names = {name.split()[1] for name in ALL if " " in name}
    assert names == {
        "benchmark",
        "calibrate",
        "completion",
        "datasets",
        "demo",
        "evaluate",
        "export-maps",
        "ground-truth",
        "metrics",
        "optimal-map",
        "pack",
        "plot",
        "predict",
        "show",
        "train",
    }


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_a_help(name):
    command = ALL[name]
    text = command.format_help()
    assert text.startswith(f"usage: {name}")
    for action in command._actions:
        choices = getattr(action, "choices", None)
        if not isinstance(action, argparse._SubParsersAction) and not (
            isinstance(choices, list) and action.dest == "name"
        ):
            assert action.help, f"{name}: {action.dest}"


def test_help_and_options_before_a_command(capsys):
    for words in (["help"], ["help", "show"], ["-V"]):
        with pytest.raises(SystemExit):
            main(words)
    printed = capsys.readouterr().out
    assert printed.startswith("usage: salmetrics COMMAND")
    assert "usage: salmetrics show FILE" in printed
    assert printed.splitlines()[-1] == f"salmetrics {salmetrics.__version__}"
    assert main(["--versoin"]) == 2
    assert "there is no option --versoin; did you mean --version?" in capsys.readouterr().err
