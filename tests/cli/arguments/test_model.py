"""Models as the command line names them."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.cli import main
from salmetrics.cli.arguments import model as model_arguments
from salmetrics.cli.arguments.model import is_shared, model_of, named_specs, opened, split_name
from salmetrics.cli.output import on_command_line
from tests.cli.command_line import DATA, error_of

WRONG = {
    "needs": "class Net:\n    def __init__(self, weights, size, *, k=1, **more):\n        pass\n",
    "abstract": "import salmetrics\nclass Net(salmetrics.DensityModel):\n    pass\n",
    "bug": "import os\nx = 1 / 0\n",
    "syntax": "class Net(:\n",
    "exit": "raise SystemExit(3)\n",
    "empty": "x = 1\n",
}


def test_model_files_of_one_name(folder):
    for sub, value in (("one", 1), ("two", -1)):
        (folder / sub).mkdir()
        source = f"def first(stimulus):\n    return {value} * stimulus.rgb[:, :, 0].astype(float)\n"
        (folder / sub / "model.py").write_text(source)
    models = ["--model", "one/model.py:first", "--model", "two/model.py:first"]
    options = [*DATA, *models, "--kind", "saliency_map", "--metrics", "NSS", "--out", "two.csv"]
    assert main(["evaluate", *options]) == 0
    first, second = pd.read_csv("two.csv").value
    assert first == pytest.approx(-second, abs=1e-12)


def test_a_module_in_the_current_folder(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.path", [p for p in sys.path if p not in ("", str(folder))])
    assert main(["evaluate", *DATA, "--model", "my_models:Flat", "--metrics", "AUC"]) == 0
    assert "\nFlat " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("deep", "model 'deep' is neither registered (centre-bias, "),
        ("uniform:3", "model 'uniform' takes no argument; got '3'"),
        ("centre-bias:x", "model 'centre-bias' takes a number; got 'x'"),
        ("centre-bias:-1", "bandwidth must be a positive share"),
        ("no.py:Flat", "model file 'no.py' does not exist"),
        ("my_models.py:Other", "my_models.py has no 'Other'; it has my_models.py:Flat, my_mod"),
        ("my_models.py:Flta", "my_models.py has no 'Flta'; did you mean 'Flat'?"),
        ("my_models.py", "name a class in it: my_models.py:Flat, my_models.py:Broken, my_mod"),
        ("unifor", "of the form file.py:Class or module:Class; did you mean 'uniform'?"),
        ("wrong/needs.py:Net", "class Net needs weights, size, and the command line gives no"),
        ("wrong/abstract.py:Net", "class Net must define log_density"),
        ("wrong/bug.py:Net", "raised ZeroDivisionError: division by zero ("),
        ("wrong/bug.py:Net", "bug.py, line 2: x = 1 / 0)"),
        ("wrong/syntax.py:Net", "importing wrong/syntax.py raised SyntaxError: "),
        ("wrong/syntax.py", "'wrong/syntax.py' is no valid Python, line 1: "),
        ("wrong/exit.py:Net", "importing wrong/exit.py raised SystemExit: 3 ("),
        ("wrong/empty.py", "model file 'wrong/empty.py' defines no class and no function"),
        ("no_such_module:A", "there is no module 'no_such_module'; to name a file"),
        ("salmetrics.none:A", "there is no module 'salmetrics.none'"),
        (
            "./my_models:Flat",
            "there is no module './my_models'; to name a file, add its suffix: ./my_models.py",
        ),
        ("my_models.py:first_channel", "kind is needed for first_channel"),
    ],
)
def test_errors(folder, capsys, spec, text):
    (folder / "wrong").mkdir()
    for name, source in WRONG.items():
        (folder / "wrong" / f"{name}.py").write_text(source)
    assert text in error_of(capsys, ["evaluate", *DATA, "--model", spec])


@pytest.fixture
def dataset(folder):
    return salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)


def test_what_names_stand_for(dataset):
    assert isinstance(model_of("uniform", dataset), salmetrics.Uniform)
    assert model_of("gaussian-centre-bias:0.3", dataset).sigma == 0.3
    assert model_of("images", dataset) == "images"  # a folder of maps
    np.savez("maps.npz", a=np.ones((2, 2)))
    assert model_of("maps.npz:a", dataset) == "maps.npz:a"  # a part of a file
    assert model_of("my_models.py:Flat", dataset).__name__ == "Flat"


def test_registered_models_ignore_kind_and_resize(dataset):
    model = opened("uniform", dataset, kind="saliency_map", resize="nearest")
    assert isinstance(model, salmetrics.Uniform)
    channel = opened("my_models.py:first_channel", dataset, kind="saliency_map")
    expected = dataset.stimuli[0].rgb[:, :, 0]
    np.testing.assert_array_equal(channel.saliency_map(dataset.stimuli[0]), expected)


def test_a_part_for_each_data_set(dataset):
    Path("maps").mkdir()
    for name, value in (("images", 1.0), ("other", 2.0)):
        maps = {stimulus.id: np.full(stimulus.size, value) for stimulus in dataset.stimuli}
        model = salmetrics.as_model(maps, kind="saliency_map")
        salmetrics.export_predictions(model, dataset.stimuli, f"maps/{name}")
    model = opened("maps", dataset, kind="saliency_map", datasets=["images", "other"])
    assert set(np.unique(model.saliency_map(dataset.stimuli[0]))) == {1.0}


def test_objects_that_are_no_models(dataset):
    Path("numbers.py").write_text("three = 3\n")
    with pytest.raises(InputError, match=r"--model numbers.py:three: int cannot serve as a model"):
        opened("numbers.py:three", dataset)


def test_modules_that_lack_another(dataset):
    Path("lacking.py").write_text("import no_such_module\n")
    with pytest.raises(InputError, match=r"importing lacking raised ModuleNotFoundError: .*line 1"):
        model_of("lacking:Model", dataset)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """The current folder, with folders and files of maps whose names are alike."""
    for name in ("a/maps", "b/maps", "maps", "c=d/maps", "x=maps", "y=uniform"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("maps.zip", "r.mat", "m=1.py"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a/maps"], ["maps"]),
        (["a/maps/"], ["maps"]),
        (["a/maps", "b/maps"], ["a/maps", "b/maps"]),
        (["maps", "maps.zip"], ["maps", "maps.zip"]),
        (["r.mat:one", "r.mat:two"], ["r:one", "r:two"]),
        (["net.py:Net", "pack.module:Other"], ["Net", "Other"]),
        (["net.py:Net", "old/net.py:Net"], ["paths/net.py:Net", "old/net.py:Net"]),
        (["Net=net.py:Net", "other.py:Net"], ["Net", "other.py:Net"]),
        (["maps=a/maps", "b/maps"], ["maps", "b/maps"]),
        (["m=1.py:Net", "c=d/maps", "./x=maps"], ["Net", "maps", "x=maps"]),
        (["flat=uniform", "uniform", "centre-bias:0.1"], ["flat", "uniform", "centre-bias:0.1"]),
        (["deepgaze2e:w.pt,device=cpu"], ["deepgaze2e:w.pt,device=cpu"]),
        (["gpu=deepgaze2e:w.pt,device=cuda"], ["gpu"]),
    ],
)
def test_names_of_models(paths, texts, expected):
    specs = named_specs(texts)
    parent = Path.cwd().name
    assert list(specs) == [name.replace("paths/", f"{parent}/") for name in expected]
    assert list(specs.values()) == [split_name(text)[1] for text in texts]


def test_an_equals_sign_of_the_specification(paths):
    for spec in ("m=1.py:Net", "c=d/maps", "./x=maps", "emlnet:imagenet=a,places=b,decoder=c"):
        assert split_name(spec) == (None, spec)
        assert split_name(f"own={spec}") == ("own", spec)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["maps", "maps"], "--maps maps is given twice; give it once, or name each"),
        (["q=maps", "q=a/maps"], "two models are called 'q': --maps q=maps and --maps q=a/maps"),
        (["x=maps"], "x=maps is a path, and maps named 'x', too: for the path write ./x=maps"),
        (["y=uniform"], "y=uniform is a path, and uniform named 'y', too"),
        (["=uniform"], "--maps must be SPEC or NAME=SPEC; got '=uniform'"),
        (["k="], "--maps must be SPEC or NAME=SPEC; got 'k='"),
    ],
)
def test_names_that_are_wrong(paths, texts, message):
    with pytest.raises(InputError) as caught:
        named_specs(texts, "--maps")
    assert message in str(caught.value)


def test_a_name_that_is_registered_and_a_path(folder):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    (folder / "uniform").mkdir()
    for image in dataset.stimuli:
        np.save(folder / "uniform" / f"{image.id}.npy", np.arange(600.0)[: np.prod(image.size)])
    text = "'uniform' is a registered model, and also a folder or file here: say ./uniform for the"
    with pytest.raises(InputError, match=text):
        opened("uniform", dataset)
    assert isinstance(opened("uniform:", dataset), salmetrics.Uniform)
    assert model_of("./uniform", dataset) == "./uniform"


def test_names_and_order_of_maps(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    rng = np.random.default_rng(0)
    arrays = [rng.random(image.size) for image in dataset.stimuli]
    (folder / "maps").mkdir()
    for i, array in enumerate(arrays):
        np.save(folder / "maps" / f"sal_{i + 1:03d}.npy", array)
    expected = salmetrics.nss(arrays, *dataset)
    options = ["evaluate", *DATA, "--model", "maps", "--metrics", "NSS"]
    assert "If they are in the order of the images, say so: --map-name 'sal_{" in error_of(
        capsys, " ".join(options)
    )
    named = [*options, "--map-name", "sal_{position:03d}", "--out", "named.csv"]
    assert main(named) == 0
    assert pd.read_csv("named.csv").value[0] == pytest.approx(expected, abs=1e-12)
    text = "--map-order must be one of"
    assert text in error_of(capsys, [*options, "--map-order", "random"])


@pytest.fixture
def mixed(folder):
    """Maps with names, with a suffix, and without names, of images whose order is not clear."""
    table = pd.read_csv("fixations.csv")
    names = {"0.png": "img1.png", "1.png": "img2.png", "2.png": "img10.png"}
    for old, new in names.items():
        (folder / "images" / old).rename(folder / "images" / new)
    table.assign(file=table["file"].map(names)).to_csv("fixations.csv", index=False)
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="drop")
    for kind, form in (("named", "{}"), ("suffix", "{}_sal")):
        (folder / kind).mkdir()
        for each in dataset.stimuli:
            name = form.format(each.id.removesuffix(".png"))
            np.save(folder / kind / f"{name}.npy", each.image[:, :, 0])
            if kind == "suffix":
                np.save(folder / kind / f"{name}_raw.npy", each.image[:, :, 1])
    shortest = min(each.size[0] for each in dataset.stimuli)
    stack = np.random.default_rng(0).random((3, shortest, 30))
    np.save(folder / "stack.npy", stack)
    return dataset


def test_one_order_for_maps_with_and_without_names(mixed, capsys):
    models = ["named", "stack.npy"]
    reading = {"map_name": None, "map_order": "numbered"}
    assert is_shared(models, [mixed], reading)
    assert not is_shared(models, [mixed], dict.fromkeys(reading))
    assert not is_shared(["stack.npy", "uniform"], [mixed], reading)  # for one model, as it is
    command = ["evaluate", *DATA, "--outside", "drop", "--resize", "bilinear", "--metrics", "NSS"]
    command += ["--n-bootstrap", "0", "--out", "r.h5", "--model", "named", "--model"]
    assert "say which: --map-order" in error_of(capsys, [*command, "stack.npy"])
    assert main([*command, "stack.npy", "--map-order", "numbered"]) == 0
    assert main([*command, "suffix", "--model", "suffix2=suffix", "--map-order", "given"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[2] for line in lines] == [" named", " suffix", " suffix2"]
    assert all("--map-order is for maps without names" in line for line in lines)
    saved = salmetrics.Evaluation.load("r.h5")
    assert list(mixed.stimuli.ids) == ["img1.png", "img10.png", "img2.png"]
    maps = [np.load("stack.npy")[i] for i in (0, 2, 1)]
    model = salmetrics.as_model(maps, mixed.stimuli, kind="saliency_map", resize="bilinear")
    assert saved.value("stack", "NSS") == pytest.approx(salmetrics.nss(model, *mixed), rel=1e-9)


def test_one_template_for_maps_with_and_without_names(mixed, capsys):
    command = ["benchmark", *DATA, "--outside", "drop", "--resize", "bilinear", "--metrics", "NSS"]
    command += ["--n-bootstrap", "0", "--out", "b", "--map-name", "{stem}_sal"]
    error = error_of(capsys, [*command, "--maps", "stack.npy"])
    assert "--map-name is for maps with names" in error
    assert "which --map-order says, so leave --map-name out" in error
    both = ["--map-order", "given", "--maps", "suffix", "stack.npy"]
    assert main([*command, *both]) == 0
    table = pd.read_csv("b/images.csv", index_col="model")
    first = salmetrics.as_model(lambda stimulus: stimulus.image[:, :, 0], kind="saliency_map")
    assert table.loc["suffix", "NSS"] == pytest.approx(salmetrics.nss(first, *mixed), rel=1e-9)
    Path("broken.npz").write_bytes(b"PK")
    assert main([*command, *both, "broken.npz"]) == 2
    assert "broken on images: archive 'broken.npz' cannot be read" in capsys.readouterr().err


def test_errors_name_options_of_the_model(folder, monkeypatch):
    """An option sigma of a model is not the option --sigma of the command."""

    def refuse(name, argument, dataset):
        raise InputError("sigma must be a number; got 'x'")

    monkeypatch.setattr(model_arguments, "named_model", refuse)
    text = "--model 'uniform:sigma=x': its option sigma must be a number"
    with pytest.raises(InputError, match=text) as caught:
        model_of("uniform:sigma=x", None, "--model")
    assert on_command_line(str(caught.value), {"sigma": "--sigma"}) == str(caught.value)
    with pytest.raises(InputError, match=r"^sigma must be"):
        model_of("uniform", None)
