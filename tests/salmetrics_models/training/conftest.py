"""Fixtures of all tests of training."""

from dataclasses import replace

import pytest

import salmetrics
from salmetrics import CentreBias
from salmetrics.data import folds
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.training import Stage, train
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.inputs.samples import Samples
from tests.salmetrics_models.training.toy_files import BEGIN, STAGE
from tests.salmetrics_models.training.toy_training import (
    ARCHITECTURE,
    ONE_EPOCH,
    QUIET,
    RECIPE,
    blob_dataset,
)


@pytest.fixture(scope="session")
def dataset():
    return blob_dataset()


@pytest.fixture(scope="session")
def stage(dataset):
    return Stage("blobs", dataset, RECIPE, folds=folds.kfold(dataset.stimuli, 3))


@pytest.fixture(scope="session")
def quick_stage(stage):
    """One epoch, and a centre bias that is not fitted: for what does not depend on either."""
    return replace(stage, recipe=ONE_EPOCH, centre_bias="gaussian")


@pytest.fixture(scope="session")
def trained(stage, tmp_path_factory):
    """Two instances of three folds."""
    out = tmp_path_factory.mktemp("trained")
    return train(ARCHITECTURE, [stage], out, n_instances=2, **QUIET)


@pytest.fixture(scope="session")
def parts(dataset):
    """Images to train on, and to stop on."""
    features = Features(FeatureExtractor(HAND_MADE), dataset.stimuli)
    centre_bias = CentreBias.fit(*dataset[:8])
    return [
        Samples(dataset, chosen, features, centre_bias, ARCHITECTURE)
        for chosen in (range(8), range(8, 12))
    ]


@pytest.fixture
def training_folder(tmp_path, monkeypatch, dataset):
    """A folder with a data set and a file for a training on it."""
    salmetrics.write_hdf5(dataset, tmp_path / "blobs.h5", images="copy")
    (tmp_path / "config.toml").write_text(BEGIN + STAGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path
