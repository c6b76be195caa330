"""EML-NET trained piece by piece, on images where each encoder sees what the other does not."""

import csv
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import Dataset, Fixations, InputError, Stimuli
from salmetrics_models import EMLNet, losses
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import EMLNetwork
from salmetrics_models.training import RECIPES, Recipe, train_emlnet
from salmetrics_models.training.emlnet import train as emlnet
from salmetrics_models.training.emlnet.objectives import LOSSES
from salmetrics_models.training.loop import fit as fitting
from salmetrics_models.weights.files import read_tensors
from tests.salmetrics_models.rounding import FACTOR, assert_equal_in_float32
from tests.salmetrics_models.toy_backbones import SEES, blobs
from tests.salmetrics_models.training.toy_training import EPS

TOY = {name: SEES[name] for name in ("red", "green")}
SIZE = (48, 48)
ENCODER = RECIPES["emlnet-encoder"].changed(learning_rate=0.1, max_epochs=6)
DECODER = RECIPES["emlnet-decoder"].changed(learning_rate=0.01, max_epochs=3, batch_size=8)
QUIET = {
    "backbones": TOY,
    "weights": dict.fromkeys(TOY, "random"),
    "size": SIZE,
    "device": "cpu",
    "progress": False,
    "tensorboard": False,
    "encoder_recipe": ENCODER,
    "decoder_recipe": DECODER,
}


def looked_at(i):
    return [0, 1]  # red and green


@pytest.fixture(scope="module")
def data():
    """To train on, and to validate on."""
    return [
        blobs(n, looked_at, size=SIZE, seed=n, name=name)
        for n, name in ((32, "some"), (16, "other"))
    ]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("emlnet")
    return train_emlnet(data[0], out, validation=data[1], **QUIET)


def scores_of(history, piece, key):
    return history.loc[history["piece"] == piece, key].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["public", "paper"])
def test_pieces_learn_and_are_better_together(tmp_path, form):
    """The encoders are complementary: one sees red, one green, and people look at both."""
    data = [blobs(n, looked_at, seed=n, name=name) for n, name in ((48, "some"), (24, "other"))]
    options = QUIET | {
        "size": (64, 64),
        "encoder_recipe": ENCODER.changed(max_epochs=12, milestones=(8,)),
        "decoder_recipe": DECODER.changed(max_epochs=30 if form == "public" else 10),
    }
    trained = train_emlnet(data[0], tmp_path, validation=data[1], form=form, **options)
    for piece in ("encoder-red", "encoder-green", "decoder"):
        found = scores_of(trained.history, piece, "validation_loss")
        assert found[-1] < found[0] - 0.01, piece
    model = trained.model(device="cpu", sigma=0)
    each = {"both": model, "red": model.alone("red"), "green": model.alone("green")}
    scored = salmetrics.evaluate(each, *data[1], metrics=["NSS", "CC"], progress=False)
    for other in ("red", "green"):
        for metric in ("NSS", "CC"):
            difference = scored.compare("both", other).loc[(metric, "both", other)]
            assert difference["low"] > 0, (other, metric)


@pytest.mark.slow
def test_what_is_written(trained, data):
    folder = trained.path.parent
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == [
        "decoder",
        "encoder-green",
        "encoder-red",
        "history.csv",
        "model.pth",
    ]
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 + 7 + 4
    assert {"piece", "epoch", "learning_rate", "loss", "validation_loss", "NSS"} <= {*rows[0]}
    rates = [r["learning_rate"] for r in rows if r["piece"] == "encoder-red"]
    assert [float(r) for r in rates] == pytest.approx(
        [0.1] * 6 + [0.01], rel=1e-12
    )  # of each epoch
    model = trained.model(device="cpu")
    assert model.parameters["size"] == [48, 48]


def test_encoders_are_frozen_when_the_decoder_learns(trained):
    whole = read_tensors(trained.path)
    for i, name in enumerate(TOY):
        encoder = read_tensors(trained.path.parent / f"encoder-{name}" / "final.pth")
        for key, tensor in encoder.items():
            assert torch.equal(whole[f"encoders.{i}.{key}"], tensor), key
    decoder = read_tensors(trained.path.parent / "decoder" / "final.pth")
    assert all(torch.equal(whole[f"decoder.{key}"], t) for key, t in decoder.items())


def test_losses_of_validation_are_those_of_a_plain_loop(trained, data):
    """At the frame's size, here the image's: by losses and metrics of the maps as predicted."""
    single = trained.model(device="cpu").network
    double = trained.model(device="cpu", dtype="float64").network
    found, exact = [], []
    for i, stimulus in enumerate(data[1].stimuli):
        pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).double() / 255
        own = data[1].fixations.of_image(i)
        y, x = np.floor(own.y).astype(int), np.floor(own.x).astype(int)
        counts = np.zeros(SIZE)
        np.add.at(counts, (y, x), 1)
        from scipy.ndimage import gaussian_filter

        target = torch.from_numpy(gaussian_filter(counts, 3.0, mode="constant"))
        there = torch.from_numpy((counts > 0).astype(float))
        for network, dtype, scores in (
            (single, torch.float32, found),
            (double, torch.float64, exact),
        ):
            with torch.no_grad():
                predicted = network(pixels.to(dtype))[:, 0]
            options = [part[None].to(dtype) for part in (target, there)]
            scores.append(float(losses.eml_net_loss(predicted, *options)))
    expected = scores_of(trained.history, "decoder", "validation_loss")[-1]
    # what float32 loses per image, measured here; the mean over images loses at most that
    lost = np.abs(np.subtract(found, exact)).mean()
    assert abs(np.mean(exact) - expected) <= FACTOR * lost


@pytest.mark.slow
def test_interrupted_it_ends_the_same(data, trained, tmp_path, monkeypatch):
    write, n_calls = fitting.write_state, [0]

    def stopped(path, state):
        n_calls[0] += 1
        if n_calls[0] in (3, 9, 15, 20):
            raise KeyboardInterrupt
        write(path, state)

    monkeypatch.setattr(fitting, "write_state", stopped)
    n_stops = 0
    while True:
        try:
            again = train_emlnet(data[0], tmp_path, validation=data[1], save_seconds=0, **QUIET)
            break
        except KeyboardInterrupt:
            n_stops += 1
    assert n_stops == 4
    assert again.path.read_bytes() == trained.path.read_bytes()
    assert again.history.drop(columns="piece").equals(trained.history.drop(columns="piece"))


def test_taps_that_are_not_kept_make_the_same(data, trained, tmp_path, monkeypatch):
    """One epoch of the decoder, on the encoders that are trained already."""
    settings_for, states = emlnet.settings_for, []

    def of_float64(*args, **options):
        return replace(settings_for(*args, **options), dtype=torch.float64)

    for keep_taps, dtype in ((True, "float32"), (False, "float32"), (False, "float64")):
        if dtype == "float64":
            monkeypatch.setattr(emlnet, "settings_for", of_float64)
        folder = tmp_path / f"{keep_taps}-{dtype}"
        ignored = shutil.ignore_patterns("decoder")
        shutil.copytree(trained.path.parent, folder, ignore=ignored)
        options = QUIET | {"decoder_recipe": DECODER.changed(max_epochs=1)}
        done = train_emlnet(data[0], folder, validation=data[1], keep_taps=keep_taps, **options)
        states.append(read_tensors(done.path))
    for key, tensor in states[0].items():
        if key.startswith("encoders."):
            assert torch.equal(tensor, states[1][key]), key
    # taps of single images and of batches are added up in another order, so what float32 loses is
    # measured, over all tensors of a kind: in a single one, which may have one number, it may be 0
    for kind in ("weight", "bias", "running_mean", "running_var"):
        keys = [key for key in states[0] if re.fullmatch(rf"decoder\..*\.{kind}", key)]
        assert keys
        parts = [np.concatenate([state[key].numpy().ravel() for key in keys]) for state in states]
        assert_equal_in_float32(*parts)


def test_fine_tuning_as_on_mit1003(trained, data, tmp_path):
    """From a training on other data; images of any shape are padded to 4:3."""
    rng = np.random.default_rng(5)
    sizes = [(40, 60), (60, 40), (48, 64)] * 4
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    stimuli = Stimuli.from_arrays(images, sigma=3.0)
    x, y = (rng.uniform(0, 40, 120) for _ in "xy")
    fixations = Fixations.from_arrays(x, y, np.repeat(np.arange(12), 10), n_images=12)
    dataset = Dataset("mit", stimuli, fixations)
    training, tested = salmetrics.split(dataset, [0.75, 0.25], seed=1)
    options = QUIET | {"weights": None, "size": (48, 64), "pad": True}
    tuned = train_emlnet(training, tmp_path, validation=tested, start=trained.path, **options)
    first = tuned.history.iloc[0]
    assert first["epoch"] == 0
    model = tuned.model(device="cpu")
    assert model.frame == Frame((48, 64), pad=True)
    assert [m.shape for m in model.saliency_maps(tested.stimuli)] == [
        tuple(s.size) for s in tested.stimuli
    ]
    # it starts where the other ended, and goes on from there
    own, after = read_tensors(trained.path), read_tensors(tuned.path)
    for piece in ("encoders.0.network.first.0.weight", "decoder.combined.0.weight"):
        assert not torch.equal(own[piece], after[piece])
    untouched = Recipe(learning_rate=1e-12, max_epochs=1, optimizer="sgd", keep="last")
    options |= {"encoder_recipe": untouched, "decoder_recipe": untouched}
    same = train_emlnet(training, tmp_path / "same", start=trained.path, **options)
    for key, tensor in read_tensors(same.path).items():
        if "running" not in key and "num_batches" not in key:
            # the rate of 1e-12 moves nothing by more than 1e-9, and float32 resolves EPS
            np.testing.assert_allclose(tensor, own[key], rtol=EPS, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_each_loss_goes_down(data, tmp_path, loss):
    recipe = ENCODER.changed(max_epochs=4)
    options = QUIET | {"backbones": {"red": TOY["red"]}, "weights": {"red": "random"}}
    options |= {"encoder_recipe": recipe, "decoder_recipe": DECODER.changed(max_epochs=1)}
    trained = train_emlnet(data[0], tmp_path, validation=data[1], loss=loss, **options)
    found = scores_of(trained.history, "encoder-red", "validation_loss")
    assert found[-1] < found[0]


def test_a_loss_that_is_no_number(data, tmp_path):
    recipe = ENCODER.changed(learning_rate=9.9, weight_decay=1.0, momentum=1.0, max_epochs=60)
    options = QUIET | {"encoder_recipe": recipe, "loss": "mse"}
    with pytest.raises(InputError, match=r"encoder-red: the .* is not finite in epoch \d+.*remove"):
        train_emlnet(data[0], tmp_path, validation=data[1], **options)


def test_a_finished_training_is_only_read(data, trained, monkeypatch):
    for name in ("Taps", "fit"):
        monkeypatch.setattr(emlnet, name, None)
    again = train_emlnet(data[0], trained.path.parent, validation=data[1], **QUIET)
    assert again.history.equals(trained.history)


@pytest.mark.slow
def test_a_dead_decoder_is_said(data, tmp_path):
    """Weights below 0 before the last rectifier: no pixel, and no gradient, comes through."""
    model = EMLNet(form="paper", backbones=TOY, size=SIZE, device="cpu")
    with torch.no_grad():
        model.network.decoder.combined[0].weight.fill_(-1)
    model.save(tmp_path / "dead.pth")
    options = QUIET | {"weights": None, "start": tmp_path / "dead.pth"}
    with pytest.warns(UserWarning, match=r"decoder predicts constant maps .*lower learn"):
        train_emlnet(data[0], tmp_path / "out", validation=data[1], **options)


class Negative(torch.nn.Module):
    """Features that are all below 0."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Conv2d(3, 6, 1)
        with torch.no_grad():
            self.last.weight.abs_().neg_()
            self.last.bias.zero_()

    def forward(self, images):
        return self.last(images)


def _itself(network):
    return network


def test_the_papers_maps_begin_alive_whatever_the_sign_of_features(data):
    """A dense block ends without a rectifier, so its features are of both signs."""
    negative = Backbone("negative", Negative, _itself, ("last",), 6)
    network = EMLNetwork({"one": negative, "two": SEES["red"]}, "paper").eval()
    images = torch.from_numpy(
        np.stack([s.rgb for s in data[0].stimuli[:4]]).transpose(0, 3, 1, 2) / 255
    ).float()
    one, two = network.encoders
    with torch.no_grad():
        assert not one(images).any()  # as it is made
        for encoder in (one, two):
            encoder.awaken(images)
        network.decoder.awaken([e.taps(images) for e in (one, two)])
        assert one(images).any()
        assert (two.outputs[0][0].weight >= 0).all()  # rectified features: as they were
        assert network(images).std() > 0


@pytest.mark.slow
def test_one_more_encoder(data, trained, tmp_path):
    """Those that are trained are not trained again; the decoder is, as it depends on all."""
    folder = tmp_path / "more"
    shutil.copytree(trained.path.parent, folder)
    more = QUIET | {"backbones": SEES, "weights": dict.fromkeys(SEES, "random")}
    with pytest.raises(InputError, match=r"decoder' holds a training under other conditions"):
        train_emlnet(data[0], folder, validation=data[1], **more)
    shutil.rmtree(folder / "decoder")
    done = train_emlnet(data[0], folder, validation=data[1], **more)
    for name in TOY:
        own = read_tensors(folder / f"encoder-{name}" / "final.pth")
        before = read_tensors(trained.path.parent / f"encoder-{name}" / "final.pth")
        assert all(torch.equal(tensor, before[key]) for key, tensor in own.items())
    assert done.model(device="cpu").network.names == ("red", "green", "blue")


def test_images_to_train_and_validate_on(data, tmp_path):
    short = QUIET | {"encoder_recipe": ENCODER.changed(max_epochs=1)}
    with pytest.warns(UserWarning, match="32 images of 'some' are in training and in validation"):
        train_emlnet(data[0], tmp_path, validation=data[0], **short)


def test_start_tells_form_and_frame(trained, data, tmp_path):
    options = QUIET | {"weights": None, "size": None, "start": trained.path}
    with pytest.raises(InputError, match=r"has the public form; leave out form='paper'"):
        train_emlnet(data[0], tmp_path, form="paper", **options)
    short = ENCODER.changed(max_epochs=1)
    options |= {"encoder_recipe": short, "decoder_recipe": short}
    assert train_emlnet(data[0], tmp_path, **options).model(device="cpu").frame == Frame(SIZE)


def test_another_training_in_the_folder(data, trained, tmp_path):
    folder = trained.path.parent
    with pytest.raises(
        InputError, match=r"under other conditions: loss \(was 'eml-net', is 'mse'\)"
    ):
        train_emlnet(data[0], folder, validation=data[1], loss="mse", **QUIET)
    wider = Dataset("some", data[0].stimuli.with_scale(sigma=9.0), data[0].fixations)
    with pytest.raises(InputError, match=r"other conditions: sigma.0 \(was 3.0, is 9.0\)"):
        train_emlnet(wider, folder, validation=data[1], **QUIET)
    fewer = salmetrics.subsample(data[0], 900, of="fixations")
    with pytest.raises(InputError, match=r"under other conditions: data.0.fixations"):
        train_emlnet(fewer, folder, validation=data[1], **QUIET)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": "old"}, "form must be one of"),
        ({"loss": "l1"}, "loss must be one of"),
        ({"n_threads": 2.5}, "n_threads must be"),
        ({"encoder_recipe": "quick"}, "recipe must be one of"),
        ({"decoder_recipe": 3}, "decoder_recipe must be a Recipe, or the name of one; got 3"),
        ({"seed": 2**70}, "seed must be below"),
        ({"backbones": [1]}, "backbones must be a mapping from names"),
        ({"backbones": {"a": "resnet"}}, "backbone of encoder 'a' must be a Backbone; got 'resn"),
        ({"backbones": {"../a": SEES["red"]}}, r"names of encoders must be .*got \['../a'\]"),
        ({"weights": "random"}, r"weights must be a mapping .*got 'random'"),
        ({"keep_taps": "no"}, "keep_taps must be one of"),
        ({"weights": {}}, "encoder 'red' needs weights of sees-red: give the file"),
        ({"weights": {"blue": "random"}}, "encoder in weights must be one of"),
        ({"weights": {"red": "nowhere.pth", "green": "random"}}, "nowhere.pth"),
        ({"start": "nowhere.pth"}, "give weights or start, not both"),
        ({"size": (8, 8)}, "at least 32 pixels"),
        ({"seed": -1}, "seed must be"),
        ({"encoder_recipe": ENCODER.changed(keep="best")}, "encoder_recipe needs validation"),
        ({"decoder_recipe": DECODER.changed(average="fixation")}, "no average over fixations"),
        ({"form": "paper", "keep_taps": True}, "keep_taps is for the public form"),
        ({"sigma": -1.0}, "sigma must be a positive number"),
    ],
)
def test_wrong_options(data, tmp_path, options, text):
    with pytest.raises(InputError, match=text):
        train_emlnet(data[0], tmp_path, **QUIET | options)


def test_wrong_data(data, tmp_path):
    point = Fixations.from_arrays([1], [1], [0], n_images=1)
    sizes = Dataset("x", Stimuli.from_sizes([SIZE]), point)
    with pytest.raises(
        InputError, match=r"training needs the pixels of images; .* has only a size"
    ):
        train_emlnet(sizes, tmp_path, **QUIET)
    images = Stimuli.from_arrays([np.zeros((40, 40, 3), np.uint8)] * 2, ["a", "b"])
    unknown = Dataset("x", images, Fixations.from_arrays([1, 1], [1, 1], [0, 1], n_images=2))
    with pytest.raises(InputError, match="the width of the empirical maps is not known"):
        train_emlnet(unknown, tmp_path, **QUIET)
    none = Dataset("x", images, Fixations.from_arrays([1], [1], [0], n_images=2))
    short = QUIET | {"encoder_recipe": ENCODER.changed(max_epochs=1)}
    with pytest.warns(UserWarning, match="1 of 2 images of 'x' have no fixations"):
        train_emlnet(none, tmp_path / "1", sigma=2.0, **short)
