"""DeepGaze II: alignment, scale of features, checkpoints of its own, folds."""

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import Fixations, Folds, InputError, Stimuli
from salmetrics_models import DeepGazeII
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2
from tests.salmetrics_models.rounding import EPS32, assert_sums_to_one
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeII


@pytest.fixture(scope="module")
def published():
    """The model on VGG-19, with random weights."""
    return DeepGazeII(None, n_components=3, **OPTIONS)


@pytest.fixture
def model():
    """The same on a small network."""
    return ToyDeepGazeII(None, n_components=3, **OPTIONS)


@pytest.fixture
def stimuli(photo):
    return Stimuli.from_arrays([photo, photo[::-1].copy(), photo[:90]])


@pytest.mark.slow
def test_parameters_of_the_paper(published):
    """Layers of 16, 32, 2 and 1 channels on 5 x 512 features, and a blur."""
    n = 2560 * 16 + 16 + 16 * 32 + 32 + 32 * 2 + 2 + 2 + 1
    branch = published.network.branches[0]
    assert sum(p.numel() for p in branch.readouts.parameters()) == 3 * n
    assert sum(p.numel() for p in branch.finaliser.parameters()) == 3
    features = branch.features.network.features
    assert sum(p.numel() for p in features.parameters()) == 20_024_384  # VGG-19's convolutions
    assert [layer.activation for layer in DEEPGAZE_2.layers] == ["relu", "relu", "relu", None]


@pytest.mark.slow
def test_an_impulse_is_at_the_same_place_in_all_layers(published):
    """Where the receptive fields of units of the fifth stage have their centre."""
    branch = published.network.branches[0]
    size, grid = (112, 144), (56, 72)  # of the image at half its resolution
    rng = np.random.default_rng(2)
    for row, column in ((3, 5), (4, 3)):
        at_y, at_x = 16 * row + 7, 16 * column + 7
        totals = np.zeros((5, *grid))
        for _ in range(2):
            flat = torch.from_numpy(rng.uniform(90, 160, (1, 3, *size))).float()
            dotted = flat.clone()
            dotted[..., at_y : at_y + 2, at_x : at_x + 2] = torch.from_numpy(
                rng.choice([0.0, 255.0], (1, 3, 1, 1))
            ).float()
            with torch.inference_mode():
                moved = (_at_grid(branch, dotted, grid) - _at_grid(branch, flat, grid)).abs()
            totals += moved.view(5, 512, *grid).sum(1).numpy()
        for total in totals:
            peak = np.unravel_index(total.argmax(), grid)
            # the centre of conv2_1's unit j is at 2 j + 0.5, that of the block at at_y + 0.5
            assert abs(peak[0] - at_y / 2) <= 1
            assert abs(peak[1] - at_x / 2) <= 1


def test_feature_scale(model, stimuli):
    before = model.log_density(stimuli[0])
    model.fit_feature_scale(stimuli, progress=False)
    branch = model.network.branches[0]
    first, second = [], []
    for stimulus in stimuli:
        images = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).float()
        with torch.inference_mode():
            maps = branch.features(images[..., ::2, ::2])
        for values, features in zip((first, second), maps, strict=True):
            values.append(features[0].flatten(1))
    by_layer = [torch.cat(values, 1).std(1, correction=0) for values in (first, second)]
    spread = torch.cat(by_layer) / branch.feature_scale
    moving = spread > 0
    assert moving.float().mean() > 0.5
    # the spread here is of float32 sums over some 3000 units, the scale of float64 sums
    np.testing.assert_allclose(spread[moving], 1, rtol=0, atol=64 * EPS32)
    assert torch.isfinite(branch.feature_scale).all()
    assert abs(model.log_density(stimuli[0]) - before).max() > 0
    with pytest.raises(InputError, match="no images"):
        model.fit_feature_scale(stimuli[:0])


def test_save_and_load(model, stimuli, tmp_path):
    model.save(tmp_path / "two.pth")
    again = ToyDeepGazeII(tmp_path / "two.pth", **OPTIONS)
    assert again.n_components == 3
    np.testing.assert_array_equal(again.log_density(stimuli[2]), model.log_density(stimuli[2]))
    assert again.weights_digest == model.weights_digest
    assert again.fingerprint == model.fingerprint


def test_load_backbone(model, tmp_path):
    own = model.network.branches[0].features.network.state_dict()
    before = model.weights_digest
    state = {key: tensor + 0.1 for key, tensor in own.items()}
    torch.save(state | {"classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "ours.pth")
    model.load_backbone(tmp_path / "ours.pth")
    assert model.weights_digest != before
    loaded = model.network.branches[0].features.network.state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in state.items())
    torch.save({"first.0.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match=r"3 missing, the first 'first\.0\.bias'"):
        model.load_backbone(tmp_path / "wrong.pth")
    with pytest.raises(InputError, match="is of another model"):
        ToyDeepGazeII(tmp_path / "ours.pth", **OPTIONS)


def test_each_fold_by_its_component(model, stimuli):
    folds = Folds({"0": 2, "1": 0, "2": 1})
    found = model.cross_validated(folds)
    fixations = Fixations.from_arrays([40, 90, 60], [30, 60, 50], [0, 1, 2])
    result = salmetrics.evaluate(found, stimuli, fixations, metrics=["LL"], n_bootstrap=0)
    assert np.isfinite(result.value("cross-validated deepgaze2", "LL"))
    for stimulus in stimuli:
        part = model.with_components((folds[stimulus.id],))
        np.testing.assert_array_equal(found.log_density(stimulus), part.log_density(stimulus))
    with pytest.raises(InputError, match="folds must be the 3 folds of deepgaze2; got 2"):
        model.cross_validated(Folds({"0": 0, "1": 1}))


def test_densities(model, stimuli):
    for stimulus, log in zip(stimuli, model.log_densities(stimuli), strict=True):
        assert log.shape == tuple(stimulus.size)
        assert_sums_to_one(log)
    with pytest.raises(InputError, match="n_components must be a whole number >= 1"):
        ToyDeepGazeII(None, n_components=0, **OPTIONS)


def test_nothing_is_published(model, stimuli, tmp_path):
    with pytest.raises(InputError, match="has no published weights"):
        ToyDeepGazeII.from_pretrained()
    model.save(tmp_path / "two.pth")
    again = ToyDeepGazeII.from_pretrained(tmp_path / "two.pth", **OPTIONS)
    np.testing.assert_array_equal(again.log_density(stimuli[2]), model.log_density(stimuli[2]))


def _at_grid(branch, images, grid):
    return branch.at_grid(branch.maps(images), grid)
