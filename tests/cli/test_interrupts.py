"""Ctrl-C at several moments: one line, what is kept, and nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import salmetrics
from salmetrics.cli import main
from salmetrics.cli.interrupts import Interrupts
from tests.cli.command_line import DATA

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

SLOW = """
import time
from pathlib import Path
import numpy as np
import salmetrics

Path("importing").touch()
{importing}

class Slow(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        Path("predicting").touch()
        time.sleep({seconds})
        return np.ones(stimulus.size)
"""


def raising(*signals):
    """A command that gets Ctrl-C, and again while it cleans up."""

    def run(options):
        try:
            for number in signals:
                signal.raise_signal(number)
        finally:
            for number in signals:
                signal.raise_signal(number)

    return run


@pytest.fixture
def signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_ctrl_c(signals, monkeypatch, capsys):
    monkeypatch.setattr("salmetrics.cli.metrics._run", raising(signal.SIGINT))
    assert main(["metrics"]) == 130
    again, interrupted = capsys.readouterr().err.splitlines()
    assert again.startswith("salmetrics: cleaning up as soon as the current image is predicted;")
    assert interrupted == "salmetrics: interrupted: nothing is kept"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whatever_an_interruption_turns_into(signals, monkeypatch, capsys):
    """Libraries turn a `KeyboardInterrupt` into errors of their own."""

    def run(options):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise SystemError("a callback failed") from error

    monkeypatch.setattr("salmetrics.cli.metrics._run", run)
    assert main(["metrics"]) == 130
    assert capsys.readouterr().err == "salmetrics: interrupted: nothing is kept\n"


def test_the_third_ends_at_once(signals, monkeypatch):
    monkeypatch.setattr(os, "_exit", lambda code: codes.append(code))
    codes = []
    interrupts = Interrupts()
    with interrupts.handled():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert codes == []
        signal.raise_signal(signal.SIGINT)
    assert codes == [130]


def test_signals_that_are_ignored_stay_ignored(signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    with Interrupts().handled():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_what_is_kept(folder, signals, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        signal.raise_signal(signal.SIGINT)

    evaluate = salmetrics.evaluate
    monkeypatch.setattr("salmetrics.cli.evaluate.evaluate", interrupt)
    command = ["evaluate", *DATA, "--model", "uniform"]
    assert main([*command, "--checkpoint", "parts"]) == 130
    text = "salmetrics: interrupted: finished parts are in parts; the same command resumes from"
    assert capsys.readouterr().err == f"{text} them\n"
    assert main(command) == 130
    assert "with --checkpoint DIR finished parts are" in capsys.readouterr().err
    monkeypatch.setattr("salmetrics.cli.export_maps.export_predictions", interrupt)
    assert main(["export-maps", *DATA[:4], "--model", "uniform", "--out", "maps"]) == 130
    assert "finished maps are beside maps; the same command" in capsys.readouterr().err
    monkeypatch.setattr("salmetrics.cli.evaluate.evaluate", evaluate)
    monkeypatch.setattr("salmetrics.cli.evaluate.evaluation_document", interrupt)
    assert main([*command, "--metrics", "AUC", "--out", "r.csv"]) == 130
    assert capsys.readouterr().err == "salmetrics: interrupted: saved: r.csv\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "importing", "more"),
    [
        ("importing", "time.sleep(60)", []),
        ("predicting", "", ["--n-jobs", "2", "--checkpoint", "parts"]),  # in a thread
    ],
)
def test_ctrl_c_in_a_process(folder, moment, importing, more):
    """Twice, as an impatient person presses it, to the whole group, as a terminal sends it."""
    (folder / "slow.py").write_text(SLOW.format(importing=importing, seconds=1))
    (folder / "temporary").mkdir()
    command = [sys.executable, "-m", "salmetrics", "evaluate", *DATA, "--metrics", "AUC", "CC"]
    process = subprocess.Popen(
        [*command, "--model", "slow.py:Slow", *more],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(salmetrics.__file__).parents[1]),
            "TMPDIR": str(folder / "temporary"),
        },
    )
    deadline = time.monotonic() + 60
    while not (folder / moment).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (folder / moment).exists()
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    lines = err.splitlines()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert lines[-1].startswith("salmetrics: interrupted: ")
    assert list((folder / "temporary").iterdir()) == []


def test_the_folder_of_temporary_files_is_the_one_that_is_looked_at(tmp_path, monkeypatch):
    """The variable of the test above is the one that Python heeds."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert tempfile.gettempdir() == str(tmp_path)
