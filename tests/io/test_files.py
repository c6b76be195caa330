"""Paths that are checked, folders that are listed, files that are written atomically."""

import os
import stat

import pytest

from salmetrics import InputError
from salmetrics.io.files import check_file, check_target, files_below, replacing, write_text


def test_files_that_must_exist(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    assert check_file(str(tmp_path / "f")) == tmp_path / "f"
    for name in ("none", "."):
        with pytest.raises(InputError, match="there is no file '"):
            check_file(tmp_path / name)


def test_files_that_can_be_written(tmp_path, monkeypatch):
    assert check_target(str(tmp_path / "new")) == tmp_path / "new"
    (tmp_path / "old").write_bytes(b"")
    assert check_target(tmp_path / "old") == tmp_path / "old"
    monkeypatch.chdir(tmp_path)
    assert str(check_target("new")) == "new"
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        check_target(tmp_path)
    with pytest.raises(InputError, match="folder 'none' does not exist; create it first"):
        check_target("none/new")


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "f"
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(28, "no space left"), KeyboardInterrupt()])
def test_a_failed_write_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_files_below(tmp_path):
    (tmp_path / "sub" / "folder.png").mkdir(parents=True)
    for name in ("b.PNG", "sub/a.png", "._b.png", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    found = [p.relative_to(tmp_path).as_posix() for p in files_below(tmp_path, (".png",))]
    assert found == ["b.PNG", "sub/a.png"]


def test_the_umask_decides_who_may_read(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "f") as temporary:
            temporary.write_bytes(b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_a_text_replaces_a_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "t.md"
    write_text(path, "größer\n")
    assert path.read_bytes() == "größer\n".encode().replace(b"\n", os.linesep.encode())

    def full(*arguments):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="the disk is full"):
        write_text(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["t.md"]
    assert path.read_text(encoding="utf-8") == "größer\n"


def test_paths_of_other_types_and_folders(tmp_path):
    for path in (3, None, True, [tmp_path]):
        with pytest.raises(InputError, match="path must be the path of a file; got"):
            check_file(path)
        with pytest.raises(InputError, match="path must be the path of a file; got"):
            check_target(path)
    with pytest.raises(InputError, match=r"there is no file .*, but a folder; name a file in it"):
        check_file(tmp_path)


def test_suffixes_that_promise_another_format(tmp_path):
    for name in ("x.h5", "x.HDF5", "x", "x.v1"):
        assert check_target(tmp_path / name, (".h5", ".hdf5")) == tmp_path / name
    with pytest.raises(InputError, match=r"must end in \.h5, .* not in \.csv; and so on$"):
        check_target(tmp_path / "x.csv", (".h5", ".hdf5"), "; and so on")
