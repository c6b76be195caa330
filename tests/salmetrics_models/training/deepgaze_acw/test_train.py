"""DeepGaze IIE-ACW trained: each category of images is best predicted by another backbone."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import salmetrics
from salmetrics import CentreBias, InputError
from salmetrics.data import folds
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.deepgaze.finaliser import mixing_for
from salmetrics_models.deepgaze_acw.categories import mixed, shares
from salmetrics_models.deepgaze_acw.head import CategoryHead
from salmetrics_models.losses import negative_log_likelihood
from salmetrics_models.training import RECIPES, train_acw
from salmetrics_models.training.deepgaze_acw.objective import (
    CategoryObjective,
    CategorySamples,
    JointFeatures,
)
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.loop import fit as fitting
from salmetrics_models.weights.files import read_tensors
from tests.salmetrics_models.rounding import assert_equal_in_float32
from tests.salmetrics_models.toy_backbones import SEES, blobs
from tests.salmetrics_models.training.deepgaze_acw.toy_categories import (
    ARCHITECTURE,
    CATEGORIES,
    categorised_blobs,
)
from tests.salmetrics_models.training.toy_training import EPS

RECIPE = RECIPES["deepgaze2e-acw"].changed(
    learning_rate=0.01, batch_size=4, max_epochs=2, min_learning_rate=2e-4
)
QUIET = {
    "architecture": ARCHITECTURE,
    "weights": dict.fromkeys((b.name for b in ARCHITECTURE.backbones), "random"),
    "n_instances": 2,
    "recipe": RECIPE,
    "device": "cpu",
    "progress": False,
    "tensorboard": False,
}


@pytest.fixture(scope="module")
def data():
    return categorised_blobs(30)


@pytest.fixture(scope="module")
def cut(data):
    return folds.stratified(data.stimuli, n_folds=3)


@pytest.fixture(scope="module")
def trained(data, cut, tmp_path_factory):
    return train_acw(data, tmp_path_factory.mktemp("acw"), folds=cut, **QUIET)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mixing", "least", "n_images", "changes"),
    [
        ("density", 0.9, 18, {"learning_rate": 0.03, "batch_size": 2, "max_epochs": 5}),
        ("log-density", 0.5, 24, {"learning_rate": 0.015, "batch_size": 3, "max_epochs": 4}),
    ],
)
def test_weights_pick_the_backbone_of_each_category(tmp_path, mixing, least, n_images, changes):
    """And information gain is above that of a model with equal weights, trained in the same way.

    Weights of log densities share their scale with the readouts: half the weight of a readout twice
    as steep is the same. So they pick the backbone, but not as clearly as shares of densities do.
    """
    data = categorised_blobs(n_images)
    tested = categorised_blobs(n_images // 2, seed=2, name="tested")
    recipe = RECIPE.changed(**changes)
    options = QUIET | {"recipe": recipe, "n_instances": 1, "features": tmp_path / "features"}
    options["mixing"] = mixing
    models = {}
    for name, rate in (("weighed", 10.0), ("equal", 0.0)):
        out = tmp_path / name
        done = train_acw(data, out, validation=tested, category_rate=rate, **options)
        models[name] = done.model(device="cpu")
    weights = models["weighed"].category_weights()
    for category, backbone in zip(CATEGORIES, SEES.values(), strict=True):
        assert weights.loc[category, backbone.name] > least
    assert np.allclose(models["equal"].category_weights(), 1 / 3, rtol=0, atol=EPS)
    scored = salmetrics.evaluate(
        models, *tested, metrics=["IG"], baseline=CentreBias.fit(*data), progress=False
    )
    difference = scored.compare("weighed", "equal").loc[("IG", "weighed", "equal")]
    assert difference["low"] > 0
    of_categories = scored.by("category")
    for category in CATEGORIES:
        own, other = (of_categories.loc[(category, m, "IG"), "value"] for m in ("weighed", "equal"))
        assert own > other


@pytest.mark.slow
def test_what_is_written(trained, data, cut):
    folder = trained.path.parent
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == [
        "category_weights.csv",
        "features",
        "fold-0",
        "fold-1",
        "fold-2",
        "folds.csv",
        "history.csv",
        "model.pth",
    ]
    weights = pd.read_csv(folder / "category_weights.csv")
    assert list(weights.columns) == ["fold", "epoch", "category", "backbone", "weight"]
    assert len(weights) == 3 * 3 * 3 * 3  # folds, epochs 0 to 2, categories, backbones
    assert np.allclose(weights.loc[weights["epoch"] == 0, "weight"], 1 / 3, rtol=0, atol=1e-12)
    sums = weights.groupby(["fold", "epoch", "category"])["weight"].sum()
    assert np.allclose(sums, 1, rtol=0, atol=1e-12)
    with (folder / "history.csv").open() as file:
        (first, *_) = csv.DictReader(file)
    assert {"fold", "epoch", "learning_rate", "loss", "LL", "IG", "centre_weight"} <= {*first}
    assert not [name for name in first if "weight:" in name]
    model = trained.model(device="cpu")
    assert model.n_components == 6
    assert model.n_folds == 3
    best = trained.history.groupby("fold")["IG"].idxmax()
    for fold, row in best.items():
        epoch = trained.history.loc[row, "epoch"]
        there = weights[(weights["fold"] == fold) & (weights["epoch"] == epoch)]
        table = there.pivot(index="category", columns="backbone", values="weight")
        own = model.category_weights(fold=fold)
        # a softmax of float32 weights, in float32 and in float64
        expected = table.loc[own.index, own.columns]
        np.testing.assert_allclose(own, expected, rtol=0, atol=4 * EPS)


def test_folds_have_not_seen_what_they_predict(trained, data, cut):
    """Validation scores are those of `evaluate`, of the fold's own model, on its images."""
    model = trained.model(device="cpu")
    double = trained.model(device="cpu", dtype="float64")  # measures what float32 loses
    for fold in range(3):
        ids = {*cut.validation(fold)}
        chosen = [i for i, name in enumerate(data.stimuli.ids) if name in ids]
        scored, exact = (
            salmetrics.log_likelihood(
                whole.with_components(model.components_of(fold=fold)),
                *data[chosen],
                average="image",
            )
            for whole in (model, double)
        )
        rows = trained.history[trained.history["fold"] == fold]
        assert_equal_in_float32(scored, rows["LL"].max(), exact)
    crossed = trained.cross_validated(device="cpu")
    assert crossed.folds is not None


def test_steps_of_a_plain_implementation(data, tmp_path):
    """Two rates, batches of two, gradients of two batches a step; without `checkpoint`."""
    torch.manual_seed(3)
    architecture = replace(ARCHITECTURE, n_components=2)
    head = CategoryHead(architecture, 3, "log-density").double()
    plain = CategoryHead(architecture, 3, "log-density").double()
    plain.load_state_dict(head.state_dict())
    features = JointFeatures(
        [Features(FeatureExtractor(b), data.stimuli) for b in architecture.backbones]
    )
    centre = salmetrics.models.baselines.GaussianCentreBias()
    samples = CategorySamples(data, range(6), features, centre, architecture)
    samples.categories = [i % 3 for i in range(len(data))]
    recipe = RECIPE.changed(
        learning_rate=0.01, batch_size=2, accumulate=2, max_epochs=1, keep="last", schedule="steps"
    )
    objective = CategoryObjective(head, CATEGORIES, 10.0, ())
    settings = fitting.Settings(torch.device("cpu"), dtype=torch.float64, progress=False)
    found = fitting.fit(
        objective, samples, None, recipe, tmp_path, seed=(1,), conditions={}, settings=settings
    )
    optimizer = torch.optim.Adam(
        [
            {"params": plain.heads.parameters(), "lr": 0.01},
            {"params": [plain.category_weights], "lr": 0.1},
        ]
    )
    batches = samples.batches(2, np.random.default_rng([1, 1]))
    assert [len(b) for b in batches] == [2, 2, 2]
    for group in (batches[:2], batches[2:]):
        optimizer.zero_grad()
        total = 0
        for images in group:
            for i in images:
                one = samples.batch([i]).to(torch.device("cpu"), torch.float64)
                logs, start = [], 0
                every = torch.arange(2)
                for head_of in plain.heads:
                    maps = one.maps[start : start + 2]
                    start += 2
                    each = head_of.log_densities(maps, one.centre, one.mixing, one.grid)[0]
                    each = each - torch.logsumexp(each.flatten(1), 1)[:, None, None]
                    logs.append(torch.logsumexp(each, 0) - np.log(len(every)))
                shares = torch.softmax(plain.category_weights[i % 3], 0)
                mixture = sum(w * log for w, log in zip(shares, logs, strict=True))
                mixture = mixture - torch.logsumexp(mixture.flatten(), 0)
                total = total + negative_log_likelihood(mixture[None], one.counts)
        (total / 4).backward()
        optimizer.step()
    for key, tensor in plain.state_dict().items():
        # Adam divides a gradient by its size + 1e-8: a rounding of 1e-15 in one that vanishes moves
        # a step of 0.1 by up to 1e-8; there are two steps
        np.testing.assert_allclose(found.state[key], tensor, rtol=0, atol=1e-7, err_msg=key)


def test_a_share_that_is_nothing_has_no_gradient():
    logs = [torch.zeros(1, 2, 2, requires_grad=True) for _ in range(2)]
    weights = torch.tensor([[200.0, 0.0]], requires_grad=True)  # a softmax of 1 and 0
    mixing = mixing_for((2, 2), (2, 2), torch.float32, torch.device("cpu"))
    mixed(logs, shares(weights, [0]), mixing, "density").sum().backward()
    assert torch.isfinite(weights.grad).all()
    assert all(torch.isfinite(log.grad).all() for log in logs)


@pytest.mark.slow
def test_interrupted_it_ends_the_same(data, cut, trained, tmp_path, monkeypatch):
    write, n_calls = fitting.write_state, [0]

    def stopped(path, state):
        n_calls[0] += 1
        if n_calls[0] in (2, 7, 13):
            raise KeyboardInterrupt
        write(path, state)

    monkeypatch.setattr(fitting, "write_state", stopped)
    n_stops = 0
    while True:
        try:
            again = train_acw(data, tmp_path, folds=cut, save_seconds=0, **QUIET)
            break
        except KeyboardInterrupt:
            n_stops += 1
    assert n_stops == 3
    for name in ("model.pth", "history.csv", "category_weights.csv", "folds.csv"):
        assert (tmp_path / name).read_bytes() == (trained.path.parent / name).read_bytes()
    assert again.category_weights.equals(trained.category_weights)


@pytest.mark.slow
def test_without_folds_a_fifth_of_each_category_is_validated_on(data, tmp_path):
    data = data[:15]
    options = QUIET | {"n_instances": None, "recipe": RECIPE.changed(max_epochs=1)}
    done = train_acw(data, tmp_path, mixing="density", **options)
    model = done.model(device="cpu")
    assert model.n_components == 15
    assert model.n_folds == 1
    assert model.mixing == "density"
    assert done.history["fold"].isna().all()
    cut = folds.stratified(data.stimuli, n_folds=5)
    chosen = [i for i, name in enumerate(data.stimuli.ids) if cut[name] == 0]
    scored, exact = (
        salmetrics.log_likelihood(whole, *data[chosen], average="image")
        for whole in (model, done.model(device="cpu", dtype="float64"))
    )
    assert_equal_in_float32(scored, done.history["LL"].max(), exact)
    with pytest.raises(InputError, match="this training has no folds"):
        done.cross_validated()


@pytest.mark.slow
def test_both_rates_go_down_on_a_plateau(data, tmp_path, monkeypatch):
    """With steps so small that nothing gets better."""
    recipe = RECIPE.changed(learning_rate=1e-15, patience=1, min_learning_rate=2e-17)
    seen = []
    step = torch.optim.Adam.step

    def spy(self, *args):
        seen.append([group["lr"] for group in self.param_groups])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    options = QUIET | {"recipe": recipe.changed(max_epochs=30), "n_instances": 1}
    done = train_acw(data[:15], tmp_path, **options)
    rates = done.history["learning_rate"].tolist()
    # before training and after each of five epochs
    assert rates == pytest.approx([1e-15] * 4 + [1e-16] * 2, rel=1e-12, abs=0)
    assert [b for _, b in seen] == pytest.approx([10 * a for a, _ in seen], rel=1e-9, abs=0)


def test_smooth_learns_the_blur(data, tmp_path):
    architecture = replace(ARCHITECTURE, smooth=True)
    options = QUIET | {"architecture": architecture, "n_instances": 1}
    done = train_acw(data[:15], tmp_path, **options)
    sigmas = done.history["sigma"]
    assert sigmas.iloc[0] == 8
    assert sigmas.nunique() == 3  # before training, and after each of two epochs
    assert "sigma" in "".join(read_tensors(done.path))


def test_another_training_in_the_folder(data, cut, trained):
    folder = trained.path.parent
    for options, text in (
        ({"mixing": "density"}, r"mixing \(was 'log-density', is 'density'\)"),
        ({"category_rate": 3.0}, r"category_rate \(was 10.0, is 3.0\)"),
        ({"seed": 1}, r"seed \(was 0, is 1\)"),
    ):
        with pytest.raises(InputError, match=f"under other conditions: {text}"):
            train_acw(data, folder, folds=cut, **QUIET | options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"mixing": "mean"}, "mixing must be one of"),
        ({"folds": "five"}, "folds must be one of"),
        ({"category_rate": -1}, "category_rate must be a number from 0"),
        ({"n_instances": 0}, "n_instances must be"),
        ({"n_threads": 1.5}, "n_threads must be"),
        ({"recipe": "quick"}, "recipe must be one of"),
        ({"seed": 2**63}, "seed must be below"),
        ({"weights": {}}, "backbone 'sees-red' needs weights"),
        ({"metrics": ["CC"]}, "metric must be one of"),
        ({"feature_dtype": "int8"}, "feature_dtype must be one of"),
        ({"architecture": replace(ARCHITECTURE, scaled=True)}, "does not scale features"),
        ({"architecture": replace(ARCHITECTURE, least_side=64)}, "images of at least 64 pixels"),
    ],
)
def test_wrong_options(data, tmp_path, options, text):
    with pytest.raises(InputError, match=text):
        train_acw(data, tmp_path, **QUIET | options)


def test_images_to_train_and_validate_on(data, tmp_path):
    options = QUIET | {"recipe": RECIPE.changed(max_epochs=1), "n_instances": 1}
    with pytest.warns(UserWarning, match="30 images of 'blobs' are in training and in validation"):
        train_acw(data, tmp_path, validation=data, **options)
    with pytest.raises(
        InputError, match=r"'looks at blue' has 4 images; give validation= or folds="
    ):
        train_acw(data[:14], tmp_path / "few", **options)


def test_images_need_categories(data, tmp_path):
    plain = blobs(6, lambda i: [0], size=(48, 48))
    with pytest.raises(InputError, match=r"image 'blobs0' has no category; give Stimuli attr"):
        train_acw(plain, tmp_path, **QUIET)
    other = blobs(3, lambda i: [0], size=(48, 48), categories=["new"] * 3, name="other")
    with pytest.raises(InputError, match="validation has images of category 'new', and the images"):
        train_acw(data, tmp_path, validation=other, **QUIET)
