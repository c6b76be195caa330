import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import salmetrics
from salmetrics.cli import main, parser
from salmetrics.metrics.registry import METRICS

MODEL = """
import numpy as np
import salmetrics

class Flat(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        return np.ones(stimulus.size)

class Broken(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        return np.full(stimulus.size, np.nan)

def first_channel(stimulus):
    return stimulus.rgb[:, :, 0]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    (tmp_path / "images").mkdir()
    for i in range(3):
        pixels = rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
    table = pd.DataFrame(
        {
            "file": [f"{i}.png" for i in rng.integers(0, 3, 40)],
            "x": rng.uniform(0, 30, 40),
            "y": rng.uniform(0, 20, 40),
        }
    )
    table.to_csv(tmp_path / "fixations.csv", index=False)
    table.assign(x=table["x"] + 10).to_csv(tmp_path / "outside.csv", index=False)
    table.set_axis(["name", "col", "row"], axis=1).to_csv(tmp_path / "named.csv", index=False)
    (tmp_path / "my_models.py").write_text(MODEL)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


DATA = ["--images", "images", "--fixations", "fixations.csv", "--sigma", "3"]


def run(capsys, *arguments):
    code = main(["evaluate", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_evaluate(folder, capsys):
    models = ["gaussian-centre-bias:0.3", "my_models.py:Flat", "uniform", "centre-bias:0.1"]
    flags = [part for model in models for part in ("--model", model)]
    code, out, _ = run(capsys, *DATA, *flags, "--out", "table.csv")
    assert code == 0
    assert out.startswith("images: 3 images, 40 fixations\n")
    assert "protocol default 1" in out
    assert out.endswith("wrote table.csv\n")
    written = pd.read_csv("table.csv", index_col=["model", "metric"])
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    expected = salmetrics.nss(salmetrics.GaussianCentreBias(0.3), *dataset)
    assert written.loc[(models[0], "NSS"), "value"] == pytest.approx(expected, rel=1e-12)
    assert written.loc[(models[1], "AUC"), "value"] == 0.5
    assert written.index.get_level_values(0).unique().tolist() == models
    assert f" {expected:.3f} ±" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--metrics", "NSS", "CC", "--model", "uniform"], "metrics=('NSS', 'CC')"),
        (["--protocol", "mit-matlab", "--model", "uniform"], "protocol mit-matlab 1"),
        (["--baseline", "uniform", "--model", "centre-bias"], "IG over uniform"),
        (["--first", "2", "--model", "uniform"], "images: 2 images"),
        (["--model", "my_models.py:first_channel", "--kind", "saliency_map"], "first_channel"),
    ],
)
def test_options(folder, capsys, arguments, text):
    code, out, _ = run(capsys, *DATA, *arguments)
    assert code == 0
    assert text in out


@pytest.mark.parametrize(("outside", "n"), [("drop", None), ("clip", 40)])
def test_outside(folder, capsys, outside, n):
    data = ["--images", "images", "--fixations", "outside.csv", "--outside", outside]
    code, out, _ = run(capsys, *data, "--metrics", "NSS", "--model", "uniform")
    assert code == 0
    found = int(re.search(r"(\d+) fixations", out)[1])
    assert found == n if n else 10 < found < 40


def test_column_names(folder, capsys):
    columns = ["--image-column", "name", "--x-column", "col", "--y-column", "row"]
    data = ["--images", "images", "--fixations", "named.csv", *columns]
    code, out, _ = run(capsys, *data, "--metrics", "NSS", "--model", "uniform")
    assert code == 0


def error_cases():
    good = [*DATA, "--model", "uniform"]
    return [
        (["--model", "uniform"], "give --dataset and --root, or --images and --fixations"),
        (["--dataset", "osie", "--model", "uniform"], "salmetrics datasets get osie"),
        (["--dataset", "osie", "--root", "empty", *good], "--dataset goes without --images"),
        (
            ["--dataset", "osie", "--root", "empty", "--model", "uniform"],
            "'empty' holds no 'eye/fixations.mat' of Object",
        ),
        (["--images", "no", *DATA[2:], "--model", "uniform"], "image folder 'no' does not exist"),
        (["--images", "empty", *DATA[2:], "--model", "uniform"], "no images in 'empty'"),
        ([*DATA[:2], "--fixations", "no.csv", "--model", "uniform"], "'no.csv' does not exist"),
        (
            [*DATA[:2], "--fixations", "named.csv", "--model", "uniform"],
            "no column 'file' (image), 'x' (x), 'y' (y); its columns are 'name', 'col', 'row'",
        ),
        (
            [*DATA[:2], "--fixations", "outside.csv", "--model", "uniform"],
            "fixations are outside their image",
        ),
        ([*DATA[:4], "--model", "uniform"], "pass sigma= (pixels; --sigma"),
        ([*good, "--first", "0"], "--first must be at least 1; got 0"),
        ([*good, "--model", "uniform"], "--model uniform is given twice"),
        ([*good, "--metrics", "ABC"], "metric must be one of 'LL'"),
        ([*good, "--baseline", "my_models.py:Flat"], "baseline must give densities"),
        ([*good, "--out", "no/table.csv"], "no"),
        ([*DATA, "--model", "deep"], "model 'deep' is neither registered (centre-bias, "),
        ([*DATA, "--model", "uniform:3"], "model 'uniform' takes no argument; got '3'"),
        ([*DATA, "--model", "centre-bias:x"], "model 'centre-bias' takes a number; got 'x'"),
        ([*DATA, "--model", "centre-bias:-1"], "bandwidth must be a positive share"),
        ([*DATA, "--model", "no.py:Flat"], "model file 'no.py' does not exist"),
        ([*DATA, "--model", "my_models.py:Other"], "my_models.py has no 'Other'"),
        ([*DATA, "--model", "no_such_module:A"], "there is no module 'no_such_module'; a file"),
        ([*DATA, "--model", "salmetrics.none:A"], "there is no module 'salmetrics.none'"),
        ([*DATA, "--model", "./my_models:Flat"], "there is no module './my_models'; a file"),
        ([*DATA, "--model", "my_models.py:first_channel"], "kind is needed for first_channel"),
        (
            [*DATA, "--model", "my_models.py:Broken"],
            "saliency map of my_models.py:Broken for image '0.png' must be finite",
        ),
    ]


@pytest.mark.parametrize(("arguments", "text"), error_cases())
def test_errors_are_one_line(folder, capsys, arguments, text):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.startswith("salmetrics: error: ")
    assert text in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["evaluate", "--outside", "x"], ["run"]])
def test_wrong_usage(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: salmetrics" in capsys.readouterr().err


def test_bugs_are_not_hidden(folder, capsys):
    (folder / "buggy.py").write_text("def model(stimulus):\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        run(capsys, *DATA, "--model", "buggy.py:model", "--kind", "saliency_map")


def test_metrics(capsys):
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(METRICS)
    assert "IG " in lines[1]
    assert "(per fixation, bit/fixation; higher is better)" in lines[1]
    assert any("lower is better" in line for line in lines)


def test_demo(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "new" / "demo"), "--seed", "1"]) == 0
    out = capsys.readouterr().out
    gain = re.search(
        r"truth over uniform: ([\d.]+) \+- ([\d.]+) .* measured, ([\d.]+) by theory "
        r"\(([+-][\d.]+) standard errors\)",
        out,
    )
    measured, error, expected, z = map(float, gain.groups())
    assert abs(z) < 4
    assert z == pytest.approx((measured - expected) / error, abs=0.1)  # of rounded numbers
    table = pd.read_csv(tmp_path / "new/demo/table.csv", index_col=["model", "metric"])["value"]
    assert table["truth", "IG"] == pytest.approx(measured, abs=1e-4)
    assert table["uniform", "IG"] == 0
    others = ["uniform", "centre bias"]
    for key in ("LL", "IG", "AUC", "NSS", "CC"):
        assert table["truth", key] > max(table[name, key] for name in others)
    with Image.open(tmp_path / "new/demo/figure.png") as figure:
        assert figure.size == (1200, 720)


def test_model_files_of_one_name(folder, capsys):
    for sub, value in (("one", 1), ("two", -1)):
        (folder / sub).mkdir()
        source = f"def first(stimulus):\n    return {value} * stimulus.rgb[:, :, 0].astype(float)\n"
        (folder / sub / "model.py").write_text(source)
    models = ["--model", "one/model.py:first", "--model", "two/model.py:first"]
    options = [*DATA, *models, "--kind", "saliency_map", "--metrics", "NSS", "--out", "two.csv"]
    assert run(capsys, *options)[0] == 0
    first, second = pd.read_csv("two.csv").value
    assert first == pytest.approx(-second)


def test_a_module_in_the_current_folder(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.path", [p for p in sys.path if p not in ("", str(folder))])
    code, out, _ = run(capsys, *DATA, "--model", "my_models:Flat", "--metrics", "AUC")
    assert code == 0
    assert "my_models:Flat" in out


def test_fit_density(folder, capsys):
    options = ["--metrics", "IG", "AUC", "--baseline", "uniform", "--model", "uniform"]
    models = ["--model", "my_models.py:first_channel", "--kind", "saliency_map"]
    code, out, _ = run(capsys, *DATA, *options, *models, "--fit-density")
    assert code == 0
    assert "a saliency map has no log likelihood" not in out
    fitted = next(line for line in out.splitlines() if line.startswith("my_models.py"))
    assert re.match(r"my_models.py:first_channel +-?[0-9.]+ ±", fitted)


def test_gold_standard(folder, capsys):
    table = pd.read_csv("fixations.csv").assign(subject=list("abcd") * 10)
    table.to_csv("subjects.csv", index=False)
    data = ["--images", "images", "--fixations", "subjects.csv", "--sigma", "3"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # random fixations have no best bandwidth
        code, out, _ = run(
            capsys, *data, "--model", "uniform", "--metrics", "IG", "--gold-standard"
        )
        assert code == 0
        assert "IGE: share of the IG of gold-standard" in out
        code, out, _ = run(capsys, *data, "--model", "gold-standard:fixation", "--metrics", "LL")
    assert code == 0
    assert "gold-standard:fixation" in out
    code, _, err = run(capsys, *DATA, "--model", "uniform", "--gold-standard")
    assert code == 2
    assert "all fixations are of one subject" in err


def test_calibrate(folder, capsys):
    arguments = [
        "calibrate",
        *DATA[:4],
        "--outside",
        "clip",
        "--n-bootstrap",
        "20",
        "--n-bins",
        "4",
    ]
    models = ["--model", "uniform", "--model", "gaussian-centre-bias:0.05"]
    assert main([*arguments, *models, "--out", "shares.csv"]) == 0
    out = capsys.readouterr().out
    assert "3 images, 40 fixations" in out
    assert "wrote shares.csv" in out
    table = pd.read_csv(folder / "shares.csv")
    assert table["share"][:4].tolist() == pytest.approx([0.25] * 4)
    assert table["model"].unique().tolist() == ["uniform", "gaussian-centre-bias:0.05"]
    assert table["share"][4] > 0.3  # far too narrow: most fixations where it says there are few
    assert (
        main([*arguments, "--model", "gaussian-centre-bias", "--recalibrate", "--out", "x.png"])
        == 0
    )
    assert "gaussian-centre-bias, recalibrated" in capsys.readouterr().out
    with Image.open(folder / "x.png") as image:
        assert image.width > image.height > 300


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--model", "uniform", "--out", "x.txt"], "--out must end in .csv, .pdf, .png, .svg; got"),
        (["--model", "my_models.py:Flat"], "Flat gives saliency maps, not densities"),
        (["--model", "uniform", "--n-bins", "1"], "n_bins must be a whole number >= 2; got 1"),
    ],
)
def test_calibrate_errors(folder, capsys, arguments, text):
    assert main(["calibrate", *DATA[:4], "--outside", "clip", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_calibrate_several_data_sets(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip", sigma=3)
    for name in ("one", "two"):
        named = salmetrics.Dataset(name, *dataset, dataset.info)
        salmetrics.write_hdf5(named, f"{name}.h5", images="copy")
    data = ["--dataset", "one.h5", "--dataset", "two.h5", "--first", "2", "--n-bootstrap", "10"]
    both = ["--model", "gaussian-centre-bias", "--model", "my_models.py:first_channel"]
    fit = ["--kind", "saliency_map", "--fit-density"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a fit to noise
        assert main(["calibrate", *data, *both, *fit, "--out", "c.csv"]) == 0
    out = capsys.readouterr().out
    assert "one: 2 images" in out
    assert "two: 2 images" in out
    table = pd.read_csv("c.csv", index_col=["dataset", "model", "bin"])
    assert table.loc["one"].equals(table.loc["two"])
    assert table.groupby(level=[0, 1])["share"].sum().tolist() == pytest.approx([1] * 4)
    assert main(["calibrate", *data, "--model", "uniform", "--out", "c.svg"]) == 0
    assert (folder / "c.svg").read_text().startswith("<?xml")
    twice = ["--dataset", "one.h5", "--dataset", "one.h5", "--model", "uniform"]
    assert main(["calibrate", *twice]) == 2
    assert "two data sets are called 'one'" in capsys.readouterr().err


INSIDE = [*DATA[:4], "--outside", "clip"]


def test_export_maps(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip")
    centre = salmetrics.GaussianCentreBias()
    command = ["export-maps", *INSIDE, "--model", "gaussian-centre-bias"]
    assert main([*command, "--out", "logs.h5"]) == 0
    assert "wrote logs.h5: 3 maps of gaussian-centre-bias" in capsys.readouterr().out
    stored = salmetrics.as_model("logs.h5", dataset.stimuli)
    np.testing.assert_allclose(
        stored.log_density(dataset.stimuli[1]), centre.log_density(dataset.stimuli[1]), rtol=1e-6
    )
    assert main([*command, "--quantise", "--out", "levels"]) == 0
    with Image.open("levels/1.png") as image:
        levels = np.asarray(image)
    expected = salmetrics.densities.sampling.grey_levels.quantise(
        centre.log_density(dataset.stimuli[1])
    )
    np.testing.assert_array_equal(levels, expected)
    assert main([*command, "--quantise", "--without", "uniform", "--out", "same"]) == 0
    with Image.open("same/1.png") as image:
        np.testing.assert_array_equal(np.asarray(image), expected)
    maps = ["--model", "my_models.py:first_channel", "--kind", "saliency_map"]
    assert (
        main(["export-maps", *INSIDE, *maps, "--files", ".png", "--bits", "16", "--out", "m.zip"])
        == 0
    )
    stored = salmetrics.as_model("m.zip", dataset.stimuli)
    assert stored.saliency_map(dataset.stimuli[0]).dtype == np.uint16


def test_optimal_map(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip", sigma=3)
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "gaussian-centre-bias"]
    options = ["--n-samples", "20", "--dtype", "float64"]
    assert main([*command, "--metric", "SIM", *options, "--out", "sim"]) == 0
    expected = salmetrics.OptimalMapModel(
        salmetrics.GaussianCentreBias(), "SIM", dataset.stimuli, n_fixations=13, n_samples=20
    )
    found = np.load("sim/0.npy")
    np.testing.assert_array_equal(found, expected.saliency_map(dataset.stimuli[0]))
    capsys.readouterr()
    metrics = ["--metric", "NSS", "KLDiv", "sAUC", "--expected", "2"]
    assert main([*command, *metrics, "--out", "several"]) == 0
    out = capsys.readouterr().out
    assert "expected score of the map for (row) in (column)" in out
    rows = [line.split() for line in out.splitlines() if line.startswith(("NSS", "KLDiv", "sAUC"))]
    assert [row[0] for row in rows] == ["NSS", "KLDiv", "sAUC"]
    assert float(rows[0][1]) > float(rows[2][1])  # NSS wants the map for NSS
    made = ["KLDiv", "NSS", "optimal_maps.json", "sAUC"]
    assert sorted(p.name for p in (folder / "several").iterdir()) == made


def test_optimal_maps_go_on(folder, capsys):
    """What is there stays; other settings, and other folders, are refused before any work."""
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "gaussian-centre-bias"]
    two = [*command, "--metric", "NSS", "KLDiv", "--out", "maps"]
    assert main(two) == 0
    kept = (folder / "maps" / "NSS" / "0.npy").stat().st_mtime_ns
    shutil.rmtree(folder / "maps" / "KLDiv")
    capsys.readouterr()
    assert main(two) == 0
    assert "maps/NSS is there already" in capsys.readouterr().out
    assert (folder / "maps" / "NSS" / "0.npy").stat().st_mtime_ns == kept
    assert (folder / "maps" / "KLDiv" / "0.npy").exists()
    for changed in (["--sigma", "4"], ["--dtype", "float64"], ["--metric", "NSS", "CC"]):
        assert main([*two, *changed]) == 2
        assert "is not from this command" in capsys.readouterr().err
    assert not (folder / "maps" / "CC").exists()
    assert main([*two[:-1], "images"]) == 2
    assert "'images' exists already, and is not from this command" in capsys.readouterr().err


def test_probability_0_has_optimal_maps(folder):
    (folder / "half.py").write_text(
        "import numpy as np, salmetrics\n"
        "class Half(salmetrics.DensityModel):\n"
        "    def log_density(self, stimulus, *, subject=None):\n"
        "        log = np.full(stimulus.size, -np.inf)\n"
        "        log[:10] = -np.log(log[:10].size)\n"
        "        return log\n"
    )
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "half.py:Half"]
    assert main([*command, "--metric", "AUC", "AUC-Judd", "sAUC", "--out", "maps"]) == 0
    found = np.load("maps/AUC/0.npy")
    assert np.isfinite(found).all()
    assert found[:10].min() > found[10:].max()


def test_sizes_of_images_and_maps(folder):
    """--resize, --n-fixations and --seed reach what they should."""
    small = {f"{i}.png": np.random.default_rng(i).random((10, 15)) for i in range(3)}
    np.savez("small.npz", **{name: p / p.sum() for name, p in small.items()})
    model = ["--model", "small.npz", "--kind", "density", "--resize", "bilinear"]
    assert main(["export-maps", *INSIDE, *model, "--out", "large"]) == 0
    assert np.load("large/0.npy").shape == (20, 30)
    maps = {}
    for n, seed in (("5", "0"), ("50", "0"), ("5", "1")):
        options = ["--metric", "SIM", "--n-fixations", n, "--seed", seed, "--n-samples", "9"]
        target = f"sim-{n}-{seed}"
        command = ["optimal-map", *INSIDE, "--sigma", "3", *model, *options, "--out", target]
        assert main(command) == 0
        maps[n, seed] = np.load(f"{target}/0.npy")
    assert (maps["5", "0"] != maps["50", "0"]).any()
    assert (maps["5", "0"] != maps["5", "1"]).any()


def test_recalibrate_with_the_centre_bias(folder, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # random fixations
        command = ["calibrate", *INSIDE, "--model", "gaussian-centre-bias", "--n-bootstrap", "0"]
        assert main([*command, "--recalibrate", "--centre-bias"]) == 0
        both = capsys.readouterr().out
        assert main([*command, "--recalibrate"]) == 0
    assert capsys.readouterr().out != both
    assert main([*command, "--centre-bias"]) == 2
    assert "--centre-bias goes with --recalibrate" in capsys.readouterr().err
    assert main([*command, "--recalibrate", "--first", "1"]) == 2
    assert "there is one only" in capsys.readouterr().err
    shares = []
    for options in (["--ties", "mid"], ["--ties", "split"], ["--average", "image"]):
        flat = ["calibrate", *INSIDE, "--model", "uniform", "--n-bootstrap", "0", *options]
        assert main([*flat, "--out", "s.csv"]) == 0
        shares.append(pd.read_csv("s.csv")["share"].tolist())
    assert shares[0] != shares[1]  # all in the middle bin
    assert shares[1] == pytest.approx([0.1] * 10)


def test_show_mixtures(result, capsys):
    assert main(["show", "r.h5", "--mixtures", "2"]) == 0
    assert "wide + narrow" in capsys.readouterr().out


@pytest.fixture
def result(folder):
    dataset = salmetrics.datasets.generate_dataset(4, size=(20, 30), n_subjects=3).dataset
    models = {
        "wide": salmetrics.GaussianCentreBias(0.4),
        "narrow": salmetrics.GaussianCentreBias(0.2),
        "flat": salmetrics.Uniform(),
    }
    gold = salmetrics.GoldStandard(*dataset, bandwidth=3, centre_weight=0.1, uniform_weight=0.1)
    options = {"metrics": ["IG", "AUC"], "gold_standard": gold, "n_bootstrap": 20}
    salmetrics.evaluate(models, *dataset, baseline=salmetrics.Uniform(), **options).save("r.h5")
    salmetrics.write_hdf5(dataset, "data.h5", images="copy")
    rows = [(c, b, e, 0.5, 0) for c in ("01", "NA") for b in "AB" for e in range(3)]
    weights = pd.DataFrame(rows, columns=["category", "backbone", "epoch", "weight", "fold"])
    for name in ("one", "other/one"):
        (folder / name).mkdir(parents=True)
        weights.to_csv(folder / name / "weights.csv", index=False)
    weights.to_csv("weights.csv", index=False)
    weights.drop(columns="weight").to_csv("no_weight.csv", index=False)
    weights.assign(weight="high").to_csv("text.csv", index=False)
    (folder / "nothing.csv").touch()
    return folder


@pytest.mark.parametrize(
    "figure",
    [
        "scores r.h5",
        "scores r.h5 --metric AUC --model wide",
        "against-gold-standard r.h5 --model wide",
        "groups r.h5 --by subject --model wide --metric IGE",
        "differences r.h5 --first wide --second flat",
        "sweep r.h5 --first wide --second flat --metric IGE",
        "mixtures r.h5 --sizes 1 2",
        "instances r.h5 --group a=wide,narrow --reference gold-standard",
        "gallery --dataset data.h5 --model uniform --image 2",
        "gallery --dataset data.h5 --model gaussian-centre-bias --choose best",
        "gain --dataset data.h5 --model uniform --over gaussian-centre-bias --image 0",
        "category-weights weights.csv",
        "category-weights weights.csv --category 01 --category NA --by backbone",
        "category-weights one/weights.csv weights.csv --category 01",
    ],
)
def test_plot(result, capsys, figure):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few fixations for a gold standard
        code = main(["plot", *f"{figure} --out f.png --size 4 3 --dpi 50".split()])
    assert code == 0, capsys.readouterr().err
    assert "wrote f.png" in capsys.readouterr().out
    with Image.open("f.png") as image:
        assert image.size == (200, 150)
        assert len(image.convert("L").histogram()) - image.convert("L").histogram().count(0) > 10


def test_plot_category_weights_names_runs_after_folders(result, monkeypatch):
    drawn = []

    def keep(history, categories, *, by):
        drawn.append((history, categories, by))
        return made(history, categories, by=by)

    made = salmetrics.plotting.plot_category_weights
    monkeypatch.setattr(salmetrics.plotting, "plot_category_weights", keep)
    files = ["one/weights.csv", "weights.csv"]
    command = ["plot", "category-weights", *files, "--category", "NA", "--by", "backbone"]
    assert main([*command, "--out", "w.png"]) == 0
    ((history, categories, by),) = drawn
    assert list(history) == ["one", result.name]
    assert history["one"]["category"].unique().tolist() == ["01", "NA"]
    assert (categories, by) == (["NA"], "backbone")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("none.csv --out x.png", "there is no file 'none.csv'"),
        ("nothing.csv --out x.png", "'nothing.csv' can't be read as CSV"),
        ("data.h5 --out x.png", "'data.h5' can't be read as CSV"),
        ("no_weight.csv --out x.png", "no_weight.csv: history has no column 'weight'; its columns"),
        ("text.csv --out x.png", "text.csv: history: weight must be finite; got high in row 0"),
        ("weights.csv --category 1 --out x.png", "category must be one of '01', 'NA'; got '1'"),
        (
            "one/weights.csv other/one/weights.csv --out x.png",
            "two files are in folders called 'one'; each must have its own, which names the run",
        ),
        ("weights.csv --out x.txt", "--out must end in .pdf, .png, .svg; got"),
    ],
)
def test_plot_category_weights_errors_are_one_line(result, capsys, arguments, text):
    assert main(["plot", "category-weights", *arguments.split()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("salmetrics: error: ")
    assert text in err
    assert err.count("\n") == 1
    assert not list(result.glob("x*"))


def test_plot_chooses_images(result, capsys):
    command = ["plot", "gallery", "--dataset", "data.h5", "--n", "2", "--out", "g.svg"]
    models = ["--model", "gaussian-centre-bias:0.3", "--model", "uniform"]
    dataset = salmetrics.read_hdf5("data.h5")
    parts = [salmetrics.GaussianCentreBias(0.3), salmetrics.Uniform()]
    gains = salmetrics.information_gain(parts[0], *dataset, average=None)
    means = pd.Series(gains).groupby(dataset.fixations.image).mean().sort_values()
    ids = [dataset.stimuli.ids[i] for i in means.index]
    for choice, expected in (("worst", ids[:2]), ("best", ids[:1:-1])):
        assert main([*command, *models, "--choose", choice]) == 0
        assert f"wrote g.svg: {', '.join(expected)}\n" in capsys.readouterr().out
    assert main([*command, *models, "--choose", "disagreed"]) == 0
    assert "wrote g.svg: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("plot scores r.h5 --out x.txt", "--out must end in .pdf, .png, .svg; got"),
        ("plot scores r.h5 --out no/x.png", "folder 'no' does not exist"),
        ("plot scores none.h5 --out x.png", "there is no file 'none.h5'"),
        ("plot scores data.h5 --out x.png", "data.h5"),
        ("plot scores r.h5 --metric CC --out x.png", "metric must be one of"),
        ("plot scores r.h5 --dpi 0 --out x.png", "--dpi must be at least 1"),
        (
            "plot scores r.h5 --size 0 1 --out x.png",
            "--size must be two numbers from 1 to 133 inches; got 0 1",
        ),
        ("plot groups r.h5 --by x --out x.png", "no 'x'"),
        ("plot instances r.h5 --group wide --out x.png", "NAME=MODEL,MODEL"),
        (
            "plot gallery --dataset data.h5 --model uniform --image x --out x.png",
            "there is no image 'x'; there are '0', '1', '2', '3'",
        ),
        ("plot scores r.h5 --size nan 3 --out x.png", "--size must be two numbers from 1 to 133"),
        ("plot scores r.h5 --size 999 9 --out x.png", "--size must be two numbers from 1 to 133"),
        (
            "plot gallery --dataset data.h5 --model uniform --n 2 --out x.png",
            "--n goes with --choose",
        ),
        (
            "plot gallery --dataset data.h5 --model uniform --metric IGE --out x.png",
            "--metric goes with --choose best",
        ),
        (
            "plot gallery --dataset data.h5 --model uniform --model uniform --out x.png",
            "a --model is given twice",
        ),
        (
            "export-maps --dataset data.h5 --model uniform --quantise --bits 16 --out x",
            "--quantise gives levels of 8 bits",
        ),
        (
            "optimal-map --dataset data.h5 --model uniform --metric NSS --expected -1 --out x",
            "--expected must be a whole number >= 0",
        ),
        ("calibrate --dataset data.h5 --model uniform --seed -1 --out x.png", "seed must be a"),
        (
            "plot gallery --dataset data.h5 --model uniform --image 1 --choose best --out x.png",
            "--image or --choose, not both",
        ),
        (
            "plot gallery --dataset data.h5 --model gold-standard --out x.png",
            "has one per subject",
        ),
        (
            "export-maps --dataset data.h5 --model uniform --without uniform --out x",
            "--without goes with --quantise",
        ),
        (
            "optimal-map --dataset data.h5 --model uniform --metric NSS AUC --out x.h5",
            "--out must be a folder for several metrics",
        ),
        (
            "optimal-map --dataset data.h5 --model my_models.py:Flat --metric NSS --out x",
            "Flat gives saliency maps",
        ),
    ],
)
def test_errors_of_what_is_drawn_or_written(result, capsys, arguments, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert main(arguments.split()) == 2
    assert text in capsys.readouterr().err
    assert not list(result.glob("x*"))


def commands_of_the_docs():
    root = Path(__file__).parents[2]
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if line.startswith("    salmetrics "):
                words = line.partition("#")[0].partition(" > ")[0].split()
                yield pytest.param(words[1:], id=" ".join(line.split()))


@pytest.mark.parametrize("arguments", list(commands_of_the_docs()))
def test_commands_of_the_docs_are_complete(arguments):
    assert callable(parser().parse_args(arguments).run)
