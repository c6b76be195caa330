"""Scripts that complete commands and options."""

import shutil
import subprocess

import pytest

from salmetrics.cli import main
from tests.cli.command_line import error_of


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_scripts(capsys, shell):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    options = () if shell == "tcsh" else ("--n-bootstrap",)  # which has commands alone
    for word in ("optimal-map", "gallery", *options):
        assert word in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(capsys):
    main(["completion", "bash"])
    script = capsys.readouterr().out
    words = "COMP_WORDS=(salmetrics export-maps --qu); COMP_CWORD=2"
    code = f"{script}\n{words}\n_shtab_salmetrics\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"--quiet", "--quantise"}


def test_unknown_shell(capsys):
    assert "SHELL must be one of bash, zsh, tcsh; got 'fish'" in error_of(capsys, "completion fish")
