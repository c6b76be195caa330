"""Files of evaluations, those of earlier versions included."""

import hashlib
import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from scored_models import Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from salmetrics.results.hdf5 import read_evaluation, write_evaluation
from salmetrics.results.scores import Scores
from salmetrics.statistics.cells import Cells
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
    with pytest.raises(InputError, match="is not a readable evaluation"):
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
    with pytest.raises(InputError, match="has been replaced since it was loaded; load it again"):
        _ = loaded.per_fixation
    (tmp_path / "r.h5").unlink()
    with pytest.raises(InputError, match="is no longer readable"):
        _ = loaded.per_fixation
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        result.save(tmp_path)
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file.attrs.update({"salmetrics": "evaluation", "format": 1})
    with pytest.raises(InputError, match="is not a readable evaluation"):
        Evaluation.load(tmp_path / "half.h5")


def changed(path, change):
    """Change the record of a file, with a digest that fits."""
    with h5py.File(path, "r+") as file:
        record = json.loads(file["record"][()])
        change(record, file)
        text = json.dumps(record)
        del file["record"]
        file["record"] = text
        digest = hashlib.sha256(text.encode())
        for group in file["scores"].values():
            digest.update(group["images" if "images" in group else "sums"][()].tobytes())
        file.attrs["id"] = digest.hexdigest()[:32]
        file.attrs.pop("digest", None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda r, f: r["provenance"].update(format=99),
            "record .* format 99, newer than .*update",
        ),
        (
            lambda r, f: r["provenance"].pop("models"),
            "is not a readable evaluation: KeyError 'models",
        ),
        (lambda r, f: r["provenance"]["models"].update(q={}), "there is no LL of 'q'"),
        (
            lambda r, f: r["provenance"]["protocol"]["choices"].update(metrics=["New"]),
            "metric must be one of 'LL', .*; got 'New'",
        ),
        (lambda r, f: r["ids"].pop(), "is not a readable evaluation: "),
        (lambda r, f: f["scores/000000"].pop("fixations"), "values per fixation are missing"),
        (lambda r, f: f["scores/000000/sums"].resize(3, 0), "sums have the shape"),
        (lambda r, f: f["cells/image"].write_direct(np.full(72, 99)), "image of the cells is not"),
        (lambda r, f: f["cells/subject"].write_direct(np.full(72, -1)), "subject of the cells is"),
    ],
)
def test_records_and_parts_that_do_not_fit(change, text, tmp_path):
    make({"p": Pixels()}).save(tmp_path / "r.h5")
    with h5py.File(tmp_path / "r.h5", "r+") as file:  # so that it can change its length
        sums = file["scores/000000/sums"][()]
        del file["scores/000000/sums"]
        file["scores/000000"].create_dataset("sums", data=sums, maxshape=(None,))
    changed(tmp_path / "r.h5", lambda record, file: None)
    Evaluation.load(tmp_path / "r.h5")
    changed(tmp_path / "r.h5", change)
    with pytest.raises(InputError, match=text):
        Evaluation.load(tmp_path / "r.h5")


@pytest.mark.parametrize("part", ["cells/counts", "attributes/year", "scores/000001/sums"])
def test_numbers_that_were_changed(part, tmp_path):
    result = make({"p": Pixels()})
    result._attributes["year"] = np.arange(24.0)
    result.save(tmp_path / "r.h5")
    with h5py.File(tmp_path / "r.h5", "r+") as file:
        file[part][0] += 1
    with pytest.raises(InputError, match="does not have the digest that was stored with it"):
        Evaluation.load(tmp_path / "r.h5")


def test_parts_by_hand(tmp_path):
    """What is written and what is read, without an evaluation around it."""
    cells = Cells(np.array([0, 0, 1]), np.array(["x", "ä", "x"]))
    scores = Scores(
        cells,
        values={("m", "NSS"): np.array([1.0, 2.0, np.nan]), ("m", "CC"): np.array([0.1, np.nan])},
        sums={("m", "NSS"): np.array([1.0, 2.0, np.nan]), ("m", "LL"): np.full(3, np.nan)},
        reasons={("m", "LL"): "why"},
        failures={("m", 1): "no"},
    )
    attributes = {"year": np.array([1999, 2001]), "place": np.array(["in", "out"])}
    keys = [("m", "LL"), ("m", "NSS"), ("m", "CC")]
    write_evaluation(tmp_path / "x.h5", {"any": [1, "thing"]}, scores, attributes, keys)
    record, found, found_attributes, columns = read_evaluation(tmp_path / "x.h5")
    assert dict(columns) == {}
    assert record == {"any": [1, "thing"]}
    assert (found.reasons, found.failures) == (scores.reasons, scores.failures)
    for name in ("image", "subject", "counts", "of_fixation"):
        np.testing.assert_array_equal(getattr(found.cells, name), getattr(cells, name))
    assert found.cells.subjects.tolist() == ["x", "ä"]
    assert set(found.sums) == set(scores.sums)
    assert set(found.values) == set(scores.values)
    assert len(found.values) == 2
    for key, values in scores.values.items():
        np.testing.assert_array_equal(found.values[key], values)
    for key, sums in scores.sums.items():
        np.testing.assert_array_equal(found.sums[key], sums)
    assert {name: values.tolist() for name, values in found_attributes.items()} == {
        "year": [1999, 2001],
        "place": ["in", "out"],
    }


# ---- files of earlier versions

OLD = Path(__file__).parent / "old_files"


def evaluated_as_before(models, **options):
    """Evaluate the data of the file of format 1, in the way that its README describes."""
    rng = np.random.default_rng(7)
    stimuli = salmetrics.Stimuli.from_sizes(
        [(12, 16), (16, 12)] * 3,
        sigma=2.0,
        attributes={"category": ["indoor", "outdoor", "indoor"] * 2},
    ).named("six")
    image = np.repeat(np.arange(6), 6)
    heights, widths = stimuli.sizes[image].T
    x, y = np.clip(rng.normal(0.5, 0.15, (2, 36)), 0, 0.99)
    subject = np.tile(["a", "b", "c"], 12)
    fixations = salmetrics.Fixations.from_arrays(x * widths, y * heights, image, subject=subject)
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=3.0, centre_weight=0.0, uniform_weight=0.25
    )
    options = {"baseline": mixture(0.125), "gold_standard": gold, "n_bootstrap": 40} | options
    metrics = ["LL", "IG", "AUC", "sAUC", "NSS", "CC", "KLDiv"]
    options |= {"metrics": metrics, "progress": False}
    return salmetrics.evaluate(models, stimuli, fixations, **options)


def mixture(weight):
    parts = [salmetrics.Uniform(), salmetrics.GaussianCentreBias()]
    return salmetrics.Mixture(parts, [1 - weight, weight])


def without_packages(line):
    """Versions of packages differ from those of the file, and are reported."""
    return not line.startswith("packages.")


def test_files_of_format_1_keep_their_numbers():
    loaded = Evaluation.load(OLD / "evaluation_1.h5")
    assert loaded.models == ["centred", "gold-standard"]
    recorded = json.loads((OLD / "evaluation_1.json").read_text())
    summary = loaded.summary
    assert [f"{model} {metric}" for model, metric in summary.index] == list(recorded)
    for pair, numbers in recorded.items():
        found = summary.loc[tuple(pair.split(" ")), ["value", "low", "high"]].astype(float)
        expected = np.array(numbers, float)  # None is NaN
        # sums of 36 numbers in another order, and quantiles of resampled sums
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0, err_msg=pair)
    assert len(loaded.per_fixation) == 36
    assert loaded.by("category").index.unique("category").tolist() == ["indoor", "outdoor"]
    assert loaded.protocol == salmetrics.get_protocol("default").override(
        metrics=loaded.protocol.metrics
    )


def test_files_of_format_1_are_joined_without_false_differences():
    old = Evaluation.load(OLD / "evaluation_1.h5")
    new = evaluated_as_before({"flat": salmetrics.Uniform()})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        both = old.join(new)
        new.join(old)
    lines = [line for w in caught for line in str(w.message).split(" differs in ")[1].split("; ")]
    assert list(filter(without_packages, lines)) == []
    assert both.models == ["centred", "gold-standard", "flat"]
    assert both.gold_standard == "gold-standard"
    repeated = evaluated_as_before({"centred": salmetrics.GaussianCentreBias()})
    np.testing.assert_allclose(
        both.table.loc[["centred"]].to_numpy(),
        repeated.table.loc[["centred"]].to_numpy(),
        rtol=1e-9,
        atol=1e-12,
    )


def test_other_baselines_than_in_a_file_of_format_1_are_differences():
    old = Evaluation.load(OLD / "evaluation_1.h5")
    other = evaluated_as_before({"flat": salmetrics.Uniform()}, baseline=mixture(0.25))
    with pytest.warns(UserWarning, match="baseline.name: '0.875 uniform"):
        old.join(other)
