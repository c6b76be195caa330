"""Folders of trainings: for one process alone, and without leftovers of a kill."""

import pytest
from filelock import FileLock

from salmetrics import InputError
from salmetrics_models.training.loop.folders import alone_in, swept


def test_alone_in_a_folder(tmp_path):
    folder = tmp_path / "a" / "b"
    with alone_in(folder):
        assert folder.is_dir()
        with pytest.raises(InputError, match=r"another process trains in '.*b'"), alone_in(folder):
            pass
    with alone_in(folder):  # it is free again
        pass
    with pytest.raises(ZeroDivisionError), alone_in(folder):
        _ = 1 / 0
    with FileLock(folder / ".lock", timeout=0):  # after an error too
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"folder '.*x' cannot be created"),
        alone_in(tmp_path / "file" / "x"),
    ):
        pass


def test_only_half_written_files_are_removed(tmp_path):
    left = ".state.pth-0123456789ab"
    kept = [".state.pth", ".state.pth-0123456789AB", ".state.pth-0123", "state.pth", ".lock"]
    for folder in ("", "own/fold-0", "own/fold-1", "features/x"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in (left, *kept):
            (tmp_path / folder / name).touch()
    (tmp_path / "own" / ".folder-0123456789ab").mkdir()
    swept(tmp_path, "own", "own/fold-*")
    for folder in ("", "own/fold-0", "own/fold-1"):
        assert not (tmp_path / folder / left).exists()
        assert all((tmp_path / folder / name).exists() for name in kept)
    assert (tmp_path / "features/x" / left).exists()  # features may be another training's
    assert (tmp_path / "own" / ".folder-0123456789ab").is_dir()
