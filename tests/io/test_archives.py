"""Archives from untrusted sources: what is read, and what is refused."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from salmetrics import InputError
from salmetrics.io import archives
from salmetrics.io.archives import Archive, unpack

FILES = {"a.txt": b"one", "folder/b.bin": bytes(3_000_000)}


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def compressed_tar(path, members):
    return write_tar(path, members, "w:xz")


FORMS = [write_zip, write_tar, compressed_tar]


@pytest.mark.parametrize("write", FORMS)
def test_what_goes_in_comes_out(write, tmp_path):
    path = write(tmp_path / "x", FILES)
    archive = Archive(path)
    assert archive.sizes == {name: len(data) for name, data in FILES.items()}
    assert {name: archive.read(name) for name in FILES} == FILES
    archive.close()
    folder = unpack(path, tmp_path / "new" / "folder")
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert sorted(os.listdir(tmp_path / "new")) == ["folder"]


@pytest.mark.parametrize("write", FORMS)
@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "C:/x", "C:x", "\\x", "..\\x", "a\\..\\..\\x"]
)
def test_names_that_lead_out(write, name, tmp_path):
    path = write(tmp_path / "x.archive", {"good": b"1", name: b"2"})
    with pytest.raises(InputError, match="which leads out of the folder that it is unpacked to"):
        unpack(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (tarfile.SYMTYPE, "holds a link, 'odd'"),
        (tarfile.LNKTYPE, "holds a link, 'odd'"),
        (tarfile.FIFOTYPE, "holds a device, 'odd'"),
        (tarfile.CHRTYPE, "holds a device, 'odd'"),
    ],
)
def test_links_and_devices_in_tars(kind, text, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("odd")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(InputError, match=text):
        unpack(tmp_path / "x.tar", tmp_path / "new")


def test_links_in_zips(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("odd")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="holds a link, 'odd'; only files and folders are read"):
        Archive(tmp_path / "x.zip")


@pytest.mark.parametrize("write", FORMS)
def test_limits(write, tmp_path):
    path = write(tmp_path / "x", FILES)
    with pytest.raises(
        InputError, match=r"'folder/b.bin' of 3000000 bytes, more than the limit of 9"
    ):
        Archive(path, max_member=9)
    with pytest.raises(InputError, match="declares 3000003 bytes, more than the limit of 3000002"):
        unpack(path, tmp_path / "new", max_total=3_000_002)


def test_a_tar_that_unpacks_to_more_than_allowed(tmp_path):
    path = compressed_tar(tmp_path / "x", {"a": bytes(20_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match="holds more bytes than the limit of 1000"):
        Archive(path, max_total=1000)


def test_a_tar_cut_off_between_files(tmp_path):
    path = write_tar(tmp_path / "x.tar", {"a": b"1", "b": b"2", "c": b"3"})
    path.write_bytes(path.read_bytes()[:2048])
    with pytest.raises(InputError, match="cannot be read: its end is missing"):
        unpack(path, tmp_path / "new")


def test_a_zip_that_holds_more_than_it_declares(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a": bytes(1000)})
    data = bytearray(path.read_bytes())
    for place in (data.index(b"PK\3\4") + 22, data.index(b"PK\1\2") + 24):
        data[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"file 'a', cannot be read"):
        unpack(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["x.zip"]


def test_twice_the_same_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "2")
    with pytest.raises(InputError, match="holds 'a' twice"):
        Archive(tmp_path / "x.zip")


@pytest.mark.parametrize("write", FORMS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cut_off(write, share, tmp_path):
    path = write(tmp_path / "x", {"a": os.urandom(100_000), "b": os.urandom(100_000)})
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"cannot be read: .*It may be an incomplete download"):
        unpack(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["x"]


def test_damaged_inside(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a": b"good", "b": os.urandom(1000)})
    data = bytearray(path.read_bytes())
    data[-300] ^= 255
    path.write_bytes(data)
    archive = Archive(path)
    assert archive.read("a") == b"good"
    with pytest.raises(InputError, match="file 'b', cannot be read: Bad CRC-32"):
        archive.read("b")


def test_a_folder_that_is_there(tmp_path):
    path = write_zip(tmp_path / "x.zip", FILES)
    (tmp_path / "new").mkdir()
    with pytest.raises(InputError, match="exists already; name a new folder"):
        unpack(path, tmp_path / "new")


def test_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no archive"):
        Archive(tmp_path / "none.zip")


def test_full_disk(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "x.zip", FILES)

    def full(self, name):
        yield b"some"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.Archive, "blocks", full)
    with pytest.raises(InputError, match=r"cannot be unpacked to .*: No space left on device"):
        unpack(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["x.zip"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_nothing(error, tmp_path, monkeypatch):
    path = write_zip(tmp_path / "x.zip", FILES)

    def interrupted(self, name):
        yield b"some"
        raise error

    monkeypatch.setattr(archives.Archive, "blocks", interrupted)
    with pytest.raises(error):
        unpack(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["x.zip"]


def test_the_bar(tmp_path, monkeypatch, capsys):
    """Counts bytes on standard error, on request."""
    import tqdm

    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *arguments, **options):
            shown = {"delay": 0, "mininterval": 0, "disable": bool(options["disable"])}
            super().__init__(*arguments, **options | shown)  # as on a terminal
            bars.append((self, options))

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    path = write_zip(tmp_path / "x.zip", FILES)
    unpack(path, tmp_path / "shown", progress=True)
    ((bar, options),) = bars
    assert (options["delay"], options["disable"]) == (2, None)  # None: on a terminal only
    assert bar.n == bar.total == 3_000_003
    streams = capsys.readouterr()
    assert "unpacking x.zip" in streams.err
    assert streams.out == ""
    unpack(path, tmp_path / "hidden")
    assert bars[1][0].disable
