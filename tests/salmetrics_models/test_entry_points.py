"""Models on the command line: `salmetrics predict`, and options after commas."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import Fixations, Folds, InputError, Stimuli
from salmetrics.cli import main
from salmetrics.datasets.folder import load_images
from salmetrics.models.baselines import GaussianCentreBias
from salmetrics_models import DeepGazeI, DeepGazeII, DeepGazeIIE, DeepGazeIIEACW, EMLNet
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E, DEEPGAZE_2E_ACW
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.emlnet.network import FORMS
from salmetrics_models.entry_points import deepgaze2, deepgaze2e, deepgaze2e_acw, emlnet, readout
from salmetrics_models.weights.files import write_weights
from tests.salmetrics_models.rounding import EPS32
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.toy_models import OPTIONS, TOY_1, TOY_2, TOY_2E


@pytest.fixture
def toys(monkeypatch):
    """The models of the command line on small networks."""
    for model, architecture in ((DeepGazeI, TOY_1), (DeepGazeII, TOY_2), (DeepGazeIIE, TOY_2E)):
        monkeypatch.setattr(model, "architecture", architecture)
        if model is not DeepGazeI:
            monkeypatch.setattr(model, "more_backbones", tuple(SEES.values()))


@pytest.fixture
def images(tmp_path, monkeypatch, photo):
    from PIL import Image

    (tmp_path / "images").mkdir()
    Image.fromarray(photo).save(tmp_path / "images" / "a.png")
    Image.fromarray(photo[:, ::-1]).convert("CMYK").save(tmp_path / "images" / "b.jpg")
    Image.fromarray(photo[:, :, 0].astype(np.uint16) * 256).save(tmp_path / "images" / "c.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_predict(images, toys, capsys, toy_file_1):
    command = ["predict", "--images", "images", "--model", "deepgaze1"]
    command += ["--weights", str(toy_file_1)]
    options = ["--device", "cpu", "--batch-size", "2", "--centre-bias", "uniform"]
    options += ["--precision", "float64"]
    assert main([*command, *options, "--out", "logs.h5"]) == 0
    out = capsys.readouterr().out
    assert "wrote logs.h5: 3 log densities of deepgaze1" in out
    assert "made with weights " in out
    assert "centre_bias uniform, device cpu, dtype float64" in out
    stimuli = load_images("images")
    stored = salmetrics.as_model("logs.h5", stimuli)
    model = DeepGazeI(toy_file_1, **OPTIONS, dtype="float64")
    for stimulus in stimuli:
        found, expected = stored.log_density(stimulus), model.log_density(stimulus)
        # logs are stored in float32
        np.testing.assert_allclose(found, expected, rtol=EPS32, atol=0)


def made_by(monkeypatch, command):
    """Return the model that a command makes."""
    found = []

    def kept(model, stimuli, path, **options):
        found.append(model)
        return path

    monkeypatch.setattr("salmetrics.cli.predict.export_predictions", kept)
    words = ["predict", "--images", "images", "--device", "cpu", "--out", "x.h5", *command]
    assert main(words) == 0
    return found[0]


@pytest.fixture
def file_2(toys, tmp_path):
    path = tmp_path / "weights, second=try.pth"  # commas and equality signs are no options
    DeepGazeII(None, n_components=3, **OPTIONS).save(path)
    return path


def test_predict_options(images, file_2, monkeypatch, photo):
    np.save(images / "a,b.npy", np.full((9, 9), -np.log(81)))
    Folds({"a.png": 2, "b.jpg": 0, "c.png": 1}).save(images / "folds.csv")
    common = ["--model", "deepgaze2", "--weights", str(file_2), "--centre-bias", "a,b.npy"]
    more = "--threads 2 --precision float64 --autocast --batch-size 3 --pixels-per-degree 25 "
    model = made_by(monkeypatch, [*common, *more.split(), "--fold", "1"])
    assert (model.n_threads, model.dtype, model.autocast, model.batch_size) == (
        2,
        "float64",
        True,
        3,
    )
    assert (model.pixels_per_degree, model.components) == (25, (1,))
    assert model.centre_bias.name == "a,b"
    crossed = made_by(monkeypatch, [*common, "--folds", "folds.csv", "--unknown", "mixture"])
    assert [crossed.model_for(i).components for i in ("a.png", "b.jpg", "c.png")] == [
        (2,),
        (0,),
        (1,),
    ]
    assert crossed.unknown == "mixture"
    assert crossed.parameters["components"] == [[0], [1], [2]]
    assert crossed.parameters["weights"] == DeepGazeII(file_2, **OPTIONS).weights_digest
    with pytest.raises(InputError, match="option of deepgaze2 must be one of"):
        deepgaze2("random,color=red", None)
    with pytest.raises(InputError, match="autocast must be one of 'yes', 'no'"):
        deepgaze2("random,autocast=1", None)
    # the pixels per degree of a data set
    stimuli = Stimuli.from_arrays([photo], pixels_per_degree=30)
    fixations = Fixations.from_arrays([3], [3], [0])
    dataset = salmetrics.Dataset("mine", stimuli, fixations)
    argument = f"{file_2},centre=uniform,device=cpu,pixels_per_degree="
    assert deepgaze2(argument + "dataset", dataset).pixels_per_degree == 30
    with pytest.raises(InputError, match="must be a number, or 'dataset'; got 'many'"):
        deepgaze2(argument + "many", dataset)
    unknown = salmetrics.Dataset("mine", Stimuli.from_arrays([photo]), fixations)
    with pytest.raises(InputError, match="of 'mine' is not known; give a number"):
        deepgaze2(argument + "dataset", unknown)


def test_folds_of_mit1003_and_other_data_sets(toys, toy_file_2e, photo):
    """One name of a model for MIT1003 and for a data set that it was not trained on."""
    stimuli = Stimuli.from_arrays([photo], ids=["1.jpg"])
    other = salmetrics.Dataset("toronto", stimuli, Fixations.from_arrays([3], [3], [0]))
    argument = f"{toy_file_2e},centre=uniform,device=cpu,folds=mit1003"
    with pytest.raises(InputError, match="says nothing about the images of toronto; with unknown="):
        deepgaze2e(argument, other)
    with pytest.raises(InputError, match="unknown must be one of 'error', 'mixture'; got 'x'"):
        deepgaze2e(f"{argument},unknown=x", other)
    model = deepgaze2e(f"{argument},unknown=mixture", other)
    whole = deepgaze2e(argument.removesuffix(",folds=mit1003"), other)
    assert model.components == whole.components
    np.testing.assert_array_equal(model.log_density(stimuli[0]), whole.log_density(stimuli[0]))
    # a part of MIT1003 is no other data set: its images were trained on
    part = salmetrics.Dataset("mine", stimuli, other.fixations, {"title": "MIT1003"})
    with pytest.raises(InputError, match="the folds of MIT1003 are defined on all its 1003"):
        deepgaze2e(f"{argument},unknown=mixture", part)
    sizes = [(4, 4)] * 1003
    known = salmetrics.Dataset("mit1003", Stimuli.from_sizes(sizes), None)
    crossed = deepgaze2e(f"{argument},unknown=mixture", known)
    assert len(crossed.models) == 10


@pytest.mark.slow
def test_predict_options_2e(images, toys, monkeypatch, toy_file_2e):
    common = ["--model", "deepgaze2e", "--weights", str(toy_file_2e), "--centre-bias", "uniform"]
    model = made_by(monkeypatch, [*common, "--fold", "3", "--component-order", "fold-major"])
    assert model.components == (9, 10, 11)
    model = made_by(
        monkeypatch, [*common, *["--instance", "1", "--fold", "3", "--fold-offset", "2"]]
    )
    assert model.components == (11,)
    Folds({"a.png": 2, "b.jpg": 0, "c.png": 1}, n_folds=10).save("folds.csv")
    crossed = made_by(monkeypatch, [*common, "--folds", "folds.csv", "--fold-offset", "1"])
    assert crossed.model_for("b.jpg").components == (9, 19, 29)


def test_predict_acw(images, toy_acw, monkeypatch):
    """Images are smaller than 272 pixels, so the model is made, and no image predicted."""
    command = ["--model", "deepgaze2e-acw", "--weights", "random", "--category", "Art"]
    monkeypatch.setattr(DeepGazeIIEACW, "check_data", lambda self, *data: None)
    model = made_by(monkeypatch, [*command, "--centre-bias", "gaussian", "--fold", "2"])
    assert model.category == "Art"
    assert model.components == (2, 7, 12)


@pytest.mark.slow
def test_predict_resumes_after_a_kill(images, photo, monkeypatch):
    """SIGKILL at any time: the same command makes the same file, from what was predicted."""
    from PIL import Image

    architecture = replace(
        DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=30, downsample=1, map_factor=1
    )
    about = {"architecture": architecture.description(), "n_folds": 10}
    torch.manual_seed(0)
    write_weights(images / "model.pth", DeepGazeNetwork(architecture).state_dict(), about)
    for i in range(40):
        Image.fromarray(np.roll(photo, 3 * i, 1)).save(images / "images" / f"more{i}.png")
    command = ["predict", "--images", "images", "--device", "cpu", "--threads", "1"]
    command += ["--model", "readout", "--weights", "model.pth", "--centre-bias", "uniform"]
    assert main([*command, "--out", "whole.h5"]) == 0
    child = [sys.executable, "-m", "salmetrics", *command, "--out", "killed.h5"]
    running = subprocess.Popen(child, stderr=subprocess.DEVNULL)
    while not list(images.glob("killed.h5.partial/**/*.chunk")) and running.poll() is None:
        time.sleep(0.01)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    assert not (images / "killed.h5").exists()
    n_predicted = 0
    forward = DeepGazeNetwork.forward

    def counted(self, *arguments):
        nonlocal n_predicted
        n_predicted += 1
        return forward(self, *arguments)

    monkeypatch.setattr(DeepGazeNetwork, "forward", counted)
    assert main([*command, "--out", "killed.h5"]) == 0
    assert n_predicted in (43 - 16, 43 - 32)  # those of the chunks that were kept are not again
    assert not (images / "killed.h5.partial").exists()
    stimuli = load_images("images")
    for one, other in zip(
        salmetrics.as_model("killed.h5", stimuli).log_densities(stimuli),
        salmetrics.as_model("whole.h5", stimuli).log_densities(stimuli),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--model deepgaze1 --weights a,fold=3.pth", "'a,fold=3.pth' looks like several options"),
        ("--model deepgaze1 --weights random --centre-bias uniform --fold 1", "has no folds; it"),
        (
            "--model deepgaze2 --weights random --centre-bias uniform --instance 1",
            "instance must be from 0 to 0; got 1",
        ),
        ("--model deepgaze2 --weights random --centre-bias uniform --fold 1", "from 0 to 0; got 1"),
        ("--model deepgaze2 --weights random --centre-bias uniform --folds x.csv", "no file 'x"),
        (
            "--model deepgaze1 --weights random --centre-bias uniform --pixels-per-degree x",
            "--pixels-per-degree must be a number, or 'dataset'; got 'x'",
        ),
        (
            "--model deepgaze1 --weights random",
            "no fixations to fit a centre bias to; give centre=",
        ),
        ("--model deepgaze2", "deepgaze2 has no published weights; give a file: deepgaze2:FILE"),
        ("--model deepgaze2 --centre-bias uniform", "deepgaze2 has no published weights"),
        ("--model other --weights random", "--model must be one of"),
        ("--model deepgaze1 --weights random,color=red", "looks like several options"),
        ("--model deepgaze1 --batch-size x", "deepgaze1: batch_size has an invalid value; got 'x'"),
        ("--model deepgaze1 --weights none.pth --centre-bias uniform", "no file 'none.pth'"),
        ("--model deepgaze1 --weights random --centre-bias none.npy", "no file 'none.npy'"),
        ("--model deepgaze1 --weights random --centre-bias images/a.png", "not a .npy file"),
        ("--model deepgaze1 --dataset x --weights random", "give --dataset or --images"),
        ("--model deepgaze1 --root x --weights random", "--root needs --dataset"),
    ],
)
def test_predict_errors(images, toys, capsys, arguments, text):
    assert main(["predict", "--images", "images", *arguments.split(), "--out", "x"]) == 2
    assert text in capsys.readouterr().err
    assert not (images / "x").exists()


# ---- options after commas


@pytest.fixture
def toy_acw(monkeypatch):
    """DeepGaze IIE-ACW on small networks, 15 components as the report has them."""
    architecture = replace(DEEPGAZE_2E_ACW, backbones=tuple(SEES.values()))
    monkeypatch.setattr("salmetrics_models.deepgaze_acw.model.DEEPGAZE_2E_ACW", architecture)


class TestACW:
    def test_random(self, toy_acw):
        model = deepgaze2e_acw("random,category=Art,device=cpu,fold=1", None)
        assert model.category == "Art"
        assert model.components == (1, 6, 11)
        assert isinstance(model.centre_bias, GaussianCentreBias)

    @pytest.mark.parametrize(
        ("argument", "text"),
        [
            (None, "deepgaze2e-acw:FILE"),
            ("random,form=paper", "option of deepgaze2e-acw must be one of"),
            ("random,category=Nothing", "category must be one of"),
            ("nowhere.pth", "nowhere.pth"),
        ],
    )
    def test_wrong(self, toy_acw, argument, text):
        with pytest.raises(InputError, match=text):
            deepgaze2e_acw(argument, None)


class TestEMLNet:
    @pytest.fixture
    def toy_form(self, monkeypatch):
        backbones = {"imagenet": SEES["red"], "places": SEES["green"]}
        form = replace(FORMS["public"], backbones=backbones)
        monkeypatch.setitem(FORMS, "public", form)

    @pytest.fixture
    def stimulus(self, photo):
        (stimulus,) = Stimuli.from_arrays([photo])
        return stimulus

    def test_files(self, toy_form, stimulus, tmp_path):
        """The authors' three files; names of their tensors are in `emlnet.published`."""
        network = EMLNet(device="cpu", seed=3).network
        encoders = {
            name: {
                key.removeprefix("network.").replace("outputs.", "output"): tensor
                for key, tensor in network.encoder(name).state_dict().items()
            }
            for name in network.names
        }
        decoder = {
            key.replace("maps.0", "img_model").replace("maps.1", "pla_model"): tensor
            for key, tensor in network.decoder.state_dict().items()
        }
        for name, state in {**encoders, "decoder": decoder}.items():
            torch.save(state, tmp_path / f"{name}.pth")
        argument = ",".join(
            f"{name}={tmp_path / name}.pth" for name in ("imagenet", "places", "decoder")
        )
        model = emlnet(f"{argument},size=96x128,device=cpu", None)
        expected = EMLNet(device="cpu", seed=3, size=(96, 128))
        np.testing.assert_array_equal(model.saliency_map(stimulus), expected.saliency_map(stimulus))

    def test_a_training(self, tmp_path):
        """A file may name any backbone that is known."""
        backbones = {"one": FORMS["public"].backbones["imagenet"]}
        model = EMLNet(device="cpu", size=(64, 64), backbones=backbones)
        model.save(tmp_path / "model.pth")
        again = emlnet(f"{tmp_path / 'model.pth'},encoder=one,sigma=0,device=cpu", None)
        assert again.name == "emlnet (one alone)"
        assert again.parameters["size"] == [64, 64]

    @pytest.mark.parametrize(
        ("argument", "text"),
        [
            (None, "emlnet:imagenet=FILE,places=FILE,decoder=FILE"),
            ("imagenet=a.pth", "emlnet:imagenet=FILE"),
            ("random,decoder=a.pth", "emlnet:imagenet=FILE"),
            ("random,size=a", "size has an invalid value; got 'a'"),
            ("random,fold=1", "option of emlnet must be one of"),
            ("random,pad=1", "pad must be one of"),
            ("nowhere.pth", "nowhere.pth"),
        ],
    )
    def test_wrong(self, argument, text):
        with pytest.raises(InputError, match=text):
            emlnet(argument, None)


class TestReadout:
    def test_a_training(self, tmp_path):
        architecture = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=6)
        about = {"architecture": architecture.description(), "n_folds": 3}
        state = DeepGazeNetwork(architecture).state_dict()
        write_weights(tmp_path / "model.pth", state, about)
        argument = f"{tmp_path / 'model.pth'},centre=uniform,device=cpu,fold=2"
        assert readout(argument, None).components == (2, 5)

    def test_a_file_is_needed(self):
        for argument in (None, "device=cpu"):
            with pytest.raises(InputError, match="readout:FILE"):
                readout(argument, None)
