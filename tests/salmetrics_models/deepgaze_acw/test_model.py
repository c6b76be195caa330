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
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW
from salmetrics_models.deepgaze.finaliser import blurred, nearest_enlargement, stepwise_enlargement
from salmetrics_models.deepgaze_acw.categories import CAT2000
from salmetrics_models.entry_points import deepgaze2e_acw
from tests.salmetrics_models.toy_backbones import SEES

SIZE = (96, 128)
ARCHITECTURE = replace(
    DEEPGAZE_2E_ACW,
    backbones=tuple(SEES.values()),
    n_components=6,
    downsample=1,
    readout_factor=8,
    least_side=32,
)
CATEGORIES = ("a", "b", "c")


def saved(path, *, n_folds=3, mixing="log-density", architecture=ARCHITECTURE, seed=0):
    """A file of a small model with random numbers, also in the weights of categories."""
    from salmetrics_models.deepgaze_acw.network import CategoryNetwork
    from salmetrics_models.weights.files import write_weights

    torch.manual_seed(seed)
    network = CategoryNetwork(architecture, n_folds, len(CATEGORIES), mixing)
    with torch.no_grad():
        network.category_weights.normal_()
    about = {
        "architecture": architecture.description(),
        "n_folds": n_folds,
        "categories": list(CATEGORIES),
        "mixing": mixing,
    }
    write_weights(path, network.state_dict(), about)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("acw") / "model.pth")


def loaded(path, **options):
    options = {"backbones": SEES.values(), "device": "cpu", "dtype": "float64"} | options
    return DeepGazeIIEACW(path, **options)


@pytest.fixture
def stimuli(rng):
    images = [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(4)]
    return Stimuli.from_arrays(images, "abcd", attributes={"category": ["a", "b", "c", "a"]})


class TestEnlargement:
    def test_steps_are_those_of_torch(self, rng):
        """A map of 8 x 15 as the paper has it: to 16 x 30, 64 x 120, 512 x 960 and the image."""
        small = torch.from_numpy(rng.normal(size=(1, 1, 8, 15)))
        expected = small
        for size in ((16, 30), (64, 120), (512, 960), (1080, 1920)):
            expected = torch.nn.functional.interpolate(
                expected, size=size, mode="bicubic", align_corners=True
            )
        where = torch.float64, torch.device("cpu")
        down, across = stepwise_enlargement(8, 1080, *where), stepwise_enlargement(15, 1920, *where)
        np.testing.assert_allclose(down @ small @ across.T, expected, atol=1e-12)

    def test_blur_is_scipys(self, rng):
        """Gaussians of several widths, edges repeated, cut where the reach is a whole number."""
        from scipy.ndimage import gaussian_filter1d

        where = torch.float64, torch.device("cpu")
        for enlarge in (nearest_enlargement, stepwise_enlargement):
            plain = enlarge(7, 90, *where)
            found = blurred(plain, torch.tensor([1.0, 4.0], dtype=torch.float64))
            for one, sigma in zip(found, (1.0, 4.0), strict=True):
                expected = gaussian_filter1d(plain.numpy(), sigma, 0, mode="nearest", truncate=3)
                np.testing.assert_allclose(one, expected, atol=1e-12)


def plain_log_density(model, stimulus, components, weights, mixing):
    """Each component alone at the image's size, their means, the backbones weighed, normalised."""
    network = model.network
    centre = GaussianCentreBias().log_density(stimulus)
    pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).double()
    of_backbones = []
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
        of_backbones.append(np.mean(densities, axis=0))
    if mixing == "density":
        return np.log(sum(w * p for w, p in zip(weights, of_backbones, strict=True)))
    total = sum(w * np.log(p) for w, p in zip(weights, of_backbones, strict=True))
    return total - logsumexp(total)


@pytest.mark.parametrize("mixing", ["log-density", "density"])
def test_prediction_is_that_of_a_plain_implementation(file, stimuli, mixing):
    model = loaded(file, mixing=mixing).with_components([1, 4])  # of fold 1
    raw = model.network.category_weights[1].numpy()
    for stimulus in stimuli:
        row = raw[CATEGORIES.index(stimulus.attributes["category"])]
        weights = np.exp(row) / np.exp(row).sum()
        expected = plain_log_density(model, stimulus, [1, 4], weights, mixing)
        np.testing.assert_allclose(model.log_density(stimulus), expected, atol=1e-9)


def test_all_folds_are_mixed_with_equal_weights(file, stimuli):
    model = loaded(file)
    folds = [model.with_components(model.components_of(fold=k)) for k in range(3)]
    expected = logsumexp([m.log_density(stimuli[0]) for m in folds], axis=0) - math.log(3)
    np.testing.assert_allclose(model.log_density(stimuli[0]), expected, atol=1e-12)


def test_cross_validated_batches_mix_folds_and_categories(file, stimuli):
    model = loaded(file, batch_size=4)
    folds = salmetrics.Folds({"a": 0, "b": 1, "c": 2, "d": 1}, 3)
    found = list(model.cross_validated(folds).log_densities(stimuli))
    for stimulus, log in zip(stimuli, found, strict=True):
        own = model.with_components(model.components_of(fold=folds[stimulus.id]))
        np.testing.assert_allclose(log, own.log_density(stimulus), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mixing", ["log-density", "density"])
def test_it_is_a_density(file, stimuli, dtype, mixing):
    for log in loaded(file, dtype=dtype, mixing=mixing).log_densities(stimuli):
        assert log.shape == SIZE
        assert logsumexp(log.astype(float)) == pytest.approx(0, abs=1e-5)


def test_far_readouts_are_still_a_density(tmp_path, stimuli):
    """Cubic interpolation goes beyond the largest readout: exponentials must not overflow."""
    path = saved(tmp_path / "far.pth")
    model = loaded(path, dtype="float32")
    with torch.no_grad():
        for branch in model.network.branches:
            branch.readouts.weight5 *= 1e5
    log = model.log_density(stimuli[0])
    assert np.isfinite(log).all()
    assert logsumexp(log.astype(float)) == pytest.approx(0, abs=1e-4)


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
        np.testing.assert_allclose(one.log_density(with_other[1]), expected, atol=1e-9)
        assert logsumexp(found[1]) == pytest.approx(0, abs=1e-9)

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


def test_the_papers_model():
    model = DeepGazeIIEACW(device="cpu")
    assert model.n_components == 15
    assert model.n_folds == 5
    assert model.components_of(fold=2) == (2, 7, 12)
    assert model.categories == CAT2000
    assert len(CAT2000) == 20
    weights = model.category_weights()
    assert weights.shape == (20, 4)
    assert (weights == 0.25).all(axis=None)
    names = ["shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50"]
    assert list(weights.columns) == names
    assert isinstance(model.centre_bias, GaussianCentreBias)
    assert all(branch.finaliser.sigma is None for branch in model.network.branches)


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
    np.testing.assert_allclose(
        narrow.log_density(stimuli[0]), plain.log_density(stimuli[0]), atol=1e-4
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
    assert weights.sum(axis=1).to_numpy() == pytest.approx(1)
    np.testing.assert_allclose(
        again.category_weights(),
        np.mean([again.category_weights(fold=k) for k in range(3)], axis=0),
    )


def test_wrong_files_and_options(file, tmp_path):
    with pytest.raises(InputError, match="has no published weights"):
        DeepGazeIIEACW.from_pretrained()
    with pytest.raises(InputError, match="backbone must be one of"):
        DeepGazeIIEACW(file, device="cpu")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="does not say of which categories"):
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
        with pytest.raises(InputError, match="are instance-major, beginning with fold 0; got"):
            model.components_of(fold=0, **options)
        with pytest.raises(InputError, match="are instance-major"):
            model.cross_validated(folds, **options)


def test_small_images_are_refused(rng):
    model = DeepGazeIIEACW(device="cpu")
    small = Stimuli.from_arrays([rng.integers(0, 256, (200, 400, 3), dtype=np.uint8)], ["s"])
    with pytest.raises(InputError, match=r"at least 272 pixels .*'s' has 200 x 400"):
        model.log_density(small[0])


class TestByName:
    def test_random(self):
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
    def test_wrong(self, argument, text):
        with pytest.raises(InputError, match=text):
            deepgaze2e_acw(argument, None)
