"""The evaluation that most tests of results start from."""

import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from tests.results.evaluated_pictures import Noise, make


@pytest.fixture(scope="session")
def result():
    dataset = pictures(24)
    stimuli = salmetrics.Stimuli.from_arrays(
        [s.image for s in dataset.stimuli],
        attributes={"category": ["indoor", "outdoor", "indoor"] * 8, "year": np.arange(24) // 12},
        sigma=5,
    ).named("pictures")
    models = {"pixels": Pixels(), "noise": Noise(), "blurred": Blurred()}
    return make(models, salmetrics.Dataset("pictures", stimuli, dataset.fixations))
