"""Train EML-NET piece by piece on images of which each encoder sees a part that others do not.

    python checks/emlnet.py [--out FOLDER]

Each image has a red, a green and a blue blob; people look at the red and the green one. One encoder
sees only red, the other only green. In the public form they are small networks, then two ResNet-50;
in the paper's form they are small networks (NASNet-Large and DenseNet-161 of the paper would take
hours from random weights). Each piece must learn, and both encoders together must be better than
either alone.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

import salmetrics
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.networks import resnet_trunk
from salmetrics_models.emlnet.network import RESNET_50
from salmetrics_models.training import RECIPES, train_emlnet
from tests.salmetrics_models.toy_backbones import COLOURS, SEES, blobs


class OneColourResNet(nn.Module):
    """A ResNet-50 that sees one channel of the image, repeated three times."""

    def __init__(self, channel):
        super().__init__()
        self.channel = channel
        self.network = RESNET_50.make()

    def forward(self, images):
        one = images[:, self.channel : self.channel + 1]
        return resnet_trunk(self.network)(one.expand(-1, 3, -1, -1))


def itself(network):
    return network


def resnet(colour):
    layers = tuple(f"network.{layer}" for layer in RESNET_50.layers)
    make = partial(OneColourResNet, COLOURS.index(colour))
    return Backbone(f"resnet-50-{colour}", make, itself, layers, RESNET_50.channels)


def trained(form, backbones, out, size, encoder, decoder):
    data, tested = (
        blobs(n, lambda i: [0, 1], size=size, seed=n, name=name)
        for n, name in ((96, "trained"), (48, "tested"))
    )
    began = time.monotonic()
    done = train_emlnet(
        data,
        out,
        validation=tested,
        form=form,
        backbones=backbones,
        weights=dict.fromkeys(backbones, "random"),
        size=size,
        encoder_recipe=encoder,
        decoder_recipe=decoder,
        device="cpu",
    )
    print(
        f"\n{form} form, {', '.join(b.name for b in backbones.values())}: "
        f"{time.monotonic() - began:.0f} s"
    )
    for piece, rows in done.history.groupby("piece", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        print(
            f"  {piece}: loss on validation {first['validation_loss']:.3f} -> "
            f"{last['validation_loss']:.3f}, NSS {first['NSS']:.3f} -> {last['NSS']:.3f}, "
            f"CC {first['CC']:.3f} -> {last['CC']:.3f}"
        )
        assert last["validation_loss"] < first["validation_loss"]
    model = done.model(device="cpu", sigma=0)
    models = {"both": model} | {name: model.alone(name) for name in backbones}
    scored = salmetrics.evaluate(models, *tested, metrics=["NSS", "CC", "AUC"], progress=False)
    print(scored)
    for name in backbones:
        for metric in ("NSS", "CC", "AUC"):
            row = scored.compare("both", name).loc[(metric, "both", name)]
            print(
                f"  both - {name} alone, {metric}: {row['difference']:.3f} "
                f"({row['low']:.3f} to {row['high']:.3f})"
            )
            assert row["low"] > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out or Path(tempfile.mkdtemp())
    encoder, decoder = RECIPES["emlnet-encoder"], RECIPES["emlnet-decoder"]
    toy = {name: SEES[name] for name in ("red", "green")}
    quick = encoder.changed(learning_rate=0.1, max_epochs=12, milestones=(8,))
    slow = decoder.changed(batch_size=8, max_epochs=10)
    trained("paper", toy, out / "paper", (64, 64), quick, slow)
    slow = slow.changed(max_epochs=20, milestones=(15,))
    trained("public", toy, out / "toy", (64, 64), quick, slow)
    resnets = {name: resnet(name) for name in ("red", "green")}
    long = encoder.changed(learning_rate=0.03, max_epochs=12, milestones=(9,))
    trained("public", resnets, out / "resnet", (96, 96), long, slow)


if __name__ == "__main__":
    main()
