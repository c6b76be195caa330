"""What every objective has: where it computes, what learns, what is logged."""

import pytest
import torch

from salmetrics_models.training.loop.objective import METRICS, NotANumber, Objective


class Line(Objective):
    """A line through points: the least that an objective has to say."""

    unit = "cm"

    def __init__(self):
        self.module = torch.nn.Linear(2, 1)

    def losses(self, batch):
        return self.module(batch)[:, 0] ** 2

    def scores(self, samples, batches):
        return {"score": -sum(float(self.losses(batch).sum()) for _, batch in batches)}


def test_all_parameters_learn_at_one_rate():
    line = Line()
    (group,) = line.groups(0.25)
    assert group["lr"] == 0.25
    assert [p.shape for p in group["params"]] == [(1, 2), (1,)]
    assert group["params"][0] is line.module.weight


def test_the_module_goes_to_the_device():
    line = Line()
    line.to(torch.device("meta"), torch.float64)
    assert line.module.weight.device.type == "meta"
    assert line.module.weight.dtype == torch.float64


def test_what_need_not_be_said():
    line = Line()
    before = line.module.weight.clone()
    line.constrain()
    assert torch.equal(line.module.weight, before)
    assert line.facts() == {}


def test_losses_and_scores_are_needed():
    with pytest.raises(TypeError, match="abstract"):
        Objective()
    assert METRICS == ("NSS", "AUC")


def test_a_score_that_is_no_number():
    error = NotANumber("likelihood", ["a", "b"])
    assert (error.what, error.ids, str(error)) == ("likelihood", ("a", "b"), "likelihood")
    assert isinstance(error, ValueError)
