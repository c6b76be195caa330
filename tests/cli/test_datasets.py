"""`salmetrics datasets`, and registered data sets in other commands."""

import warnings

import numpy as np
import pytest

from salmetrics import datasets
from salmetrics.cli import main
from salmetrics.datasets import registry
from tests.datasets.published import mit1003, salicon, small


@pytest.fixture
def tiny(monkeypatch):
    def allow(name):
        entry = small(name)
        monkeypatch.setattr(registry, "described", lambda _: entry)

    return allow


def test_list(capsys):
    assert main(["datasets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *datasets.names()]
    (row,) = (line for line in lines if line.startswith("mit1003"))
    assert row.split() == ["mit1003", "1003/463", "15", "35", "MIT1003"]


@pytest.mark.parametrize("name", datasets.names())
def test_info(capsys, name):
    assert main(["datasets", "info", name]) == 0
    out = capsys.readouterr().out
    entry = datasets.info(name)
    assert entry.title in out
    assert entry.homepage in out
    assert all(source.name in out for source in entry.files)
    assert all(f"  {option} (default: " in out for option in registry.options_of(name))
    assert max(map(len, out.splitlines())) < 220


def test_get(tiny, tmp_path, capsys):
    tiny("mit1003")
    archives, _ = mit1003(tmp_path, np.random.default_rng(0))
    command = ["datasets", "get", "mit1003,initial_fixation=yes,size=768x1024"]
    command += ["--root", str(tmp_path / "mit"), "--archive", str(archives[0])]
    assert main([*command, "--archive", str(archives[1])]) == 0
    out = capsys.readouterr().out
    assert f"mit1003 is in {tmp_path / 'mit'}: 1 image, " in out
    assert "(0 outside their image were dropped)" in out
    assert "Please cite Judd" in out
    words = ["evaluate", "--dataset", "mit1003", "--root", str(tmp_path / "mit"), "--model"]
    assert main([*words, "uniform", "--metrics", "LL", "NSS", "--n-bootstrap", "0"]) == 0
    assert "uniform" in capsys.readouterr().out
    folder = f"mit1003:{tmp_path / 'mit'},size=768x1024"
    assert main([*words[:2], folder, "--model", "uniform", "--metrics", "LL"]) == 0
    assert main([*words[:4], str(tmp_path / "no"), "--model", "uniform"]) == 2  # nothing is got
    assert "`salmetrics datasets get mit1003` downloads it" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_part(tiny, tmp_path, capsys):
    tiny("salicon")
    archives = salicon(tmp_path, np.random.default_rng(0))
    command = ["datasets", "get", "salicon,part=val,edition=2015", "--root", str(tmp_path / "s")]
    for path in archives:
        command += ["--archive", str(path)]
    assert main(command) == 0
    assert "3 images, 33 fixations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("get mit1004", "data set must be one of 'cat2000-test'"),
        ("get toronto,part=x", "toronto has no options; got 'part=x'"),
        ("get mit1003,colour=red", "option of mit1003 must be one of 'initial_fixation'"),
        (
            "get mit1003,initial_fixation=maybe",
            "initial_fixation of mit1003 must be one of 'yes', 'no'",
        ),
        ("get mit1003,size=large", "option size of mit1003 must be HEIGHTxWIDTH; got 'large'"),
        ("get salicon --root nowhere", "needs 'images.zip', which can only be downloaded by hand"),
        ("get toronto --archive none.zip", "there is no file 'none.zip'"),
    ],
)
def test_wrong_input(arguments, text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["datasets", *arguments.split()]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_no_check(tmp_path, capsys, monkeypatch):
    archives, _ = mit1003(tmp_path, np.random.default_rng(0))
    command = ["datasets", "get", "mit1003", "--root", str(tmp_path / "mit")]
    for path in archives:
        command += ["--archive", str(path)]
    assert main(command) == 2
    assert "it is damaged, or another file" in capsys.readouterr().err
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        assert main([*command, "--no-check"]) == 0
    printed = capsys.readouterr().err
    assert printed.count("salmetrics: warning: ") == printed.count("\n") == 5
    for text in (
        "ALLSTIMULI.zip' has md5:",
        "DATA.zip' has md5:",
        "has 1003 images; there are 4",
        "has 15 subjects; there are 3",
        "has 104171 fixations; there are",
    ):
        assert text in printed
