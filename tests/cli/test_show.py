"""`salmetrics show`."""

from salmetrics.cli import main


def test_show_mixtures(result, capsys):
    assert main(["show", "r.h5", "--mixtures", "2"]) == 0
    assert "wide + narrow" in capsys.readouterr().out
