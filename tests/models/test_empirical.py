"""Empirical maps: the ground truth of scores, as arrays and as files."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics import EmpiricalMaps, Fixations, InputError, Stimuli, empirical_map
from salmetrics.densities.smoothing import Smoothing

SIZES = [(30, 40), (24, 36), (30, 40)]
STIMULI = Stimuli.from_sizes(SIZES, ids=["in/a.jpg", "in/b.jpg", "out/a.jpg"], pixels_per_degree=3)
FIXATIONS = Fixations.from_arrays(
    [20.5, 3.2, 20.9, 35.9, 7.0, 7.1], [15.5, 0.1, 15.0, 2.0, 20.0, 11.0], [0, 0, 0, 1, 1, 2]
)


def blurred(i, sigma, *, unique=False):
    """Counts of fixations, blurred by SciPy."""
    counts = np.zeros(SIZES[i])
    rows = FIXATIONS.rows_of_image(i)
    np.add.at(counts, (FIXATIONS.y[rows].astype(int), FIXATIONS.x[rows].astype(int)), 1)
    counts = np.minimum(counts, 1) if unique else counts
    return gaussian_filter(counts, sigma, mode="constant", truncate=4)


@pytest.mark.parametrize(
    ("options", "sigma"), [({}, 3), ({"sigma": 2}, 2), ({"sigma_degrees": 0.5}, 1.5)]
)
def test_against_scipy(options, sigma):
    for i, name in enumerate(STIMULI.ids):
        made = empirical_map(STIMULI, FIXATIONS, i, **options)
        np.testing.assert_allclose(made, blurred(i, sigma), rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(empirical_map(STIMULI, FIXATIONS, name, **options), made)


def test_the_blur_of_a_protocol():
    maps = EmpiricalMaps(STIMULI, FIXATIONS, protocol="mit-matlab-cat2000")
    np.testing.assert_allclose(
        maps.saliency_map(STIMULI[0]), blurred(0, 40, unique=True), rtol=1e-12
    )
    assert EmpiricalMaps(STIMULI, FIXATIONS, protocol="mit-matlab").smoothing.cycles == 8
    own = EmpiricalMaps(STIMULI, FIXATIONS, protocol="mit-matlab", sigma=5).smoothing
    assert own == Smoothing(sigma=5, cycles=None)


@pytest.mark.parametrize("protocol", ["default", "mit-tuebingen", "mit-matlab"])
def test_scores_use_the_same_maps(protocol, rng):
    """The maps as ground truth, from memory, change no bit of a score."""
    maps = EmpiricalMaps(STIMULI, FIXATIONS, protocol=protocol)
    arrays = {name: maps.saliency_map(s) for name, s in zip(STIMULI.ids, STIMULI, strict=True)}
    guess = {name: rng.random(size) for name, size in zip(STIMULI.ids, SIZES, strict=True)}
    keys = ["CC", "KLDiv", "SIM"]
    options = {"metrics": keys, "protocol": protocol, "kind": "saliency_map", "n_bootstrap": 0}
    first = salmetrics.evaluate({"m": guess}, STIMULI, FIXATIONS, **options)
    second = salmetrics.evaluate({"m": guess}, STIMULI, FIXATIONS, empirical=arrays, **options)
    assert first.per_image.equals(second.per_image)
    assert np.isfinite(first.table.loc["m", "CC"])


@pytest.mark.parametrize(
    ("name", "options", "atol"),
    [
        ("maps", {"dtype": "float64"}, 0),
        ("maps.h5", {"dtype": "float64"}, 0),
        ("maps.mat", {"dtype": "float32"}, 1e-7),
        ("maps", {"files": ".png", "bits": 8}, 0.501 / 255),
        ("maps.zip", {"files": ".tif", "bits": 16}, 0.501 / 65535),
    ],
)
def test_written_maps_are_proportional(tmp_path, name, options, atol):
    """Files hold the map, or grey levels from 0 to its maximum: half a level is their error.

    The rounding of a tie may exceed it.
    """
    maps = EmpiricalMaps(STIMULI, FIXATIONS)
    path = tmp_path / name
    salmetrics.export_predictions(maps, STIMULI, path, levels="proportional", **options)
    read = salmetrics.as_model(path, STIMULI)
    for stimulus in STIMULI:
        expected, found = maps.saliency_map(stimulus), read.saliency_map(stimulus)
        scaled = found / found.max() * expected.max() if atol > 1e-6 else found
        np.testing.assert_allclose(scaled, expected, rtol=0, atol=atol * expected.max())


def test_files_and_their_note(tmp_path):
    maps = EmpiricalMaps(STIMULI, FIXATIONS, sigma_degrees=2)
    folder = salmetrics.export_predictions(
        maps, STIMULI, tmp_path / "maps", files=".png", bits=8, levels="proportional"
    )
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert found == ["in/a.png", "in/b.png", "out/a.png", "salmetrics.json"]
    with Image.open(folder / "in" / "a.png") as image:
        levels = np.asarray(image)
    expected = blurred(0, 6)
    np.testing.assert_array_equal(levels, np.rint(expected / expected.max() * 255))
    assert json.loads((folder / "salmetrics.json").read_text()) == {
        "kind": "saliency_map",
        "model": "ground-truth",
        "sigma": "6.0",
        "boundary": "constant",
        "truncate": "4.0",
        "binary": "False",
        "protocol": "default",
    }


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda s, f: empirical_map(s, f, 3, sigma=1), "image 3 is out of range for 3 images"),
        (lambda s, f: empirical_map(s, f, "c", sigma=1), "no image 'c'; ids look like 'in/a.jpg'"),
        (lambda s, f: empirical_map(s, f, 0), "the width of the empirical maps is not known"),
        (
            lambda s, f: empirical_map(s, f, 0, sigma_degrees=1),
            "sigma_degrees= needs pixels_per_degree=",
        ),
        (
            lambda s, f: empirical_map(s, f, 0, sigma_degrees=1, sigma=2),
            "give sigma= or sigma_degrees=, not",
        ),
        (
            lambda s, f: empirical_map(s, f, 0, sigma_degrees=0),
            "sigma_degrees must be a positive number; got 0",
        ),
        (lambda s, f: empirical_map(s, f[f.image < 2], 2, sigma=1), "'out/a.jpg' has no fixations"),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(Stimuli.from_sizes(SIZES, ids=STIMULI.ids), FIXATIONS)


def test_an_odd_width_of_the_blur_is_told():
    stimuli = salmetrics.Stimuli.from_sizes([(80, 120)] * 2, pixels_per_degree=40)
    fixations = salmetrics.Fixations.from_arrays([30.0, 20], [20.0, 10], [0, 1])
    with pytest.warns(salmetrics.InputWarning, match="sigma 40 pixels is wider than a quarter"):
        maps = salmetrics.EmpiricalMaps(stimuli, fixations)
    assert maps.notes[0].startswith("a blur of sigma 40 pixels")
    assert salmetrics.EmpiricalMaps(stimuli, fixations, sigma=5).notes == ()
    with pytest.raises(InputError, match="sigma 120 pixels is wider than every image"):
        salmetrics.EmpiricalMaps(stimuli, fixations, sigma_degrees=3)


@pytest.mark.parametrize("given", ["models", "empirical"])
def test_an_odd_width_of_the_blur_is_told_once(given):
    stimuli = salmetrics.Stimuli.from_sizes([(80, 120)] * 2, sigma=40)
    fixations = salmetrics.Fixations.from_arrays([30.0, 20], [20.0, 10], [0, 1])
    options = {"models": salmetrics.Uniform(), "metrics": ["CC"], "n_bootstrap": 0}
    with pytest.warns(salmetrics.InputWarning, match="a blur of sigma 40 pixels is wider"):
        options[given] = salmetrics.EmpiricalMaps(stimuli, fixations)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = salmetrics.evaluate(stimuli=stimuli, fixations=fixations, **options)
    (kept,) = result.provenance["checks"]
    assert "a blur of sigma 40 pixels" in kept
