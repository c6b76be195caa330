"""Published files of weights: downloaded once, recorded, checked from then on."""

import http.server
import json
import threading

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.io import downloads
from salmetrics.io.downloads import file_digest
from salmetrics_models.weights import published_files
from salmetrics_models.weights.published_files import PUBLISHED, PublishedFile, cached
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeI


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder served on loopback, and a cache of its own."""
    (tmp_path / "served").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "served"))

        def log_message(self, *arguments):
            pass

        def end_headers(self):
            super().end_headers()

        def copyfile(self, source, outputfile):
            data = source.read()
            outputfile.write(data[: len(data) // 2] if "cut" in self.path else data)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}"
        for name in ("deepgaze1.pth", "cut.pth", "none.pth", "centre.npy"):
            key = name.partition(".")[0]
            monkeypatch.setitem(
                published_files.PUBLISHED, key, PublishedFile(name, f"{url}/{name}")
            )
        monkeypatch.setitem(
            published_files.PUBLISHED,
            "centerbias_mit1003",
            PublishedFile("centre.npy", f"{url}/centre.npy"),
        )
        monkeypatch.setenv("SALMETRICS_CACHE", str(tmp_path / "cache"))
        yield tmp_path
        running.shutdown()


@pytest.mark.slow
def test_from_pretrained(server, toy_file_1, toy_1):
    (server / "served" / "deepgaze1.pth").write_bytes(toy_file_1.read_bytes())
    np.save(server / "served" / "centre.npy", np.full((8, 8), -np.log(64)))
    model = ToyDeepGazeI.from_pretrained(device="cpu")
    assert model.weights_digest == toy_1.weights_digest
    assert model.centre_bias.name == "centre"
    record = json.loads((server / "cache" / "sha256.json").read_text())
    assert record["deepgaze1.pth"] == file_digest(toy_file_1)
    (server / "served" / "deepgaze1.pth").unlink()
    assert (
        ToyDeepGazeI.from_pretrained("deepgaze1", **OPTIONS).weights_digest == toy_1.weights_digest
    )
    assert (
        ToyDeepGazeI.from_pretrained(toy_file_1, **OPTIONS).weights_digest == toy_1.weights_digest
    )
    (server / "cache" / "sha256.json").unlink()
    kept = cached("deepgaze1")  # a file that was put there is recorded too
    assert json.loads((server / "cache" / "sha256.json").read_text())["deepgaze1.pth"]
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(InputError, match="has changed since it was downloaded; remove it"):
        cached("deepgaze1")
    kept.unlink()
    (server / "served" / "deepgaze1.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match="is another file than expected"):
        cached("deepgaze1")
    assert not kept.exists()


@pytest.mark.slow
def test_a_damaged_record(server):
    (server / "cache").mkdir()
    (server / "cache" / "sha256.json").write_text("{")
    with pytest.raises(InputError, match=r"sha256\.json' is damaged; remove it"):
        cached("deepgaze1")


@pytest.mark.slow
def test_downloads_that_fail(server, monkeypatch):
    (server / "served" / "cut.pth").write_bytes(bytes(400_000))
    monkeypatch.setattr(downloads, "_WAIT", 0.0)
    with pytest.raises(InputError, match=r"broke\); [1-9]\d+ bytes are kept, and the same"):
        cached("cut")
    assert (server / "cache" / "cut.pth.part").exists()
    with pytest.raises(
        InputError, match=r"404 .* Download it on another machine, and give its path"
    ):
        cached("none")
    monkeypatch.setitem(
        published_files.PUBLISHED, "gone", PublishedFile("gone", "http://127.0.0.1:9/gone")
    )
    with pytest.raises(InputError, match="cannot be downloaded"):
        cached("gone")
    with pytest.raises(InputError, match="no published weights are called 'other'"):
        cached("other")
    assert not [path for path in (server / "cache").glob("[!.]*") if path.suffix != ".part"]


def test_the_published_files():
    assert list(PUBLISHED) == ["deepgaze1", "deepgaze2e", "centerbias_mit1003"]
    for published in PUBLISHED.values():
        assert published.url.startswith("https://")
        assert published.url.endswith(f"/{published.name}")


def test_names_of_other_models():
    with pytest.raises(InputError, match="'deepgaze2e' is not a file of ToyDeepGazeI"):
        ToyDeepGazeI.from_pretrained("deepgaze2e", **OPTIONS)
    with pytest.raises(InputError, match="there is no file 'other'"):
        ToyDeepGazeI.from_pretrained("other", **OPTIONS)
