"""Files of data sets: downloaded, verified and unpacked, whatever interrupts it."""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from salmetrics import InputError, datasets
from salmetrics.datasets import getting, registry
from salmetrics.datasets.description import described
from salmetrics.datasets.getting import Getting, named_archives
from salmetrics.io.archives import unpack
from salmetrics.io.downloads import file_digest
from tests.datasets.published import PUBLISHED, archive, assert_same, small

# ---- archives of the user


def test_archives_by_name(tmp_path):
    for name in ("ALLSTIMULI.zip", "DATA.zip", "any.zip"):
        (tmp_path / name).write_bytes(b"")
    mit1003, toronto = described("mit1003"), described("toronto")
    assert named_archives(None, mit1003) == {}
    assert named_archives(tmp_path / "DATA.zip", mit1003) == {"DATA.zip": tmp_path / "DATA.zip"}
    both = [str(tmp_path / name) for name in ("DATA.zip", "ALLSTIMULI.zip")]
    assert named_archives(both, mit1003) == {Path(p).name: Path(p) for p in both}
    # the only archive of a data set may have any name
    only = {"eyetrackingdata.zip": tmp_path / "any.zip"}
    assert named_archives(str(tmp_path / "any.zip"), toronto) == only
    with pytest.raises(InputError, match=r"name of archive '.*any\.zip' must be one of 'ALLSTI"):
        named_archives(tmp_path / "any.zip", mit1003)
    with pytest.raises(InputError, match=r"there is no file '.*none\.zip'"):
        named_archives(tmp_path / "none.zip", toronto)


def test_nothing_to_read(tmp_path):
    with pytest.raises(
        InputError, match=r"lacks 'eye/fixations.mat' of .* get osie` downloads it. By hand: down"
    ):
        datasets.load("osie", tmp_path, download=False)
    with pytest.raises(
        InputError, match=r"needs 'images.zip', which can only be downloaded by hand. Download the"
    ):
        datasets.load("salicon", tmp_path)
    with pytest.raises(
        InputError, match=r"name of archive 'x\.zip' must be one of 'ALLSTIMULI.zip'"
    ):
        datasets.load("mit1003", tmp_path, archive="x.zip")
    with pytest.raises(InputError, match=r"there is no file 'x\.zip'"):
        datasets.load("osie", tmp_path, archive="x.zip")


def test_another_archive(tiny, tmp_path):
    tiny("mit300")
    other = archive(tmp_path / "other.zip", {"a.txt": b"1"})
    with pytest.raises(InputError, match=r"other.zip' lacks 'BenchmarkIMAGES', so it is not the"):
        datasets.load("mit300", tmp_path / "root", archive=other)


def test_the_right_archive_after_a_wrong_one(tiny, archives, tmp_path):
    tiny("mit300")
    other = archive(tmp_path / "other.zip", {"a.txt": b"1"})
    root = tmp_path / "root"
    with pytest.raises(InputError, match="so it is not the archive of MIT300"):
        datasets.load("mit300", root, archive=other)
    datasets.load("mit300", root, archive=archives("mit300"))
    shutil.rmtree(root / "BenchmarkIMAGES-zip" / "BenchmarkIMAGES")
    assert len(datasets.load("mit300", root, archive=archives("mit300")).stimuli) == 3


def test_archives_of_the_user_stay(tiny, archives, tmp_path):
    """Even those in the folder of the data set."""
    tiny("salicon")
    for path in archives("salicon"):
        shutil.copy(path, tmp_path)
    datasets.load("salicon", tmp_path)
    assert (tmp_path / "images.zip").exists()
    assert (tmp_path / "fixations2017.zip").exists()


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_truncated_archives(tiny, archives, tmp_path, name):
    """Nothing of them is left in the folder."""
    tiny(name)
    truncated = []
    for path in archives(name):
        content = path.read_bytes()
        target = tmp_path / path.name
        target.write_bytes(content[: len(content) // 2] if path.suffix == ".zip" else content)
        truncated.append(target)
    with pytest.raises(InputError, match=r"(damaged|cannot be read|is no archive)"):
        datasets.load(name, tmp_path / "root", archive=truncated, download=False)
    assert not list((tmp_path / "root").glob("[!.]*"))


# ---- checksums


def test_checksums(archives, tmp_path):
    (source,) = archives("toronto")
    with pytest.raises(InputError, match=r"has md5:\w{32}, not md5:38d5c02.*: it is damaged, or"):
        datasets.load("toronto", tmp_path, archive=source)
    assert not list(tmp_path.glob("[!.]*"))
    with (
        pytest.warns(UserWarning, match="not md5:38d5c02"),
        pytest.warns(UserWarning, match="has 120 images; there are 4"),
        pytest.warns(UserWarning, match="has 11199 fixations; there are"),
    ):
        datasets.load("toronto", tmp_path, archive=source, check=False)
    with pytest.warns(UserWarning, match="not md5:8efdf6fe66f"):
        datasets.get("osie", tmp_path / "osie", archive=archives("osie"), check=False)
    shutil.copy(source, tmp_path / "here.zip")
    (tmp_path / "put").mkdir()
    shutil.copy(source, tmp_path / "put" / "eyetrackingdata.zip")  # the same, put there by hand
    with pytest.raises(InputError, match="it is damaged, or another file"):
        datasets.load("toronto", tmp_path / "put")


def test_a_wrong_file_stays_wrong(archives, tmp_path):
    """A file with another checksum inside an archive is refused each time."""
    paths = archives("osie")
    for _ in range(2):
        with pytest.raises(InputError, match="not md5:8efdf6fe66f"):
            datasets.load("osie", tmp_path, archive=paths)
        assert not list(tmp_path.glob("[!.]*"))


def test_checks_come_back(tiny, archives, tmp_path, monkeypatch):
    """A file accepted with check=False is checked again without."""
    (source,) = archives("osie")
    tiny("osie", all={"images": 4, "fixations": 35})
    with pytest.warns(UserWarning, match="has 35 fixations; there are 36"):
        datasets.load("osie", tmp_path, archive=source, check=False)
    with pytest.raises(InputError, match="has 35 fixations; there are 36"):
        datasets.load("osie", tmp_path)
    description = small("osie")
    (file,) = description.files
    strict = replace(description, files=(replace(file, digests=("md5:" + "0" * 32,)),))
    monkeypatch.setattr(registry, "described", lambda _: strict)
    with pytest.raises(InputError, match="not md5:000"):
        datasets.load("osie", tmp_path)
    with pytest.warns(UserWarning, match="not md5:000"):
        datasets.load("osie", tmp_path, check=False)


def test_files_put_there_by_hand_are_checked(archives, tmp_path, monkeypatch):
    published = described("coco-freeview")
    files = (*(replace(f, digests=()) for f in published.files[:2]), published.files[2])
    strict = replace(published, files=files, expected={})
    monkeypatch.setattr(registry, "described", lambda _: strict)
    for path in archives("coco-freeview"):
        if path.suffix == ".zip":
            unpack(path, tmp_path / path.stem)
        else:
            shutil.copy(path, tmp_path)
    with pytest.raises(InputError, match="it is damaged, or another file"):
        datasets.load("coco-freeview", tmp_path)


# ---- errors of the file system


def test_a_full_disk_while_unpacking(tiny, archives, tmp_path, monkeypatch):
    tiny("toronto")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(getting.os, "replace", full)
    with pytest.raises(InputError, match=r"cannot be unpacked to .*: No space left on device"):
        datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert not list(tmp_path.glob("[!.]*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tiny, archives, tmp_path):
    tiny("toronto")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be written to .*: Permission denied"):
        datasets.load("toronto", tmp_path / "root", archive=archives("toronto"))
    tmp_path.chmod(0o700)


def test_a_root_that_is_a_file(tiny, archives, tmp_path):
    tiny("toronto")
    (tmp_path / "root").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        datasets.load("toronto", tmp_path / "root", archive=archives("toronto"))


def test_a_damaged_record(tiny, archives, tmp_path):
    tiny("toronto")
    datasets.get("toronto", tmp_path, archive=archives("toronto"))
    (tmp_path / "salmetrics.json").write_text("{")
    with pytest.raises(InputError, match=r"salmetrics\.json' is damaged; remove it"):
        datasets.load("toronto", tmp_path)


# ---- interruptions


def test_what_a_killed_process_leaves_is_removed(tmp_path):
    description = small("toronto")
    files = Getting(description, tmp_path, {}, web=False, check=True, progress=False)
    (tmp_path / ".salmetrics-unpacking" / "half").mkdir(parents=True)
    partial = [".salmetrics.json-0123456789ab", ".toronto-0a1b2c3d-0a1b2c3d.h5-0123456789ab"]
    others = ["toronto-0a1b2c3d-0a1b2c3d.h5", ".toronto-mine.h5", "notes.txt"]
    for name in (*partial, *others):
        (tmp_path / name).write_bytes(b"")
    assert not files.filled_here
    with files.alone():
        names = {path.name for path in tmp_path.iterdir()}
    assert names - {".salmetrics-lock"} == set(others)


KILLED = """
import os, signal, sys
from salmetrics import datasets
from salmetrics.datasets import getting, registry
from salmetrics.io import archives
from tests.datasets.published import small

name_of_set, where, root, *paths = sys.argv[1:]
module, name, count = where.split(":")
module = {"getting": getting, "registry": registry, "archives": archives, "os": os}[module]
function, remaining = getattr(module, name), int(count)

def killed(*arguments, **options):
    global remaining
    remaining -= 1
    if remaining == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments, **options)

setattr(module, name, killed)
description = small(name_of_set)
registry.described = lambda _: description
datasets.load(name_of_set, root, archive=paths, download=False, progress=False)
"""

STEPS = [
    ("mit1003", "getting:unpack:1"),  # before anything
    ("mit1003", "archives:PurePosixPath:3"),  # within the first archive
    ("mit1003", "os:replace:1"),  # when it is unpacked, and not yet renamed
    ("mit1003", "os:replace:2"),  # when it is in the record
    ("mit1003", "os:replace:3"),  # when it is in its place
    ("mit1003", "getting:unpack:2"),  # before the second archive
    ("mit1003", "archives:PurePosixPath:7"),
    ("mit1003", "os:replace:6"),
    ("mit1003", "registry:write_hdf5:1"),  # when all files are read
    ("mit1003", "os:replace:7"),  # when the cache is written, and not yet renamed
    ("toronto", "os:replace:2"),
    ("toronto", "os:replace:3"),
    ("osie", "os:replace:3"),
]
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "where"), STEPS)
def test_a_kill_in_each_step(tiny, archives, tmp_path, name, where):
    """The next call does the rest, with the same result as an uninterrupted call."""
    paths = [str(path) for path in archives(name)]
    command = [sys.executable, "-c", KILLED, name, where, str(tmp_path / "killed"), *paths]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    tiny(name)
    again = datasets.load(name, tmp_path / "killed", archive=paths, download=False)
    whole = datasets.load(name, tmp_path / "whole", archive=paths, download=False)
    assert_same(again, whole)

    def files(folder):
        return {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if not path.name.endswith(".h5")  # its name depends on the times of files
        }

    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert len(list((tmp_path / "killed").glob("*.h5"))) == 1


@pytest.mark.slow
def test_several_processes(archives, tmp_path):
    paths = [str(path) for path in archives("mit1003")]
    command = [sys.executable, "-c", KILLED, "mit1003", "getting:unpack:99", str(tmp_path), *paths]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors


# ---- downloads


@pytest.fixture
def web(archives, monkeypatch):
    """Serve the archives of a data set on loopback; return a function for that, and a log."""
    requested, servers = [], []

    def serve(name, *, wrong=False):
        folder = archives(name)[0].parent

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *arguments):
                requested.append(self.path)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        description = small(name)
        files = tuple(
            replace(
                source,
                url=f"{url}/{source.name}",
                digests=("md5:0" if wrong else f"md5:{file_digest(folder / source.name, 'md5')}",),
            )
            for source in description.files
        )
        served = replace(description, files=files)
        monkeypatch.setattr(registry, "described", lambda _: served)

    yield serve, requested
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["toronto", "mit1003", "figrim"])
def test_from_the_web(web, tmp_path, name):
    """Each file is downloaded once and unpacked, and the archives are removed."""
    serve, requested = web
    serve(name)
    first = datasets.load(name, tmp_path)
    sources = [f"/{source.name}" for source in datasets.info(name).files]
    assert sorted(requested) == sorted(sources)
    assert not list(tmp_path.glob("*.zip"))
    assert len(list(tmp_path.glob("*.h5"))) == 1
    assert_same(datasets.load(name, tmp_path), first)
    assert sorted(requested) == sorted(sources)


@pytest.mark.slow
def test_from_the_web_with_another_checksum(web, tmp_path):
    serve, _ = web
    serve("toronto", wrong=True)
    with pytest.raises(InputError, match="is another file than expected: md5:"):
        datasets.load("toronto", tmp_path)
    assert not list(tmp_path.glob("[!.]*"))
    with pytest.warns(UserWarning, match="another file than expected|not md5:0"):
        datasets.load("toronto", tmp_path, check=False)
