"""`salmetrics benchmark`; runs on several data sets are in tests/evaluation."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import salmetrics
from salmetrics.cli import main
from salmetrics.datasets import registry
from tests.cli.command_line import FILES, error_of
from tests.datasets.published import PUBLISHED, small


def test_leaderboards(result, capsys):
    models = ["--model", "gaussian-centre-bias:0.2", "--model", "uniform"]
    options = ["--metrics", "NSS", "LL", "--n-bootstrap", "0", "--out", "boards"]
    assert main(["benchmark", "--dataset", "data.h5", *models, *options]) == 0
    assert capsys.readouterr().out.endswith("\nwrote boards\n")
    table = pd.read_csv("boards/generated.csv", index_col="model")
    dataset = salmetrics.read_hdf5("data.h5")
    for name, model in (
        ("gaussian-centre-bias:0.2", salmetrics.GaussianCentreBias(0.2)),
        ("uniform", salmetrics.Uniform()),
    ):
        expected = salmetrics.log_likelihood(model, *dataset)
        assert table.loc[name, "LL"] == pytest.approx(expected, rel=1e-12)
    assert table.loc["uniform", "NSS"] == 0
    assert (result / "boards" / "checkpoint").is_dir()


def test_the_other_kind_of_maps(result, capsys):
    export = ["export-maps", "--dataset", "data.h5", "--model", "gaussian-centre-bias"]
    assert main([*export, "--out", "logs.h5"]) == 0
    capsys.readouterr()
    command = "benchmark --dataset data.h5 --metrics NSS --n-bootstrap 0"
    error = error_of(capsys, f"{command} --maps logs.h5")
    assert "'logs.h5' is marked as the other kind of maps: use --log-densities" in error
    assert main(f"{command} --log-densities logs.h5".split()) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", "no models: give --maps, --log-densities or --model"),
        (
            "--model uniform --model uniform",
            "--model uniform is given twice; give it once, or name",
        ),
        ("--model uniform --metrics ABC", "--metrics must be one of 'all', 'LL'"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"benchmark --dataset data.h5 {arguments}")


def test_own_images_and_names(result, capsys):
    command = ["benchmark", *FILES, "--sigma", "3", "--model", "mine=uniform", "--dataset"]
    options = ["--model", "uniform", "--metrics", "CC", "LL", "--n-bootstrap", "0", "--out", "b"]
    assert main([*command, "data.h5,name=other,sigma=5", *options]) == 0
    for name, sigma in (("images", 3), ("other", 5)):
        table = pd.read_csv(f"b/{name}.csv", index_col="model")
        assert sorted(table.index) == ["mine", "uniform"]
        assert table.loc["mine"].equals(table.loc["uniform"])
        saved = salmetrics.Evaluation.load(f"b/{name}.h5")
        assert saved.provenance["smoothing"]["sigma"] == sigma


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The current folder, with three small data sets in the layouts they are published in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "described", small)
    specs = []
    for name in ("mit1003", "pascal-s", "toronto"):
        (tmp_path / "archives" / name).mkdir(parents=True)
        PUBLISHED[name](tmp_path / "archives" / name, np.random.default_rng(3))
        files = sorted((tmp_path / "archives" / name).iterdir())
        salmetrics.datasets.load(name, name, archive=files, download=False)
        specs += ["--dataset", f"{name}:{name}"]
    return specs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # fits to few fixations
def test_three_published_data_sets(published, capsys):
    """Subjects of one are not known, and the width of the blur of two: the others have it all."""
    models = ["--model", "net=gaussian-centre-bias", "--model", "uniform", "--gold-standard"]
    options = ["--metrics", "IG", "AUC", "CC", "--n-bootstrap", "20", "--out", "results"]
    assert main(["benchmark", *published, *models, *options]) == 0
    out = capsys.readouterr().out
    tables = {
        name: pd.read_csv(f"results/{name}.csv", index_col="model")
        for name in ("mit1003", "pascal-s", "toronto")
    }
    assert tables["mit1003"].loc[["net", "uniform"], ["IG", "AUC", "CC"]].notna().all(axis=None)
    assert tables["mit1003"].loc["gold-standard", "IGE"] == 1
    assert tables["pascal-s"].loc["gold-standard", "IGE"] == 1
    assert tables["pascal-s"]["CC"].isna().all()
    assert tables["toronto"]["IGE"].isna().all()
    assert tables["toronto"].loc[["net", "uniform"], "AUC"].notna().all()
    assert "IGE of net, uniform: no gold standard: all fixations are of one subject" in " ".join(
        out.split()
    )
    assert out.count("--dataset NAME,sigma=PIXELS") == 2
    generalisation = pd.read_csv("results/generalisation.csv", header=[0, 1], index_col=0)
    assert generalisation.loc["net"].notna().all()
    saved = salmetrics.Evaluation.load("results/toronto.h5")
    assert np.isnan(saved.value("net", "IGE"))
    assert "subject" in saved.select(["net"]).reasons["net", "IGE"]
    assert main(["plot", "scores", "results/toronto.h5", "--metric", "AUC", "--out", "f.png"]) == 0


def write_maps(folder, rng):
    (folder / "truth").mkdir()
    (folder / "mine").mkdir()
    sizes = {}
    for i in range(3):
        with Image.open(folder / "images" / f"{i}.png") as image:
            size = image.height, image.width
        sizes[i] = size
        for name in ("truth", "mine"):
            pixels = rng.integers(0, 256, size, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return sizes


def test_ground_truth_maps_alone(result, capsys, rng):
    write_maps(result, rng)
    own = ["--images", "images", "--empirical", "truth"]
    options = ["--maps", "mine", "--n-bootstrap", "0", "--out", "b"]
    assert main(["benchmark", *own, *options]) == 0
    table = pd.read_csv("b/images.csv", index_col="model")
    pairs = [
        [np.asarray(Image.open(f"{name}/{i}.png")).ravel() for name in ("mine", "truth")]
        for i in range(3)
    ]
    expected = np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])
    assert table.loc["mine", "CC"] == pytest.approx(expected, rel=1e-9)
    assert np.isnan(table.loc["mine", "AUC"])
    assert main(["evaluate", *own, "--model", "mine", "--metrics", "CC"]) == 0
    assert f"{expected:.3f}" in capsys.readouterr().out
    wrong = ["benchmark", "--images", "images", "--empirical", "wrong", *options]
    assert "--empirical: there is no folder or file of maps" in error_of(capsys, wrong)
    assert "no data set allows AUC; images: there are no fixations" in error_of(
        capsys, ["benchmark", *own, *options, "--metrics", "AUC", "CC"]
    )
    # beside a data set that has fixations, AUC is missing here
    both = ["--dataset", "data.h5", *own, "--model", "uniform", "--sigma", "2", "--out", "c"]
    assert main(["benchmark", *both, "--metrics", "AUC", "CC", "--n-bootstrap", "0"]) == 0
    table = pd.read_csv("c/images.csv", index_col="model")
    assert table.loc["uniform", ["AUC", "CC"]].isna().tolist() == [True, False]
    table = pd.read_csv("c/generated.csv", index_col="model")
    assert table.loc["uniform", ["AUC", "CC"]].notna().all()


def test_ground_truth_of_one_of_several(result, capsys, rng):
    write_maps(result, rng)
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    salmetrics.write_hdf5(salmetrics.Dataset("maps", dataset.stimuli), "maps.h5")
    sets = ["--dataset", "maps.h5,empirical=truth", "--dataset", "data.h5,sigma=2"]
    options = ["--model", "uniform", "--metrics", "CC", "--n-bootstrap", "0", "--out", "b"]
    assert main(["benchmark", *sets, *options]) == 0
    saved = salmetrics.Evaluation.load("b/maps.h5")
    assert saved.provenance["dataset"]["n_fixations"] == 0
    assert saved.provenance["empirical"]["name"] == "truth"
    assert "--empirical is for one data set; of several" in error_of(
        capsys, ["benchmark", *sets, *options, "--empirical", "truth"]
    )


def test_a_place_that_cannot_hold_results(result, capsys):
    (result / "taken").touch()
    command = "benchmark --dataset data.h5 --model uniform --out taken"
    assert "--out: 'taken' cannot be a folder of results" in error_of(capsys, command)


def test_names_of_maps(result, capsys):
    dataset = salmetrics.read_hdf5("data.h5")
    (result / "sam").mkdir()
    rng = np.random.default_rng(0)
    maps = {image.id: rng.random(image.size) for image in dataset.stimuli}
    for name, array in maps.items():
        np.save(result / "sam" / f"sal_{name}.npy", array)
        np.save(result / "sam" / f"raw_{name}.npy", array)
    command = "benchmark --dataset data.h5 --maps mine=sam --metrics NSS --n-bootstrap 0"
    assert "no map for" in error_of(capsys, command)
    assert main([*command.split(), "--map-name", "sal_{stem}", "--out", "b"]) == 0
    table = pd.read_csv("b/generated.csv", index_col="model")
    model = salmetrics.as_model(maps, kind="saliency_map")
    assert table.loc["mine", "NSS"] == pytest.approx(salmetrics.nss(model, *dataset), rel=1e-12)


def test_a_line_for_each_error(result, capsys):
    command = ["benchmark", "--dataset", "data.h5", "--out", "b"]
    assert main([*command, "--model", "none", "--model", "m=nothing", "--model", "uniform"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" is neither")[0] for line in lines] == [
        "salmetrics: error: none on generated: model 'none'",
        "salmetrics: error: m on generated: model 'nothing'",
    ]
    assert main(["benchmark", "--dataset", "a", "--dataset", "b.h5", "--model", "uniform"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line[:34] for line in lines] == [
        "salmetrics: error: --dataset 'a' i",
        "salmetrics: error: --dataset 'b.h5",
    ]
    models = ["--model", "none", "--model", "m=nothing", "--model", "uniform"]
    assert main(["evaluate", "--dataset", "data.h5", *models]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" is neither")[0] for line in lines] == [
        "salmetrics: error: none: model 'none'",
        "salmetrics: error: m: model 'nothing'",
    ]
    metrics = ["--model", "uniform", "--metrics", "KLDiv", "CC", "NSS"]
    assert main(["benchmark", *FILES, *metrics, "--out", "b"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line[:47] for line in lines] == [
        f"salmetrics: error: no data set allows {key}; images"[:47] for key in ("KLDiv", "CC")
    ]


@pytest.mark.slow
def test_name_of_own_images(result, capsys):
    own = ["benchmark", *FILES, "--model", "uniform", "--metrics", "NSS", "--n-bootstrap", "0"]
    assert main([*own, "--name", "mine", "--out", "b"]) == 0
    assert capsys.readouterr().out.startswith("mine: 3 images")
    assert pd.read_csv("b/mine.csv", index_col="model").loc["uniform", "NSS"] == 0
    assert main([*own, "--name", "mine", "--dataset", "data.h5", "--out", "c"]) == 0
    assert sorted(path.name for path in (result / "c").glob("*.h5")) == ["generated.h5", "mine.h5"]
    both = ["benchmark", "--dataset", "data.h5", "--model", "uniform", "--metrics", "NSS"]
    assert main([*both, "--name", "one", "--n-bootstrap", "0", "--out", "d"]) == 0
    assert (result / "d" / "one.h5").exists()
    error = error_of(capsys, [*both, "--dataset", "data.h5,name=b", "--name", "one"])
    assert "--name names one data set; of several: --dataset SPEC,name=NAME" in error
    assert "--name must not be empty" in error_of(capsys, [*own, "--name", ""])
    error = error_of(capsys, [*own, "--name", "a/b"])
    assert "'a/b' cannot name a file of results; give it another one: --name NAME, or" in error
    error = error_of(capsys, [*own, "--name", "same", "--dataset", "data.h5,name=same"])
    assert "two data sets are called 'same'" in error
