"""Predictions on disk: every format reads back, and interrupted exports lose nothing."""

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from PIL import Image
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics import InputError, as_model, export_predictions
from salmetrics.datasets import generate_dataset
from salmetrics.models import export as exporting

DATASET = generate_dataset(20, size=(24, 32), n_subjects=2).dataset
STIMULI = DATASET.stimuli


class Contrast(salmetrics.SaliencyMapModel):
    name = "contrast"

    def __init__(self):
        self.seen = []

    def saliency_map(self, stimulus):
        self.seen.append(stimulus.id)
        return np.abs(np.diff(stimulus.rgb.mean(2), axis=1, append=0))


class Moved(salmetrics.DensityModel):
    name = "moved"

    def log_density(self, stimulus, *, subject=None):
        density = np.arange(1.0, 1 + np.prod(stimulus.size)).reshape(stimulus.size)
        return np.log(density / density.sum())


EXACT = ["folder", "x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.h5", "x.hdf5", "x.npz", "x.mat"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_numbers_read_back(name, dtype, tmp_path):
    path = export_predictions(Contrast(), STIMULI, tmp_path / name, dtype=dtype, progress=False)
    assert sorted(os.listdir(tmp_path)) == [name]
    back = as_model(path, STIMULI)
    for stimulus in STIMULI:
        found = back.saliency_map(stimulus)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, Contrast().saliency_map(stimulus).astype(dtype))


@pytest.mark.parametrize("name", ["folder", "x.zip", "x.tar"])
@pytest.mark.parametrize("files", [".mat", ".npy"])
def test_files_of_numbers(name, files, tmp_path):
    path = export_predictions(Contrast(), STIMULI, tmp_path / name, files=files)
    back = as_model(path, STIMULI)
    for stimulus in STIMULI:
        np.testing.assert_array_equal(
            back.saliency_map(stimulus), Contrast().saliency_map(stimulus).astype(np.float32)
        )


@pytest.mark.parametrize(
    ("name", "options", "top", "tolerance"),
    [
        ("folder", {"files": ".png"}, 65535, 0.5 / 65535),
        ("folder", {"files": ".png", "bits": 8}, 255, 0.5 / 255),
        ("x.zip", {"files": ".tif"}, 65535, 0.5 / 65535),
        ("x.tar", {"files": ".jpg"}, 255, 12 / 255),  # JPEG loses
        ("x.json", {}, 255, 0.5 / 255),
    ],
)
def test_grey_levels(name, options, top, tolerance, tmp_path):
    path = export_predictions(Contrast(), STIMULI, tmp_path / name, **options)
    back = as_model(path, STIMULI)
    for stimulus in STIMULI:
        expected = Contrast().saliency_map(stimulus)
        scaled = (expected - expected.min()) / np.ptp(expected)
        found = back.saliency_map(stimulus) / top
        np.testing.assert_allclose(found, scaled, atol=tolerance * 1.001, rtol=0)


@pytest.mark.parametrize(
    ("name", "files", "holds"),
    [
        ("x", ".jpg", ".jpg holds 8 bits per pixel"),
        ("x.zip", ".jpg", ".jpg holds 8 bits per pixel"),
        ("x.json", ".png", ".json holds 8 bits per pixel"),
        ("x", ".npy", ".npy holds numbers, as dtype= says"),
        ("x.tar", ".mat", ".mat holds numbers, as dtype= says"),
        ("x.h5", ".png", ".h5 holds numbers, as dtype= says"),
        ("x.npz", ".png", ".npz holds numbers, as dtype= says"),
        ("x.mat", ".png", ".mat holds numbers, as dtype= says"),
    ],
)
def test_bits_that_a_format_does_not_have(name, files, holds, tmp_path):
    with pytest.raises(InputError, match=f"^bits=16 is not possible: {re.escape(holds)}"):
        export_predictions(Contrast(), STIMULI, tmp_path / name, files=files, bits=16)
    assert not list(tmp_path.iterdir())


def test_constant_and_huge_maps_as_grey_levels(tmp_path):
    maps = [np.zeros((3, 4)), 1.7e308 * np.linspace(-1, 1, 12).reshape(3, 4)]
    stimuli = salmetrics.Stimuli.from_sizes([(3, 4)] * 2)
    model = as_model(maps, stimuli, kind="saliency_map")
    path = export_predictions(model, stimuli, tmp_path / "x", files=".png", dtype="float64")
    back = as_model(path, stimuli)
    assert (back.saliency_map(stimuli[0]) == 0).all()
    found = back.saliency_map(stimuli[1]).ravel() / 65535
    np.testing.assert_allclose(found, np.linspace(0, 1, 12), atol=1 / 65535, rtol=0)


@pytest.mark.parametrize("name", EXACT)
def test_densities(name, tmp_path):
    """A store records what it holds."""
    path = export_predictions(Moved(), STIMULI, tmp_path / name, dtype="float64")
    back = as_model(path, STIMULI)
    assert isinstance(back, salmetrics.DensityModel)
    truth = salmetrics.log_likelihood(Moved(), *DATASET)
    assert salmetrics.log_likelihood(back, *DATASET) == truth


def test_hdf5_records_what_it_holds(tmp_path):
    density = export_predictions(Moved(), STIMULI, tmp_path / "d.h5")
    maps = export_predictions(Contrast(), STIMULI, tmp_path / "m.h5")
    assert isinstance(as_model(density, STIMULI, kind="saliency_map"), salmetrics.DensityModel)
    assert isinstance(as_model(maps, STIMULI, kind="log_density"), salmetrics.SaliencyMapModel)
    with h5py.File(density) as file:
        assert dict(file.attrs) == {
            "salmetrics": "predictions",
            "format": 1,
            "kind": "log_density",
            "model": "moved",
        }


# pysaliency leaves images open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_pysaliency_reads_ours(tmp_path):
    files = []
    for i, stimulus in enumerate(STIMULI[:4]):
        files.append(tmp_path / "images" / f"{i}.png")
        files[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(stimulus.image).save(files[-1])
    for ids in (None, ["0", "1", "2", "3"]):
        ours = salmetrics.Stimuli.from_files(files, ids=ids)
        theirs = pysaliency.FileStimuli([str(file) for file in files])
        path = export_predictions(Moved(), ours, tmp_path / f"{ids is None}.h5")
        model = pysaliency.HDF5Model(theirs, str(path))
        for stimulus, their_stimulus in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(
                model.log_density(their_stimulus), Moved().log_density(stimulus).astype("f4")
            )
        folder = export_predictions(Moved(), ours, tmp_path / f"folder {ids is None}")
        maps = pysaliency.ModelFromDirectory(theirs, str(folder))
        np.testing.assert_array_equal(
            maps.log_density(theirs[2]), Moved().log_density(ours[2]).astype("f4")
        )


def test_we_read_pysaliencys(tmp_path):
    arrays = [stimulus.image for stimulus in STIMULI[:4]]
    names = [f"some/where/{i}.png" for i in range(4)]
    theirs = pysaliency.Stimuli(arrays, attributes={"filenames": names})
    model = pysaliency.UniformModel()
    pysaliency.precomputed_models.export_model_to_hdf5(model, theirs, str(tmp_path / "x.h5"))
    ours = salmetrics.Stimuli.from_arrays(arrays, ids=names)
    back = as_model(tmp_path / "x.h5", ours, kind="log_density")
    for stimulus in ours:
        np.testing.assert_array_equal(back.log_density(stimulus), model.log_density(arrays[0]))


# ---- interruptions


class Interrupted(Contrast):
    name = "contrast"

    def __init__(self, after):
        super().__init__()
        self.after = after
        self.fingerprint = "contrast"

    def saliency_map(self, stimulus):
        if len(self.seen) == self.after:
            raise KeyboardInterrupt
        return super().saliency_map(stimulus)


@pytest.mark.parametrize(
    "name", ["folder", "x.zip", "x.tar.gz", "x.h5", "x.npz", "x.mat", "x.json"]
)
def test_an_interrupted_export_resumes(name, tmp_path):
    (tmp_path / "whole").mkdir()
    whole = export_predictions(Interrupted(99), STIMULI, tmp_path / "whole" / name)
    with pytest.raises(KeyboardInterrupt):
        export_predictions(Interrupted(17), STIMULI, tmp_path / name)
    assert not (tmp_path / name).exists()
    rest = Interrupted(99)
    path = export_predictions(rest, STIMULI, tmp_path / name)
    assert rest.seen == ["16", "17", "18", "19"]
    assert sorted(os.listdir(tmp_path)) == sorted([name, "whole"])
    files = [""] if path.is_file() else sorted(os.listdir(path))
    assert files == ([""] if whole.is_file() else sorted(os.listdir(whole)))
    if name.endswith((".mat", ".tar.gz")):  # these write the date
        for stimulus in STIMULI:
            np.testing.assert_array_equal(
                as_model(path, STIMULI).saliency_map(stimulus),
                as_model(whole, STIMULI).saliency_map(stimulus),
            )
    else:
        for file in files:
            assert (path / file if file else path).read_bytes() == (
                whole / file if file else whole
            ).read_bytes()


def test_another_model_does_not_resume(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        export_predictions(Interrupted(17), STIMULI, tmp_path / "x.h5")
    other = Interrupted(99)
    other.fingerprint = "another"
    with pytest.warns(UserWarning, match="has contrast with another model; starting from scratch"):
        export_predictions(other, STIMULI, tmp_path / "x.h5")
    assert len(other.seen) == 20


SCRIPT = """
import time
from pathlib import Path

from salmetrics import SaliencyMapModel, export_predictions
from salmetrics.datasets import generate_dataset


class Slow(SaliencyMapModel):
    name = "slow"

    def saliency_map(self, stimulus):
        time.sleep(0.01)
        return stimulus.rgb.mean(2)


def export(folder):
    stimuli = generate_dataset(80, size=(24, 32), n_subjects=2).dataset.stimuli
    return export_predictions(Slow(), stimuli, Path(folder, "maps.h5"), progress=False)
"""


@pytest.mark.slow
def test_a_killed_export_resumes(tmp_path, monkeypatch):
    """Another process is killed; this one resumes, and writes the file that one process writes."""
    (tmp_path / "slow_export.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    slow_export = importlib.import_module("slow_export")
    monkeypatch.delitem(sys.modules, "slow_export")
    (tmp_path / "whole").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", lambda seconds: None)
        whole = slow_export.export(tmp_path / "whole").read_bytes()
    (tmp_path / "killed").mkdir()
    command = "import slow_export; slow_export.export('killed')"
    process = subprocess.Popen([sys.executable, "-c", command], cwd=tmp_path)
    while process.poll() is None and len(list(tmp_path.rglob("*.chunk"))) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_chunks = len(list(tmp_path.rglob("*.chunk")))
    assert n_chunks >= 2
    assert not (tmp_path / "killed" / "maps.h5").exists()
    predicted = []
    monkeypatch.setattr(time, "sleep", predicted.append)
    assert slow_export.export(tmp_path / "killed").read_bytes() == whole
    assert len(predicted) == 80 - 16 * n_chunks
    assert os.listdir(tmp_path / "killed") == ["maps.h5"]


# ---- wrong input


class Stops(Contrast):
    def saliency_maps(self, stimuli):
        yield self.saliency_map(stimuli[0])


class Nan(Contrast):
    def saliency_map(self, stimulus):
        return np.full(stimulus.size, np.nan)


class Small(Contrast):
    def saliency_map(self, stimulus):
        return np.ones((2, 2))


GOLD = salmetrics.GoldStandard(*DATASET, bandwidth=3, centre_weight=0.1, uniform_weight=0.1)


@pytest.mark.parametrize(
    ("model", "name", "options", "text"),
    [
        (Contrast(), "x.rar", {}, "suffix of path must be one of '', '.tar'.*; got '.rar'"),
        (Contrast(), "x", {"files": ".gif"}, "files must be one of '.jpg', '.mat', '.npy'"),
        (Contrast(), "x", {"bits": 12}, "bits must be one of 8, 16; got 12"),
        (Contrast(), "x", {"dtype": "float16"}, "dtype must be one of 'float32', 'float64'"),
        (Moved(), "x", {"files": ".png"}, "moved gives densities, and grey levels are not prob"),
        (Moved(), "x.json", {}, "moved gives densities"),
        (GOLD, "x.h5", {}, "cannot be exported: its predictions depend on the subject"),
        (Contrast(), "none/x.h5", {}, "folder .* does not exist; create it first"),
        (Stops(), "x.h5", {}, "contrast stopped predicting before image '1'"),
        (Nan(), "x.h5", {}, "saliency map of contrast for image '0' must be finite"),
        (Small(), "x.h5", {}, r"contrast predicted size \(2, 2\) for image '0'"),
    ],
)
def test_errors(model, name, options, text, tmp_path):
    with pytest.raises(InputError, match=text):
        export_predictions(model, STIMULI, tmp_path / name, **options)
    assert not (tmp_path / name).exists()


def test_existing_files_are_not_replaced(tmp_path):
    (tmp_path / "x.h5").write_text("mine")
    with pytest.raises(InputError, match="exists already; name a new one, or remove it"):
        export_predictions(Contrast(), STIMULI, tmp_path / "x.h5")
    assert (tmp_path / "x.h5").read_text() == "mine"


@pytest.mark.parametrize(
    ("ids", "name", "text"),
    [
        (["../a", "b"], "x", "image id '../a' cannot name a file in a folder"),
        (["/a", "b"], "x.zip", "image id '/a' cannot name"),
        ([".a", "b"], "x.h5", "image id '.a' cannot name"),
        (["a", "b\\\\c"], "x.npz", "cannot name a file"),
        (["a", "a/b"], "x.h5", "image id 'a' would be a file and a folder"),
        (["a", "b1"], "x.json", "1 of 2 ids have no such number or share it, the first is 'a'"),
        (["a01.jpg", "b1"], "x.json", "2 of 2 ids have no such number"),
    ],
)
def test_ids_that_cannot_be_file_names(ids, name, text, tmp_path):
    stimuli = salmetrics.Stimuli.from_sizes([(3, 4)] * 2, ids=ids)
    with pytest.raises(InputError, match=text):
        export_predictions(
            salmetrics.GaussianCentreBias() if name != "x.json" else Small(),
            stimuli,
            tmp_path / name,
        )


def test_ids_that_differ_in_their_suffix(tmp_path):
    stimuli = salmetrics.Stimuli.from_sizes([(3, 4)] * 3, ids=["a.jpg", "a.png", "b.jpg"])
    path = export_predictions(Moved(), stimuli, tmp_path / "x")
    assert sorted(os.listdir(path)) == [
        "a.jpg.npy",
        "a.png.npy",
        "b.npy",
        "salmetrics.json",  # says that these are densities
    ]
    assert as_model(path, stimuli, kind="log_density").log_density(stimuli[1]).shape == (3, 4)


def test_full_disk(tmp_path, monkeypatch):
    def full(path, items, attributes):
        list(items)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_maps", full)
    with pytest.raises(
        InputError, match=r"cannot be written: No space left on device. Finished pred"
    ):
        export_predictions(Interrupted(99), STIMULI, tmp_path / "x.h5")
    monkeypatch.undo()
    rest = Interrupted(99)
    export_predictions(rest, STIMULI, tmp_path / "x.h5")
    assert rest.seen == []

    def full_at_once(self, chunk, arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.Checkpoint, "save", full_at_once)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        export_predictions(Interrupted(99), STIMULI, tmp_path / "y.h5")


def test_stopped_after_the_last_step(tmp_path, monkeypatch):
    """The file is written, and its checkpoint still exists: the same call removes it."""
    monkeypatch.setattr(exporting.shutil, "rmtree", lambda path: None)
    path = export_predictions(Interrupted(99), STIMULI, tmp_path / "x.h5")
    monkeypatch.undo()
    data = path.read_bytes()
    rest = Interrupted(99)
    assert export_predictions(rest, STIMULI, tmp_path / "x.h5") == path
    assert rest.seen == []
    assert os.listdir(tmp_path) == ["x.h5"]
    assert path.read_bytes() == data


def test_a_file_that_appears_during_the_export(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        export_predictions(Interrupted(17), STIMULI, tmp_path / "x.h5")
    (tmp_path / "x.h5").write_text("mine")
    with pytest.raises(
        InputError, match=r"exists already; name a new one, or remove it, and .*part"
    ):
        export_predictions(Interrupted(99), STIMULI, tmp_path / "x.h5")
    assert (tmp_path / "x.h5").read_text() == "mine"


class Huge(Contrast):
    def saliency_map(self, stimulus):
        return np.full(stimulus.size, 1e300)


def test_numbers_that_do_not_fit(tmp_path):
    with pytest.raises(
        InputError, match="values outside the range of float32; use dtype='float64'"
    ):
        export_predictions(Huge(), STIMULI, tmp_path / "x.h5")
    export_predictions(Huge(), STIMULI, tmp_path / "y.h5", dtype="float64")
    export_predictions(Huge(), STIMULI, tmp_path / "y", files=".png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path):
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"can(no|')t be written"):
        export_predictions(Contrast(), STIMULI, tmp_path / "shut" / "x.h5")
    shutil.rmtree(tmp_path / "shut")
