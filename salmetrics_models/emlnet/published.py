"""Names of tensors in the three files that the authors of EML-NET published."""

from __future__ import annotations

import re

from salmetrics_models.emlnet.network import Decoder, Encoder

__all__ = ["decoder_names", "encoder_names"]


def encoder_names(encoder: Encoder) -> dict[str, str]:
    """Return our name of each tensor of an encoder, by its published name.

    In published files, tensors of the backbone have the names of torchvision, and tap i is called
    output{i}.
    """
    names = {}
    for key in encoder.state_dict():
        theirs = re.sub(r"^outputs\.(\d+)\.", r"output\1.", key)
        names[theirs.removeprefix("network.")] = key
    return names


def decoder_names(decoder: Decoder) -> dict[str, str]:
    """Return our name of each tensor of the decoder, by its published name."""
    encoders = ("img_model", "pla_model")  # ImageNet, Places
    names = {}
    for key in decoder.state_dict():
        theirs = re.sub(r"^maps\.(\d+)\.", lambda m: f"{encoders[int(m[1])]}.", key)
        names[theirs] = key
    return names
