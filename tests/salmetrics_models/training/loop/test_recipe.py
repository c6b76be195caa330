"""Recipes: checked values, schedules, and the rules that stop."""

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.training import RECIPES, Recipe, named_recipe


def slow_three_worse(values, least):
    """The rule of DeepGaze II, from its paper: epochs from 1, whose values are values[1:]."""
    t = len(values) - 1
    return t >= least and all(values[t - i] < values[t - i - 5] for i in range(3))


def test_the_rule_of_deepgaze_2():
    recipe = Recipe(stopping="three-worse", min_epochs=20)
    generator = torch.Generator().manual_seed(4)
    stopped = set()
    for trial in range(40):
        drift = 0.2 - 0.02 * trial
        values = torch.cumsum(torch.randn(60, generator=generator) + drift, 0).tolist()
        for n in range(8, 60):
            found = recipe.is_done(values[:n], 1e-3)
            assert found == slow_three_worse(values[:n], 20)
            stopped.add((found, n - 1 < 20))
    assert stopped == {(False, True), (False, False), (True, False)}
    falling = [-float(i) for i in range(100)]
    assert [recipe.is_done(falling[:n], 1e-3) for n in (20, 21)] == [False, True]
    assert not Recipe(stopping="none").is_done(falling, 1e-3)


def test_one_good_epoch_of_the_last_three_goes_on():
    values = [0.0] * 25
    recipe = Recipe(stopping="three-worse", min_epochs=20)
    assert not recipe.is_done(values, 1e-3)  # equal is not worse
    worse = [*values[:22], -1.0, -1.0, -1.0]
    assert recipe.is_done(worse, 1e-3)
    assert not recipe.is_done([*values[:22], -1.0, 0.0, -1.0], 1e-3)


def test_other_ends():
    assert Recipe(max_epochs=3).is_done([0.0] * 4, 1e-3)
    assert not Recipe(max_epochs=3).is_done([0.0] * 3, 1e-3)
    low = Recipe(min_learning_rate=1e-7)
    assert low.is_done([0.0], 1e-8)
    assert not low.is_done([0.0], 1e-7)


def test_steps_of_deepgaze_2e():
    """The rate after each epoch of fine-tuning, and the epoch at which it stops."""
    recipe = RECIPES["deepgaze2e-fine-tuning"]
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    scheduler = recipe.scheduler(optimizer)
    rates, scores = [], [0.0]
    while not recipe.is_done(scores, optimizer.param_groups[0]["lr"]):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        scores.append(0.0)
    expected = [10.0 ** -(3 + epoch // 3) for epoch in range(15)]
    assert rates == pytest.approx(expected, rel=1e-12)


def test_plateau():
    recipe = Recipe(schedule="plateau", patience=1, decay=0.5)
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = recipe.scheduler(optimizer)
    rates = []
    for score in (1.0, 2.0, 1.9, 1.8, 1.7, 3.0):
        scheduler.step(score)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.05], rel=1e-12)
    for _ in range(100):
        scheduler.step(0.0)
    assert optimizer.param_groups[0]["lr"] < 1e-15  # however small a step


def test_the_least_number_of_epochs():
    recipe = Recipe(stopping="three-worse", min_epochs=0)
    falling = [-float(i) for i in range(20)]
    assert [recipe.is_done(falling[:n], 1e-3) for n in (7, 8)] == [False, True]


def test_papers():
    two = RECIPES["deepgaze2-pretraining"], RECIPES["deepgaze2-fine-tuning"]
    assert [r.batch_size for r in two] == [100, 10]
    assert {(r.stopping, r.min_epochs, r.max_epochs, r.average) for r in two} == {
        ("three-worse", 20, 800, "fixation")
    }
    four = RECIPES["deepgaze2e-pretraining"], RECIPES["deepgaze2e-fine-tuning"]
    assert [(r.learning_rate, r.decay, r.downsample) for r in four] == [
        (1e-3, 0.1, 1.5),
        (1e-3, 0.1, 2),
    ]


def test_changes():
    changed = named_recipe("deepgaze2-pretraining", batch_size=7, milestones=[3, 5])
    assert (changed.batch_size, changed.milestones, changed.stopping) == (7, (3, 5), "three-worse")
    with pytest.raises(InputError, match=r"entry of a recipe must be one of .*; got 'batchsize'"):
        named_recipe("deepgaze2-pretraining", batchsize=7)
    with pytest.raises(InputError, match="recipe must be one of"):
        named_recipe("deepgaze4")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"learning_rate": 0}, "learning_rate must be a number above 0 and below 10; got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"decay": 1}, "decay must be a number above 0 and below 1; got 1"),
        ({"decay": 0}, "decay must be a number above 0 and below 1; got 0"),
        ({"min_learning_rate": -1}, "min_learning_rate must be a number"),
        ({"downsample": 0.5}, "downsample must be a number from 1 to 100"),
        ({"milestones": 3}, "milestones must be a list; got 3"),
        ({"milestones": (3, 2)}, r"milestones must be in ascending order; got \[3, 2\]"),
        ({"milestones": (0,)}, "milestones must be a whole number >= 1; got 0"),
        ({"max_epochs": 0}, "max_epochs must be a whole number >= 1"),
        ({"min_epochs": -1}, "min_epochs must be a whole number >= 0"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1; got 0"),
        ({"patience": True}, "patience must be a whole number"),
        ({"schedule": "cosine"}, "schedule must be one of 'steps', 'plateau'"),
        ({"stopping": "early"}, "stopping must be one of"),
        ({"keep": "all"}, "keep must be one of 'best', 'last'"),
        ({"average": "subject"}, "average must be one of 'image', 'fixation'"),
    ],
)
def test_wrong_values(wrong, text):
    with pytest.raises(InputError, match=text):
        Recipe(**wrong)
