"""Leaderboards that an earlier run has left."""

import warnings

import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputWarning
from salmetrics.evaluation.benchmark import benchmark
from salmetrics.results.earlier_boards import check_folder, earlier_models

FLAT = {"flat": salmetrics.Uniform()}
BOTH = FLAT | {"centred": salmetrics.GaussianCentreBias()}


def data(*names):
    return [salmetrics.Dataset(name, *generate_dataset(2, size=(24, 32)).dataset) for name in names]


def run(folder, models, *names, **options):
    return benchmark(
        data(*names), models, metrics=["LL"], n_bootstrap=0, progress=False, out=folder, **options
    )


@pytest.fixture
def folder(tmp_path):
    run(tmp_path, BOTH, "a", "b")
    return tmp_path


def test_the_same_run_and_one_with_more_models_say_nothing(tmp_path):
    run(tmp_path, FLAT, "a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(tmp_path, FLAT, "a")
        run(tmp_path, BOTH, "a")
    assert earlier_models(tmp_path / "a.csv") == ["centred", "flat"]


def test_another_run_says_what_was_there(folder):
    (folder / "a.mit300.md").touch()
    with pytest.warns(InputWarning) as told:
        run(folder, FLAT, "a")
    (text,) = {str(each.message) for each in told}
    assert text.endswith(
        "holds results of another run: the tables of a ('centred') are replaced, without these "
        "models; those of b stay as they are"
    )
    assert earlier_models(folder / "a.csv") == ["flat"]
    assert earlier_models(folder / "b.csv") == ["centred", "flat"]
    assert not (folder / "generalisation.csv").exists()  # which names a model that is gone
    assert not (folder / "a.mit300.md").exists()


def test_tables_of_other_data_sets_stay(folder):
    before = (folder / "generalisation.csv").read_bytes()
    with pytest.warns(InputWarning, match=r"of another run: those of a, b stay as they are$"):
        run(folder, FLAT, "c")
    assert (folder / "generalisation.csv").read_bytes() == before


@pytest.mark.parametrize("name", ["a.csv", "a.h5"])
def test_what_is_no_result_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text("file,x,y\n")
    if name == "a.h5":
        (tmp_path / name).unlink()
        salmetrics.write_hdf5(data("a")[0], tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(InputError, match=f"would replace '.*{name}', which is no result"):
        run(tmp_path, FLAT, "a")
    assert (tmp_path / name).read_bytes() == before


def test_files_of_others_are_passed_over(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "y.csv").write_text("")
    (tmp_path / "z.csv").mkdir()
    assert check_folder(tmp_path, ["a"], ["flat"], []) is None
    assert check_folder(tmp_path / "new", ["a"], ["flat"], []) is None
    assert earlier_models(tmp_path / "x.csv") == earlier_models(tmp_path / "y.csv") == []
