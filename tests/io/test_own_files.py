"""HDF5 files of ours, opened once their kind and format are right."""

import h5py
import pytest

from salmetrics import InputError
from salmetrics.io.own_files import open_ours


@pytest.fixture
def write(tmp_path):
    def write(**attributes):
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file.attrs.update(attributes)
            file["numbers"] = [1, 2, 3]
        return tmp_path / "x.h5"

    return write


def opened(path, kind, newest, part="numbers"):
    with open_ours(path, kind, newest) as file:
        return file[part][()].tolist()


@pytest.mark.parametrize("newest", [2, 3])
@pytest.mark.parametrize("kind", ["memory", b"memory"])
def test_the_right_file(kind, newest, write):
    path = write(salmetrics=kind, format=2)
    for name in (path, str(path)):
        with open_ours(name, "memory", newest) as file:
            assert file["numbers"][()].tolist() == [1, 2, 3]
            with pytest.raises(ValueError, match="no write intent"):
                file["more"] = 4
        assert not file  # closed


def test_another_kind(write, tmp_path):
    for attributes in ({"salmetrics": "evaluation", "format": 1}, {}):
        path = write(**attributes)
        with pytest.raises(InputError, match=r"x.h5' is an HDF5 file, but holds no memory$"):
            opened(path, "memory", 1)


def test_a_newer_format(write):
    path = write(salmetrics="memory", format=3)
    with pytest.raises(InputError, match=r"has format 3, newer than .* \(2\); update salmetrics"):
        opened(path, "memory", 2)


@pytest.mark.parametrize("kind", ["memory", "centre bias"])
def test_damage(kind, write, tmp_path):
    """A part that is missing, a format that is missing, and a file that is not HDF5."""
    path = write(salmetrics=kind, format=1)
    with pytest.raises(InputError, match=f"is not a readable {kind}: .*letters"):
        opened(path, kind, 1, "letters")
    path = write(salmetrics=kind)
    with pytest.raises(InputError, match=f"is not a readable {kind}: .*format"):
        opened(path, kind, 1)
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match=f"text.h5' is not a readable {kind}: "):
        opened(tmp_path / "text.h5", kind, 1)
    path = write(salmetrics=kind, format=1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=f"is not a readable {kind}: "):
        opened(path, kind, 1)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        opened(tmp_path / "none.h5", "memory", 1)


def test_errors_of_the_block_stay_what_they_are(write):
    path = write(salmetrics="memory", format=1)
    for error in (ValueError, InputError, ZeroDivisionError):
        with pytest.raises(error, match="mine"), open_ours(path, "memory", 1):
            raise error("mine")
