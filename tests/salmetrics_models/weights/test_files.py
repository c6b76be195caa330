"""Files of weights that are no such files, and downloads."""

import http.server
import json
import pickle
import threading

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics.io import downloads
from salmetrics.io.downloads import file_digest
from salmetrics_models import DeepGazeI, DeepGazeIIE
from salmetrics_models.weights import files as checkpoints
from salmetrics_models.weights.files import read_tensors
from salmetrics_models.weights.published_files import PublishedFile, cached

OPTIONS = {"centre_bias": "uniform", "device": "cpu"}


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    mark = tmp_path / "ran"
    for name, state in (
        ("plain.pth", Bomb(mark)),
        ("inside.pth", {"features.features.1.features.0.weight": Bomb(mark)}),
    ):
        torch.save(state, tmp_path / name)
        with pytest.raises(InputError, match="holds more than tensors, and was not read"):
            DeepGazeI(tmp_path / name, **OPTIONS)
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Bomb(mark), protocol=2))
    with pytest.raises(InputError, match=r"raw\.pth"):
        DeepGazeI(tmp_path / "raw.pth", **OPTIONS)
    assert not mark.exists()


def test_truncated_at_any_place(file_1, tmp_path):
    whole = file_1.read_bytes()
    for n in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.pth").write_bytes(whole[:n])
        with pytest.raises(InputError, match=r"cut\.pth"):
            read_tensors(tmp_path / "cut.pth")


def test_bytes_that_are_no_weights(tmp_path):
    path = tmp_path / "x.pth"
    rng = np.random.default_rng(0)
    for content in (b"hello world this is text", b"<html>404</html>", b"{}", rng.bytes(500), b"PK"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.pth' (is no file of weights|can't be read)"):
            read_tensors(path)
    np.save(tmp_path / "y.npy", np.zeros(5))
    with pytest.raises(InputError, match=r"y\.npy' (is no file of weights|can't be read)"):
        read_tensors(tmp_path / "y.npy")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("finalizer.gauss.sigma", -5.0, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("finalizer.gauss.sigma", 0.0, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("finalizer.gauss.sigma", 3e9, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("readout_network.conv0.weight", np.nan, "readout_network.conv0.weight is not finite"),
    ],
)
def test_values_that_can_not_be(state_1, tmp_path, name, value, text):
    torch.save(state_1 | {name: torch.full_like(state_1[name], value)}, tmp_path / "x.pth")
    with pytest.raises(InputError, match=text):
        DeepGazeI(tmp_path / "x.pth", **OPTIONS)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ([1, 2], "must hold tensors by name"),
        ({"a": "text"}, "must hold tensors by name"),
        (
            {"a": torch.zeros(2)},
            "of another model: of its tensors, 19 missing, the first '.*'; 1 unexp",
        ),
        ({"branches.0.x": torch.zeros(2)}, "of another model: of its tensors, .* missing"),
    ],
)
def test_other_contents(tmp_path, state, text):
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(InputError, match=text):
        DeepGazeI(tmp_path / "other.pth", **OPTIONS)


def test_another_models_weights(file_1, state_1, tmp_path):
    with pytest.raises(InputError, match=r"5461 missing, the first '.*'; 19 unexpected, the first"):
        DeepGazeIIE(file_1, **OPTIONS)
    wrong = dict(state_1)
    wrong["readout_network.conv0.weight"] = torch.zeros(1, 255, 1, 1)
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match=r"has shape \(1, 255, 1, 1\), not \(1, 256, 1, 1\)"):
        DeepGazeI(tmp_path / "wrong.pth", **OPTIONS)
    with pytest.raises(InputError, match=r"there is no file 'nothing\.pth'"):
        DeepGazeI("nothing.pth", **OPTIONS)
    own = dict(DeepGazeI(file_1, **OPTIONS).network.state_dict())
    own["branches.0.finaliser.sigma"] = torch.ones(2)
    torch.save(own, tmp_path / "own.pth")
    with pytest.raises(InputError, match=r"finaliser.sigma has shape \(2,\), not \(1,\)"):
        DeepGazeI(tmp_path / "own.pth", **OPTIONS)


def test_a_state_dict_in_a_dict(state_1, tmp_path, model_1):
    torch.save({"state_dict": state_1, "epoch": 3}, tmp_path / "wrapped.pth")
    assert DeepGazeI(tmp_path / "wrapped.pth", **OPTIONS).weights_digest == model_1.weights_digest


# ---- downloads


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
            monkeypatch.setitem(checkpoints.PUBLISHED, key, PublishedFile(name, f"{url}/{name}"))
        monkeypatch.setitem(
            checkpoints.PUBLISHED,
            "centerbias_mit1003",
            PublishedFile("centre.npy", f"{url}/centre.npy"),
        )
        monkeypatch.setenv("SALMETRICS_CACHE", str(tmp_path / "cache"))
        yield tmp_path
        running.shutdown()


def test_from_pretrained(server, file_1, model_1):
    (server / "served" / "deepgaze1.pth").write_bytes(file_1.read_bytes())
    np.save(server / "served" / "centre.npy", np.full((8, 8), -np.log(64)))
    model = DeepGazeI.from_pretrained(device="cpu")
    assert model.weights_digest == model_1.weights_digest
    assert model.centre_bias.name == "centre"
    record = json.loads((server / "cache" / "sha256.json").read_text())
    assert record["deepgaze1.pth"] == file_digest(file_1)
    (server / "served" / "deepgaze1.pth").unlink()
    assert (
        DeepGazeI.from_pretrained("deepgaze1", **OPTIONS).weights_digest == model_1.weights_digest
    )
    assert DeepGazeI.from_pretrained(file_1, **OPTIONS).weights_digest == model_1.weights_digest
    (server / "cache" / "sha256.json").unlink()
    kept = cached("deepgaze1")  # a file that was put there is recorded too
    assert json.loads((server / "cache" / "sha256.json").read_text())["deepgaze1.pth"]
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(InputError, match="has changed since it was got; remove it"):
        cached("deepgaze1")
    kept.unlink()
    (server / "served" / "deepgaze1.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match="is another file than expected"):
        cached("deepgaze1")
    assert not kept.exists()


def test_a_damaged_record(server):
    (server / "cache").mkdir()
    (server / "cache" / "sha256.json").write_text("{")
    with pytest.raises(InputError, match=r"sha256\.json' is damaged; remove it"):
        cached("deepgaze1")


def test_downloads_that_fail(server, monkeypatch):
    (server / "served" / "cut.pth").write_bytes(bytes(400_000))
    monkeypatch.setattr(downloads, "_WAIT", 0.0)
    with pytest.raises(InputError, match=r"broke\); [1-9]\d+ bytes are kept, and the same"):
        cached("cut")
    assert (server / "cache" / "cut.pth.part").exists()
    with pytest.raises(InputError, match=r"404 .* Get it on another machine, and give its path"):
        cached("none")
    monkeypatch.setitem(
        checkpoints.PUBLISHED, "gone", PublishedFile("gone", "http://127.0.0.1:9/gone")
    )
    with pytest.raises(InputError, match="can't be got"):
        cached("gone")
    with pytest.raises(InputError, match="no published weights are called 'other'"):
        cached("other")
    assert not [path for path in (server / "cache").glob("[!.]*") if path.suffix != ".part"]
