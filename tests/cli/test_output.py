"""What the command line prints and saves when printing or saving fails."""

import errno
import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.cli import main, output, parser
from salmetrics.errors import NotSavedWarning
from salmetrics.io import files
from tests.cli.command_line import DATA, FILES, error_of
from tests.messages import python_arguments

UNIFORM = ["evaluate", *DATA, "--model", "uniform", "--metrics", "AUC", "--n-bootstrap", "0"]


def run(command, **options):
    """Run the command line in a process of its own, with a shell's redirections."""
    environment = {**os.environ, "PYTHONPATH": str(Path(salmetrics.__file__).parents[1])}
    environment |= options.pop("env", {})
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m salmetrics {command}"],
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )


class Stream(io.TextIOWrapper):
    """A standard output whose every write fails."""

    def __init__(self, number):
        super().__init__(io.BytesIO(), write_through=True)
        self.number = number

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_characters_that_the_console_lacks(folder, monkeypatch, encoding):
    (folder / "images").rename(folder / "карты")
    streams = io.TextIOWrapper(io.BytesIO(), encoding), io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    data = ["--images", "карты", "--fixations", "fixations.csv"]
    command = ["evaluate", *data, "--model", "uniform", "--metrics", "AUC", "--out", "карта.h5"]
    assert main(command) == 0
    assert main(["show", "карты"]) == 2
    assert Path("карта.h5").exists()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    assert out.startswith("?????: 3 images")
    assert out.endswith("wrote ?????.h5\n")
    assert "?????" in err
    assert streams[0].errors == "strict"  # as before


@pytest.mark.parametrize(("number", "code"), [(errno.EPIPE, 141), (errno.ENOSPC, 2)])
def test_results_are_saved_before_they_are_printed(folder, monkeypatch, capsys, number, code):
    monkeypatch.setattr(sys, "stdout", Stream(number))
    assert main([*UNIFORM, "--out", "r.h5"]) == code
    assert salmetrics.Evaluation.load("r.h5").value("uniform", "AUC") == 0.5
    text = "salmetrics: error: standard output: the disk is full; saved: r.h5\n"
    assert capsys.readouterr().err == ("" if code == 141 else text)
    assert main(UNIFORM) == code
    text = "the disk is full; nothing is saved; --out FILE saves the result, where there is one\n"
    assert capsys.readouterr().err.endswith("" if code == 141 else text)


@pytest.mark.slow
@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}])
@pytest.mark.parametrize("command", ["metrics", "--help"])
def test_a_pipe_that_nobody_reads(buffering, command):
    done = run(f"{command} | true", env=buffering)
    assert (done.stderr, done.returncode) == ("", 141)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_standard_output_on_a_full_disk():
    done = run("metrics > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("salmetrics: error: standard output: the disk is full; nothing")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("out", ["r.h5", "r.csv", "r.md"])
def test_a_full_disk_leaves_the_table(folder, monkeypatch, capsys, out):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr("pandas.DataFrame.to_csv", full)
    assert main([*UNIFORM, "--out", out]) == 2
    printed = capsys.readouterr()
    assert "uniform  0.500" in printed.out
    assert "wrote" not in printed.out
    text = f"salmetrics: error: --out: the disk is full, so '{out}' is not written\n"
    assert printed.err == text
    assert not [path for path in folder.iterdir() if path.name.startswith((".", "r."))]


class Disk:
    """A disk on which files can be replaced until it is full."""

    def __init__(self, monkeypatch):
        self.room = 0
        self._replace = files.os.replace
        monkeypatch.setattr(files.os, "replace", self)

    def __call__(self, source, target):
        if not Path(target).is_absolute():  # those of numba's cache are
            if self.room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.room -= 1
        self._replace(source, target)


def test_a_full_disk_under_a_checkpoint_leaves_the_table(folder, monkeypatch, capsys):
    command = [*UNIFORM, "--model", "gaussian-centre-bias", "--checkpoint", "parts"]
    disk = Disk(monkeypatch)
    text = "salmetrics: error: checkpoint 'parts' cannot be written: the disk is full\n"
    assert error_of(capsys, command) == text  # before anything is computed
    disk.room = 3  # manifests, and the part of one model
    assert main([*command, "--out", "r.csv"]) == 2
    printed = capsys.readouterr()
    assert "\nuniform               0.500\ngaussian-centre-bias  0." in printed.out
    lines = printed.err.splitlines()
    reason = "the disk is full, so"
    assert lines == [
        f"salmetrics: error: --checkpoint: {reason} 'parts' is not written",
        f"salmetrics: error: --out: {reason} 'r.csv' is not written",
    ]
    assert len(list(Path("parts").rglob("*.chunk"))) == 1


@pytest.mark.parametrize(
    ("room", "files_left"),
    [
        (2, []),  # of both data sets, the parts of the first fit
        (5, ["one.csv", "one.h5", "one.md"]),
    ],
)
def test_a_full_disk_under_a_benchmark_leaves_the_tables(
    result, monkeypatch, capsys, room, files_left
):
    sets = ["--dataset", "data.h5,name=one", "--dataset", "data.h5,name=two"]
    options = ["--model", "uniform", "--metrics", "AUC", "--n-bootstrap", "0", "--out", "b"]
    disk = Disk(monkeypatch)
    disk.room = room
    assert main(["benchmark", *sets, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("\nuniform  ") == 3  # data sets, and all of them
    assert "wrote" not in printed.out
    assert printed.err.startswith("salmetrics: error: --out: the disk is full, so 'b")
    assert "are not written\n" in printed.err
    assert printed.err.count("\n") == 1
    assert sorted(path.name for path in Path("b").iterdir() if path.is_file()) == files_left


def test_a_failed_file_is_reported_even_if_the_command_fails(monkeypatch, capsys):
    def fail(options):
        failure = OSError(errno.ENOSPC, "No space left on device")
        warnings.warn(NotSavedWarning("checkpoint", "parts", failure), stacklevel=1)
        raise InputError("the model is wrong")

    monkeypatch.setattr("salmetrics.cli.metrics._run", fail)
    assert main(["metrics"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("the disk is full, so 'parts' is not written")
    assert lines[1:] == ["salmetrics: error: the model is wrong"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no ulimit")
def test_a_file_that_cannot_grow(folder):
    """HDF5 would abort the process on a full disk, for which a limit stands here."""
    done = run(f"{' '.join(UNIFORM)} --out r.h5", preexec_fn=_limit_files)
    assert done.returncode == 2
    assert "\nuniform  0.500" in done.stdout
    assert done.stderr == "salmetrics: error: --out: File too large, so 'r.h5' is not written\n"
    assert not [path for path in folder.iterdir() if path.name.startswith((".", "r."))]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no ulimit")
def test_a_packed_file_that_cannot_grow(folder):
    done = run(f"pack {' '.join(DATA)} --out p.h5", preexec_fn=_limit_files)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "'p.h5' cannot be written: File too large" in done.stderr


def _limit_files():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # bytes


@pytest.mark.parametrize(
    "command",
    [
        [*UNIFORM],
        ["calibrate", *FILES, "--model", "uniform"],
        ["pack", *DATA],
        ["export-maps", *FILES, "--model", "uniform"],
        ["optimal-map", *DATA, "--model", "uniform", "--metric", "NSS"],
        ["predict", "--images", "images", "--model", "uniform"],
        ["plot", "gallery", *FILES, "--model", "uniform"],
        ["plot", "scores", "r.h5"],
        ["plot", "category-weights", "w.csv"],
    ],
)
def test_out_is_checked_first(folder, capsys, command):
    """Before any data are read: the file of fixations does not exist."""
    Path("fixations.csv").unlink()
    suffix = ".h5" if command[0] in ("evaluate", "pack", "export-maps", "optimal-map") else ".pdf"
    suffix = ".h5" if command[0] == "predict" else suffix
    error = error_of(capsys, [*command, "--out", f"none/a{suffix}"])
    assert "--out: folder 'none' does not exist; create it first" in error
    if command[0] in ("evaluate", "calibrate", "pack", "plot"):
        assert "--out must end in " in error_of(capsys, [*command, "--out", "a.xyz"])
        Path(f"a{suffix}").mkdir()
        assert f"--out: 'a{suffix}' is a folder" in error_of(
            capsys, [*command, "--out", f"a{suffix}"]
        )


def test_folders_that_cannot_be_written(folder, capsys, monkeypatch):
    def refused(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refused)
    error = error_of(capsys, [*UNIFORM, "--out", "r.h5"])
    assert "--out: folder '.' cannot be written: Permission denied" in error


def test_quiet_and_verbose(folder, capsys):
    assert main([*UNIFORM, "--out", "r.csv", "-q"]) == 0
    printed = capsys.readouterr()
    assert "wrote" not in printed.out
    assert printed.err == ""
    assert main([*UNIFORM, "--out", "r.csv", "--verbose"]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("\nwrote r.csv\n")
    lines = printed.err.splitlines()
    assert lines[0].startswith(f"salmetrics {salmetrics.__version__}, Python 3.")
    assert lines[-1].startswith("took ")
    assert main(["-v", "show", "none.h5"]) == 2
    printed = capsys.readouterr().err
    assert "Traceback (most recent call last)" in printed
    assert printed.splitlines()[-1].startswith("salmetrics: error: ")


def test_warnings_are_lines(monkeypatch, capsys):
    def warn(options):
        for text in ("kind= is\nunknown", "kind= is unknown", "another"):
            warnings.warn(text, UserWarning, stacklevel=1)
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr("salmetrics.cli.metrics._run", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown = warnings.showwarning
        assert main(["metrics"]) == 0
        assert warnings.showwarning is shown
        lines = capsys.readouterr().err.splitlines()
        assert lines == [
            "salmetrics: warning: kind= is unknown",
            "salmetrics: warning: another",
            "salmetrics: warning: RuntimeWarning: overflow",
        ]
        assert main(["metrics", "-v"]) == 0
    assert f"{__file__}:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n_bins must be a whole number", "--n-bins must be a whole number"),
        ("kind is needed for f", "--kind is needed for f"),
        ("use as_model(..., resize='bilinear')", "use --resize bilinear"),
        ("evaluate with gold_standard=True", "evaluate with --gold-standard"),
        (
            "fixations.drop_outside(stimuli) or f.clip_to(stimuli)",
            "--outside drop or --outside clip",
        ),
        (
            "name yours with image=, x=, y=",
            "name yours with --image-column, --x-column, --y-column",
        ),
        ("name yours with image=, y=. It", "name yours with --image-column, --y-column. It"),
        ("give kind=a.b. Or n_bins=-1.", "give --kind a.b. Or --n-bins -1."),
        (
            "as fixations (fixations=, on the command line --fixations)",
            "as fixations (--fixations)",
        ),
        (
            "on 1; salmetrics.GaussianCentreBias() needs none",
            "on 1; gaussian-centre-bias needs none",
        ),
        ("with salmetrics.fit_density", "with --fit-density"),
        ("maps (empirical=, on the command line --empirical)", "maps (--empirical)"),
        (
            "unknown: give the stimuli sigma= or pixels_per_degree= (on the command line --sigma "
            "PIXELS, or --dataset NAME,sigma=PIXELS)",
            "unknown: give --sigma PIXELS, or --dataset NAME,sigma=PIXELS",
        ),
        (
            "say which: map_order='given' or 'numbered'",
            "say which: --map-order given or --map-order numbered",
        ),
        ("; baseline=salmetrics.Uniform() needs", "; --baseline uniform needs"),
        (
            "them; salmetrics.GoldStandard.fit(..., hold_out='fixation') can",
            "them; --model gold-standard:fixation can",
        ),
        ("use outside='drop'; x=", "use --outside drop; --x-column"),
        ("perhaps x='fix x', kind=';'", "perhaps --x-column 'fix x', --kind ';'"),
        ("line 3: x=-0.5, y=81 on 'a'", "line 3: x=-0.5, y=81 on 'a'"),
        ("the image's corner: give kind='density'", "the image's corner: give --kind density"),
        ("file 'kind=density.h5' is missing", "file 'kind=density.h5' is missing"),
        ("give --dataset NAME,sigma=PIXELS", "give --dataset NAME,sigma=PIXELS"),
        ("/data/kind=density/x is missing", "/data/kind=density/x is missing"),
        ("unknown='mixture' predicts all", "its option unknown=mixture predicts all"),
        ("or use hold_out='fixation', which", "or use --model gold-standard:fixation, which"),
        (
            "scores. protocol='mit-matlab' scores it",
            "scores. evaluate --protocol mit-matlab scores it",
        ),
        ("the file. check=False accepts it", "the file. --no-check accepts it"),
        ("perhaps x='fix x', kind='b'", "perhaps --x-column 'fix x', --kind b"),
        ("row 3: x=81, y=10", "row 3: x=81, y=10"),  # a place
    ],
)
def test_spelling_of_arguments(text, expected):
    names = ["n_bins", "kind", "resize", "gold_standard", "outside", "fit_density", "model"]
    names += ["baseline", "map_order", "no_check"]
    names += ["sigma", "image_column", "x_column", "y_column"]
    options = {name: f"--{name.replace('_', '-')}" for name in names}
    assert output.on_command_line(text, options) == expected


def test_messages_name_options(folder, capsys):
    error = error_of(capsys, [*UNIFORM[:-1], "-3"])
    assert error == "salmetrics: error: --n-bootstrap must be a whole number >= 0; got -3\n"
    assert main([*UNIFORM, "--model", "my_models.py:Flat", "--metrics", "LL"]) == 0
    assert "turn the maps into densities first, with --fit-density\n" in capsys.readouterr().out


# arguments in messages that the commands never cause
PYTHON_ONLY = {
    "attributes",  # of Stimuli
    "average",
    "check",
    "degrees",
    "draws",
    "form",
    "hold_out",
    "keep",
    "mean_density",
    "models",
    "n_images",
    "over",
    "other_map",
    "sizes",
    "squeeze",
    "method",
    "unique",
    "units",
    "upper_bound",
    "values",
}


def test_every_argument_in_a_message_has_an_option():
    """A message that names an argument of Python can be said on the command line."""
    options = {
        action.dest
        for command in parser().commands.values()
        for child in (command, *command.commands.values())
        for action in child._actions
    }
    known = options | PYTHON_ONLY | {"image", "x", "y", "subject"}
    assert sorted(set(python_arguments()) - known) == []


def options_of(command):
    """Return the options of a command and of its sub-commands, by the name of their value."""
    return {
        action.dest: action.option_strings[-1]
        for child in (command, *command.commands.values())
        for action in child._actions
        if action.option_strings
    }


def test_every_translation_names_options_that_exist():
    """Those of a command that has the argument; those of the command named before, without one."""
    commands = {name: options_of(command) for name, command in parser().commands.items()}
    assert {f"--{name.replace('_', '-')}" for name in output._OF_EVALUATE} <= set(
        commands["evaluate"].values()
    )
    for spelling, dest, replacement in output._SPELLINGS:
        named = re.findall(r"--[a-z-]+[a-z]", replacement)
        words = re.findall(r"[a-z-]+", replacement.replace("salmetrics ", ""))
        if dest:
            users = [options for options in commands.values() if dest in options]
            assert users, spelling
        else:
            users = [commands[word] for word in words[:3] if word in commands]
            assert users or not named, spelling
        for options in users:
            assert set(named) <= set(options.values()), spelling


@pytest.mark.parametrize("dest", ["no_check", "log_densities", "mixtures", "archive", "baseline"])
def test_translations_hold_for_one_command_or_for_all(dest):
    """With and without the option, nothing of Python is left."""
    texts = {
        "no_check": "wrong. check=False accepts it",
        "log_densities": "This looks like a saliency map: pass kind='saliency_map'",
        "mixtures": "more than 9 mixtures; choose models= or sizes=",
        "archive": "put 'a' into 'b', or pass its path as archive=",
        "baseline": "one image; baseline=salmetrics.Uniform() needs no other images",
    }
    for command in parser().commands.values():
        for child in (command, *command.commands.values()):
            options = options_of(child)
            if dest in options or dest not in ("log_densities", "mixtures"):
                text = output.on_command_line(texts[dest], options)
                assert not re.search(r"\w=|\w\.\w|'saliency_map'", text)
                assert ("salmetrics " in text or "evaluate " in text) == (dest not in options)


def test_long_names_are_shortened(folder, capsys):
    name = "x" * 3000
    table = pd.read_csv("fixations.csv")
    table["file"] = table["file"].mask(table.index % 2 == 0, name + table["file"])
    table.to_csv("long.csv", index=False)
    commands = [
        ["evaluate", "--images", "images", "--fixations", "long.csv", "--model", "uniform"],
        ["evaluate", *DATA, "--model", f"{name}/a b"],
        ["evaluate", *DATA, "--model", "uniform", "--metrics", name],
        ["evaluate", *DATA, "--model", "uniform", "--protocol", name],
        ["show", f"a b {name}"],
        [name],
    ]
    for command in commands:
        error = error_of(capsys, command)
        assert re.search(r"\w\.\.\.xxx", error)
        assert len(error) < 800
    path = f"/data/{'folder/' * 20}maps"  # not shortened: it can be copied
    assert path in error_of(capsys, ["evaluate", *DATA, "--model", path])


def test_json_holds_what_json_has(capsys):
    values = {
        "numbers": np.array([1.5, np.nan, np.inf]),
        "whole": np.int64(3),
        "path": Path("a"),
        "deep": [{"none": None, "flag": np.bool_(True)}],
    }
    with output.console():
        output.set_level({}, json=True)
        output.say("not printed")
        output.document(values)
    assert json.loads(capsys.readouterr().out) == {
        "numbers": [1.5, None, None],
        "whole": 3,
        "path": "a",
        "deep": [{"none": None, "flag": True}],
        "saved": [],
    }


def test_errors_of_the_disk_alone_wait(tmp_path):
    def invalid(path):
        raise InputError("invalid")

    with output.console(), pytest.raises(InputError):
        output.save(tmp_path / "a", invalid)
