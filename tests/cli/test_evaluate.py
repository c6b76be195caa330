"""`salmetrics evaluate`."""

import re
import sys
import warnings

import pandas as pd
import pytest

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import DATA, error_of


def run(capsys, *arguments):
    code = main(["evaluate", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out


def test_evaluate(folder, capsys):
    models = ["gaussian-centre-bias:0.3", "flat=my_models.py:Flat", "uniform", "centre-bias:0.1"]
    flags = [part for model in models for part in ("--model", model)]
    code, out = run(capsys, *DATA, *flags, "--out", "table.csv")
    assert code == 0
    assert out.startswith("images: 3 images, 40 fixations\n")
    assert "protocol default 1" in out
    assert out.endswith("wrote table.csv\n")
    written = pd.read_csv("table.csv", index_col=["model", "metric"])
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    expected = salmetrics.nss(salmetrics.GaussianCentreBias(0.3), *dataset)
    assert written.loc[(models[0], "NSS"), "value"] == pytest.approx(expected, rel=1e-12)
    assert written.loc[("flat", "AUC"), "value"] == 0.5
    names = [models[0], "flat", *models[2:]]
    assert written.index.get_level_values(0).unique().tolist() == names
    assert f" {expected:.3f} ±" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--metrics", "NSS", "CC", "--model", "uniform"], "metrics NSS, CC"),
        (["--protocol", "mit-matlab", "--model", "uniform"], "protocol mit-matlab 1"),
        (["--baseline", "uniform", "--model", "centre-bias"], "IG over uniform"),
        (["--first", "2", "--model", "uniform"], "images: 2 images"),
        (["--model", "my_models.py:first_channel", "--kind", "saliency_map"], "first_channel"),
    ],
)
def test_options(folder, capsys, arguments, text):
    code, out = run(capsys, *DATA, *arguments)
    assert code == 0
    assert text in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--model", "uniform"], "--model uniform is given twice"),
        (["--metrics", "ABC"], "--metrics must be one of 'all', 'LL'"),
        (["--baseline", "my_models.py:Flat"], "--baseline needs densities; Flat gives saliency"),
        (["--out", "no/table.csv"], "--out: folder 'no' does not exist; create it first"),
    ],
)
def test_errors(folder, capsys, arguments, text):
    assert text in error_of(capsys, ["evaluate", *DATA, "--model", "uniform", *arguments])


def test_predictions_that_are_not_finite(folder, capsys):
    text = "saliency map of Broken for image '0.png' must be finite"
    assert text in error_of(capsys, ["evaluate", *DATA, "--model", "my_models.py:Broken"])


def test_fit_density(folder, capsys):
    options = ["--metrics", "IG", "AUC", "--baseline", "uniform", "--model", "uniform"]
    models = ["--model", "my_models.py:first_channel", "--kind", "saliency_map"]
    code, out = run(capsys, *DATA, *options, *models, "--fit-density")
    assert code == 0
    assert "a saliency map has no log likelihood" not in out
    fitted = next(line for line in out.splitlines() if line.startswith("first_channel"))
    assert re.match(r"first_channel +-?[0-9.]+ ±", fitted)


def test_gold_standard(folder, capsys):
    table = pd.read_csv("fixations.csv").assign(subject=list("abcd") * 10)
    table.to_csv("subjects.csv", index=False)
    data = ["--images", "images", "--fixations", "subjects.csv", "--sigma", "3"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # random fixations have no best bandwidth
        code, out = run(capsys, *data, "--model", "uniform", "--metrics", "IG", "--gold-standard")
        assert code == 0
        assert "IGE: share of the IG of gold-standard" in out
        code, out = run(capsys, *data, "--model", "gold-standard:fixation", "--metrics", "LL")
    assert code == 0
    assert "gold-standard:fixation" in out
    code, out = run(capsys, *DATA, "--model", "uniform", "--gold-standard")
    assert code == 0
    assert "IGE of uniform: no gold standard: all fixations are of one subject" in out


def test_a_parquet_file(folder, capsys, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    command = ["evaluate", *DATA, "--model", "uniform", "--metrics", "NSS", "--out", "r.parquet"]
    assert main(command) == 0
    table = pd.read_parquet("r.parquet")
    assert table[["model", "metric", "value"]].values.tolist() == [["uniform", "NSS", 0.0]]
    # without the package, the error comes before anything is scored
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet files need pyarrow" in error_of(capsys, [*command[:-1], "other.parquet"])


@pytest.mark.filterwarnings("default")
def test_no_check(folder, capsys):
    table = pd.read_csv("fixations.csv")
    table.assign(x=table.x / 30, y=table.y / 22).to_csv("fractions.csv", index=False)
    command = "evaluate --images images --fixations fractions.csv --model uniform --metrics AUC"
    error = error_of(capsys, command)
    assert "they look like fractions of the image, not pixels; give --units normalised" in error
    assert main([*command.split(), "--no-check"]) == 0
    printed = capsys.readouterr()
    assert "- warning: all 40 fixations are within" in printed.out
    assert "salmetrics: warning: all 40 fixations are within" in printed.err
    assert main([*command.split(), "--units", "normalised"]) == 0


@pytest.mark.parametrize("option", ["--empirical", "--baseline"])
def test_a_wrong_reference_names_its_option(folder, capsys, option):
    command = ["evaluate", *DATA, "--model", "uniform", option, "wrong"]
    assert f"{option} 'wrong' is neither registered" in error_of(capsys, command)


def test_a_model_that_cannot_be_fitted_is_missing(folder, capsys):
    data = [*DATA, "--outside", "drop", "--first", "1", "--n-bootstrap", "0", "--metrics", "AUC"]
    models = ["centre-bias", "centre-bias:0.1", "gold-standard"]
    flags = [part for model in models for part in ("--model", model)]
    code, out = run(capsys, *data, "--model", "uniform", *flags)
    assert code == 0
    assert re.search(r"^uniform +0.500$", out, re.MULTILINE)
    for model in models:
        assert re.search(rf"^{model} +-$", out, re.MULTILINE)
        assert re.search(rf"AUC of .*{model}\b.*: the centre bias of an image is made from", out)
    assert "salmetrics." not in out
    text = "least two images; there are some on 1; gaussian-centre-bias needs none"
    for model in models[:2]:
        assert text in error_of(capsys, ["evaluate", *data, "--model", model])


def test_all_metrics(folder, capsys):
    options = ["--model", "uniform", "--n-bootstrap", "0", "--metrics", "all", "--out", "all.csv"]
    own = ["--images", "images", "--fixations", "fixations.csv"]  # without a width
    assert main(["evaluate", *own, *options]) == 0
    out = capsys.readouterr().out
    assert "CC, KLDiv, SIM" in out
    assert "the width of the blur is not known" in out
    table = pd.read_csv("all.csv", index_col="metric")
    assert table.loc["AUC", "value"] == 0.5
    assert "SIM-MATLAB" in table.index


def test_names_that_are_too_long(folder, capsys):
    long = "a" * 300
    for words in (
        ["--model", "uniform", "--out", f"{long}.h5"],
        ["--model", f"{long}.h5"],
    ):
        message = error_of(capsys, ["evaluate", *DATA, "--metrics", "AUC", *words])
        assert "File name too long" in message or "there is no" in message
        assert "Errno" not in message
    just = f"{'a' * 250}.h5"  # the name of the temporary file is not longer
    words = ["--model", "uniform", "--metrics", "LL", "--n-bootstrap", "0", "--out", just]
    assert main(["evaluate", *DATA, *words]) == 0
    assert (folder / just).is_file()
