"""`salmetrics predict`, without networks; with them, see tests/salmetrics_models."""

import numpy as np
import pytest

import salmetrics
from salmetrics.cli import main
from salmetrics.datasets.folder import load_images
from tests.cli.command_line import error_of


def test_images_without_fixations(folder, capsys):
    command = ["predict", "--images", "images", "--model", "uniform", "--first", "2"]
    assert main([*command, "--out", "logs.h5"]) == 0
    assert "wrote logs.h5: 2 log densities of uniform" in capsys.readouterr().out
    stimuli = load_images("images")[:2]
    stored = salmetrics.as_model("logs.h5", stimuli)
    for stimulus in stimuli:
        expected = np.full(stimulus.size, -np.log(np.prod(stimulus.size)))
        np.testing.assert_allclose(
            stored.log_density(stimulus),
            expected,
            rtol=np.finfo(np.float32).eps,  # stored as float32: half of this
        )


def test_data_sets(result, capsys):
    command = ["predict", "--dataset", "data.h5", "--model", "gaussian-centre-bias"]
    assert main([*command, "--dtype", "float64", "--out", "logs"]) == 0
    assert "wrote logs: 4 log densities of gaussian-centre-bias" in capsys.readouterr().out
    stimulus = salmetrics.read_hdf5("data.h5").stimuli[3]
    expected = salmetrics.GaussianCentreBias().log_density(stimulus)
    np.testing.assert_array_equal(np.load(f"logs/{stimulus.id}.npy"), expected)


def test_settings_reach_the_model_and_the_report(folder, monkeypatch, capsys):
    specs = []

    class Network(salmetrics.Uniform):
        name = "network"

        @property
        def parameters(self):
            return {"weights": "w.pth", "device": "cpu", "hidden": [1, 2], "autocast": False}

    def named_model(name, argument, dataset):
        specs.append((name, argument))
        return Network()

    monkeypatch.setattr("salmetrics.cli.predict.named_model", named_model)
    command = "predict --images images --model uniform --weights w.pth --batch-size 2 --fold 1"
    assert main([*command.split(), "--autocast", "--out", "logs.h5"]) == 0
    assert specs == [("uniform", "w.pth,batch_size=2,autocast=yes,fold=1")]
    assert "made with weights w.pth, device cpu, fold 1\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--model uniform", "give --dataset or --images, exactly one of them"),
        ("--images images --dataset x --model uniform", "exactly one of them"),
        ("--images images --root x --model uniform", "--root needs --dataset"),
        ("--images images --model other", "--model must be one of 'centre-bias'"),
        ("--images images --model uniform --device cpu", "takes no argument; got 'device=cpu'"),
        (
            "--images images --model uniform --weights a,fold=3.pth",
            "'a,fold=3.pth' looks like several options, with a comma before 'name='; rename it",
        ),
        ("--images empty --model uniform", "no images in 'empty'"),
    ],
)
def test_errors(folder, capsys, arguments, text):
    assert text in error_of(capsys, f"predict {arguments} --out x")
    assert not (folder / "x").exists()


def test_saliency_maps_are_refused(folder, monkeypatch, capsys):
    class Flat(salmetrics.SaliencyMapModel):
        def saliency_map(self, stimulus):
            return np.ones(stimulus.size)

    monkeypatch.setattr("salmetrics.cli.predict.named_model", lambda *spec: Flat())
    error = error_of(capsys, "predict --images images --model uniform --out x")
    assert "uniform gives saliency maps, not densities; use export-maps" in error
