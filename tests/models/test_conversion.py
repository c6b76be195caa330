"""Whatever can serve as a model, turned into one; and densities where they are needed."""

import abc
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
from pysaliency_reference import pysaliency

import salmetrics
from salmetrics import (
    DensityModel,
    Fixations,
    InputError,
    InputWarning,
    SaliencyMapModel,
    Stimuli,
    Uniform,
    as_model,
)
from salmetrics.errors import NeedsDensityError
from salmetrics.fingerprint import fingerprint
from salmetrics.models.conversion import require_density

IMAGES = np.random.default_rng(4).integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
STIMULI = Stimuli.from_arrays(list(IMAGES), ids=["a", "b"])
MAPS = IMAGES[..., 0] / 255.0
DENSITIES = (MAPS + 0.1) / (MAPS + 0.1).sum((1, 2), keepdims=True)


def by_id(arrays):
    return dict(zip(STIMULI.ids, arrays, strict=True))


class Mine(SaliencyMapModel):
    name = "mine"

    def saliency_map(self, stimulus):
        return stimulus.image[:, :, 0] / 255.0


class Callable:
    def __call__(self, stimulus):
        return stimulus.image[:, :, 0] / 255.0


@pytest.mark.parametrize(
    ("obj", "options"),
    [
        (Mine(), {}),
        (Mine, {}),
        (by_id(MAPS), {"kind": "saliency_map"}),
        (list(MAPS), {"kind": "saliency_map"}),
        (by_id(MAPS[:, None, None]), {"kind": "saliency_map"}),
        (Callable(), {"kind": "saliency_map"}),
        (Callable, {"kind": "saliency_map"}),
        (lambda image: image[:, :, 0] / 255.0, {"kind": "saliency_map", "input": "image"}),
    ],
)
def test_maps(obj, options):
    model = as_model(obj, STIMULI, **options)
    assert isinstance(model, SaliencyMapModel)
    for stimulus, expected in zip(STIMULI, MAPS, strict=True):
        assert np.array_equal(model.saliency_map(stimulus), expected)


@pytest.mark.parametrize(
    ("kind", "arrays"), [("density", DENSITIES), ("log_density", np.log(DENSITIES))]
)
def test_densities(kind, arrays):
    model = as_model(by_id(arrays), kind=kind)
    assert isinstance(model, DensityModel)
    for stimulus, expected in zip(STIMULI, DENSITIES, strict=True):
        np.testing.assert_allclose(np.exp(model.log_density(stimulus)), expected, rtol=1e-12)


def test_zero_probability_is_legal():
    density = np.zeros((6, 8))
    density[2, 3] = 1
    found = as_model({"a": density}, kind="density").log_density(STIMULI[0])
    assert found[2, 3] == 0
    assert np.sum(found == -np.inf) == 47


def test_models_stay_as_they_are():
    model = Uniform()
    assert as_model(model) is model
    assert isinstance(as_model(Uniform), Uniform)


def test_integer_keys():
    stimuli = Stimuli.from_sizes([(2, 2)] * 2)
    model = as_model({0: np.ones((2, 2)), 1: np.zeros((2, 2))}, kind="saliency_map")
    assert model.saliency_map(stimuli[1]).max() == 0


class TheirMap(pysaliency.SaliencyMapModel):
    def _saliency_map(self, stimulus):
        return stimulus[:, :, 0] / 255.0


class TheirDensity(pysaliency.Model):
    def _log_density(self, stimulus):
        density = stimulus[:, :, 0] / 255.0 + 0.1
        return np.log(density / density.sum())


def test_pysaliency_models():
    maps, density = as_model(TheirMap(caching=False)), as_model(TheirDensity(caching=False))
    assert isinstance(maps, SaliencyMapModel)
    assert isinstance(density, DensityModel)
    assert (maps.name, density.name) == ("TheirMap", "TheirDensity")
    assert np.array_equal(maps.saliency_map(STIMULI[1]), MAPS[1])
    np.testing.assert_allclose(density.log_density(STIMULI[0]), np.log(DENSITIES[0]), rtol=1e-12)

    class Scanpaths(pysaliency.ScanpathModel):
        def conditional_log_density(self, *args, **kwargs):
            raise AssertionError

    with pytest.raises(TypeError, match="Scanpaths has neither log_density nor saliency_map"):
        as_model(Scanpaths())


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic"])
def test_resizing(resize):
    small = np.arange(12.0).reshape(3, 4)
    found = as_model({"a": small}, kind="saliency_map", resize=resize).saliency_map(STIMULI[0])
    assert found.shape == (6, 8)
    if resize == "nearest":
        assert np.array_equal(found, small.repeat(2, 0).repeat(2, 1))
    else:
        assert found.mean() == pytest.approx(small.mean(), rel=1e-9)  # symmetric about it
    density = small / small.sum()
    model = as_model({"a": density}, kind="density", resize=resize)
    resized = np.exp(model.log_density(STIMULI[0]))
    assert resized.sum() == pytest.approx(1, rel=1e-12)
    if resize == "nearest":
        expected = density.repeat(2, 0).repeat(2, 1) / 4
        np.testing.assert_allclose(resized, expected, rtol=1e-14, atol=0)


def test_resizing_of_models():
    class Small(DensityModel):
        def log_density(self, stimulus, *, subject=None):
            return np.full((3, 4), -np.log(12))

    model = as_model(Small(), resize="bilinear")
    assert model.name == "Small"
    np.testing.assert_allclose(model.log_density(STIMULI[0]), -np.log(48), rtol=1e-12)
    assert as_model(Mine(), resize="bilinear").name == "mine"
    assert np.array_equal(as_model(Mine(), resize="bicubic").saliency_map(STIMULI[0]), MAPS[0])
    Small.subject_dependent = True
    with pytest.raises(InputError, match="depend on the subject cannot be resized"):
        as_model(Small(), resize="bilinear")


@pytest.mark.parametrize(
    ("obj", "options", "error", "text"),
    [
        (by_id(MAPS), {}, InputError, "kind is needed for dict: 'log_density' "),
        (list(MAPS), {"kind": "density"}, InputError, "a list of predictions needs stimuli"),
        (by_id(MAPS), {"kind": "map"}, InputError, "kind must be one of .*; got 'map'"),
        (Mine(), {"resize": "cubic"}, InputError, "resize must be one of None, 'nearest'"),
        (Mine(), {"input": "pixels"}, InputError, "input must be one of 'stimulus', 'image'"),
        (3, {}, TypeError, "int cannot serve as a model: expected a DensityModel"),
        ("maps/", {}, InputError, "there is no folder or file of maps"),
    ],
)
def test_errors(obj, options, error, text):
    with pytest.raises(error, match=text):
        as_model(obj, **options)


def test_wrong_number_of_predictions():
    with pytest.raises(InputError, match="there are 1 predictions for 2 stimuli"):
        as_model([MAPS[0]], STIMULI, kind="saliency_map")


@pytest.mark.parametrize(
    ("density", "text"),
    [
        (np.ones((6, 8)), "for image 'a' must be >= 0 and sum to 1; .* 1 and its sum 48. Divide"),
        (np.linspace(-1, 1, 48).reshape(6, 8) + 1 / 48, "its smallest value is -0.979167"),
        (np.full((6, 8), np.nan), "its smallest value is nan"),
    ],
)
def test_wrong_densities(density, text):
    with pytest.raises(InputError, match=text):
        as_model({"a": density}, kind="density").log_density(STIMULI[0])


def test_missing_prediction():
    model = as_model({"b": MAPS[1]}, kind="saliency_map")
    with pytest.raises(InputError, match="no prediction for image 'a'; the first of the 1"):
        model.saliency_map(STIMULI[0])


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        (["im1", "im2", "im3"], None),
        (["IM1.png", "im2", "im3"], None),
        (["x/im1.jpg", "x/im2.jpg", "x/im3.jpg"], None),
        ([1, 2, 3], "the images have 'im' before the name"),
        (["im1_s", "im2_s", "im3_s"], "the predictions have '_s' after the name"),
    ],
)
def test_keys_follow_the_rule_for_maps(keys, rule):
    stimuli = salmetrics.Stimuli.from_sizes([(6, 8)] * 3, ids=["im1.png", "im2.png", "im3.png"])
    arrays = {key: np.full((6, 8), float(i)) for i, key in enumerate(keys)}
    with nullcontext() if rule is None else pytest.warns(InputWarning, match=rule):
        model = as_model(arrays, stimuli, kind="saliency_map")
    assert [model.saliency_map(s)[0, 0] for s in stimuli] == [0, 1, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.check_data(stimuli, None)  # what was warned of is not said again
        later = as_model(arrays, kind="saliency_map")
    with nullcontext() if rule is None else pytest.warns(InputWarning, match=rule):
        later.check_data(stimuli, None)
    assert model.notes == later.notes
    assert [rule] == [*model.notes, None][:1]


def test_keys_that_may_be_meant_otherwise():
    stimuli = salmetrics.Stimuli.from_sizes([(6, 8)] * 2, ids=["a/1.png", "b/1.png"])
    model = as_model({"1": np.ones((6, 8))}, stimuli, kind="saliency_map")
    with pytest.raises(InputError, match=r"for image 'a/1.png': one map, 1, for 'a/1.png' and"):
        model.saliency_map(stimuli[0])
    stimuli = salmetrics.Stimuli.from_sizes([(6, 8)] * 2, ids=["im1.png", "im2.png"])
    with pytest.raises(InputError, match="numbered from 0 to 2, the images from 1 to 2"):
        as_model(dict.fromkeys(range(3), np.ones((6, 8))), stimuli, kind="saliency_map")


def test_only_maps_are_resized():
    model = as_model({"a": np.ones((3, 4, 3))}, kind="saliency_map", resize="nearest")
    with pytest.raises(InputError, match=r"only maps of shape \(h, w\) can be resized; got \(3, 4"):
        model.saliency_map(STIMULI[0])


def test_a_resized_model_stays_what_it_is():
    stimuli = salmetrics.Stimuli.from_sizes([(9, 8)] * 2)
    fixations = salmetrics.Fixations.from_arrays([1, 2, 3], [3, 4, 5], [0, 1, 1])
    model = as_model(salmetrics.CentreBias(stimuli, fixations), resize="bilinear")
    assert model.leave_one_out
    assert model.name == "centre-bias"
    with pytest.raises(InputError, match="now comes with other fixations"):
        model.check_data(stimuli, fixations[:2])


# ---- densities that something needs


def gold_standard(**options):
    stimuli = Stimuli.from_sizes([(9, 8)])
    fixations = salmetrics.Fixations.from_arrays([1, 2], [3, 4], [0, 0], subject=[0, 1])
    weights = {"bandwidth": 2.0, "centre_weight": 0.0, "uniform_weight": 0.2}
    return salmetrics.GoldStandard(stimuli, fixations, **weights, **options)


def test_densities_are_returned_as_they_are():
    model, gold = Uniform(), gold_standard()
    assert require_density(model, "this") is model
    assert require_density(model, "this", one_per_image=True, with_maps=True) is model
    assert require_density(gold, "this", with_maps=True) is gold
    assert require_density(by_id(np.log(DENSITIES)), "this").name == "dict"  # raw arrays are logs
    found = require_density(list(DENSITIES), "this", STIMULI, kind="density")
    np.testing.assert_allclose(found.log_density(STIMULI[1]), np.log(DENSITIES[1]), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (Mine, {}, "this needs densities; mine gives saliency maps. Turn them into densities wi"),
        (
            lambda: gold_standard(hold_out="fixation"),
            {"with_maps": True},
            "this needs densities of whole images; gold-standard .* has none: each fixation has",
        ),
        (
            lambda: gold_standard(hold_out="fixation"),
            {"one_per_image": True},
            "this needs densities of whole images; gold-standard .* has none: each fixation has",
        ),
        (
            gold_standard,
            {"one_per_image": True},
            r"gold-standard has one per subject \(a gold standard has .* with upper_bound=True\)",
        ),
    ],
)
def test_densities_that_are_missing(make, options, text):
    """The error is one that the user can fix, and one of types."""
    for error in (InputError, TypeError, NeedsDensityError):
        with pytest.raises(error, match=text):
            require_density(make(), "this", **options)


def test_a_file_whose_name_has_a_colon(tmp_path):
    np.savez(tmp_path / "maps:x.npz", **by_id(MAPS))
    assert as_model(tmp_path / "maps:x.npz", STIMULI).stored.part is None
    (tmp_path / "maps:x.npz").rename(tmp_path / "maps.npz")
    with pytest.raises(InputError, match="part"):
        as_model(f"{tmp_path / 'maps.npz'}:x", STIMULI)


def test_keys_that_are_equal_as_text():
    with pytest.raises(InputError, match="must differ as text; 0 and '0' do not"):
        as_model({0: MAPS[0], "0": MAPS[1]}, kind="saliency_map")


class NeedsWeights:
    def __init__(self, weights, size=3):
        self.weights = weights

    def __call__(self, stimulus):
        return np.zeros(stimulus.size)


class Unfinished(abc.ABC):
    @abc.abstractmethod
    def saliency_map(self, stimulus): ...


class Half(SaliencyMapModel):
    pass


class DerivedNeedsWeights(SaliencyMapModel):
    def __init__(self, weights):
        self.weights = weights

    def saliency_map(self, stimulus):
        return np.zeros(stimulus.size)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (NeedsWeights, "class NeedsWeights needs weights; give an object of it"),
        (DerivedNeedsWeights, "class DerivedNeedsWeights needs weights; give an object of it"),
        (Unfinished, "class Unfinished must define saliency_map"),
        (Half, "class Half must define saliency_map"),
    ],
)
def test_classes_that_cannot_be_made(named, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        as_model(named, kind="saliency_map")


class Predicts:
    def predict(self, image):
        return image[..., 0]


class NotDerived:
    def log_density(self, stimulus):
        return np.full(stimulus.size, -np.log(np.prod(stimulus.size)))


@pytest.mark.parametrize(
    ("obj", "advice"),
    [
        (Predicts(), r"Give its method: as_model\(model.predict, kind=..., input='image'\)"),
        (NotDerived(), r"Derive NotDerived from salmetrics\.DensityModel"),
        ((each for each in ()), r"A generator is used up .*; give list\(...\) of it"),
        (iter([]), r"give list\(...\) of it"),
    ],
)
def test_advice_on_objects_that_are_no_models(obj, advice):
    with pytest.raises(TypeError, match=f"cannot serve as a model: .*{advice}"):
        as_model(obj, kind="saliency_map")


def test_a_torch_module_needs_a_function_that_makes_its_input():
    torch = pytest.importorskip("torch")
    stimuli = Stimuli.from_arrays([np.zeros((4, 5, 3), np.uint8)])
    net = torch.nn.Conv2d(3, 1, 1)
    for options in ({}, {"input": "image"}):
        model = as_model(net, kind="saliency_map", **options)
        with pytest.raises(InputError, match=r"is a torch module, .* Give a function that makes"):
            model.saliency_map(stimuli[0])

    def of_stimulus(stimulus):
        return net(torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[np.newaxis] / 255).float())

    model = as_model(of_stimulus, kind="saliency_map")
    assert model.saliency_map(stimuli[0]).shape == (4, 5)


def test_other_errors_of_torch_modules_stay_as_they_are():
    torch = pytest.importorskip("torch")
    stimulus = Stimuli.from_arrays([np.zeros((4, 5, 3), np.uint8)])[0]

    class Net(torch.nn.Module):
        def __init__(self, channels=3):
            super().__init__()
            self.failure = None
            self.conv = torch.nn.Conv2d(channels, 1, 1)

        def forward(self, stimulus):
            if self.failure is not None:
                raise self.failure
            pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[np.newaxis] / 255)
            return self.conv(pixels.float())

    net = Net()
    model = as_model(net, kind="saliency_map")
    before = fingerprint(model)
    net.failure = torch.OutOfMemoryError("no memory")
    with pytest.raises(torch.OutOfMemoryError):
        model.saliency_map(stimulus)
    net.failure = None
    assert model.saliency_map(stimulus).shape == (4, 5)
    assert fingerprint(model) == before
    net.failure = RuntimeError("device lost")
    with pytest.raises(RuntimeError, match=r"^device lost$"):  # after a call that succeeded
        model.saliency_map(stimulus)
    with pytest.raises(RuntimeError, match=r"to have 4 channels, but got 3"):
        as_model(Net(4), kind="saliency_map").saliency_map(stimulus)
    wrong = Net()
    wrong.forward = lambda stimulus: wrong.missing
    with pytest.raises(AttributeError, match="missing"):
        as_model(wrong, kind="saliency_map").saliency_map(stimulus)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x.unsqueeze(0),
        lambda x, y: x,
        lambda x: x["image"],
        lambda x: x.image_of_another_kind,
    ],
)
def test_torch_modules_that_take_something_else(forward):
    torch = pytest.importorskip("torch")
    net = torch.nn.Identity()
    net.forward = forward
    with pytest.raises(InputError, match=r"Identity is a torch module, .*[^.]\)\. Give a function"):
        as_model(net, kind="saliency_map").saliency_map(STIMULI[0])


def test_arrays_of_objects():
    stimuli = Stimuli.from_sizes([(2, 3), (4, 5)])
    maps = np.empty(2, object)
    maps[:] = [np.ones((2, 3)), np.ones((4, 5))]
    assert as_model(maps, stimuli, kind="saliency_map").saliency_map(stimuli[1]).shape == (4, 5)
    for values, text in (
        (None, "got object, a NoneType: return an array of shape"),
        (
            np.array([[None, 1]]),
            r"got object \(NoneType, int\): .* numpy.asarray\(map, dtype=float",
        ),
    ):
        model = as_model(lambda stimulus, values=values: values, kind="saliency_map")
        with pytest.raises(InputError, match=f"must hold real numbers; {text}"):
            salmetrics.auc(model, stimuli, Fixations.from_arrays([1.0, 1], [1.0, 1], [0, 1]))
