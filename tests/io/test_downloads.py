"""Downloads from a server on loopback with the faults of real servers."""

import errno
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from salmetrics import InputError
from salmetrics.io import downloads
from salmetrics.io.downloads import cache_folder, download, file_digest

CONTENT = bytes(range(256)) * 4000  # a megabyte
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
HAND = "By hand: get it."


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with the fault that the path names; `log` holds the requested ranges."""

    log: list
    failures: int
    tag = '"1"'

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.log.append(wanted)
        what = self.path.strip("/")
        if self.headers.get("If-Range", self.tag) != self.tag:
            wanted = None  # the file has changed
        if what == "missing":
            self.send_error(404)
            return
        if what in ("busy", "many", "down") and (what == "down" or self.failures > 0):
            type(self).failures -= 1
            self.send_error(429 if what == "many" else 503)
            return
        start = 0
        if wanted and what != "no-ranges":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if what == "other-range":
                start = 0
            if start >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            self.send_response(200)
        body = CONTENT[start:]
        if what != "unsized":
            self.send_header("Content-Length", str(len(body)))
        if what != "untagged":
            self.send_header("ETag", self.tag)
        self.end_headers()
        if what == "slow":
            for k in range(0, len(body), 50_000):
                self.wfile.write(body[k : k + 50_000])
                time.sleep(0.05)
            return
        if what == "silent":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(1.5)
            return
        cut = (what == "cut" and self.failures > 0) or what == "always-cut"
        if cut:
            type(self).failures -= 1
            body = body[:300_000]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "_WAIT", 0.01)
    Handler.log, Handler.failures, Handler.tag = [], 0, '"1"'
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def got(server, path, target, **options):
    return download(f"{server}/{path}", target, by_hand=HAND, progress=False, **options)


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SALMETRICS_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("SALMETRICS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "salmetrics"


@pytest.mark.slow
def test_a_file(server, tmp_path):
    target = tmp_path / "new" / "file.zip"
    assert got(server, "file", target, digests=[MD5]) == target
    assert target.read_bytes() == CONTENT
    assert file_digest(target, "md5") == MD5[4:]
    assert [path.name for path in target.parent.iterdir()] == ["file.zip"]
    got(server, "file", target)  # it exists, so nothing is downloaded
    assert Handler.log == [None]


@pytest.mark.slow
def test_any_of_several_digests(server, tmp_path):
    sha = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    for i, digests in enumerate([["md5:0", MD5], [sha], ["md5:0", sha], []]):
        assert got(server, "file", tmp_path / f"{i}", digests=digests).read_bytes() == CONTENT


@pytest.mark.slow
@pytest.mark.parametrize("path", ["file", "no-ranges", "unsized", "other-range", "untagged"])
@pytest.mark.parametrize("there", [1, 400_000, len(CONTENT)])
def test_a_partial_file_is_completed(server, tmp_path, path, there):
    """At the missing bytes; from scratch if the server does not support ranges."""
    (tmp_path / "f.part").write_bytes(CONTENT[:there])
    target = got(server, path, tmp_path / "f", digests=[MD5])
    assert target.read_bytes() == CONTENT
    assert Handler.log == [f"bytes={there}-"]


@pytest.mark.slow
def test_a_part_longer_than_the_file(server, tmp_path):
    (tmp_path / "f.part").write_bytes(CONTENT + b"x")
    assert got(server, "file", tmp_path / "f", digests=[MD5]).read_bytes() == CONTENT
    assert Handler.log == [f"bytes={len(CONTENT) + 1}-", None]


@pytest.mark.slow
def test_a_connection_that_breaks(server, tmp_path):
    """It is resumed from the last byte."""
    Handler.failures = 3
    assert got(server, "cut", tmp_path / "f", digests=[MD5]).read_bytes() == CONTENT
    first, *others = Handler.log
    starts = [int(wanted[6:-1]) for wanted in others]
    assert first is None
    assert len(starts) == 3
    assert all(200_000 < b - a <= 300_000 for a, b in zip([0, *starts], starts, strict=False))


@pytest.mark.slow
def test_a_connection_that_always_breaks(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_TRIES", 2)
    with pytest.raises(
        InputError, match=r"cannot be downloaded .* \d+ bytes are kept, and the same.*By"
    ):
        got(server, "always-cut", tmp_path / "f", digests=[MD5])
    there = (tmp_path / "f.part").stat().st_size
    assert 500_000 < there <= 600_000
    assert got(server, "file", tmp_path / "f", digests=[MD5]).read_bytes() == CONTENT
    assert Handler.log[-1] == f"bytes={there}-"


@pytest.mark.slow
def test_a_server_that_is_busy(server, tmp_path):
    Handler.failures = 2
    assert got(server, "busy", tmp_path / "f").read_bytes() == CONTENT
    Handler.failures = 1
    assert got(server, "many", tmp_path / "m").read_bytes() == CONTENT
    with pytest.raises(
        InputError, match=r"down cannot be downloaded: the server answers 503 .*\. By hand"
    ):
        got(server, "down", tmp_path / "g")
    assert len(Handler.log) == 3 + 2 + 4


@pytest.mark.slow
def test_a_missing_file(server, tmp_path):
    with pytest.raises(InputError, match=r"the server answers 404 Not Found\. By hand: get it"):
        got(server, "missing", tmp_path / "f")
    assert Handler.log == [None]  # requested once
    assert not list(tmp_path.glob("[!.]*"))


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_WAIT", 0.0)
    with pytest.raises(
        InputError, match=r"cannot be downloaded .*0 bytes are kept.* By hand: get it"
    ):
        download("http://127.0.0.1:9/x", tmp_path / "f", by_hand=HAND, progress=False)


@pytest.mark.slow
def test_a_server_that_says_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.2)
    monkeypatch.setattr(downloads, "_TRIES", 2)
    with pytest.raises(InputError, match="bytes are kept"):
        got(server, "silent", tmp_path / "f")


@pytest.mark.slow
def test_another_file(server, tmp_path):
    wrong = "md5:" + "0" * 32
    text = rf"is another file than expected: {MD5}, not {wrong}\. It was removed; check=False"
    with pytest.raises(InputError, match=text):
        got(server, "file", tmp_path / "f", digests=[wrong])
    assert not list(tmp_path.glob("[!.]*"))
    with pytest.warns(UserWarning, match="is another file than expected"):
        got(server, "file", tmp_path / "f", digests=[wrong], check=False)
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.slow
def test_a_part_of_another_file(server, tmp_path):
    """The checksum shows it, and the whole file is downloaded."""
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    assert got(server, "file", tmp_path / "f", digests=[MD5]).read_bytes() == CONTENT
    assert Handler.log == ["bytes=1000-", None]


@pytest.mark.slow
def test_a_file_that_changes_between_calls(server, tmp_path, monkeypatch):
    """Without checksums, the server's tag shows it."""
    monkeypatch.setattr(downloads, "_TRIES", 1)
    with pytest.raises(InputError, match="are kept"):
        got(server, "always-cut", tmp_path / "f")
    part = tmp_path / "f.part"
    part.write_bytes(b"of the older version" + part.read_bytes()[20:])
    Handler.tag = '"2"'
    assert got(server, "file", tmp_path / "f").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f"]


@pytest.mark.slow
def test_two_at_once(server, tmp_path):
    """One downloads the file, the other waits for it."""
    found = []

    def one():
        found.append(got(server, "slow", tmp_path / "f", digests=[MD5]).read_bytes())

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert found == [CONTENT] * 2
    assert Handler.log == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_certificate_that_is_not_trusted(tmp_path, monkeypatch):
    """The download is not repeated."""
    import requests

    asked = []

    def refused(url, **options):
        asked.append(url)
        raise requests.exceptions.SSLError("bad certificate")

    monkeypatch.setattr(requests, "get", refused)
    with pytest.raises(InputError, match=r"its certificate is not trusted.* By hand: get it"):
        download("https://localhost/x", tmp_path / "f", by_hand=HAND, progress=False)
    assert len(asked) == 1


@pytest.mark.slow
def test_a_full_disk(server, tmp_path, monkeypatch):
    """The part that fitted is kept."""
    whole = downloads.Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, block):
            if self.file.tell() > 500_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(block)

    def opened(self, mode="r", *arguments, **options):
        file = whole(self, mode, *arguments, **options)
        return Full(file) if mode in ("ab", "wb") else file

    monkeypatch.setattr(downloads.Path, "open", opened)
    text = r"cannot be saved in .*: No space left on device\. The part that was downloaded is kept"
    with pytest.raises(InputError, match=text):
        got(server, "file", tmp_path / "f", digests=[MD5])
    monkeypatch.undo()
    there = (tmp_path / "f.part").stat().st_size
    assert there > 500_000
    got(server, "file", tmp_path / "f", digests=[MD5])
    assert Handler.log[-1] == f"bytes={there}-"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(server, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be saved in .*: Permission denied"):
        got(server, "file", tmp_path / "f")
    tmp_path.chmod(0o700)


@pytest.mark.slow
def test_a_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be saved in"):
        got(server, "file", tmp_path / "file" / "f")


@pytest.mark.slow
def test_a_kill(server, tmp_path):
    """The next call resumes, and nothing else is left."""
    code = (
        "import sys, pathlib\n"
        "from salmetrics.io.downloads import download\n"
        "download(sys.argv[1], pathlib.Path(sys.argv[2]), by_hand='', progress=False)\n"
    )
    target = tmp_path / "f"
    process = subprocess.Popen([sys.executable, "-c", code, f"{server}/slow", str(target)])
    part = tmp_path / "f.part"
    while not (part.exists() and part.stat().st_size > 0) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    there = part.stat().st_size
    assert 0 < there < len(CONTENT)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"f.part", ".f.lock", ".f.part-tag"}
    assert got(server, "file", target, digests=[MD5]).read_bytes() == CONTENT
    assert Handler.log[-1] == f"bytes={there}-"


@pytest.mark.slow
def test_the_bar(server, tmp_path, capsys, monkeypatch):
    """On standard error, after two seconds, beginning at the resumed byte."""
    import tqdm

    shown = []

    class Bar(tqdm.tqdm):
        def __init__(self, *arguments, **options):
            shown.append(options)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    (tmp_path / "f.part").write_bytes(CONTENT[:1000])
    download(f"{server}/file", tmp_path / "f", by_hand=HAND)
    assert (shown[0]["initial"], shown[0]["total"]) == (1000, len(CONTENT))
    assert (shown[0]["desc"], shown[0]["delay"], shown[0]["disable"]) == ("f", 2, None)
    assert capsys.readouterr().out == ""
