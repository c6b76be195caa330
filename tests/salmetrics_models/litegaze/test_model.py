"""LiteGaze: photographs of its training are predicted by other readouts than those of the rest."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import salmetrics
from salmetrics import InputError
from salmetrics.data.folds import Folds
from salmetrics.datasets import load
from salmetrics_models import LiteGaze, ReadoutModel
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.litegaze.architecture import LITEGAZE
from salmetrics_models.litegaze.readouts_file import write_readouts
from salmetrics_models.weights.files import write_weights
from salmetrics_models.weights.tensor_files import read_safetensors, write_safetensors

N_FOLDS = 3
NAMES = ("efficientnet-lite0", "efficientnet-lite1")


@pytest.fixture(scope="module")
def photographs(shared):
    return load("osie", shared / "data" / "osie", download=False)[:6]


@pytest.fixture(scope="module")
def trained(photographs, tmp_path_factory):
    """A folder with files of random readouts in three folds, their folds, and their images."""
    folder = tmp_path_factory.mktemp("litegaze")
    backbones = tuple(EFFICIENTNET_LITE[name] for name in NAMES)
    architecture = replace(LITEGAZE, backbones=backbones, n_components=2 * N_FOLDS)
    torch.manual_seed(0)
    network = DeepGazeNetwork(architecture)
    for branch in network.branches:
        extractor = branch.features
        load_backbone(extractor.backbone, extractor.network, extractor.backbone.packaged.path())
        with torch.no_grad():  # so that they matter
            branch.readouts.norm_weight0.uniform_(0.5, 1.5)
            branch.readouts.norm_bias0.uniform_(-0.5, 0.5)
    about = {"architecture": architecture.description(), "n_folds": N_FOLDS}
    write_weights(folder / "model.pth", network.state_dict(), about)
    small = salmetrics.resize(photographs, (300, 400))
    folds = Folds({name: i % N_FOLDS for i, name in enumerate(small.stimuli.ids)})
    centres = []
    for k in range(N_FOLDS):  # each has its peak elsewhere
        y, x = np.mgrid[:30, :40]
        log = -((x - 10 * (k + 1)) ** 2 + (y - 15) ** 2) / 200
        centres.append(torch.from_numpy(log - logsumexp(log)))
    whole = ReadoutModel(folder / "model.pth", centre_bias="uniform", device="cpu")
    path = folder / "readouts.safetensors"
    write_readouts(path, whole, small.stimuli, folds, centres, dtype=torch.float32)
    return folder, folds, small


@pytest.fixture(scope="module")
def model(trained):
    return LiteGaze(trained[0] / "readouts.safetensors", device="cpu")


def resized(stimuli, size):
    return salmetrics.resize(
        salmetrics.Dataset("photographs", stimuli, salmetrics.Fixations.none(stimuli)), size
    ).stimuli


@pytest.mark.slow
def test_photographs_of_the_training_are_predicted_by_readouts_that_have_not_seen_them(
    trained, model
):
    """As the model of the training does for its folds, with the centre bias of the fold."""
    folder, folds, small = trained
    for i in (0, 1, 5):
        stimulus = small.stimuli[i]
        k = folds[stimulus.id]
        assert model.fold_of(stimulus) == k
        whole = ReadoutModel(
            folder / "model.pth", centre_bias=model._trained.centres[k], device="cpu"
        )
        part = whole.with_components(whole.components_of(fold=k))
        np.testing.assert_allclose(
            model.log_density(stimulus), part.log_density(stimulus), rtol=0, atol=1e-5
        )


@pytest.mark.slow
def test_other_images_are_predicted_by_all(trained, model, photographs):
    folder, _, small = trained
    mirrored = salmetrics.Stimuli.from_arrays([np.ascontiguousarray(small.stimuli[0].rgb[:, ::-1])])
    assert model.fold_of(mirrored[0]) is None
    whole = ReadoutModel(folder / "model.pth", centre_bias=model._trained.centres[-1], device="cpu")
    found, expected = model.log_density(mirrored[0]), whole.log_density(mirrored[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    strict = LiteGaze(folder / "readouts.safetensors", device="cpu", unknown="error")
    with pytest.raises(InputError, match="is not an image of the training of litegaze"):
        strict.log_density(mirrored[0])
    strict.log_density(small.stimuli[0])


@pytest.mark.slow
def test_a_photograph_of_another_size_has_the_density_of_its_small_copy(
    model, photographs, trained
):
    """Densities are mapped back: each pixel of 400x300 has four at 800x600."""
    large, small = photographs.stimuli[2], trained[2].stimuli[2]
    found = model.log_density(large)
    assert found.shape == large.size
    assert abs(logsumexp(found)) < 1e-5
    pooled = logsumexp(found.reshape(300, 2, 400, 2), axis=(1, 3))
    # linear interpolation moves mass by less than a pixel
    assert np.abs(np.exp(pooled) - np.exp(model.log_density(small))).sum() < 0.01


@pytest.mark.slow
def test_batches_and_copies_are_the_same(trained, model):
    _, _, small = trained
    batched = LiteGaze(trained[0] / "readouts.safetensors", device="cpu", batch_size=4)
    alone = [model.log_density(stimulus) for stimulus in small.stimuli]
    for one, other in zip(batched.log_densities(small.stimuli), alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint
    assert np.array_equal(again.log_density(small.stimuli[0]), alone[0])


@pytest.mark.slow
class TestParts:
    def test_of_one_backbone(self, trained, model):
        folder, folds, small = trained
        one = model.with_backbones([NAMES[1]])
        assert one.name == f"litegaze ({NAMES[1]})"
        assert one.fingerprint != model.fingerprint
        parts = [model.with_backbones([name]).log_density(small.stimuli[0]) for name in NAMES]
        mixture = np.logaddexp(*parts) - np.log(2)
        np.testing.assert_allclose(model.log_density(small.stimuli[0]), mixture, rtol=0, atol=1e-5)

    def test_of_one_instance(self, trained, model):
        _, _, small = trained
        logs = [
            model.with_components(model.components_of(instance=j)).log_density(small.stimuli[1])
            for j in (0, 1)
        ]
        assert not np.allclose(*logs, rtol=0, atol=1e-5)
        found = model.log_density(small.stimuli[1])
        backbones = [model.with_backbones([name]) for name in NAMES]
        parts = [
            part.with_components(part.components_of(instance=j)).log_density(small.stimuli[1])
            for part in backbones
            for j in (0, 1)
        ]
        expected = logsumexp(parts, axis=0) - np.log(len(parts))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

    def test_components_that_were_trained_on_the_image_are_refused(self, trained, model):
        _, folds, small = trained
        k = (folds[small.stimuli[0].id] + 1) % N_FOLDS
        part = model.with_components(model.components_of(fold=k))
        with pytest.raises(InputError, match="all the components that were chosen were trained on"):
            part.log_density(small.stimuli[0])

    @pytest.mark.parametrize(
        ("names", "text"),
        [
            ([], "backbones must be at least one"),
            ([NAMES[0]] * 2, "and different"),
            (["vgg-19"], "backbone must be one of 'efficientnet-lite0'"),
        ],
    )
    def test_wrong_backbones(self, model, names, text):
        with pytest.raises(InputError, match=text):
            model.with_backbones(names)


def test_a_centre_bias_of_ones_own(trained, model):
    folder, _, small = trained
    own = LiteGaze(folder / "readouts.safetensors", centre_bias="uniform", device="cpu")
    assert own.parameters["centre_bias"] == "uniform"
    assert model.parameters["centre_bias"] == "of the training"
    assert own.fingerprint != model.fingerprint


def test_images_that_are_too_narrow(model):
    stimuli = salmetrics.Stimuli.from_arrays([np.zeros((60, 400, 3), np.uint8)])
    with pytest.raises(InputError, match=r"the other side must then have at least 64.* 60 x 400"):
        model.log_density(stimuli[0])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"pixels_per_degree": 30}, "litegaze has no pixels_per_degree"),
        ({"seed": 1}, "litegaze has no seed"),
        ({"unknown": "all"}, "unknown must be one of 'error', 'mixture'"),
    ],
)
def test_wrong_options(trained, option, text):
    with pytest.raises(InputError, match=text):
        LiteGaze(trained[0] / "readouts.safetensors", device="cpu", **option)


class TestFiles:
    def changed(self, trained, tmp_path, change):
        weights = read_safetensors(trained[0] / "readouts.safetensors")
        tensors, about = dict(weights.tensors), dict(weights.about)
        change(tensors, about)
        write_safetensors(tmp_path / "changed.safetensors", tensors, about)
        return tmp_path / "changed.safetensors"

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            (lambda t, a: t.pop("thumbnails"), "is not a file of readouts of litegaze"),
            (lambda t, a: a.pop("architecture"), "is not a file of readouts of litegaze"),
            (lambda t, a: a.update(n_folds=2), "parts are of other numbers of folds"),
            (
                lambda t, a: t.pop("branches.0.readouts.weight0"),
                "missing, the first 'branches.0.readouts",
            ),
            (
                lambda t, a: a["backbones"].update({NAMES[0]: "0" * 16}),
                f"trained on other weights of {NAMES[0]}",
            ),
        ],
    )
    def test_changed(self, trained, tmp_path, change, text):
        with pytest.raises(InputError, match=text):
            LiteGaze(self.changed(trained, tmp_path, change), device="cpu")

    def test_truncated(self, trained, tmp_path):
        content = (trained[0] / "readouts.safetensors").read_bytes()
        (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
        with pytest.raises(InputError, match="damaged, or is not a safetensors file"):
            LiteGaze(tmp_path / "cut.safetensors", device="cpu")
