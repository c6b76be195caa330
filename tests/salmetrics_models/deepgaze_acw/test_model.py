"""DeepGaze IIE-ACW: a density, weighed by category; enlargement, folds, fallback, files."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import salmetrics
from salmetrics import InputError, Stimuli
from salmetrics.models.baselines import GaussianCentreBias
from salmetrics_models import DeepGazeIIEACW
from salmetrics_models.deepgaze_acw.categories import CAT2000
from tests.salmetrics_models.deepgaze_acw.toy import (
    ARCHITECTURE,
    CATEGORIES,
    SIZE,
    loaded,
    saved,
)
from tests.salmetrics_models.rounding import assert_sums_to_one


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("acw") / "model.pth")


@pytest.fixture
def stimuli(rng):
    images = [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(4)]
    return Stimuli.from_arrays(images, "abcd", attributes={"category": ["a", "b", "c", "a"]})


def plain_log_density(model, stimulus, components, weights, mixing):
    """Each component alone at the image's size, their means, the backbones weighed, normalised."""
    network = model.network
    centre = GaussianCentreBias().log_density(stimulus)
    pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).double()
    by_backbone = []
    for branch in network.branches:
        maps, grid = network.maps(branch, pixels)
        readouts = branch.read(maps, grid, torch.tensor(components))[0]
        densities = []
        for readout, c in zip(readouts, components, strict=True):
            full = readout[None, None]
            height, width = readout.shape
            for size in ((2, 2), (8, 8), (64, 64), None):
                shape = (height * size[0], width * size[1]) if size else tuple(stimulus.size)
                full = torch.nn.functional.interpolate(
                    full, size=shape, mode="bicubic", align_corners=True
                )
            log = full[0, 0].numpy() + float(branch.finaliser.centre_weight[c]) * centre
            densities.append(np.exp(log - logsumexp(log)))
        by_backbone.append(np.mean(densities, axis=0))
    if mixing == "density":
        return np.log(sum(w * p for w, p in zip(weights, by_backbone, strict=True)))
    total = sum(w * np.log(p) for w, p in zip(weights, by_backbone, strict=True))
    return total - logsumexp(total)


@pytest.mark.parametrize("mixing", ["log-density", "density"])
def test_prediction_is_that_of_a_plain_implementation(file, stimuli, mixing):
    model = loaded(file, mixing=mixing).with_components([1, 4])  # of fold 1
    raw = model.network.category_weights[1].numpy()
    for stimulus in stimuli:
        row = raw[CATEGORIES.index(stimulus.attributes["category"])]
        weights = np.exp(row) / np.exp(row).sum()
        expected = plain_log_density(model, stimulus, [1, 4], weights, mixing)
        np.testing.assert_allclose(model.log_density(stimulus), expected, rtol=0, atol=1e-10)


def test_all_folds_are_mixed_with_equal_weights(file, stimuli):
    model = loaded(file)
    folds = [model.with_components(model.components_of(fold=k)) for k in range(3)]
    expected = logsumexp([m.log_density(stimuli[0]) for m in folds], axis=0) - math.log(3)
    np.testing.assert_allclose(model.log_density(stimuli[0]), expected, rtol=0, atol=1e-12)


def test_cross_validated_batches_mix_folds_and_categories(file, stimuli):
    model = loaded(file, batch_size=4)
    folds = salmetrics.Folds({"a": 0, "b": 1, "c": 2, "d": 1}, 3)
    found = list(model.cross_validated(folds).log_densities(stimuli))
    for stimulus, log in zip(stimuli, found, strict=True):
        own = model.with_components(model.components_of(fold=folds[stimulus.id]))
        np.testing.assert_allclose(log, own.log_density(stimulus), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mixing", ["log-density", "density"])
def test_it_is_a_density(file, stimuli, dtype, mixing):
    for log in loaded(file, dtype=dtype, mixing=mixing).log_densities(stimuli):
        assert log.shape == SIZE
        assert_sums_to_one(log)


def test_far_readouts_are_still_a_density(tmp_path, stimuli):
    """Cubic interpolation goes beyond the largest readout: exponentials must not overflow."""
    path = saved(tmp_path / "far.pth")
    model = loaded(path, dtype="float32")
    with torch.no_grad():
        for branch in model.network.branches:
            branch.readouts.weight5 *= 1e5
    log = model.log_density(stimuli[0])
    assert np.isfinite(log).all()
    assert_sums_to_one(log)


class TestUnknownCategories:
    def test_mean_weights_and_one_warning(self, file, rng):
        images = [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(3)]
        with_other = Stimuli.from_arrays(
            images, ["x", "y", "z"], attributes={"category": ["a", "new", "newer"]}
        )
        model = loaded(file)
        with pytest.warns(UserWarning, match=r"'y' has category 'new', which is unknown") as seen:
            found = list(model.log_densities(with_other))
        model.with_components([0]).log_density(with_other[2])  # a second one would be an error
        assert len(seen) == 1
        one = model.with_components([0, 3])
        raw = model.network.category_weights[0]
        mean = torch.softmax(raw, -1).mean(0).numpy()
        expected = plain_log_density(model, with_other[1], [0, 3], mean, "log-density")
        np.testing.assert_allclose(one.log_density(with_other[1]), expected, rtol=0, atol=1e-10)
        assert logsumexp(found[1]) == pytest.approx(0, rel=0, abs=1e-12)

    def test_no_category(self, file, rng):
        (stimulus,) = Stimuli.from_arrays([rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)])
        with pytest.warns(UserWarning, match="has no category"):
            loaded(file).log_density(stimulus)

    def test_one_category_for_all(self, file, stimuli):
        model = loaded(file, category="a")
        known = loaded(file)
        np.testing.assert_array_equal(model.log_density(stimuli[0]), known.log_density(stimuli[0]))
        assert np.abs(model.log_density(stimuli[1]) - known.log_density(stimuli[1])).max() > 1e-6
        assert model.fingerprint != known.fingerprint
        with pytest.raises(InputError, match="category must be one of"):
            loaded(file, category="new")


@pytest.fixture(scope="module")
def paper():
    """The model of the report, of its own size, with random weights."""
    return DeepGazeIIEACW(device="cpu")


@pytest.mark.slow
def test_the_papers_model(paper):
    assert paper.n_components == 15
    assert paper.n_folds == 5
    assert paper.components_of(fold=2) == (2, 7, 12)
    assert paper.categories == CAT2000
    assert len(CAT2000) == 20
    weights = paper.category_weights()
    assert weights.shape == (20, 4)
    assert (weights == 0.25).all(axis=None)
    names = ["shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50"]
    assert list(weights.columns) == names
    assert isinstance(paper.centre_bias, GaussianCentreBias)
    assert all(branch.finaliser.sigma is None for branch in paper.network.branches)


def test_smooth_has_the_gaussian_of_the_paper(tmp_path, stimuli):
    architecture = replace(ARCHITECTURE, smooth=True)
    model = loaded(saved(tmp_path / "smooth.pth", architecture=architecture))
    plain = loaded(saved(tmp_path / "plain.pth"))
    assert model.network.branches[0].finaliser.sigma.shape == (6,)
    rough, fine = (np.abs(np.diff(m.log_density(stimuli[0]))).mean() for m in (plain, model))
    assert fine < rough
    narrow = loaded(tmp_path / "smooth.pth")
    with torch.no_grad():
        for branch in narrow.network.branches:
            branch.finaliser.sigma.fill_(0.2)
    # a Gaussian of 0.2 pixels has exp(-12.5) of its weight on each neighbour
    spread = np.ptp(plain.log_density(stimuli[0]))
    np.testing.assert_allclose(
        narrow.log_density(stimuli[0]),
        plain.log_density(stimuli[0]),
        rtol=0,
        atol=4 * np.exp(-12.5) * spread,
    )


def test_save_load_and_other_processes(file, stimuli, tmp_path):
    model = loaded(file, dtype="float32")
    model.save(tmp_path / "again.pth")
    again = loaded(tmp_path / "again.pth", dtype="float32")
    other = pickle.loads(pickle.dumps(again))
    for one in (again, other):
        assert one.fingerprint == model.fingerprint
        np.testing.assert_array_equal(one.log_density(stimuli[1]), model.log_density(stimuli[1]))
    assert again.n_folds == 3
    assert again.categories == CATEGORIES
    weights = again.category_weights(fold=1)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-14, atol=0)
    np.testing.assert_allclose(
        again.category_weights(),
        np.mean([again.category_weights(fold=k) for k in range(3)], axis=0),
        rtol=1e-14,
        atol=0,
    )


def test_wrong_files_and_options(file, tmp_path):
    with pytest.raises(InputError, match="has no published weights"):
        DeepGazeIIEACW.from_pretrained()
    with pytest.raises(InputError, match="backbone must be one of"):
        DeepGazeIIEACW(file, device="cpu")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="has no description with categories"):
        loaded(tmp_path / "other.pth")
    for options, text in (
        ({"mixing": "mean"}, "mixing must be one of"),
        ({"smooth": 2}, "smooth must be one of"),
        ({"n_folds": 4}, "n_folds must divide 15; got 4"),
        ({"categories": ["a", "a"]}, "categories must be different names"),
        ({"categories": []}, "categories must be different names, at least one"),
        ({"centre_bias": "round"}, "round"),
        ({"backbones": {"a": 1}}, "backbones must be a list of Backbone; got 'a'"),
    ):
        with pytest.raises(InputError, match=text):
            DeepGazeIIEACW(device="cpu", **options)
    with pytest.raises(InputError, match="fold must be from 0 to 2"):
        loaded(file).category_weights(3)


def test_the_order_of_components_is_known(file):
    """Weights of categories belong to folds, so another order would mix those of other folds."""
    model = loaded(file)
    folds = salmetrics.Folds({"a": 0, "b": 1, "c": 2}, 3)
    for options in ({"component_order": "fold-major"}, {"fold_offset": 1}):
        with pytest.raises(InputError, match="are instance-major, starting with fold 0; got"):
            model.components_of(fold=0, **options)
        with pytest.raises(InputError, match="are instance-major"):
            model.cross_validated(folds, **options)


def test_small_images_are_refused(paper, rng):
    small = Stimuli.from_arrays([rng.integers(0, 256, (200, 400, 3), dtype=np.uint8)], ["s"])
    with pytest.raises(InputError, match=r"at least 272 pixels .*'s' has 200 x 400"):
        paper.log_density(small[0])
