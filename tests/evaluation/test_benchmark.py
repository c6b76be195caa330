"""Many models on many data sets: tables, what is skipped, and runs that are killed."""

import errno
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import salmetrics
from salmetrics import Dataset, InputError, benchmark, export_predictions
from salmetrics.cli import main
from salmetrics.datasets import generate_dataset
from salmetrics.errors import NotSavedWarning
from salmetrics.results.evaluation import Evaluation

NAMES = ["one", "two"]


def data(name):
    made = generate_dataset(18 + NAMES.index(name), size=(24, 32), n_subjects=2, seed=3).dataset
    return Dataset(name, made.stimuli, made.fixations)


DATASETS = [data(name) for name in NAMES]


class Blurred(salmetrics.SaliencyMapModel):
    def __init__(self, name, share):
        self.name = name
        self.share = share

    def saliency_map(self, stimulus):
        y, x = np.mgrid[: stimulus.size[0], : stimulus.size[1]]
        centre = np.exp(-((x - 16) ** 2 + (y - 12) ** 2) / 100)
        return self.share * centre + (1 - self.share) * stimulus.rgb.mean(2) / 255


FORMS = {"good": ("good", 0.9), "fair.zip": ("fair", 0.3), "poor.h5": ("poor", 0.0)}


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Folders of maps, one for each model, with a part for each data set."""
    folder = tmp_path_factory.mktemp("maps")
    for file, (name, share) in FORMS.items():
        (folder / name).mkdir()
        for dataset in DATASETS:
            path = folder / name / (dataset.name + file.removeprefix(name))
            export_predictions(Blurred(name, share), dataset.stimuli, path, progress=False)
    return folder


def paths(maps):
    return {name: maps / name for name, _ in FORMS.values()}


def run(maps, datasets=DATASETS, **options):
    return benchmark(datasets, paths(maps), n_bootstrap=100, progress=False, **options)


def test_tables(maps):
    result = run(maps)
    assert result.skipped == ()
    assert result.sort_by == "AUC"
    for dataset in DATASETS:
        alone = {name: salmetrics.as_model(Blurred(name, share)) for name, share in FORMS.values()}
        table = result.leaderboard(dataset.name)
        assert list(table.index) == ["good", "fair", "poor"]
        assert table["group"].tolist() == ["a", "b", "c"]
        for name, model in alone.items():  # the maps are stored as float32
            assert table.loc[name, "NSS"] == pytest.approx(
                salmetrics.nss(model, *dataset), abs=1e-5
            )
        evaluation = result.evaluations[dataset.name]
        assert evaluation.models == ["good", "fair", "poor"]
        assert evaluation.value("fair", "AUC") == table.loc["fair", "AUC"]
    generalisation = result.generalisation
    assert generalisation["mean rank", ""].tolist() == [1, 2, 3]
    assert generalisation["two", "value"]["good"] == result.leaderboard("two").loc["good", "AUC"]
    low, high = (generalisation["two", part]["good"] for part in ("low", "high"))
    assert low < generalisation["two", "value"]["good"] < high
    assert "one: 18 images, 432 fixations, by AUC" in repr(result)
    assert "AUC on all data sets" in repr(result)


def test_files(maps, tmp_path):
    result = run(maps)
    result.save(tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == [
        "generalisation.csv",
        "one.csv",
        "one.h5",
        "one.md",
        "skipped.tsv",
        "two.csv",
        "two.h5",
        "two.md",
    ]
    table = pd.read_csv(tmp_path / "out" / "one.csv", index_col="model")
    pd.testing.assert_frame_equal(table, result.leaderboard("one", intervals=True))
    assert (table["NSS low"] < table["NSS"]).all()
    assert (table["NSS"] < table["NSS high"]).all()
    values = table[["group", *salmetrics.get_protocol("default").metrics]]
    pd.testing.assert_frame_equal(values, result.leaderboard("one"))
    assert salmetrics.Evaluation.load(tmp_path / "out" / "two.h5").models == [
        "good",
        "fair",
        "poor",
    ]
    assert (tmp_path / "out" / "one.md").read_text().startswith("| model | group | LL |")
    table = pd.read_csv(tmp_path / "out" / "generalisation.csv", header=[0, 1], index_col=0)
    np.testing.assert_array_equal(table["one"]["value"], result.generalisation["one"]["value"])


@pytest.mark.slow
def test_models_that_are_made_for_each_data_set(maps):
    made = {
        "centre-bias": lambda dataset: salmetrics.CentreBias.fit(*dataset),
        "given": lambda dataset: Blurred("x", 0.5),
    }
    result = benchmark(
        DATASETS,
        {"good": maps / "good"},
        made=made,
        metrics=["LL", "IG", "AUC"],
        progress=False,
        gold_standard=True,
        sort_by="IG",
        n_bootstrap=0,
    )
    assert list(result.leaderboard("one").index) == [
        "gold-standard",
        "centre-bias",
        "good",
        "given",
    ]
    assert result.leaderboard("one")["group"].tolist()[2:] == ["", ""]
    assert result.leaderboard("one")["IGE"]["gold-standard"] == 1
    ranks = result.generalisation["mean rank", ""]
    assert ranks["centre-bias"] == 1
    assert ranks["good"] == 3
    assert np.isnan(ranks["gold-standard"])


def test_a_gold_standard_does_not_choose_the_metric_that_sorts(maps):
    result = benchmark(
        DATASETS[:1],
        {"good": maps / "good"},
        metrics=["IG", "AUC"],  # IG is missing for the maps, AUC for the gold standard
        gold_standard=True,
        progress=False,
        n_bootstrap=0,
    )
    assert result.leaderboard("one")["AUC"].isna().to_dict() == {
        "good": False,
        "gold-standard": True,
    }
    assert result.sort_by == "AUC"


@pytest.mark.slow
def test_fitted_densities(maps):
    result = benchmark(
        DATASETS[:1],
        {"good": maps / "good"},
        metrics=["IG"],
        fit=True,
        progress=False,
        n_bootstrap=0,
    )
    assert np.isfinite(result.leaderboard("one").loc["good", "IG"])


def test_lower_is_better(maps):
    result = run(maps, metrics=["KLDiv"], protocol="default", sort_by="KLDiv")
    values = result.leaderboard("one")["KLDiv"]
    assert values.is_monotonic_increasing


def test_one_image(maps):
    result = run(maps, [DATASETS[0][:1]], metrics=["NSS"])
    assert result.leaderboard("one")["group"].tolist() == ["", "", ""]
    assert result.leaderboard("one")["NSS"].is_monotonic_decreasing


def test_resized_maps(maps, tmp_path):
    dataset = salmetrics.resize(DATASETS[0], (48, 64))
    with pytest.raises(InputError, match=r"has size \(24, 32\), the image \(48, 64\)"):
        benchmark([dataset], {"good": maps / "good"}, metrics=["NSS"])
    result = benchmark([dataset], {"good": maps / "good"}, metrics=["NSS"], resize="bilinear")
    assert np.isfinite(result.leaderboard("one").loc["good", "NSS"])


# ---- what is wrong with a model


@pytest.fixture
def broken(maps, tmp_path):
    """One model without a map, one with a damaged map, that shows only when it is read."""
    for name in ("missing", "damaged"):
        (tmp_path / name).mkdir()
        for dataset in DATASETS:
            path = tmp_path / name / dataset.name
            export_predictions(Blurred(name, 0.5), dataset.stimuli, path, files=".png", bits=8)
    (tmp_path / "missing" / "two" / "5.png").unlink()
    file = tmp_path / "damaged" / "one" / "7.png"
    data = bytearray(file.read_bytes())
    data[60:90] = bytes(30)  # the head is fine
    file.write_bytes(data)
    return {**paths(maps), "missing": tmp_path / "missing", "damaged": tmp_path / "damaged"}


def test_problems_of_all_models_in_one_error(broken, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        benchmark(DATASETS, {**broken, "empty": tmp_path / "empty"}, progress=False)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("empty on one: no maps in")
    assert lines[1].startswith("missing on two: ")
    assert "no map for '5'" in lines[1]
    assert lines[2].startswith("empty on two: no maps in")


def test_keep_going(broken, maps):
    metrics = ["AUC", "NSS", "CC"]
    options = {"metrics": metrics, "n_bootstrap": 100, "progress": False}
    result = benchmark(DATASETS, broken, keep_going=True, **options)
    assert [(s.dataset, s.model) for s in result.skipped] == [
        ("two", "missing"),
        ("one", "damaged"),
    ]
    assert "no map for '5'" in result.skipped[0].reason
    assert result.skipped[1].reason.startswith(
        "failed on 1 of 18 images, the first is '7': InputError: map"
    )
    assert "missing" in result.leaderboard("one").index
    assert "damaged" in result.leaderboard("two").index
    assert "skipped: 2\n- missing on two: " in repr(result)
    good = run(maps, metrics=metrics)
    shared = ["good", "fair", "poor"]
    for name in NAMES:  # what is left out changes nothing else
        pd.testing.assert_frame_equal(
            result.leaderboard(name).loc[shared].drop(columns="group"),
            good.leaderboard(name).drop(columns="group"),
        )
    ranks = result.generalisation["mean rank", ""]
    place = list(result.leaderboard("two").index).index("damaged") + 1
    assert ranks["damaged"] == (5 + place) / 2  # last of the five models where it is missing


def test_without_keep_going_a_damaged_map_is_an_error(broken):
    del broken["missing"]
    with pytest.raises(InputError, match=r"7.png' cannot be read"):
        benchmark(DATASETS, broken, progress=False)


def test_skipped_models_in_files(broken, tmp_path):
    benchmark(
        DATASETS, broken, metrics=["NSS"], n_bootstrap=0, progress=False, keep_going=True
    ).save(tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "skipped.tsv", sep="\t")
    assert table["model"].tolist() == ["missing", "damaged"]


def test_no_model_left(broken):
    only = {"missing": broken["missing"]}
    result = benchmark(DATASETS, only, metrics=["NSS"], progress=False, keep_going=True)
    assert list(result.evaluations) == ["one"]  # a data set without models is left out
    with pytest.raises(InputError, match=r"no model is left: missing on two: .*no map for '5'"):
        benchmark(DATASETS[1:], only, progress=False, keep_going=True)
    only = {"damaged": broken["damaged"]}
    with pytest.raises(InputError, match="no model is left: damaged on one: failed on 1 of 18"):
        benchmark(DATASETS[:1], only, metrics=["NSS"], progress=False, keep_going=True)


def test_finished_data_sets_are_saved_before_the_next_begins(broken, tmp_path):
    """The second data set fails; the first is in the folder, and a second run scores it no more."""
    out, checkpoint = tmp_path / "out", tmp_path / "checkpoint"
    models = {"good": broken["good"], "damaged": broken["damaged"]}
    options = {"metrics": ["NSS"], "n_bootstrap": 0, "progress": False}
    options |= {"out": out, "checkpoint": checkpoint}
    with pytest.raises(InputError, match=r"one: .*7.png.* The tables of two are in '.*out'. Fini"):
        benchmark(DATASETS[::-1], models, **options)
    assert sorted(path.name for path in out.iterdir()) == ["two.csv", "two.h5", "two.md"]
    chunks = {path: path.stat().st_mtime_ns for path in checkpoint.rglob("*.chunk")}
    assert {path.parts[-3] for path in chunks} == {"two"}
    result = benchmark(DATASETS[::-1], models, keep_going=True, **options)
    assert {path: path.stat().st_mtime_ns for path in chunks} == chunks  # none computed again
    assert [(s.dataset, s.model) for s in result.skipped] == [("one", "damaged")]
    assert (out / "one.csv").exists()
    assert (out / "generalisation.csv").exists()


def test_a_result_outlives_a_disk_that_fails(tmp_path, monkeypatch):
    (tmp_path / "out").touch()
    options = {"metrics": ["LL"], "n_bootstrap": 0, "progress": False, "out": tmp_path / "out"}
    models = {"uniform": salmetrics.Uniform()}
    with pytest.raises(FileExistsError):  # before anything is computed
        benchmark(DATASETS, models, **options)
    (tmp_path / "out").unlink()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Evaluation, "save", full)
    with pytest.warns(NotSavedWarning, match="out=: the disk is full") as caught:
        result = benchmark(DATASETS, models, **options)
    assert result.evaluations["two"].value("uniform", "LL") == pytest.approx(-np.log2(24 * 32))
    assert {warning.filename for warning in caught} == {__file__}


def test_a_data_set_that_fails_is_left_out(maps):
    odd = Dataset("odd", DATASETS[0].stimuli)  # no fixations
    options = {"metrics": ["NSS"], "n_bootstrap": 0, "progress": False}
    models = {"given": Blurred("given", 0.5)}
    result = benchmark([odd, DATASETS[1]], models, keep_going=True, **options)
    assert list(result.evaluations) == ["two"]
    assert result.skipped[0].model == "given"
    assert result.skipped[0].reason.startswith("there are no fixations to score models on")
    with pytest.raises(InputError, match="odd: there are no fixations to score models on"):
        benchmark([odd, DATASETS[1]], models, **options)


def test_ground_truth_maps_by_data_set():
    """Where AUC does not exist, the data set is sorted by CC and does not count in the ranks."""
    odd = Dataset("odd", DATASETS[0].stimuli)
    models = {"poor": Blurred("poor", 0.0), "good": Blurred("good", 0.9)}
    options = {"metrics": ["AUC", "CC"], "n_bootstrap": 0, "progress": False}
    truth = {"odd": Blurred("truth", 1.0)}
    result = benchmark([odd, DATASETS[1]], models, empirical=truth, sort_by="AUC", **options)
    assert list(result.leaderboard("odd").index) == ["good", "poor"]
    assert "odd: 18 images, 0 fixations, by CC" in repr(result)
    alone = benchmark([DATASETS[1]], models, sort_by="AUC", **options)
    assert result.generalisation["mean rank", ""].tolist() == [1, 2]
    assert result.leaderboard("two").equals(alone.leaderboard("two"))
    assert benchmark([odd], models, empirical=truth, **options | {"metrics": None}).sort_by == "CC"
    with pytest.raises(InputError, match="no data set allows AUC; odd: there are no fixations"):
        benchmark([odd], models, empirical=truth, **options)
    with pytest.raises(InputError, match="data set of empirical must be one of 'odd'; got 'x'"):
        benchmark([odd], models, empirical={"x": truth["odd"]}, **options)
    with pytest.raises(InputError, match="empirical must be a dict of ground-truth maps by name"):
        benchmark([odd], models, empirical=truth["odd"], **options)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: benchmark([], m), "data sets must be at least one, with different names"),
        (lambda m: benchmark([DATASETS[0]] * 2, m), r"got \['one', 'one'\]"),
        (lambda m: benchmark(DATASETS, "maps"), "models must be a dict by name; got str"),
        (lambda m: benchmark([Dataset("../x", *DATASETS[0])], m), "data set '../x' cannot name a"),
        (lambda m: benchmark([Dataset("skipped", *DATASETS[0])], m), "data set 'skipped' cannot"),
        (lambda m: benchmark(DATASETS, {}), "models must be at least one, with different names"),
        (lambda m: benchmark(DATASETS, m, made={"good": None}), "with different names"),
        (
            lambda m: benchmark(DATASETS, m, sort_by="X", metrics=["NSS"], progress=False),
            "sort_by must be one of 'NSS'; got 'X'",
        ),
    ],
)
def test_errors(call, text, maps):
    with pytest.raises(InputError, match=text):
        call(paths(maps))


def test_two_parts_for_one_data_set(maps, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one.zip").write_bytes(b"")
    with pytest.raises(InputError, match=r"has 2 things named like the data set: one, one.zip"):
        benchmark(DATASETS[:1], {"x": tmp_path})


def test_parts_for_other_data_sets(maps, tmp_path):
    (tmp_path / "x").mkdir()
    model = Blurred("x", 1.0)
    export_predictions(model, DATASETS[1].stimuli, tmp_path / "x" / "two.zip", progress=False)
    with pytest.raises(InputError, match=r"x on one: .* has maps for two, not for one"):
        benchmark(DATASETS, {"x": tmp_path / "x"}, progress=False)


def test_anything_that_goes_wrong_is_recorded(maps):
    def broken(dataset):
        raise ZeroDivisionError("no luck")

    made = {"broken": broken}
    options = {"made": made, "metrics": ["NSS"], "n_bootstrap": 0, "progress": False}
    result = benchmark(DATASETS[0], {"good": maps / "good", "odd": 3}, keep_going=True, **options)
    reasons = {s.model: s.reason for s in result.skipped}
    assert reasons["broken"] == "ZeroDivisionError: no luck"
    assert reasons["odd"].startswith("TypeError: int cannot serve as a model")
    with pytest.raises(ZeroDivisionError):
        benchmark(DATASETS[0], {"good": maps / "good"}, **options)


def test_maps_without_an_image_are_counted(maps):
    result = run(maps, [DATASETS[0][:5]], metrics=["NSS"])
    assert result.extra == {("one", name): 13 for name in ("good", "fair", "poor")}
    assert "maps that belong to no image:\n- 13 of good on one" in repr(result)


# ---- the command


@pytest.fixture
def packed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset in DATASETS:
        salmetrics.write_hdf5(dataset, f"{dataset.name}.h5")
    return tmp_path


def command(capsys, *arguments):
    code = main(["benchmark", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_command(packed, maps, capsys):
    folders = sorted(paths(maps).values())
    code, out, err = command(
        capsys,
        "--dataset",
        "one.h5",
        "--dataset",
        "two.h5",
        "--maps",
        *folders,
        "--model",
        "uniform",
        "--metrics",
        "LL",
        "AUC",
        "NSS",
        "--n-bootstrap",
        "50",
        "--out",
        "results",
    )
    assert (code, err) == (0, "")
    expected = run(maps, metrics=["LL", "AUC", "NSS"]).leaderboard("two")["NSS"]
    table = pd.read_csv("results/two.csv", index_col="model")
    assert sorted(table.index) == ["fair", "good", "poor", "uniform"]
    pd.testing.assert_series_equal(table["NSS"][["good", "fair", "poor"]], expected)
    assert "AUC on all data sets" in out
    assert sorted(os.listdir("results/checkpoint")) == ["one", "two"]


def test_command_with_densities_and_names(packed, maps, capsys):
    density = salmetrics.GaussianCentreBias()
    (packed / "mine").mkdir()
    for folder in ("a", "b"):
        export_predictions(density, DATASETS[0].stimuli, packed / "mine" / folder)
    (packed / "yours").mkdir()
    export_predictions(density, DATASETS[0].stimuli, packed / "yours" / "a")
    code, out, err = command(
        capsys,
        "--dataset",
        "one.h5",
        "--log-densities",
        "mine/a",
        "mine/b",
        "yours/a",
        "--metrics",
        "IG",
        "NSS",
        "--sort-by",
        "NSS",
        "--n-bootstrap",
        "0",
        "--first",
        "9",
    )
    assert (code, err) == (0, "")
    assert "one: 9 images" in out
    table = pd.read_csv("salmetrics_benchmark/one.csv", index_col="model")
    assert sorted(table.index) == ["b", "mine/a", "yours/a"]
    assert table["IG"].nunique() == 1


def test_command_keeps_going(packed, broken, capsys):
    folders = [broken[name] for name in ("good", "missing")]
    arguments = [
        "--dataset",
        "two.h5",
        "--metrics",
        "NSS",
        "--n-bootstrap",
        "0",
        "--maps",
        *folders,
    ]
    code, out, err = command(capsys, *arguments)
    assert code == 2
    assert "missing on two: " in err
    code, out, err = command(capsys, *arguments, "--keep-going")
    assert code == 3
    assert "skipped: 1\n- missing on two" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--dataset", "one.h5"], "no models: give --maps, --log-densities or --model"),
        (["--dataset", "one.h5", "--maps", "a", "a"], "--maps a is given twice"),
        (["--dataset", "none.h5", "--model", "uniform"], "is neither registered .*, nor a file"),
        (["--dataset", "osie", "--model", "uniform"], "salmetrics datasets get osie"),
        (["--dataset", "stimuli.h5", "--model", "uniform"], "holds stimuli alone; a data set has"),
        (["--dataset", "one.h5", "--model", "none"], "model 'none' is neither registered"),
        (["--dataset", "one.h5", "--maps", "one.h5"], "holds dataset, not maps"),
        (["--dataset", "one.h5", "--model", "uniform", "--first", "0"], "--first must be at least"),
    ],
)
def test_command_errors(arguments, text, packed, capsys):
    salmetrics.write_hdf5(DATASETS[0].stimuli, "stimuli.h5")
    code, _, err = command(capsys, *arguments)
    assert code == 2
    assert err.startswith("salmetrics: error: ")
    assert re.search(text, err), err


def test_pack(packed, capsys):
    assert (
        main(
            [
                "pack",
                "--dataset",
                "one.h5",
                "--first",
                "3",
                "--out",
                "x.h5",
                "--name",
                "mine",
                "--copy-images",
            ]
        )
        == 0
    )
    assert "wrote x.h5: mine, Stimuli(3 images, 32x24)" in capsys.readouterr().out
    assert salmetrics.read_hdf5("x.h5").name == "mine"
    assert main(["pack", "--dataset", "one.h5", "--out", "x.zip"]) == 2
    assert "--out must end in .h5, .hdf5; got 'x.zip'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_resumes(packed, maps):
    """Whatever is finished when a run is killed, the tables are the same in the end."""

    command = ["benchmark", "--dataset", "one.h5", "--dataset", "two.h5", "--n-bootstrap", "50"]
    command += ["--maps", *map(str, paths(maps).values()), "--out"]

    def start(out):
        started = [sys.executable, "-m", "salmetrics", *command, out]
        return subprocess.Popen(started, stdout=subprocess.DEVNULL)

    assert main([*command, "whole"]) == 0
    for wanted in (1, 4):
        process = start("killed")
        while process.poll() is None and len(list(packed.glob("killed/**/*.chunk"))) < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not (packed / "killed" / "one.csv").exists()
    assert main([*command, "killed"]) == 0
    for file in ("one.csv", "one.md", "two.csv", "two.md", "generalisation.csv", "skipped.tsv"):
        assert (packed / "killed" / file).read_bytes() == (packed / "whole" / file).read_bytes()
