"""Logs: rows of different entries as CSV, and TensorBoard."""

import pytest

from salmetrics_models.training.loop import logs

ROWS = [
    {"epoch": 0, "loss": None, "IG": 0.5},
    {"epoch": 1, "loss": 2.25, "IG": 0.75, "NSS": 1.5},
]


def test_rows_as_csv(tmp_path):
    """Columns in the order in which they first come; what a row lacks is empty."""
    path = tmp_path / "log.csv"
    logs.write_rows(path, ROWS)
    assert path.read_bytes() == b"epoch,loss,IG,NSS\n0,,0.5,\n1,2.25,0.75,1.5\n"
    logs.write_rows(path, ROWS[:1])
    assert path.read_bytes() == b"epoch,loss,IG\n0,,0.5\n"
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"]


class Board:
    """Stands in for a writer of TensorBoard."""

    def __init__(self):
        self.shown = []

    def add_scalar(self, *given):
        self.shown.append(given)


def test_a_row_on_a_board():
    board = Board()
    logs.add_row(board, ROWS[0])
    assert board.shown == [("epoch", 0, 0), ("IG", 0.5, 0)]  # None is not shown


def test_no_board_without_a_folder():
    with logs.board_of(None, ROWS) as board:
        assert board is None


def test_a_board_has_the_rows_of_before(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with logs.board_of(tmp_path, ROWS) as board:
        logs.add_row(board, {"epoch": 2, "IG": 0.875})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("IG")] == [(0, 0.5), (1, 0.75), (2, 0.875)]
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 2.25)]


def test_whether_tensorboard_is_installed(monkeypatch):
    monkeypatch.setattr(logs, "find_spec", {"tensorboard": None}.__getitem__)
    assert not logs.has_tensorboard()
    monkeypatch.setattr(logs, "find_spec", {"tensorboard": "somewhere"}.__getitem__)
    assert logs.has_tensorboard()
