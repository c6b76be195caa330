"""Leaderboards that an earlier run has left."""

import warnings

import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputWarning
from salmetrics.evaluation.benchmark import benchmark
from salmetrics.results.earlier_boards import check_folder, earlier_models, remove_stale

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
    (folder / "a.mit300.md").write_bytes((folder / "a.md").read_bytes())
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


@pytest.mark.parametrize("name", ["a.csv", "a.h5", "a.md", "skipped.tsv"])
@pytest.mark.parametrize("content", ["file,x,y\n", "# a\n", "| model | a |\n", "\0"])
def test_what_is_no_result_is_never_replaced(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    if name == "a.h5":
        (tmp_path / name).unlink()
        salmetrics.write_hdf5(data("a")[0], tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(InputError, match=f"would replace '.*{name}', which is no result"):
        run(tmp_path, FLAT, "a")
    assert (tmp_path / name).read_bytes() == before


def test_tables_of_layouts_and_of_all_data_sets_are_not_replaced_either(tmp_path):
    (tmp_path / "a.own.tex").write_text("\\begin{tabular}{lrr}\n")
    check_folder(tmp_path, ["a"], [], [])
    with pytest.raises(InputError, match=r"would replace '.*a\.own\.tex', which is no result"):
        check_folder(tmp_path, ["a"], [], [], "own")
    (tmp_path / "generalisation.csv").write_text("model,a\n")
    with pytest.raises(InputError, match=r"the results would replace '.*generalisation\.csv'"):
        check_folder(tmp_path, ["a", "b"], [], [])


@pytest.mark.parametrize(
    "content",
    [
        b"modele,a\n",
        b"mod\xe8le,a\n",
        b"",
        b"a" * 200_000,
        b",a,a,a,mean rank\n,value,low,high,\nmodel,,,\n",
        b",a,a,b,mean rank\n,value,low,high,\nmodel,,,,\n",
        b",a,a,a,mean\n,value,low,high,\nmodel,,,,\n",
    ],
)
def test_tables_of_others_are_not_removed(tmp_path, content):
    names = ["generalisation.csv", "a.mit300.md", "a.mit300.tex"]
    for name in names:
        (tmp_path / name).write_bytes(content)
    remove_stale(tmp_path, ["a"])
    assert [(tmp_path / name).read_bytes() for name in names] == [content] * 3


def test_tables_of_earlier_layouts_are_removed(folder):
    for name in ("a.mit300.md", "b.mit300.md", "a.salicon.tex"):
        text = salmetrics.Evaluation.load(folder / "a.h5").to_latex()
        (folder / name).write_text(text if name.endswith("tex") else (folder / "a.md").read_text())
    remove_stale(folder, ["a"])
    left = {path.name for path in folder.iterdir()}
    assert left == {"a.csv", "a.h5", "a.md", "b.csv", "b.h5", "b.md", "b.mit300.md", "skipped.tsv"}


def test_a_large_table_of_others_is_not_read_whole(tmp_path, monkeypatch):
    (tmp_path / "big.csv").write_text("file,x,y\n" + "a,1,2\n" * 1000)
    monkeypatch.setattr("csv.reader", None)
    assert earlier_models(tmp_path / "big.csv") == []


def test_files_of_others_are_passed_over(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "y.csv").write_text("")
    (tmp_path / "z.csv").mkdir()
    assert check_folder(tmp_path, ["a"], ["flat"], []) is None
    assert check_folder(tmp_path / "new", ["a"], ["flat"], []) is None
    assert earlier_models(tmp_path / "x.csv") == earlier_models(tmp_path / "y.csv") == []
