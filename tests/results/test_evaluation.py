"""Tables of results, with intervals; groups of images; the command line."""

import numpy as np
import pandas as pd
import pytest
from scored_models import Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from salmetrics.cli import main
from tests.results.evaluated_pictures import FailsOnTheHard, make


def test_intervals_hold_the_value(result):
    table = result.summary.dropna()
    assert (table.low <= table.value).all()
    assert (table.value <= table.high).all()
    over_both = result.intervals("both").dropna()
    assert ((over_both.high - over_both.low) > 0).all()
    # one value an image says nothing of subjects
    assert result.intervals("subjects").low.xs("CC", level="metric").isna().all()


def test_no_bootstrap():
    plain = make({"p": Pixels()}, n_bootstrap=0)
    assert plain.summary.low.isna().all()
    assert "±" not in repr(plain)


def test_by(result):
    table = result.by("category")
    assert table.index.get_level_values(0).unique().tolist() == ["indoor", "outdoor"]
    assert table.n_images.loc["indoor", "pixels", "NSS"] == 16
    assert table.n_fixations.loc["outdoor", "pixels", "NSS"] == 8 * 15
    images = np.array(["indoor", "outdoor", "indoor"] * 8) == "indoor"
    expected = result.per_image["pixels", "CC"][images].mean()
    assert table.value.loc["indoor", "pixels", "CC"] == pytest.approx(expected, rel=1e-12)
    assert result.by("year").index.get_level_values(0).unique().tolist() == [0, 1]
    quick = result.by("category", intervals=False)
    assert quick["value"].equals(table["value"])
    assert quick["low"].isna().all()
    with pytest.raises(InputError, match="'category', 'year', 'subject', 'x', 'y'; got 'day'"):
        result.by("day")


def test_by_subject_needs_values_of_fixations():
    images_alone = make({"p": Pixels()}, metrics=["CC", "KLDiv"], n_bootstrap=0)
    with pytest.raises(InputError, match=r"one value per fixation; .* has only 'CC', 'KLDiv'"):
        images_alone.by("subject")
    both = make({"p": Pixels()}, metrics=["CC", "NSS"], n_bootstrap=0)
    assert both.by("subject").index.unique("metric").tolist() == ["NSS"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r: r.compare("pixels"), "first and second must both be names of models"),
        (lambda r: r.compare("pixels", "nope"), "model must be one of .*; got 'nope'"),
        (lambda r: r.compare(metric="SIM"), "metric must be one of .*; got 'SIM'"),
        (lambda r: r.rank("SIM"), "metric must be one of .*; got 'SIM'"),
        (lambda r: r.compare(over="pixels"), "over must be one of"),
        (lambda r: make({"p": Pixels()}).compare(), "only one model"),
        (lambda r: make({"p": Pixels()}, metrics=["LL"]).rank("LL"), "no model has LL: a saliency"),
        (lambda r: r.join(r), "both evaluations have a model 'blurred'"),
        (lambda r: r.join(make({"p": Pixels()}, pictures(5))), "on different images or fixations"),
        (lambda r: r.save("/no/such/folder/x.h5"), "folder '/no/such/folder' does not exist"),
        (lambda r: Evaluation.load("/no/such/file.h5"), "there is no file '/no/such/file.h5'"),
    ],
)
def test_refused(result, call, text):
    with pytest.raises(InputError, match=text):
        call(result)


def test_tidy_csv(result, tmp_path):
    result.to_csv(tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv", index_col=["model", "metric"])
    np.testing.assert_allclose(table.value, result.summary.value, rtol=1e-12)


def test_show(result, tmp_path, capsys):
    result.save(tmp_path / "r.h5")
    flags = ["--rank", "NSS", "--by", "category", "--compare", "--provenance"]
    assert main(["show", str(tmp_path / "r.h5"), *flags]) == 0
    out = capsys.readouterr().out
    assert out.startswith("pictures: 24 images, 360 fixations\nmade 20")
    assert repr(result).replace("salmetrics.fit", "evaluate --fit").replace("_d", "-d") in out
    assert "p (Holm)" in out
    assert "outdoor" in out
    assert '"n_bootstrap": 60' in out
    assert main(["show", str(tmp_path / "none.h5")]) == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".md", ".tex", ".h5"])
def test_files_of_the_command_line(tmp_path, monkeypatch, capsys, suffix):
    from PIL import Image

    (tmp_path / "images").mkdir()
    data = pictures(3)
    for stimulus in data.stimuli:
        Image.fromarray(stimulus.image).save(tmp_path / "images" / f"{stimulus.id}.png")
    table = data.fixations.to_dataframe(data.stimuli)
    table[["file", "x", "y", "subject"]].to_csv(tmp_path / "fixations.csv", index=False)
    monkeypatch.chdir(tmp_path)
    command = "evaluate --images images --fixations fixations.csv --sigma 4 --model uniform"
    options = f"--n-jobs 2 --checkpoint kept --n-bootstrap 20 --out t{suffix}"
    assert main(f"{command} {options}".split()) == 0
    assert (tmp_path / f"t{suffix}").stat().st_size > 0
    assert list((tmp_path / "kept").glob("uniform-*/first-000000.chunk"))
    capsys.readouterr()
    for flag, text in (
        ("--out t.pdf", "--out must end in .csv, .h5, .md, .parquet, .tex; got 't.pdf'"),
        ("--out no/t.csv", "--out: folder 'no' does not exist"),
        ("--n-jobs 0", "--n-jobs must be at least 1"),
        ("--root x", "--root needs --dataset"),
    ):
        assert main([*command.split(), *flag.split()]) == 2
        assert text in capsys.readouterr().err


def test_wrong_options_of_intervals(result):
    with pytest.raises(InputError, match=r"level must be a share between 0 and 1.*got 95"):
        result.intervals(level=95)
    with pytest.raises(InputError, match="n_bootstrap must be a whole number >= 0; got -1"):
        result.intervals(n_bootstrap=-1)


def test_an_interval_does_not_depend_on_other_models():
    some = {"some": FailsOnTheHard()}
    alone = make(some, metrics=["NSS"], on_error="record").summary.loc[("some", "NSS")]
    beside = make(some | {"p": Pixels()}, metrics=["NSS"], on_error="record")
    assert (alone.low, alone.high) == tuple(beside.summary.loc[("some", "NSS"), ["low", "high"]])


def test_by_missing_numbers_and_many_values():
    stimuli, fixations = pictures(6)
    attributes = {"year": [1.0, 2.0, np.nan] * 2, "many": np.eye(6)}
    with_attributes = salmetrics.Stimuli.from_arrays(
        [s.image for s in stimuli], attributes=attributes, sigma=5
    )
    result = make({"p": Pixels()}, (with_attributes, fixations), metrics=["NSS"])
    groups = result.by("year")
    assert groups.n_images.tolist() == [2, 2, 2]
    assert np.isnan(groups.index[-1][0])
    with pytest.raises(InputError, match="attribute 'many' has several values per image"):
        result.by("many")


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.json", "x.PNG"])
def test_save_and_load_say_what_they_are_for(result, tmp_path, name):
    with pytest.raises(InputError, match=r"must end in \.h5, .*; to_csv\(\), to_markdown"):
        result.save(tmp_path / name)
    with pytest.raises(InputError, match=r"must end in \.csv.*; save\(\) writes the whole result"):
        result.to_csv(tmp_path / "x.h5")
    assert not list(tmp_path.iterdir())
    (tmp_path / name).write_text("model,metric")
    with pytest.raises(InputError, match=r"is not a readable evaluation: it is no HDF5 file; name"):
        Evaluation.load(tmp_path / name)
    for path, text in ((3, "path must be the path of a file; got 3"), (tmp_path, "but a folder")):
        with pytest.raises(InputError, match=text):
            Evaluation.load(path)
