"""One readout trained: steps as of a plain implementation, interruptions, logs, wrong numbers."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics import CentreBias, InputError
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.training import Recipe, likelihood
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.inputs.samples import Samples
from salmetrics_models.training.loop import fit as fitting
from salmetrics_models.training.loop.fit import Settings, finished_fit
from salmetrics_models.training.loop.states import FORMAT
from salmetrics_models.training.readouts.objective import ReadoutObjective
from tests.salmetrics_models.plain_deepgaze import finalised, readout
from tests.salmetrics_models.training.toy_training import (
    ARCHITECTURE,
    EPS,
    RECIPE,
    new_head,
)

CPU = torch.device("cpu")
SETTINGS = Settings(CPU, progress=False)


def fit(folder, parts, recipe=RECIPE, *, head=None, settings=SETTINGS, conditions=None):
    return fitting.fit(
        ReadoutObjective(new_head() if head is None else head, settings.metrics),
        *parts,
        recipe,
        folder,
        seed=(1, 2),
        conditions=conditions or {},
        settings=settings,
    )


def plain_losses(state, samples, dataset, images):
    """Minus the mean log density at the fixations of each image, bits, all at the image's size."""
    found = []
    for i in images:
        pixels = dataset.stimuli[i].rgb.transpose(2, 0, 1)[None].copy()
        with torch.no_grad():
            maps = FeatureExtractor(HAND_MADE)(torch.from_numpy(pixels).float())
        height, width = dataset.stimuli.sizes[i].tolist()
        grid = (-(-height // 8), -(-width // 8))
        x = torch.cat([torch.nn.functional.interpolate(m, size=grid) for m in maps], 1).double()
        y = readout(state, "", 0, x)
        centre = samples.batch([i]).centre.double()
        full = torch.nn.functional.interpolate(centre[None], size=(height, width))[0]
        logs = finalised(state, "finalizers.0", y, full, 2)[0, 0]
        mine = dataset.fixations.of_image(i)
        at = logs[np.floor(mine.y).astype(int), np.floor(mine.x).astype(int)]
        found.append(-at.mean() / np.log(2))
    return torch.stack(found)


def published_names():
    """The name that the plain implementation has for each tensor of a head."""
    names = {
        "finaliser.centre_weight": "finalizers.0.center_bias_weight",
        "finaliser.sigma": "finalizers.0.gauss.sigma",
    }
    for i in range(6):
        network, j = ("saliency_networks", i) if i < 3 else ("fixation_selection_networks", i - 3)
        norm, conv = f"layernorm{j}", f"conv{j}"
        if i == 3:
            norm, conv = f"{norm}.layernorm_part0", f"{conv}.conv_part0"
        names |= {
            f"readouts.norm_weight{i}": f"{network}.0.{norm}.weight",
            f"readouts.norm_bias{i}": f"{network}.0.{norm}.bias",
            f"readouts.weight{i}": f"{network}.0.{conv}.weight",
            f"readouts.bias{i}": f"{network}.0.bias{j}.bias",
        }
    return {ours: theirs for ours, theirs in names.items() if ours in new_head().state_dict()}


def test_steps_of_a_plain_implementation(parts, dataset, tmp_path):
    """One epoch of Adam by hand, component by component, on maps as large as the images."""
    recipe = Recipe(learning_rate=0.01, max_epochs=1, batch_size=2, keep="last")
    settings = Settings(CPU, torch.float64, progress=False)
    found = fit(tmp_path, parts, recipe, head=new_head().double(), settings=settings)
    names = published_names()
    start = {names[key]: t.double() for key, t in new_head().state_dict().items()}
    state, last = {}, {}
    for name, tensor in start.items():
        leaf = tensor[0].clone()
        leaf = leaf[..., None, None] if "conv" in name else leaf
        state[name] = leaf.reshape(1) if leaf.ndim == 0 else leaf
        state[name].requires_grad_(True)
    optimizer = torch.optim.Adam(state.values(), lr=0.01)
    for images in parts[0].batches(2, np.random.default_rng([1, 2, 1])):
        optimizer.zero_grad()
        loss = plain_losses(state, parts[0], dataset, images).sum() / 2  # of a full batch
        loss.backward()
        optimizer.step()
    for ours, theirs in names.items():
        last[ours] = state[theirs].detach()
        expected = last[ours].reshape(found.state[ours].shape)
        # Adam divides a gradient by its size + 1e-8: a rounding of 1e-15 in one that vanishes moves
        # a step of 0.01 by up to 1e-9; there are five steps
        torch.testing.assert_close(found.state[ours], expected, rtol=1e-7, atol=1e-8, msg=ours)
    validation = plain_losses(state, parts[1], dataset, range(8, 12)).mean().item()
    assert found.history[1]["LL"] == pytest.approx(-validation, rel=1e-8)
    baseline = np.mean([parts[1].baseline[i] for i in range(8, 12)]) / np.log(2)
    assert found.history[1]["IG"] == pytest.approx(-validation - baseline, rel=1e-6)


def test_weights_and_averages(parts, dataset, tmp_path):
    """A weight of 2 is an image twice; the loss of an epoch without steps is the weighted mean."""
    features = Features(FeatureExtractor(HAND_MADE), dataset.stimuli)
    twice = np.array([2.0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    bias = CentreBias.fit(*dataset[:8])
    chosen = range(8)
    weighted = Samples(dataset, chosen, features, bias, ARCHITECTURE, image_weights=twice)
    recipe = Recipe(learning_rate=1e-12, max_epochs=1, batch_size=2, keep="last")
    one = fit(tmp_path / "a", (weighted, None), recipe)
    two = fit(tmp_path / "b", (parts[0], None), recipe)
    alone = Samples(dataset, [0], features, bias, ARCHITECTURE)
    first = fit(tmp_path / "c", (alone, None), recipe).history[1]["loss"]
    assert one.history[1]["loss"] * 9 == pytest.approx(
        two.history[1]["loss"] * 8 + first,
        rel=16 * EPS,  # sums of losses of float32
    )


@pytest.mark.slow
def test_it_learns_and_keeps_the_best(parts, tmp_path):
    recipe = Recipe(learning_rate=0.05, max_epochs=12, batch_size=2)
    double = Settings(CPU, torch.float64, progress=False)
    best = fit(tmp_path / "best", parts, recipe, head=new_head().double(), settings=double)
    scores = [row["IG"] for row in best.history]
    assert max(scores) > scores[0] + 0.3
    kept_last = recipe.changed(keep="last")
    last = fit(tmp_path / "last", parts, kept_last, head=new_head().double(), settings=double)
    assert [row["IG"] for row in last.history] == scores
    for fitted, expected in ((best, max(scores)), (last, scores[-1])):
        head = new_head().double()
        head.load_state_dict(fitted.state)
        nothing = recipe.changed(max_epochs=1, learning_rate=1e-12)
        again = fit(tmp_path / str(expected), parts, nothing, head=head, settings=double)
        # float64: means of logs of about 10 nats, each rounded to 1e-15
        assert again.history[0]["IG"] == pytest.approx(expected, rel=0, abs=1e-12)


class Killed(BaseException):
    pass


@pytest.mark.slow
def test_interrupted_after_any_write_it_ends_the_same(parts, tmp_path, monkeypatch):
    """Within epochs too, as the state is written after each batch here."""
    settings = Settings(CPU, save_seconds=0, progress=False)
    whole = fit(tmp_path / "whole", parts, settings=settings)
    expected = (tmp_path / "whole" / "final.pth").read_bytes()
    write, at_most = fitting.write_state, [0]

    def killed(path, state):
        if at_most[0] == 0:
            raise Killed
        at_most[0] -= 1
        write(path, state)

    monkeypatch.setattr(fitting, "write_state", killed)
    n_writes = 0
    while True:
        at_most[0] = 2  # so it goes on by two writes each time
        try:
            again = fit(tmp_path / "cut", parts, settings=settings)
            break
        except Killed:
            n_writes += 2
    assert n_writes > 12
    assert (tmp_path / "cut" / "final.pth").read_bytes() == expected
    assert again.history == whole.history
    assert not (tmp_path / "cut" / "state.pth").exists()


def test_a_done_training_is_not_done_again(parts, tmp_path, monkeypatch):
    first = fit(tmp_path, parts)
    monkeypatch.setattr(fitting, "_FitRun", None)
    again = fit(tmp_path, parts)
    assert again.history == first.history
    for key, tensor in again.state.items():
        assert torch.equal(tensor, first.state[key])
    assert finished_fit(tmp_path / "other", RECIPE, {}) is None
    with pytest.raises(InputError, match=r"conditions: recipe.decay \(was 0.1, is 0.3\)\. Choose"):
        fit(tmp_path, parts, RECIPE.changed(decay=0.3))
    with pytest.raises(InputError, match=r"conditions: data.0.a \(was None, is 'x'\)"):
        fit(tmp_path, parts, conditions={"data": [{"a": "x"}]})
    # what moves the last digits only does not matter once all is done
    again = finished_fit(tmp_path, RECIPE, {"torch": "9.0", "n_threads": 64, "device": "cuda"})
    assert again.history == first.history


def without_format(path):
    """Make a file one of the first format, which had no number."""
    state = torch.load(path, weights_only=True)
    assert state.pop("format") == FORMAT
    torch.save(state, path)


@pytest.mark.slow
def test_states_of_the_first_format(parts, tmp_path, monkeypatch):
    """They resume, and are read once they are done."""
    whole = fit(tmp_path / "whole", parts)
    write, n_writes = fitting.write_state, [0]

    def stopped(path, state):
        n_writes[0] += 1
        if n_writes[0] == 3:
            raise Killed
        write(path, state)

    with monkeypatch.context() as patched:
        patched.setattr(fitting, "write_state", stopped)
        with pytest.raises(Killed):
            fit(tmp_path / "old", parts)
    without_format(tmp_path / "old" / "state.pth")
    resumed = fit(tmp_path / "old", parts)
    assert resumed.history == whole.history
    assert all(torch.equal(tensor, whole.state[key]) for key, tensor in resumed.state.items())
    without_format(tmp_path / "old" / "final.pth")
    assert finished_fit(tmp_path / "old", RECIPE, {}).history == whole.history
    with pytest.raises(InputError, match=r"wrote in format 1, whose digest of features\.code"):
        finished_fit(tmp_path / "old", RECIPE, {"features": {"code": "x"}})


def test_other_metrics_after_an_interruption(parts, tmp_path, monkeypatch):
    row = fitting._FitRun._row

    def stopped(self, epoch, *given):
        if epoch == 2:
            raise KeyboardInterrupt
        return row(self, epoch, *given)

    with monkeypatch.context() as patched:
        patched.setattr(fitting._FitRun, "_row", stopped)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, parts)
    more = Settings(CPU, metrics=("NSS",), progress=False)
    history = fit(tmp_path, parts, settings=more).history
    assert ["NSS" in row for row in history] == [False, False, True, True]
    with (tmp_path / "log.csv").open(newline="") as file:
        assert [row["NSS"] == "" for row in csv.DictReader(file)] == [True, True, False, False]


def test_log(parts, tmp_path):
    found = fit(tmp_path, parts)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(
        [0.02, 0.02, 0.02, 0.002], rel=1e-12
    )
    assert float(rows[3]["loss"]) == found.history[3]["loss"]
    assert "seconds" in rows[0]
    assert "seconds" not in found.history[0]  # it differs from run to run


def test_tensorboard(parts, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    fit(tmp_path, parts, settings=Settings(CPU, tensorboard=True, progress=False))
    (file,) = (tmp_path / "tensorboard").iterdir()
    written = file.read_bytes()
    assert b"IG" in written
    assert b"learning_rate" in written


@pytest.mark.slow
def test_a_loss_that_is_no_number(parts, tmp_path, monkeypatch):
    losses = likelihood.negative_log_likelihood
    n_calls = [0]

    def broken(*args, **options):
        n_calls[0] += 1
        value = losses(*args, **options)
        return value * np.nan if n_calls[0] == 13 else value  # after 3 + 5 + 3, and one

    monkeypatch.setattr(likelihood, "negative_log_likelihood", broken)
    text = (
        r"training: the loss is not finite in epoch 2, batch \d \(images 'blobs\d+'.*state.pth'. "
        "To start again with a lower learning rate, remove"
    )
    with pytest.raises(InputError, match=text):
        fit(tmp_path, parts)
    state = torch.load(tmp_path / "state.pth", weights_only=True)
    assert state["position"] == [2, 0]
    assert all(torch.isfinite(t).all() for t in state["module"].values())
    monkeypatch.undo()
    assert fit(tmp_path, parts).history == fit(tmp_path / "whole", parts).history


def test_a_gradient_that_is_no_number(parts, tmp_path, monkeypatch):
    def broken(logs, counts, **options):
        value = (logs * counts).sum((1, 2))
        return value + torch.sqrt(value - value)  # 0, whose derivative is infinite

    monkeypatch.setattr(likelihood, "negative_log_likelihood", broken)
    with pytest.raises(
        InputError, match="the gradient of the loss is not finite in epoch 1, batch"
    ):
        fit(tmp_path, parts)


def test_a_validation_that_is_no_number(parts, tmp_path, monkeypatch):
    """As where the last step of an epoch went too far."""
    losses = likelihood.negative_log_likelihood
    n_calls = [0]

    def broken(*args, **options):
        n_calls[0] += 1
        value = losses(*args, **options)
        return value * np.nan if n_calls[0] == 10 else value  # after 3 + 5, and one

    monkeypatch.setattr(likelihood, "negative_log_likelihood", broken)
    text = r"the likelihood of validation is not finite in epoch 1, images 'blobs\d+'"
    with pytest.raises(InputError, match=text):
        fit(tmp_path, parts)
    assert torch.load(tmp_path / "state.pth", weights_only=True)["position"] == [1, 0]


@pytest.mark.slow
def test_a_full_disk_leaves_the_state_of_before(parts, tmp_path, monkeypatch):
    save = torch.save
    n_calls = [0]

    def full(state, file):
        n_calls[0] += 1
        if n_calls[0] == 3:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        save(state, file)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"state.pth' cannot be written \(No space left on device"):
        fit(tmp_path, parts)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "state.pth"]
    assert torch.load(tmp_path / "state.pth", weights_only=True)["position"] == [2, 0]
    monkeypatch.undo()
    assert fit(tmp_path, parts).history == fit(tmp_path / "whole", parts).history


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_a_damaged_state(parts, tmp_path, content):
    (tmp_path / "state.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"state.pth' is damaged; remove it to start again"):
        fit(tmp_path, parts)
    torch.save([1, 2], tmp_path / "state.pth")
    with pytest.raises(InputError, match="is not the state of a training"):
        fit(tmp_path, parts)


def test_without_validation(parts, tmp_path):
    for recipe in (RECIPE, RECIPE.changed(keep="last", stopping="three-worse")):
        with pytest.raises(InputError, match="needs validation images, and there are none"):
            fit(tmp_path, (parts[0], None), recipe)
    found = fit(tmp_path, (parts[0], None), RECIPE.changed(keep="last"))
    assert "IG" not in found.history[0]
    assert found.history[3]["loss"] < found.history[1]["loss"]
    assert json.loads(json.dumps(found.history[1])) == found.history[1]


def test_plateau_lowers_the_rate(parts, tmp_path):
    steady = replace(RECIPE, schedule="plateau", patience=1, learning_rate=1e-12, max_epochs=6)
    rates = [row["learning_rate"] for row in fit(tmp_path, parts, steady).history]
    # of the row's own epoch, and lowered after every second one: nothing gets better
    expected = [1e-12, 1e-12, 1e-12, 1e-12, 1e-13, 1e-13, 1e-14]
    assert rates == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("seconds", [-1, float("nan"), "x", True])
def test_wrong_seconds(seconds):
    with pytest.raises(InputError, match="save_seconds must be a number >= 0"):
        Settings(CPU, save_seconds=seconds)
