"""Files of evaluations."""

import h5py
import numpy as np
import pytest
from scored_models import Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from tests.results.evaluated_pictures import Noise, make


@pytest.mark.parametrize("keep", ["fixation", "image"])
def test_save_and_load(tmp_path, keep):
    attributes = {"category": np.array(["a", "ä"] * 3, object)}
    base = pictures(6)
    stimuli = salmetrics.Stimuli.from_arrays(
        [s.image for s in base.stimuli], attributes=attributes, sigma=5
    )
    result = make({"p": Pixels(), "n": Noise()}, (stimuli, base.fixations), keep=keep)
    result.save(tmp_path / "r.h5")
    loaded = Evaluation.load(tmp_path / "r.h5")
    assert repr(loaded) == repr(result)
    assert loaded.summary.equals(result.summary)
    assert loaded.per_image.equals(result.per_image)
    assert loaded.compare(over="both").equals(result.compare(over="both"))
    assert loaded.by("category").equals(result.by("category"))
    assert (loaded.reasons, loaded.provenance) == (result.reasons, result.provenance)
    assert loaded.protocol == result.protocol
    if keep == "fixation":
        rounded = result.per_fixation.astype(np.float32).astype(np.float64)
        assert loaded.per_fixation.equals(rounded)
    loaded.save(tmp_path / "again.h5")  # from one file to another
    assert Evaluation.load(tmp_path / "again.h5").summary.equals(result.summary)


def test_errors_are_saved(tmp_path):
    class Failing(Pixels):
        def saliency_map(self, stimulus):
            raise RuntimeError("no")

    result = make({"f": Failing(), "p": Pixels()}, on_error="record")
    result.save(tmp_path / "r.h5")
    loaded = Evaluation.load(tmp_path / "r.h5")
    assert loaded.errors.equals(result.errors)
    assert len(loaded.errors) == 24


def test_files_that_are_something_else(tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(InputError, match="can't be read as an evaluation"):
        Evaluation.load(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="holds no evaluation"):
        Evaluation.load(tmp_path / "other.h5")
    make({"p": Pixels()}).save(tmp_path / "new.h5")
    with h5py.File(tmp_path / "new.h5", "r+") as file:
        file.attrs["format"] = 99
    with pytest.raises(InputError, match="has format 99, newer than"):
        Evaluation.load(tmp_path / "new.h5")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    result = make({"p": Pixels()})
    result.save(tmp_path / "r.h5")
    before = (tmp_path / "r.h5").read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError(28, "no space")))
    with pytest.raises(OSError, match="no space"):
        result.save(tmp_path / "r.h5")
    assert (tmp_path / "r.h5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["r.h5"]


def test_a_file_that_was_replaced(result, tmp_path, monkeypatch):
    result.save(tmp_path / "r.h5")
    monkeypatch.chdir(tmp_path)
    loaded = Evaluation.load("r.h5")
    monkeypatch.chdir("/")
    assert len(loaded.per_fixation) == 24 * 15
    result.save(tmp_path / "r.h5")
    assert len(loaded.per_fixation) == 24 * 15
    make({"other": Pixels()}).save(tmp_path / "r.h5")
    with pytest.raises(InputError, match="was replaced since it was loaded; load it again"):
        _ = loaded.per_fixation
    (tmp_path / "r.h5").unlink()
    with pytest.raises(InputError, match="can't be read any more"):
        _ = loaded.per_fixation
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        result.save(tmp_path)
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file.attrs.update({"salmetrics": "evaluation", "format": 1})
    with pytest.raises(InputError, match="can't be read as an evaluation"):
        Evaluation.load(tmp_path / "half.h5")
