"""The figures of the demo."""

import pytest
from PIL import Image

import salmetrics
from salmetrics.cli.demo_figures import draw_generated, shown
from salmetrics.datasets import generate_dataset


@pytest.fixture(scope="module")
def generated():
    return generate_dataset(5, size=(30, 40), n_subjects=3)


@pytest.fixture(scope="module")
def result(generated):
    models = {"litegaze": generated.truth, "truth": generated.truth}
    metrics = ["IG", "AUC"]
    baseline = salmetrics.Uniform()
    return salmetrics.evaluate(models, *generated.dataset, metrics=metrics, baseline=baseline)


def test_photographs_of_the_figure(result):
    best, middle, worst = shown(result)
    gains = result.per_image["litegaze", "IG"]
    assert gains[best] == gains.max()
    assert gains[middle] == gains.median()
    assert gains[worst] == gains.min()


def test_figure_of_generated_images(generated, result, tmp_path):
    draw_generated(generated, result, tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.size == (1200, 720)
