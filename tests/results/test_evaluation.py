"""Tables, comparisons and files of results."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import Evaluation, InputError
from salmetrics.cli import main

METRICS = ["LL", "AUC", "NSS", "CC"]


class Noise(salmetrics.SaliencyMapModel):
    """Like the pixels, with noise."""

    def __init__(self, seed=0):
        self.seed = seed

    def saliency_map(self, stimulus):
        rng = np.random.default_rng([self.seed, int(stimulus.id)])
        return stimulus.image + rng.normal(scale=2.0, size=stimulus.size)


def make(models, dataset=None, **options):
    dataset = pictures(24) if dataset is None else dataset
    options = {"metrics": METRICS, "n_bootstrap": 60, "progress": False} | options
    return salmetrics.evaluate(models, *dataset, **options)


@pytest.fixture(scope="module")
def result():
    dataset = pictures(24)
    stimuli = salmetrics.Stimuli.from_arrays(
        [s.image for s in dataset.stimuli],
        attributes={"category": ["indoor", "outdoor", "indoor"] * 8, "year": np.arange(24) // 12},
        sigma=5,
    ).named("pictures")
    models = {"pixels": Pixels(), "noise": Noise(), "blurred": Blurred()}
    return make(models, salmetrics.Dataset("pictures", stimuli, dataset.fixations))


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
    with pytest.raises(InputError, match="'category', 'year', 'subject'; got 'day'"):
        result.by("day")


def test_compare(result):
    table = result.compare()
    assert table.index.names == ["metric", "first", "second"]
    assert len(table) == 4 * 3
    row = table.loc["NSS", "pixels", "blurred"]
    expected = result.value("pixels", "NSS") - result.value("blurred", "NSS")
    assert row.difference == pytest.approx(expected, rel=1e-9)
    assert row.low < row.difference < row.high
    assert row.p_holm >= row.p_value
    assert row.n_images == 24
    assert np.isnan(table.loc["LL", "pixels", "noise"].p_value)  # maps have no likelihood
    swapped = result.compare("blurred", "pixels", metric="NSS").iloc[0]
    assert swapped.difference == -row.difference
    assert swapped.p_value == row.p_value


def test_rank(result):
    table = result.rank("NSS")
    assert table.value.is_monotonic_decreasing
    groups = dict(table.group)
    assert set(groups["pixels"]) & set(groups["noise"])  # nearly one map
    assert result.rank("LL").index.tolist() == ["blurred"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r: r.compare("pixels"), "compare two models, or give none"),
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


def test_join_warns_of_what_differs():
    first = make({"a": Pixels()})
    same = make({"b": Noise()})
    joined = first.join(same)
    assert joined.models == ["a", "b"]
    assert joined.n_predictions == 48
    together = make({"a": Pixels(), "b": Noise()})
    assert joined.compare().equals(together.compare())
    other = make({"b": Noise()}, protocol=salmetrics.get_protocol("default").override(sigma=9))
    with pytest.warns(UserWarning, match=r"protocol\.choices\.sigma: None and 9"):
        first.join(other)


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


def test_provenance(result):
    record = result.provenance
    assert json.loads(json.dumps(record)) == record
    assert record["dataset"]["name"] == "pictures"
    assert record["dataset"]["n_images"] == 24
    assert record["packages"]["salmetrics"] == "0.1.0"
    assert list(record["models"]) == ["pixels", "noise", "blurred"]
    with_baseline = make({"b": Blurred()}, metrics=["IG"])
    assert with_baseline.provenance["baseline"]["parameters"]["fitted"] is True


def test_tables_to_read(result):
    value, low, high = result.summary.loc[("pixels", "NSS"), ["value", "low", "high"]]
    half = (high - low) / 2
    assert f"{value:.3f} ±{half:.3f}" in repr(result)
    lines = result.to_markdown().splitlines()
    assert lines[0] == "| model | LL | AUC | NSS | CC |"
    assert lines[2].startswith("| pixels | - | ")
    assert f"{value:.4f} ±{half:.4f}" in lines[2]
    latex = result.to_latex()
    assert rf"${value:.4f} \pm {half:.4f}$" in latex
    assert r"\begin{tabular}{lrrrr}" in latex
    assert "% protocol default 1" in latex
    escaped = make({"a_b & c": Pixels()}, metrics=["NSS"])
    assert r"a\_b \& c & $" in escaped.to_latex()
    page = make({"<a>": Pixels()}, metrics=["NSS"])._repr_html_()
    assert "&lt;a&gt;" in page
    assert page.startswith("<table>")


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
    assert repr(result) in out
    assert "p_holm" in out
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
        ("--out t.pdf", "--out must end in .csv, .h5, .md, .tex; got 't.pdf'"),
        ("--out no/t.csv", "--out: folder 'no' does not exist"),
        ("--n-jobs 0", "n_jobs must be at least 1"),
        ("--root x", "--root needs --dataset"),
    ):
        assert main([*command.split(), *flag.split()]) == 2
        assert text in capsys.readouterr().err


class Nowhere(salmetrics.DensityModel):
    """Probability 0 for half of the image."""

    def log_density(self, stimulus, *, subject=None):
        density = np.zeros(stimulus.size)
        density[:, : stimulus.size[1] // 2] = 1
        with np.errstate(divide="ignore"):
            return np.log(density / density.sum())


def test_rank_of_infinite_values_and_single_clusters():
    result = make({"u": salmetrics.Uniform(), "b": Blurred(), "n": Nowhere()}, metrics=["LL", "CC"])
    ranks = result.rank("LL")
    assert list(ranks.index)[-1] == "n"
    assert ranks.group["n"] == ""
    assert set(ranks.group[:2]) <= {"a", "b", "ab"}
    with pytest.raises(InputError, match="CC has one value per image: pass over='images'"):
        result.rank("CC", over="both")
    with pytest.raises(InputError, match=r"alpha must be between 0 and 1, such as 0.05; got 5"):
        result.rank("LL", alpha=5)
    alone = make({"u": salmetrics.Uniform()}, pictures(1), metrics=["LL"])
    with pytest.raises(InputError, match="one cluster alone shows no difference"):
        alone.rank("LL")


class FailsOnTheHard(salmetrics.SaliencyMapModel):
    """Pixels, but not on the first images."""

    def saliency_map(self, stimulus):
        if int(stimulus.id) < 4:
            raise ValueError("too hard")
        return stimulus.image


def test_rank_on_the_images_that_all_have():
    result = make({"all": Pixels(), "some": FailsOnTheHard()}, metrics=["NSS"], on_error="record")
    with pytest.warns(UserWarning, match="compared on those that all have"):
        ranks = result.rank("NSS")
    assert list(ranks.n_images) == [20, 20]
    assert ranks.value["all"] == ranks.value["some"]
    assert list(ranks.group) == ["a", "a"]


def test_joined_results_remember_what_differs(tmp_path):
    first = make({"a": Blurred()}, metrics=["LL", "IG"], baseline=salmetrics.Uniform())
    second = make({"b": Blurred()}, metrics=["IG", "NSS", "LL"], keep="image")
    with pytest.warns(UserWarning, match="baseline"):
        both = first.join(second)
    assert both.metrics == ["LL", "IG"]
    assert "b: baseline.name: 'uniform' and 'centre-bias'" in both.footnotes()
    both.save(tmp_path / "both.h5")
    assert "differs for b: baseline.name" in repr(Evaluation.load(tmp_path / "both.h5"))
    with pytest.raises(InputError, match="single fixations were not kept"):
        _ = both.per_fixation
    with pytest.raises(InputError, match="they share no metric"):
        first.join(make({"c": Pixels()}, metrics=["NSS"]))


def test_baselines_of_other_state_and_other_truths_are_told_apart():
    data = pictures(24)
    weights = [
        salmetrics.Mixture([salmetrics.Uniform(), Blurred()], [w, 1 - w]) for w in (0.2, 0.8)
    ]
    first, second = (
        make({name: Blurred()}, data, metrics=["IG"], baseline=w)
        for name, w in zip("ab", weights, strict=True)
    )
    with pytest.warns(UserWarning, match="baseline.fingerprint"):
        first.join(second)
    plain = make({"a": Pixels()}, data, metrics=["CC"])
    truth = make({"b": Pixels()}, data, metrics=["CC"], empirical=lambda s: s.image)
    with pytest.warns(UserWarning, match="empirical"):
        plain.join(truth)
    larger = salmetrics.Stimuli.from_sizes([(90, 90)] * 24).named("pictures")
    sizes = [
        make({n: salmetrics.Uniform()}, d, metrics=["LL"])
        for n, d in zip(
            "ab", (data, salmetrics.Dataset("pictures", larger, data.fixations)), strict=True
        )
    ]
    with pytest.raises(InputError, match=r"different images or fixations: dataset\.sizes"):
        sizes[0].join(sizes[1])


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
    with pytest.raises(InputError, match="attribute 'many' has several values an image"):
        result.by("many")


def test_odd_parameters_are_recorded(tmp_path):
    class Odd(Pixels):
        @property
        def parameters(self):
            return {"w": np.float32(2), "a": np.arange(2), "p": tmp_path, 3: (None, True)}

    result = make({"odd": Odd()}, metrics=["NSS"])
    expected = {"w": 2.0, "a": [0, 1], "p": str(tmp_path), "3": [None, True]}
    assert result.provenance["models"]["odd"]["parameters"] == expected
    result.save(tmp_path / "odd.h5")


def test_special_characters_in_tables():
    result = make({"a|b": Pixels(), "c^d~e\\f": Pixels()}, metrics=["NSS"])
    assert r"| a\|b |" in result.to_markdown()
    assert r"c\textasciicircum{}d\textasciitilde{}e\textbackslash{}f & $" in result.to_latex()
