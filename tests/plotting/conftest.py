"""Axes to draw on, and a result to draw."""

import matplotlib as mpl
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

import salmetrics
from salmetrics.datasets import generate_dataset


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def generated():
    return generate_dataset(6, size=(40, 50), n_subjects=4, n_fixations=6)


@pytest.fixture(scope="session")
def gold(generated):
    return salmetrics.GoldStandard.fit(*generated.dataset)


@pytest.fixture(scope="session")
def scored(generated, gold):
    """Four densities with a gold standard; images in two categories."""
    data = generated.dataset
    stimuli = salmetrics.Stimuli.from_sizes(
        data.stimuli.sizes, attributes={"category": ["indoor", "outdoor"] * 3}
    )
    models = {
        "truth": generated.truth,
        "wide": salmetrics.GaussianCentreBias(0.4),
        "narrow": salmetrics.GaussianCentreBias(0.2),
        "flat": salmetrics.Uniform(),
    }
    return salmetrics.evaluate(
        models,
        stimuli,
        data.fixations,
        metrics=["LL", "IG", "KLDiv"],
        baseline=salmetrics.CentreBias.fit(*data),
        protocol=salmetrics.get_protocol("default").override(sigma=5.0),
        gold_standard=gold,
        n_bootstrap=100,
    )
