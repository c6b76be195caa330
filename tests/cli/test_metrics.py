"""`salmetrics metrics`."""

from salmetrics.cli import main
from salmetrics.metrics.registry import METRICS


def test_metrics(capsys):
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(METRICS)
    assert "IG " in lines[1]
    assert "(per fixation, bit/fixation; higher is better)" in lines[1]
    assert any("lower is better" in line for line in lines)
