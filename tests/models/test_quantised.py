"""Levels with equally many pixels, as a model and in files."""

import numpy as np
import pytest
from PIL import Image

import salmetrics
from salmetrics import GaussianCentreBias, InputError, Stimuli, Uniform
from salmetrics.densities.grey_levels import quantise
from salmetrics.models.quantised import QuantisedModel

STIMULI = Stimuli.from_sizes([(32, 48), (20, 30)])


class Noise(salmetrics.DensityModel):
    name = "noise"

    def log_density(self, stimulus, *, subject=None):
        p = np.random.default_rng(int(stimulus.id)).gamma(0.5, size=stimulus.size)
        return np.log(p / p.sum())


def test_levels():
    model = QuantisedModel(Noise())
    assert model.name == "noise in 256 levels"
    for stimulus in STIMULI:
        found = model.saliency_map(stimulus)
        np.testing.assert_array_equal(found, quantise(Noise().log_density(stimulus)))
        assert np.ptp(np.bincount(found.ravel(), minlength=256)) <= 1
    few = QuantisedModel(Noise(), n_levels=5).saliency_map(STIMULI[0])
    assert np.unique(few).tolist() == [0, 1, 2, 3, 4]


def test_without_the_centre_bias():
    """What is left of a product is its other factor."""
    centre = GaussianCentreBias(0.3)

    class Product(Noise):
        def log_density(self, stimulus, *, subject=None):
            log = super().log_density(stimulus) + centre.log_density(stimulus)
            return log - np.log(np.exp(log).sum())

    model = QuantisedModel(Product(), centre)
    assert model.name == "noise in 256 levels without gaussian-centre-bias"
    found = model.saliency_map(STIMULI[0]).astype(int)
    expected = QuantisedModel(Noise()).saliency_map(STIMULI[0]).astype(int)
    assert abs(found - expected).max() <= 1  # rounding may swap neighbours
    assert (found != expected).mean() < 0.01
    same = QuantisedModel(Noise(), Uniform()).saliency_map(STIMULI[0])
    np.testing.assert_array_equal(same, expected)


def test_probability_0():
    logs = {}
    for name, empty in (("0", slice(0, 3)), ("1", slice(0, 0))):
        p = np.random.default_rng(0).gamma(1, size=(20, 30))
        p[empty] = 0
        with np.errstate(divide="ignore"):
            logs[name] = np.log(p / p.sum())
    part, full = (salmetrics.as_model(lambda s, n=n: logs[n], kind="log_density") for n in logs)
    stimulus = STIMULI[1]
    lowest = QuantisedModel(part, full).saliency_map(stimulus)
    assert np.unique(lowest[:3]).size == 1
    assert lowest[:3].max() < lowest[3:].min()
    both = QuantisedModel(part, part).saliency_map(stimulus)
    assert np.unique(both[3:]).size == 1
    with pytest.raises(InputError, match="probability 0 on image '1' where"):
        QuantisedModel(full, part).saliency_map(stimulus)


def test_rank_metrics_hardly_change():
    stimuli, fixations = (data := salmetrics.datasets.generate_dataset(5)).dataset
    exact = salmetrics.auc(data.truth, stimuli, fixations)
    levels = salmetrics.auc(QuantisedModel(data.truth), stimuli, fixations)
    assert levels == pytest.approx(exact, abs=1 / 256 / 2)  # within a level, half of the pairs


@pytest.mark.parametrize("files", [".png", ".tif", ".npy"])
def test_files_hold_the_levels(tmp_path, files):
    model = QuantisedModel(Noise(), n_levels=100)  # not stretched to 255
    salmetrics.export_predictions(model, STIMULI, tmp_path / "maps", files=files, bits=8)
    maps = salmetrics.as_model(tmp_path / "maps", STIMULI)
    for stimulus in STIMULI:
        np.testing.assert_array_equal(maps.saliency_map(stimulus), model.saliency_map(stimulus))


def test_jpeg(tmp_path):
    smooth = QuantisedModel(GaussianCentreBias())
    salmetrics.export_predictions(smooth, STIMULI, tmp_path / "maps", files=".jpg")
    with Image.open(tmp_path / "maps" / "0.jpg") as image:
        assert (image.mode, image.size) == ("L", (48, 32))
        near = np.asarray(image).astype(int) - smooth.saliency_map(STIMULI[0])
    assert abs(near).mean() < 3


def test_data_are_checked():
    stimuli, fixations = salmetrics.datasets.generate_dataset(4).dataset
    others = salmetrics.datasets.generate_dataset(4, seed=1).dataset
    model = QuantisedModel(GaussianCentreBias(), salmetrics.CentreBias.fit(stimuli, fixations))
    model.check_data(stimuli, fixations)
    with pytest.raises(InputError):
        model.check_data(*others)


@pytest.mark.parametrize("n_levels", [1, 257, 2.5])
def test_wrong_levels(n_levels):
    with pytest.raises(InputError, match="n_levels must be from 2 to 256"):
        QuantisedModel(Noise(), n_levels=n_levels)


def test_maps_have_no_levels():
    with pytest.raises(InputError, match=r"quantisation needs densities; .* gives saliency maps"):
        QuantisedModel(salmetrics.as_model(lambda s: 1, kind="saliency_map"))
