"""Text of files in any encoding, packed or not."""

import bz2
import gzip
import lzma
import zipfile

import pytest

from salmetrics import InputError
from salmetrics.data.table_text import content_of, decoded

PLAIN = b"file,x,y\na.png,1.5,2.5\n"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed(tmp_path, pack):
    suffix = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[pack]
    path = tmp_path / f"t.csv.{suffix}"
    path.write_bytes(pack(PLAIN))
    assert content_of(path) == PLAIN
    path.write_bytes(b"not packed")
    with pytest.raises(InputError, match=r"it cannot be (unpacked|read)"):
        content_of(path)


def test_zip_archives(tmp_path):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/t.csv", PLAIN)
        archive.writestr("__MACOSX/data/._t.csv", "x")
        archive.writestr("data/.DS_Store", "x")
    assert content_of(path) == PLAIN
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data/u.csv", PLAIN)
    with pytest.raises(InputError, match="one table is read; this one has 2 files"):
        content_of(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1", "cp1252"])
def test_encodings(encoding):
    text = "file,x,y,subject\nstraße.png,1,2,Jürg\n"
    found, said = decoded(text.encode(encoding))
    assert found == text
    if encoding.startswith("utf"):
        assert said is None
    else:
        assert "is not UTF-8, and is read as cp1252" in said
    assert decoded(text.encode(encoding), encoding) == (text, None)


def test_what_is_invalid_in_cp1252_is_latin_1():
    found, said = decoded(b"\x81\xe4")
    assert found == "\x81ä"
    assert "is read as latin-1, of Western European languages; if it is in another" in said
