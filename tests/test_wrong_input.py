"""What users get wrong, and what they are told, across the library."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import Fixations, InputError, Protocol, Stimuli
from salmetrics.datasets import load_folder
from salmetrics.protocols import DEFAULT

DATA = pictures(4)


def evaluate(models, **options):
    return salmetrics.evaluate(models, *DATA, progress=False, **options)


class Hole(salmetrics.DensityModel):
    """Probability 0 on the left half."""

    name = "hole"

    def log_density(self, stimulus, *, subject=None):
        p = np.ones(stimulus.size)
        p[:, : stimulus.size[1] // 2] = 0
        with np.errstate(divide="ignore"):
            return np.log(p / p.sum())


def own(**choices):
    fields = {name: getattr(DEFAULT, name) for name in DEFAULT.__dataclass_fields__}
    return Protocol(**fields | {"name": "mine"} | choices)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: evaluate(Pixels(), n_jobs=0), "n_jobs must be at least 1, or -1"),
        (lambda: evaluate(Pixels(), seed=-1), "seed must be a whole number >= 0; got -1"),
        (lambda: evaluate(Pixels(), n_bootstrap=1.5), "n_bootstrap must be a whole number"),
        (lambda: evaluate(Pixels(), metrics=[]), "metrics must be a list of at least one key"),
        (lambda: evaluate(Pixels(), metrics="NSS"), "metrics must be a list of at least one key"),
        (lambda: evaluate(Pixels(), keep="all"), "keep must be one of 'fixation', 'image'"),
        (lambda: evaluate(Pixels(), on_error="ask"), "on_error must be one of 'raise', 'record'"),
        (lambda: evaluate(Blurred(), baseline=Hole()), "hole gives probability 0 to a fixation"),
        (lambda: own(sigma=-3), "sigma must be a positive number; got -3"),
        (lambda: own(sigma=0), "sigma must be a positive number; got 0"),
        (lambda: own(truncate=None), "truncate must be a positive number; got None"),
        (lambda: own(nss_ddof="a"), "nss_ddof must be a whole number >= 0; got 'a'"),
        (lambda: salmetrics.nss(Pixels(), *DATA, ddof=4800), "ddof must be below the number of"),
        (
            lambda: salmetrics.nss(Pixels(), *DATA, unique=True, average="subject"),
            "average='subject' requires unique=False",
        ),
        (
            lambda: salmetrics.as_model({0: np.ones((2, 2)), "0": np.ones((2, 2))}, kind="density"),
            "must differ as text",
        ),
        (
            lambda: evaluate(lambda s: np.ma.ones(s.size), kind="saliency_map"),
            "must not be masked arrays",
        ),
        (
            lambda: salmetrics.log_likelihood(
                salmetrics.as_model(
                    lambda s: np.random.default_rng(0).normal(size=(10, 15)),
                    kind="log_density",
                    resize="bilinear",
                ),
                *DATA,
            ),
            "must be the natural log of a density that sums to 1",
        ),
        (lambda: Stimuli.from_arrays([np.zeros((2, 2), np.uint8)], ids=["a", "b"]), "got 2 ids"),
        (lambda: Stimuli.from_sizes(5), r"sizes must be pairs \(height, width\); got 5"),
        (lambda: Stimuli.from_sizes([(2, 3), (4,)]), "sizes must be pairs"),
        (lambda: Stimuli.from_files("a.png"), "must be a list of files; got 'a.png' alone"),
        (
            lambda: Fixations.from_arrays([1, 2], [1, 2], [0, 0], subject=["a", None]),
            "'subject' has no value in 1 rows, the first is row 1",
        ),
        (
            lambda: Fixations.from_arrays([1, 2], [1, 2], [0, 0], subject=[np.nan, 2.0]),
            "'subject' has no value in 1 rows, the first is row 0",
        ),
    ],
)
def test_input_errors(call, text):
    with pytest.raises(InputError, match=text):
        call()


def test_an_image_that_is_not_there():
    with pytest.raises(IndexError, match="there are 4 images; there is no image 7"):
        DATA.stimuli[7]


def test_a_centre_bias_of_other_fixations_is_refused_by_every_metric():
    other = salmetrics.CentreBias(DATA.stimuli, DATA.fixations[::2])
    for function in (salmetrics.auc, salmetrics.log_likelihood, salmetrics.cc):
        with pytest.raises(InputError, match="now comes with other fixations"):
            function(other, *DATA)
    with pytest.raises(InputError, match="now comes with other fixations"):
        evaluate(Blurred(), baseline=other, metrics=["IG"])


def test_a_protocol_of_ones_own():
    mine = own(metrics=("NSS",), average="image")
    assert mine.overrides == {}
    assert evaluate(Pixels(), protocol=mine).footnotes().startswith("protocol mine 1\n")


def test_values_of_what_there_is_not():
    result = evaluate(Pixels(), metrics=["NSS"])
    with pytest.raises(InputError, match="model must be one of 'Pixels'; got 'nope'"):
        result.value("nope", "NSS")
    with pytest.raises(InputError, match="metric must be one of 'NSS'; got 'AUC'"):
        result.value("Pixels", "AUC")


def test_a_metric_without_any_value_has_a_reason():
    alone = pictures(1)
    result = salmetrics.evaluate(Pixels(), *alone, metrics=["sAUC", "NSS"], progress=False)
    assert result.reasons == {
        ("Pixels", "sAUC"): "no image has a value: there are no nonfixations, or all ground truth "
        "is constant"
    }

    class Broken(Pixels):
        def saliency_map(self, stimulus):
            raise RuntimeError("no")

    result = evaluate(Broken(), metrics=["NSS"], on_error="record")
    assert result.reasons["Broken", "NSS"] == "no image has a value; see the errors of the result"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_model_may_use_its_memory_again(n_jobs):
    class Reusing(salmetrics.SaliencyMapModel):
        def saliency_map(self, stimulus):
            return stimulus.image.astype(float)

        def saliency_maps(self, stimuli):
            memory = np.empty(4800)
            for stimulus in stimuli:
                view = memory.reshape(stimulus.size)
                view[:] = stimulus.image
                yield view

    found = evaluate(Reusing(), metrics=["NSS"], n_jobs=n_jobs).value("Reusing", "NSS")
    assert found == pytest.approx(salmetrics.nss(Pixels(), *DATA), rel=1e-12)


def test_models_cannot_change_the_images():
    class Rude(Pixels):
        def saliency_map(self, stimulus):
            stimulus.image[:] = 0
            return stimulus.image

    with pytest.raises(ValueError, match="read-only"):
        evaluate(Rude(), metrics=["NSS"])


def test_normalize_and_stacks():
    stack = np.random.default_rng(1).random((2, 5, 6))
    stimuli = Stimuli.from_sizes([(5, 6)] * 2)
    fixations = Fixations.from_arrays([1, 2], [3, 4], [0, 1])
    found = salmetrics.log_likelihood(
        salmetrics.as_model(stack, stimuli, kind="density", normalize=True), stimuli, fixations
    )
    shares = stack / stack.sum((1, 2), keepdims=True)
    expected = np.log2([shares[0, 3, 1], shares[1, 4, 2]]).mean()
    assert found == pytest.approx(expected, rel=1e-12)
    logs = salmetrics.as_model(np.log(stack), stimuli, kind="log_density", normalize=True)
    assert salmetrics.log_likelihood(logs, stimuli, fixations) == pytest.approx(expected, rel=1e-12)
    maps = salmetrics.evaluate(stack, stimuli, fixations, kind="saliency_map", metrics=["AUC"])
    assert maps.models == ["model"]


def test_float_images(tmp_path):
    Image.fromarray(np.ones((3, 4), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(InputError, match="holds floats"):
        Stimuli.from_files([tmp_path / "f.tif"])[0].image  # noqa: B018


def test_folders_as_people_have_them(tmp_path):
    (tmp_path / "real").mkdir()
    photos = tmp_path / "photos"
    (photos / "x.png").mkdir(parents=True)
    for name in ("001.png", "1.png", "NA.png"):
        Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "real" / name)
        os.symlink(tmp_path / "real" / name, photos / name)
    (photos / "._1.png").write_bytes(b"finder")
    table = pd.DataFrame({"file": ["001", "1", "NA"], "x": 1, "y": 2, "cls": [7, 8, 9]})
    table.to_csv(tmp_path / "fixations.csv", index=False)
    dataset = load_folder(photos, tmp_path / "fixations.csv")
    assert dataset.stimuli.ids == ("001.png", "1.png", "NA.png")
    assert dataset.fixations.image.tolist() == [0, 1, 2]
    assert dataset.fixations.cls_.tolist() == [7, 8, 9]


@pytest.mark.parametrize("metrics", [["LL", "sAUC"], ["sAUC"]])
def test_a_density_that_fails_on_every_image(metrics):
    class Broken(Blurred):
        def log_density(self, stimulus, *, subject=None):
            raise RuntimeError("no")

    result = evaluate({"b": Broken(), "p": Pixels()}, metrics=metrics, on_error="record")
    assert set(result.reasons) >= {("b", key) for key in metrics}
    assert result.reasons["b", "sAUC"] == "no image has a value; see the errors of the result"
    assert np.isfinite(result.value("p", "sAUC"))
    assert len(result.errors) == 4


def test_groups_of_images_without_attributes():
    with pytest.raises(InputError, match=r"the images have no attributes, so no 'category'"):
        evaluate(Pixels(), metrics=["NSS"]).by("category")
