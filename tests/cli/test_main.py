"""The command line as a whole: usage, and errors that are bugs."""

import pytest

from salmetrics.cli import main
from tests.cli.command_line import DATA


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["evaluate", "--outside", "x"], ["run"]])
def test_wrong_usage(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: salmetrics" in capsys.readouterr().err


def test_bugs_are_not_hidden(folder):
    (folder / "buggy.py").write_text("def model(stimulus):\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        main(["evaluate", *DATA, "--model", "buggy.py:model", "--kind", "saliency_map"])
