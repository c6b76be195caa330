"""Folders in which commands run: images with fixations, and saved results."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import salmetrics

MODELS = """
import numpy as np
import salmetrics

class Flat(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        return np.ones(stimulus.size)

class Broken(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        return np.full(stimulus.size, np.nan)

def first_channel(stimulus):
    return stimulus.rgb[:, :, 0]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with three images, tables of fixations and a file of models."""
    rng = np.random.default_rng(1)
    (tmp_path / "images").mkdir()
    for i in range(3):
        pixels = rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
    table = pd.DataFrame(
        {
            "file": [f"{i}.png" for i in rng.integers(0, 3, 40)],
            "x": rng.uniform(0, 30, 40),
            "y": rng.uniform(0, 20, 40),
        }
    )
    table.to_csv(tmp_path / "fixations.csv", index=False)
    table.assign(x=table["x"] + 10).to_csv(tmp_path / "outside.csv", index=False)
    table.set_axis(["name", "col", "row"], axis=1).to_csv(tmp_path / "named.csv", index=False)
    (tmp_path / "my_models.py").write_text(MODELS)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """A folder with a saved result, its data set, and tables of weights of backbones."""
    path = tmp_path_factory.mktemp("evaluated")
    dataset = salmetrics.datasets.generate_dataset(4, size=(20, 30), n_subjects=3).dataset
    models = {
        "wide": salmetrics.GaussianCentreBias(0.4),
        "narrow": salmetrics.GaussianCentreBias(0.2),
        "flat": salmetrics.Uniform(),
    }
    gold = salmetrics.GoldStandard(*dataset, bandwidth=3, centre_weight=0.1, uniform_weight=0.1)
    options = {"metrics": ["IG", "AUC"], "gold_standard": gold, "n_bootstrap": 20}
    result = salmetrics.evaluate(models, *dataset, baseline=salmetrics.Uniform(), **options)
    result.save(path / "r.h5")
    salmetrics.write_hdf5(dataset, path / "data.h5", images="copy")
    rows = [(c, b, e, 0.5, 0) for c in ("01", "NA") for b in "AB" for e in range(3)]
    weights = pd.DataFrame(rows, columns=["category", "backbone", "epoch", "weight", "fold"])
    for name in ("one", "other/one"):
        (path / name).mkdir(parents=True)
        weights.to_csv(path / name / "weights.csv", index=False)
    weights.to_csv(path / "weights.csv", index=False)
    weights.drop(columns="weight").to_csv(path / "no_weight.csv", index=False)
    weights.assign(weight="high").to_csv(path / "text.csv", index=False)
    (path / "nothing.csv").touch()
    return path


@pytest.fixture
def result(folder, evaluated):
    """The current folder, with the files of `folder` and a copy of those of `evaluated`."""
    return shutil.copytree(evaluated, folder, dirs_exist_ok=True)
