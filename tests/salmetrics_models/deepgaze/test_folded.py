"""Components by fold and instance, and files that say how many there are."""

import json

import pytest
import torch

from salmetrics import Folds, InputError
from salmetrics_models import DeepGazeIIE
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeIIE


def test_components_of():
    model = object.__new__(DeepGazeIIE)
    assert model.components_of(fold=3) == (3, 13, 23)
    assert model.components_of(fold=3, component_order="fold-major") == (9, 10, 11)
    assert model.components_of(instance=1) == tuple(range(10, 20))
    assert model.components_of(fold=9, instance=2) == (29,)
    assert model.components_of(fold=3, fold_offset=2) == (1, 11, 21)
    assert len(model.components_of()) == 30
    for order in ("instance-major", "fold-major"):
        parts = [model.components_of(fold=k, component_order=order) for k in range(10)]
        assert sorted(c for part in parts for c in part) == list(range(30))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fold": 10}, "fold must be from 0 to 9; got 10"),
        ({"instance": 3}, "instance must be from 0 to 2; got 3"),
        ({"fold": -1}, "fold must be a whole number >= 0; got -1"),
        ({"component_order": "other"}, "component_order must be one of 'instance-major', 'fold-"),
        ({"fold_offset": -1}, "fold_offset must be a whole number >= 0; got -1"),
    ],
)
def test_wrong_components(options, text):
    with pytest.raises(InputError, match=text):
        object.__new__(DeepGazeIIE).components_of(**options)


def test_folds_must_be_those_of_the_model(toy_2e):
    with pytest.raises(InputError, match="folds must be the 10 folds of deepgaze2e; got 2"):
        toy_2e.cross_validated(Folds({"a": 0, "b": 1}))


class TestFiles:
    """Files of `save`, and those of a training, may have other numbers of components."""

    @pytest.fixture
    def saved(self, toy_2e, tmp_path):
        """The tensors and the description of a file that `save` wrote."""
        toy_2e.save(tmp_path / "own.pth")
        state = torch.load(tmp_path / "own.pth", weights_only=True)
        return state["state_dict"], json.loads(state["about"])

    def load(self, path, tensors, about):
        state = {"state_dict": tensors}
        if about is not None:
            state["about"] = json.dumps(about)
        torch.save(state, path)
        return ToyDeepGazeIIE(path, **OPTIONS)

    def some(self, tensors, n):
        """The first n components of each backbone."""
        return {
            key: tensor if ".features." in key else tensor[:n] for key, tensor in tensors.items()
        }

    def test_what_save_wrote(self, toy_2e, saved, tmp_path):
        again = self.load(tmp_path / "x.pth", *saved)
        assert again.weights_digest == toy_2e.weights_digest
        assert (again.n_components, again.n_folds) == (30, 10)

    def test_other_numbers_of_components_and_folds(self, saved, tmp_path):
        tensors, about = saved
        about["architecture"]["n_components"] = 6
        model = self.load(tmp_path / "x.pth", self.some(tensors, 6), about | {"n_folds": 3})
        assert (model.n_components, model.n_folds) == (6, 3)
        assert model.components_of(fold=1) == (1, 4)

    def test_without_a_description(self, saved, tmp_path):
        """Tensors tell the number of components only."""
        model = self.load(tmp_path / "x.pth", self.some(saved[0], 20), None)
        assert (model.n_components, model.n_folds) == (20, 10)

    def test_without_a_number_of_folds(self, saved, tmp_path):
        """Each component is of a fold of its own."""
        tensors, about = saved
        del about["n_folds"]
        assert self.load(tmp_path / "x.pth", tensors, about).n_folds == 30

    def test_of_another_model(self, saved, tmp_path):
        tensors, about = saved
        about["architecture"]["map_factor"] = 4
        text = r"is of another model than deepgaze2e: map_factor differ; .*ReadoutModel loads any"
        with pytest.raises(InputError, match=text):
            self.load(tmp_path / "x.pth", tensors, about)

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"n_folds": 7}, "30 components cannot have 7 folds"),
            ({"n_folds": "many"}, "n_folds must be a whole number"),
            ({"architecture": None}, "x.pth'"),
        ],
    )
    def test_wrong_descriptions(self, saved, tmp_path, change, text):
        tensors, about = saved
        with pytest.raises(InputError, match=text):
            self.load(tmp_path / "x.pth", tensors, about | change)
